"""OTLP JSON: what the OpenTelemetry collector's file exporter and SDK exporters write."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, has
from rca.logs.sources.spans import PARTS, not_a_call, span_columns

_VALUE = (
    '{"stringValue":"JSON","intValue":"JSON","doubleValue":"JSON","boolValue":"JSON",'
    '"arrayValue":"JSON","kvlistValue":"JSON"}'
)
_ATTRIBUTES = f'[{{"key":"VARCHAR","value":{_VALUE}}}]'
_EVENTS = f'[{{"name":"VARCHAR","attributes":{_ATTRIBUTES}}}]'
_SPAN = (
    '{"traceId":"VARCHAR","spanId":"VARCHAR","parentSpanId":"VARCHAR","name":"VARCHAR",'
    '"startTimeUnixNano":"VARCHAR","endTimeUnixNano":"VARCHAR",'
    '"status":{"code":"VARCHAR","message":"VARCHAR"},'
    f'"attributes":{_ATTRIBUTES},"events":{_EVENTS}}}'
)
_REQUEST = (
    f'{{"resourceSpans":[{{"resource":{{"attributes":{_ATTRIBUTES}}},'
    f'"scopeSpans":[{{"spans":[{_SPAN}]}}],'
    f'"instrumentationLibrarySpans":[{{"spans":[{_SPAN}]}}]}}]}}'
)


def _object(attributes: str) -> str:
    """Return a list of attributes as one JSON object.

    It is written as text, which is the fastest way by half and bears a name that comes twice.
    """
    value = (
        "coalesce(x.value.stringValue, x.value.intValue, x.value.doubleValue, x.value.boolValue, "
        "to_json(json_extract(x.value.arrayValue, '$.values[*].*')), x.value.kvlistValue, 'null')"
    )
    fields = f"list_transform({attributes}, lambda x: to_json(x.key) || ':' || {value})"
    return f"'{{' || coalesce(array_to_string({fields}, ','), '') || '}}'"


def _rows(documents: str) -> str:
    fault = "list_filter(span_.events, lambda e: e.name = 'exception')[1].attributes"
    return (
        # The row's own JSON is not needed, and would repeat a whole request for each span.
        f"select file_, cast(here_ as json) as row_, {_object('span_.attributes')} as attrs, "
        f"{_object('resource_')} as resource, {_object(fault)} as fault, "
        "span_.startTimeUnixNano as start_, span_.endTimeUnixNano as end_, "
        "span_.status.code as state_, span_.status.message as message_, "
        "span_.spanId as span_id_, span_.parentSpanId as parent_id_, "
        "span_.traceId as trace_id_, span_.name as name_ from ("
        "select file_, here_, resource_, unnest(case when here_ is null then [null] "
        "else spans_ end) as span_ from ("
        "select file_, here_, group_.resource.attributes as resource_, flatten(list_transform("
        "list_concat(coalesce(group_.scopeSpans, []), "
        "coalesce(group_.instrumentationLibrarySpans, [])), lambda s: s.spans)) as spans_ from ("
        "select file_, case when doc_ is not null then '0' end as here_, "
        "unnest(case when doc_ is null then [null] "
        f"else from_json(doc_, '{_REQUEST}').resourceSpans end) as group_ from {documents}"
        ") as groups_) as lists_) as spans_"
    )


def _sniff(record: Record) -> float:
    return 1.0 if has(record, "resourceSpans") else 0.0


SPANS = Source(
    name="otlp",
    title="OTLP spans (OpenTelemetry collector or SDK)",
    sniff=_sniff,
    rows=_rows,
    parts=PARTS,
    columns=span_columns(),
    left_out=not_a_call(),
    call_only=True,
    token_rule="inclusive",
    extras=("attrs", "resource"),
    gives="time, latency, first chunk, model and its version, tokens, status, service, session",
    lacks="cost (unless a price table is given), retries, scores of most producers",
    seen="real",
)


def _other(key: str, what: str) -> Source:
    return Source(
        name=f"otlp-{what}",
        title=f"OTLP {what}",
        sniff=lambda record: 1.0 if key in record else 0.0,
        columns={},
        holds_requests=False,
        lacks=f"requests: OTLP {what} hold no spans. Export the traces",
    )


OTHERS = (_other("resourceMetrics", "metrics"), _other("resourceLogs", "logs"))
