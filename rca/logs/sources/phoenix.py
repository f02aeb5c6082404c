"""Spans that are already flat rows or objects: OpenInference as Phoenix and its SDK write it."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, first, has
from rca.logs.sources.spans import PARTS, not_a_call, span_columns


def _rows(documents: str) -> str:
    """Return spans whose attributes stand in ``attributes`` or in columns ``attributes.NAME``."""

    def take(*paths: str) -> str:
        return first(*(f"json_extract_string(doc_, '$.{path}')" for path in paths))

    inside = "json_extract(doc_, '$.attributes')"
    flat = """replace(cast(doc_ as varchar), '"attributes.', '"')"""
    fault = "json_extract(json_extract(doc_, '$.events'), '$[0].attributes')"
    return (
        f"select file_, doc_ as row_, cast(coalesce({inside}, {flat}) as varchar) as attrs, "
        "cast(json_extract(doc_, '$.resource.attributes') as varchar) as resource, "
        f"cast({fault} as varchar) as fault, "
        f"{take('start_time', 'startTime')} as start_, {take('end_time', 'endTime')} as end_, "
        f"{take('status_code', 'status.status_code', 'statusCode')} as state_, "
        f"{take('status_message', 'status.description', 'statusMessage')} as message_, "
        f"{take('context.span_id', quoted('context.span_id'), 'span_id', 'spanId')} as span_id_, "
        f"{take('parent_id', 'parentId', 'parent_span_id')} as parent_id_, "
        f"{take('context.trace_id', quoted('context.trace_id'), 'trace_id')} as trace_id_, "
        f"{take('name')} as name_ from {documents}"
    )


def quoted(key: str) -> str:
    """Return a JSON path of one key that has dots in it."""
    return f'"{key}"'


def _sniff(record: Record) -> float:
    context = record.get("context")
    spans = "context.span_id" in record or (isinstance(context, dict) and "span_id" in context)
    if spans and any(key.startswith("attributes") for key in record):
        return 1.0
    return 0.6 if spans and has(record, "start_time") else 0.0


def _with_kind(template: str) -> str:
    return template.replace(
        "nullif({attrs|\"gen_ai.operation.name\"}, '')",
        "nullif({attrs|\"gen_ai.operation.name\"}, ''), nullif({span_kind}, '')",
    )


_COLUMNS = span_columns(nested=True)

SOURCE = Source(
    name="phoenix",
    title="OpenInference spans (Arize Phoenix)",
    sniff=_sniff,
    rows=_rows,
    parts=PARTS,
    columns=_COLUMNS | {"operation": _with_kind(_COLUMNS["operation"])},
    left_out=_with_kind(not_a_call(nested=True)),
    call_only=True,
    token_rule="inclusive",
    extras=("attrs",),
    gives="time, latency, model, tokens, cost, status, exception, session, user, prompt version",
    lacks="retries; annotations are exported in a file of their own",
)
