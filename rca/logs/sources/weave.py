"""Weights & Biases Weave calls."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has


def _rows(documents: str) -> str:
    """Return calls with the first model of their usage, and whether a call below has usage too.

    Weave adds the usage of the calls below to the call above: counting both would count twice.
    """
    used = "json_type(doc_, '$.summary.usage') = 'OBJECT'"
    parents = (
        "select distinct json_extract_string(doc_, '$.parent_id') as parent_ from "
        f"{documents} where {used} and len(json_keys(doc_, '$.summary.usage')) > 0"
    )
    model = "json_keys(doc_, '$.summary.usage')[1]"
    # A model's name has dots and slashes: it is quoted in the path.
    usage = f"""json_extract(doc_, '$.summary.usage."' || replace({model}, '"', '') || '"')"""
    return (
        "select file_, doc_ as row_, cast(usage_ as varchar) as usage, model_, above_ from ("
        f"select file_, doc_, case when {used} then {model} end as model_, "
        f"case when {used} then {usage} end as usage_, "
        f"json_extract_string(doc_, '$.id') in (select parent_ from ({parents}) as p_ "
        f"where parent_ is not null) as above_ from {documents}) as calls_"
    )


def _sniff(record: Record) -> float:
    return 1.0 if has(record, "op_name", "started_at") else 0.0


_ERROR = "lower({exception})"

SOURCE = Source(
    name="weave",
    title="W&B Weave calls",
    sniff=_sniff,
    rows=_rows,
    parts=("usage", "model_", "above_"),
    columns={
        "ts": "{started_at}",
        "request_id": "{id}",
        "trace_id": "{trace_id}",
        "parent_id": "{parent_id}",
        "name": first("{summary|weave.trace_name}", "{display_name}", "{op_name}"),
        "model": first("{inputs|model}", "model_"),
        "model_version": "model_",
        "operation": "regexp_extract({op_name}, '(?:.*/op/)?([^:]+)', 1)",
        "latency_ms": first("{summary|weave.latency_ms}", between_ms("{started_at}", "{ended_at}")),
        "input_tokens": first("{usage|prompt_tokens}", "{usage|input_tokens}"),
        "output_tokens": first("{usage|completion_tokens}", "{usage|output_tokens}"),
        "total_tokens": "{usage|total_tokens}",
        "cached_input_tokens": first(
            "{usage|prompt_tokens_details.cached_tokens}", "{usage|cache_read_input_tokens}"
        ),
        "cache_write_tokens": "{usage|cache_creation_input_tokens}",
        "reasoning_tokens": "{usage|completion_tokens_details.reasoning_tokens}",
        "cost_usd": "{summary|weave.costs.total_cost}",
        "status": "case when nullif({ended_at}, '') is null then 'unfinished' "
        f"when regexp_matches({_ERROR}, 'timeout|timed out') then 'timeout' "
        f"when regexp_matches({_ERROR}, 'rate.?limit') then 'rate_limited' "
        "when nullif({exception}, '') is not null or {summary|weave.status} = 'error' "
        "then 'error' else 'ok' end",
        "error_message": "{exception}",
        "error_type": "nullif(regexp_extract({exception}, "
        "'([A-Za-z_.]+(Error|Exception))', 1), '')",
        "user_id": first("{wb_username}", "{wb_user_id}"),
        "session_id": "{thread_id}",
        "input": "{inputs}",
        "output": "{output}",
    },
    left_out="case when model_ is null or above_ then 'a step that is no call of a model' end",
    call_only=True,
    token_rule="unknown",
    extras=("attributes",),
    ignored=frozenset({"weave"}),
    gives="time, latency, model, tokens, exception, user, thread, attributes",
    lacks="HTTP status, retries, version of the app; cost only where it was asked for",
)
