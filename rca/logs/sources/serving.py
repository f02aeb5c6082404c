"""Logs of model servers: CloudEvents, SageMaker data capture, Databricks inference tables."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has


def _event(name: str) -> str:
    """Return an attribute of a CloudEvent, as the body or the HTTP binding names it."""
    return first(
        f"json_extract_string(doc_, '$.{name}')", f"""json_extract_string(doc_, '$."ce-{name}"')"""
    )


def _pairs(documents: str) -> str:
    """Return one row per id: the request, with the response's time and data beside it."""
    event = (
        f"select file_, doc_, {_event('id')} as id_, {_event('type')} as type_, "
        f"{_event('time')} as time_, json_extract_string(doc_, '$.data') as data_ "
        f"from {documents} where doc_ is not null"
    )

    def of(kind: str, value: str) -> str:
        return f"min({value}) filter (where type_ like '%.{kind}')"

    paired = (
        f"select any_value(file_) as file_, any_value(doc_) as row_, id_, "
        f"coalesce({of('request', 'time_')}, min(time_)) as start_, "
        f"{of('response', 'time_')} as end_, {of('request', 'data_')} as input_, "
        f"{of('response', 'data_')} as output_, count(*) as n_events_ from ({event}) as e_ "
        "group by coalesce(id_, cast(doc_ as varchar)), id_"
    )
    broken = (
        "select file_, null as row_, null as id_, null as start_, null as end_, null as input_, "
        f"null as output_, 1 as n_events_ from {documents} where doc_ is null"
    )
    return f"{paired} union all {broken}"


def _sniff_events(record: Record) -> float:
    kind = str(record.get("type") or record.get("ce-type") or "")
    marked = "specversion" in record or "ce-specversion" in record
    if "inference" in kind and (marked or "ce-id" in record or has(record, "id", "source")):
        return 1.0
    return 0.6 if marked and kind else 0.0


CLOUDEVENTS = Source(
    name="kserve",
    title="KServe and Seldon request logger (CloudEvents)",
    sniff=_sniff_events,
    rows=_pairs,
    parts=("id_", "start_", "end_", "input_", "output_", "n_events_"),
    columns={
        "ts": "start_",
        "request_id": "id_",
        "latency_ms": between_ms("start_", "end_"),
        "service": first("{inferenceservicename}", '{"ce-inferenceservicename"}'),
        "environment": first("{namespace}", '{"ce-namespace"}'),
        "operation": first("{component}", '{"ce-component"}'),
        "model_version": first("{endpoint}", '{"ce-endpoint"}'),
        "status": "case when end_ is null then 'unfinished' else 'ok' end",
        "input": "input_",
        "output": "output_",
    },
    gives="time, latency (request to response), service, namespace, component, payloads",
    lacks="tokens, cost, errors, users; the tabular record has no time and is not read",
    caveats=("a row is a pair of request and response events: they come two to a row",),
)


def _data(side: str) -> str:
    place = f"captureData.{side}"
    plain = f"{{{place}.data}}"
    return (
        f"case when upper({{{place}.encoding}}) = 'BASE64' "
        f"then decode(from_base64({plain})) else {plain} end"
    )


_CAPTURED = (
    "case when upper({captureData.endpointOutput.encoding}) = 'CSV' "
    "then try_cast(split_part(trim({captureData.endpointOutput.data}), ',', 1) as double) end"
)
#: The hour of a capture stands in its path, after the endpoint and its variant.
_PATH = "([^/]+)/([^/]+)/[0-9]+/[0-9]+/[0-9]+/[0-9]+/[^/]+$"

SAGEMAKER = Source(
    name="sagemaker",
    title="SageMaker data capture",
    sniff=lambda record: 1.0 if "captureData" in record else 0.0,
    columns={
        "ts": "{eventMetadata.inferenceTime}",
        "request_id": first("{eventMetadata.inferenceId}", "{eventMetadata.eventId}"),
        "service": f"nullif(regexp_extract(file_, '{_PATH}', 1), '')",
        "model_version": f"nullif(regexp_extract(file_, '{_PATH}', 2), '')",
        "prediction": f"cast({_CAPTURED} as varchar)",
        "score": f"cast({_CAPTURED} as varchar)",
        "input": _data("endpointInput"),
        "output": _data("endpointOutput"),
    },
    gives="time, payloads, a prediction where the output is CSV; endpoint and variant by the path",
    lacks="latency, tokens, cost, errors, users; labels are exported apart",
)


def _sniff_databricks(record: Record) -> float:
    return 1.0 if "databricks_request_id" in record else 0.0


_CODE = "try_cast({status_code} as integer)"

DATABRICKS = Source(
    name="databricks",
    title="Databricks inference tables",
    sniff=_sniff_databricks,
    columns={
        "ts": first("{timestamp_ms}", "{request_time}", "{event_time}"),
        "request_id": "{databricks_request_id}",
        "latency_ms": first("{execution_time_ms}", "{execution_duration_ms}", "{latency_ms}"),
        "ttft_ms": "{time_to_first_byte_ms}",
        "service": "{request_metadata|endpoint_name}",
        "model": first("{request_metadata|model_name}", "{response|model}"),
        "model_version": first("{request_metadata|model_version}", "{served_entity_id}"),
        "http_status": "{status_code}",
        "status": f"case when {_CODE} = 429 then 'rate_limited' when {_CODE} in (408, 504) then "
        f"'timeout' when {_CODE} >= 400 then 'error' when {_CODE} is not null then 'ok' end",
        "error_type": "nullif(trim({logging_error_codes}, '[]\"'), '')",
        "user_id": "{requester}",
        "input_tokens": first("{response|usage.prompt_tokens}", "{response|usage.input_tokens}"),
        "output_tokens": first(
            "{response|usage.completion_tokens}", "{response|usage.output_tokens}"
        ),
        "total_tokens": "{response|usage.total_tokens}",
        "cached_input_tokens": "{response|usage.prompt_tokens_details.cached_tokens}",
        "finish_reason": "{response|choices[0].finish_reason}",
        "weight": "cast(1e0 / nullif(try_cast({sampling_fraction} as double), 0) as varchar)",
        "input": "{request}",
        "output": "{response}",
    },
    token_rule="inclusive",
    extras=("",),
    ignored=frozenset(
        {
            *("date", "request_date", "timestamp_ms", "request_time", "event_time", "request"),
            *("response", "request_metadata", "sampling_fraction", "execution_time_ms"),
            *("execution_duration_ms", "status_code", "requester", "logging_error_codes"),
        }
    ),
    gives="time, latency, endpoint, model version, HTTP status, requester, tokens in the response",
    lacks="cost; calls refused with 401, 403, 429 or 500 may not be logged at all",
    caveats=("Databricks may not log calls refused with 401, 403, 429 or 500",),
)
