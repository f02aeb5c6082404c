"""Langfuse: observations of the blob export (snake case) and of the API and UI (camel case)."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has, times

_CALLS = "'generation', 'embedding'"


def _usage(field: str, *keys: str) -> list[str]:
    return [f"{{{field}|{key}}}" for key in keys]


def _columns(names: dict[str, str]) -> dict[str, str]:
    """Return the columns of an observation, in one of Langfuse's two spellings."""

    def at(name: str) -> str:
        return f"{{{names.get(name, name)}}}"

    usage, cost = (
        names.get("usage_details", "usage_details"),
        names.get("cost_details", "cost_details"),
    )
    start, end = at("start_time"), at("end_time")
    fault = f"lower({at('status_message')})"
    return {
        "ts": start,
        "request_id": "{id}",
        "trace_id": at("trace_id"),
        "parent_id": at("parent_observation_id"),
        "name": "{name}",
        "model": first(at("provided_model_name"), "{model}", at("model_id")),
        "model_version": first("{model}", at("provided_model_name")),
        "app_version": first("{release}", "{version}"),
        "prompt_version": first(at("prompt_version")),
        "operation": "lower({type})",
        "latency_ms": first(between_ms(start, end), times("{latency}", 1e3)),
        "ttft_ms": first(
            between_ms(start, at("completion_start_time")),
            times(at("time_to_first_token"), 1e3),
        ),
        "input_tokens": first(*_usage(usage, "input"), "{usage|input}", at("prompt_tokens")),
        "output_tokens": first(*_usage(usage, "output"), "{usage|output}", at("completion_tokens")),
        "total_tokens": first(*_usage(usage, "total"), "{usage|total}", at("total_tokens")),
        "cached_input_tokens": first(
            *_usage(usage, "cache_read_input_tokens", "input_cached_tokens", "input_cache_read")
        ),
        "cache_write_tokens": first(
            *_usage(usage, "cache_creation_input_tokens", "input_cache_creation")
        ),
        "reasoning_tokens": first(
            *_usage(usage, "output_reasoning_tokens", "output_reasoning", "reasoning_tokens")
        ),
        "cost_usd": first(at("total_cost"), f"{{{cost}|total}}", at("calculated_total_cost")),
        "status": f"case when nullif({end}, '') is null then 'unfinished' "
        f"when upper({{level}}) = 'ERROR' and {fault} like '%timed out%' then 'timeout' "
        f"when upper({{level}}) = 'ERROR' and {fault} like '%rate limit%' then 'rate_limited' "
        "when upper({level}) = 'ERROR' then 'error' else 'ok' end",
        "error_message": f"case when upper({{level}}) = 'ERROR' then {at('status_message')} end",
        "environment": "{environment}",
        "user_id": at("user_id"),
        "session_id": at("session_id"),
        "input": "{input}",
        "output": "{output}",
    }


_CAMEL = {
    "start_time": "startTime",
    "end_time": "endTime",
    "trace_id": "traceId",
    "parent_observation_id": "parentObservationId",
    "provided_model_name": "providedModelName",
    "model_id": "modelId",
    "prompt_version": "promptVersion",
    "completion_start_time": "completionStartTime",
    "time_to_first_token": "timeToFirstToken",
    "prompt_tokens": "promptTokens",
    "completion_tokens": "completionTokens",
    "total_tokens": "totalTokens",
    "usage_details": "usageDetails",
    "cost_details": "costDetails",
    "total_cost": "totalCost",
    "calculated_total_cost": "calculatedTotalCost",
    "status_message": "statusMessage",
    "user_id": "userId",
    "session_id": "sessionId",
}
_LEFT_OUT = (
    f"case when lower({{type}}) in ({_CALLS}) then null "
    "else 'a step that is no call of a model' end"
)
_IGNORED = frozenset(
    {
        *("metadata", "input", "output", "latency", "level", "type", "status_message"),
        *("statusMessage", "model_parameters", "modelParameters", "usage", "unit"),
        *("created_at", "updated_at", "createdAt", "updatedAt", "project_id", "projectId"),
        *("usage_details", "cost_details", "usageDetails", "costDetails", "completionStartTime"),
        *("inputPrice", "outputPrice", "totalPrice", "tool_definitions", "tool_calls"),
    }
)
_GIVES = (
    "time, latency, first token, model, prompt version, release, tokens by kind, cost, errors, "
    "user and session (where the export has them), environment"
)


def _sniff_export(record: Record) -> float:
    return 1.0 if has(record, "provided_model_name", "usage_details") else 0.0


def _sniff_api(record: Record) -> float:
    if "providedModelName" in record or "calculatedTotalCost" in record:
        return 1.0
    if has(record, "traceId", "startTime", "usageDetails"):
        return 1.0
    return 0.7 if has(record, "traceId", "startTime", "level", "type") else 0.0


def _unpaged(documents: str) -> str:
    """Return observations; a page of the API holds them under ``data``."""
    return (
        "select file_, unnest(case when doc_ is null then [null] "
        "when json_type(doc_, '$.data') = 'ARRAY' and json_type(doc_, '$.id') is null "
        f"then json_extract(doc_, '$.data[*]') else [doc_] end) as row_ from {documents}"
    )


def _sniff_page(record: Record) -> float:
    data = record.get("data")
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return max(_sniff_api(data[0]), _sniff_export(data[0]))
    return 0.0


EXPORT = Source(
    name="langfuse-export",
    title="Langfuse blob export (observations)",
    sniff=_sniff_export,
    columns=_columns({}),
    left_out=_LEFT_OUT,
    call_only=True,
    token_rule="unknown",
    extras=("metadata", ""),
    ignored=_IGNORED,
    gives=_GIVES,
    lacks="HTTP status, retries; scores and, before observations_v2, users stand in other files",
)
API = Source(
    name="langfuse-api",
    title="Langfuse API or UI (observations)",
    sniff=lambda record: max(_sniff_api(record), _sniff_page(record)),
    rows=_unpaged,
    columns=_columns(_CAMEL),
    left_out=_LEFT_OUT,
    call_only=True,
    token_rule="unknown",
    extras=("metadata", ""),
    ignored=_IGNORED,
    gives=_GIVES,
    lacks="HTTP status, retries; scores come from another call",
)


def _sniff_traces(record: Record) -> float:
    if has(record, "timestamp", "user_id", "session_id", "bookmarked"):
        return 0.9
    return 0.9 if has(record, "timestamp", "userId", "sessionId", "bookmarked") else 0.0


def _sniff_scores(record: Record) -> float:
    named = has(record, "name", "value") and ("string_value" in record or "stringValue" in record)
    return 0.9 if named and ("trace_id" in record or "traceId" in record) else 0.0


OTHERS = (
    Source(
        name="langfuse-traces",
        title="Langfuse traces",
        sniff=_sniff_traces,
        columns={
            "trace_id": "{id}",
            "user_id": first("{user_id}", "{userId}"),
            "session_id": first("{session_id}", "{sessionId}"),
            "app_version": first("{release}", "{version}"),
            "environment": "{environment}",
            "service": "{name}",
        },
        holds_requests=False,
        lacks="tokens and cost: give the observations",
        completes=frozenset({"langfuse-export", "langfuse-api"}),
    ),
    Source(
        name="langfuse-scores",
        title="Langfuse scores",
        sniff=_sniff_scores,
        columns={},
        holds_requests=False,
        lacks="requests: give the observations",
    ),
)
