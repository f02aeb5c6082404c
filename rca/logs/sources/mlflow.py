"""MLflow traces: ``Trace.to_json()`` lines and the table of ``search_traces()``."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, first
from rca.logs.sources.spans import PARTS, not_a_call, span_columns


def _rows(documents: str) -> str:
    """Return spans, each with what its trace says of itself in ``about``."""

    def text(*paths: str) -> str:
        return first(*(f"json_extract_string(span_, '$.{path}')" for path in paths))

    about = "coalesce(json_extract(doc_, '$.info'), doc_)"
    spans = (
        "coalesce(json_extract(doc_, '$.data.spans'), "
        "cast(case when json_valid(json_extract_string(doc_, '$.spans')) "
        "then json_extract_string(doc_, '$.spans') end as json))"
    )
    fault = "json_extract(json_extract(span_, '$.events'), '$[0].attributes')"
    return (
        "select file_, case when doc_ is null then null else about_ end as row_, "
        "cast(json_extract(span_, '$.attributes') as varchar) as attrs, "
        "cast(null as varchar) as resource, "
        f"cast({fault} as varchar) as fault, "
        f"{text('start_time_unix_nano', 'start_time')} as start_, "
        f"{text('end_time_unix_nano', 'end_time')} as end_, "
        f"{text('status.code', 'status_code')} as state_, "
        f"{text('status.message', 'status_message')} as message_, "
        f"{text('span_id', 'context.span_id')} as span_id_, "
        f"{text('parent_span_id', 'parent_id')} as parent_id_, "
        "coalesce(json_extract_string(about_, '$.trace_id'), "
        "json_extract_string(about_, '$.request_id')) as trace_id_, "
        f"{text('name')} as name_, n_calls_ from (select *, unnest(case when spans_ is null "
        "then [null] else json_extract(spans_, '$[*]') end) as span_ from ("
        "select *, len(list_filter(json_extract(spans_, '$[*].attributes'), "
        """lambda a: a->>'$."mlflow.chat.tokenUsage"' is not null)) as n_calls_ from ("""
        f"select file_, doc_, {about} as about_, {spans} as spans_ from {documents}"
        ") as a_) as b_) as c_"
    )


_COLUMNS = span_columns(quoted=True)
_TOKENS = '{attrs|"mlflow.chat.tokenUsage"}'
#: A trace's cost is its calls': it is taken where there is one, even when that one failed.
_COST = first(
    """json_extract_string({attrs|"mlflow.llm.cost"}, '$.total_cost')""",
    "case when n_calls_ = 1 and " + _TOKENS + " is not null then "
    """json_extract_string({trace_metadata|"mlflow.trace.cost"}, '$.total_cost') end""",
)


def _token(name: str) -> str:
    return first(f"json_extract_string({_TOKENS}, '$.{name}')")


def _left_out() -> str:
    plain = not_a_call(quoted=True)
    return plain.replace(
        "case when ",
        f"case when {_TOKENS} is not null then null when ",
        1,
    )


def _sniff(record: Record) -> float:
    info, data = record.get("info"), record.get("data")
    if isinstance(info, dict) and isinstance(data, dict) and "spans" in data:
        return 1.0
    return 1.0 if {"trace_id", "trace_metadata", "spans"} <= set(record) else 0.0


SOURCE = Source(
    name="mlflow",
    title="MLflow traces",
    sniff=_sniff,
    rows=_rows,
    parts=(*PARTS, "n_calls_"),
    columns=_COLUMNS
    | {
        "input_tokens": first(_token("input_tokens"), _COLUMNS["input_tokens"]),
        "output_tokens": first(_token("output_tokens"), _COLUMNS["output_tokens"]),
        "total_tokens": first(_token("total_tokens"), _COLUMNS["total_tokens"]),
        "cached_input_tokens": first(_token("cache_read_input_tokens")),
        "cache_write_tokens": first(_token("cache_creation_input_tokens")),
        "cost_usd": _COST,
        "session_id": first('{trace_metadata|"mlflow.trace.session"}', _COLUMNS["session_id"]),
        "user_id": first('{trace_metadata|"mlflow.trace.user"}', _COLUMNS["user_id"]),
        "model_version": first('{trace_metadata|"mlflow.modelId"}', _COLUMNS["model_version"]),
        "service": '{tags|"mlflow.traceName"}',
        "app_version": first("{tags|release}", '{trace_metadata|"mlflow.source.git.commit"}'),
    },
    left_out=_left_out(),
    call_only=True,
    token_rule="unknown",
    extras=("tags",),
    gives="time, latency, model, tokens, cost, state, exception, user, session, tags",
    lacks="HTTP status, retries; a failed call still carries a cost",
    seen="real",
)
