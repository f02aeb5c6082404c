"""LangSmith runs: of the SDK, of the bulk export, and the batches that the SDK sends."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has


def _rows(documents: str) -> str:
    """Return runs; a batch's post and patch of one run are laid over each other."""
    both = "list_concat(json_extract(doc_, '$.post[*]'), json_extract(doc_, '$.patch[*]'))"
    batch = "json_type(doc_, '$.post') = 'ARRAY' or json_type(doc_, '$.patch') = 'ARRAY'"
    merged = (
        "select any_value(file_) as file_, json_merge_patch(min_by(part_, nth_), "
        "max_by(part_, nth_)) as row_ from (select file_, part_, "
        "case when json_exists(part_, '$.end_time') then 1 else 0 end as nth_ "
        f"from (select file_, unnest({both}) as part_ from {documents} where {batch}) as p_"
        ") as n_ group by json_extract_string(part_, '$.id')"
    )
    whole = "coalesce(json_type(doc_, '$.post'), json_type(doc_, '$.patch')) is null"
    single = f"select file_, doc_ as row_ from {documents} where doc_ is null or {whole}"
    return f"{single} union all {merged}"


_META = "extra.metadata"
_USAGE = ("outputs.usage_metadata", "extra.metadata.usage_metadata")


def _usage(path: str) -> list[str]:
    return [f"{{{place}.{path}}}" for place in _USAGE]


def _sniff(record: Record) -> float:
    if has(record, "trace_id", "dotted_order", "run_type"):
        return 1.0
    for part in ("post", "patch"):
        runs = record.get(part)
        if isinstance(runs, list) and runs and isinstance(runs[0], dict):
            return 1.0 if "dotted_order" in runs[0] else 0.5
    return 0.7 if has(record, "run_type", "start_time", "inputs") else 0.0


SOURCE = Source(
    name="langsmith",
    title="LangSmith runs",
    sniff=_sniff,
    rows=_rows,
    columns={
        "ts": "{start_time}",
        "request_id": "{id}",
        "trace_id": "{trace_id}",
        "parent_id": "{parent_run_id}",
        "name": "{name}",
        "service": "{session_name}",
        "provider": f"{{{_META}.ls_provider}}",
        "model": first(f"{{{_META}.ls_model_name}}", "{inputs.model}"),
        "model_version": first("{outputs.model}", "{outputs.response_metadata.model_name}"),
        "app_version": f"{{{_META}.revision_id}}",
        "prompt_version": f"{{{_META}.lc_hub_commit_hash}}",
        "operation": "{run_type}",
        "latency_ms": between_ms("{start_time}", "{end_time}"),
        "ttft_ms": between_ms(
            "{start_time}",
            first(
                "{first_token_time}",
                "case when {events[0].name} = 'new_token' then {events[0].time} end",
            ),
        ),
        "input_tokens": first(
            "{prompt_tokens}", *_usage("input_tokens"), "{outputs.usage.prompt_tokens}"
        ),
        "output_tokens": first(
            "{completion_tokens}", *_usage("output_tokens"), "{outputs.usage.completion_tokens}"
        ),
        "total_tokens": first("{total_tokens}", *_usage("total_tokens")),
        "cached_input_tokens": first(
            "{prompt_token_details|cache_read}", *_usage("input_token_details.cache_read")
        ),
        "cache_write_tokens": first(
            "{prompt_token_details|cache_creation}", *_usage("input_token_details.cache_creation")
        ),
        "reasoning_tokens": first(
            "{completion_token_details|reasoning}", *_usage("output_token_details.reasoning")
        ),
        "cost_usd": first("{total_cost}", *_usage("total_cost")),
        "status": "case when nullif({end_time}, '') is null then 'unfinished' "
        "when nullif({error}, '') is null and lower(coalesce({status}, '')) <> 'error' then 'ok' "
        "when regexp_matches(lower({error}), 'timeout|timed out') then 'timeout' "
        "when regexp_matches(lower({error}), 'rate.?limit') then 'rate_limited' else 'error' end",
        "error_message": "{error}",
        "error_type": "nullif(regexp_extract({error}, '^([A-Za-z_.]+(Error|Exception|Timeout))', "
        "1), '')",
        "finish_reason": "{outputs.choices[0].finish_reason}",
        # A run's session_id is its project: conversations are named in the metadata.
        "session_id": first(
            f"{{{_META}.session_id}}", f"{{{_META}.thread_id}}", f"{{{_META}.conversation_id}}"
        ),
        "user_id": f"{{{_META}.user_id}}",
        "input": "{inputs}",
        "output": "{outputs}",
    },
    left_out="case when lower({run_type}) in ('llm', 'embedding') then null "
    "else 'a step that is no call of a model' end",
    call_only=True,
    token_rule="inclusive",
    extras=("extra.metadata",),
    ignored=frozenset({"usage_metadata"}),
    gives="time, latency, first token, model, tokens, cost, errors, revision, metadata",
    lacks="HTTP status, retries; its session_id is the project; feedback is exported apart",
    seen="real",
)
