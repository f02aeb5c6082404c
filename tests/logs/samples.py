"""Exports written from the published field tables, for sources of which no real file is at hand.

Each is one request of 2026-03-01 10:00:00 UTC that took 1.5 s, with 100 tokens in and 20 out.
"""

from __future__ import annotations

import base64
from typing import Any

NS = 1_772_359_200_000_000_000


def attributes(**values: Any) -> list[dict[str, Any]]:
    """Return OTLP attributes; a dot in a name is written as two underscores."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}
    return [
        {
            "key": name.replace("__", "."),
            "value": {kinds[type(value)]: str(value) if type(value) is int else value},
        }
        for name, value in values.items()
    ]


def otlp(span_attributes: list[dict[str, Any]], **span: Any) -> dict[str, Any]:
    """Return one request of the collector with one span."""
    whole = {
        "traceId": "t1",
        "spanId": "s1",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(NS),
        "endTimeUnixNano": str(NS + 1_500_000_000),
        "attributes": span_attributes,
        "status": {"code": 1},
    }
    resource = {"attributes": attributes(service__name="qa", service__version="1.4.0")}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [whole | span]}]}]}


PHOENIX: dict[str, Any] = {
    "name": "ChatCompletion",
    "span_kind": "LLM",
    "parent_id": "p1",
    "start_time": "2026-03-01T10:00:00+00:00",
    "end_time": "2026-03-01T10:00:01.500000+00:00",
    "status_code": "OK",
    "status_message": "",
    "events": [],
    "context.span_id": "s1",
    "context.trace_id": "t1",
    "attributes.llm.model_name": "gpt-4o",
    "attributes.llm.provider": "openai",
    "attributes.llm.token_count.prompt": 100,
    "attributes.llm.token_count.completion": 20,
    "attributes.llm.token_count.prompt_details.cache_read": 40,
    "attributes.llm.cost.total": 0.01,
    "attributes.session.id": "conv",
    "attributes.openinference.span.kind": "LLM",
}

LANGFUSE_EXPORT: dict[str, Any] = {
    "id": "o1",
    "trace_id": "t1",
    "type": "GENERATION",
    "start_time": "2026-03-01 10:00:00.000",
    "end_time": "2026-03-01 10:00:01.500",
    "completion_start_time": "2026-03-01 10:00:00.300",
    "name": "answer",
    "provided_model_name": "gpt-4o",
    "usage_details": {
        "input": 60,
        "cache_read_input_tokens": 40,
        "output": 20,
        "total": 120,
    },
    "cost_details": {"input": 0.008, "output": 0.002, "total": 0.01},
    "total_cost": 0.01,
    "level": "DEFAULT",
    "status_message": None,
    "prompt_version": 7,
    "environment": "production",
    "latency": 1.5,
    "time_to_first_token": 0.3,
    "metadata": {"region": "eu"},
}

LANGFUSE_API: dict[str, Any] = {
    "id": "o1",
    "traceId": "t1",
    "type": "GENERATION",
    "startTime": "2026-03-01T10:00:00.000Z",
    "endTime": "2026-03-01T10:00:01.500Z",
    "completionStartTime": "2026-03-01T10:00:00.300Z",
    "model": "gpt-4o",
    "usageDetails": {"input": 100, "output": 20, "total": 120, "cache_read_input_tokens": 40},
    "calculatedTotalCost": 0.01,
    "level": "ERROR",
    "statusMessage": "Request timed out",
    "promptVersion": 7,
    "environment": "production",
    "metadata": {"region": "eu"},
}

LANGSMITH: dict[str, Any] = {
    "id": "r1",
    "trace_id": "t1",
    "dotted_order": "20260301T100000000000Zr1",
    "run_type": "llm",
    "name": "ChatOpenAI",
    "start_time": "2026-03-01T10:00:00",
    "end_time": "2026-03-01T10:00:01.500000",
    "first_token_time": "2026-03-01T10:00:00.300000",
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "total_cost": "0.01",
    "session_id": "a-project",
    "status": "success",
    "error": None,
    "inputs": {},
    "outputs": {},
    "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o", "region": "eu"}},
}

OPENAI_USAGE: dict[str, Any] = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": NS // 10**9,
            "end_time": NS // 10**9 + 86_400,
            "results": [
                {
                    "object": "organization.usage.completions.result",
                    "input_tokens": 1000,
                    "output_tokens": 200,
                    "input_cached_tokens": 400,
                    "num_model_requests": 10,
                    "project_id": "p",
                    "user_id": None,
                    "api_key_id": "key",
                    "model": "gpt-4o",
                }
            ],
        }
    ],
    "has_more": False,
}

OPENAI_COSTS: dict[str, Any] = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": NS // 10**9,
            "end_time": NS // 10**9 + 86_400,
            "results": [
                {
                    "object": "organization.costs.result",
                    "amount": {"value": 0.06, "currency": "usd"},
                    "line_item": "gpt-4o, output",
                    "project_id": "p",
                }
            ],
        }
    ],
}

HELICONE: dict[str, Any] = {
    "request_id": "r1",
    "request_created_at": "2026-03-01T10:00:00.000Z",
    "response_created_at": "2026-03-01T10:00:01.500Z",
    "response_status": 200,
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-2024-08-06",
    "provider": "OPENAI",
    "delay_ms": 1500,
    "time_to_first_token": 300,
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "costUSD": 0.01,
    "request_user_id": "u1",
    "request_properties": {"region": "eu", "Helicone-Session-Id": "conv"},
    "request_body": {"messages": []},
}

_WEAVE: dict[str, Any] = {
    "project_id": "e/p",
    "trace_id": "t1",
    "started_at": "2026-03-01T10:00:00.000000Z",
    "ended_at": "2026-03-01T10:00:01.500000Z",
    "attributes": {"region": "eu", "weave": {"client_version": "0.51"}},
    "inputs": {},
    "output": "hello",
    "exception": None,
    "wb_user_id": "u1",
    "thread_id": "conv",
}
_WEAVE_USAGE = {"gpt-4o": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}
#: The call above repeats the usage of the call below: only the one below is a request.
WEAVE: list[dict[str, Any]] = [
    _WEAVE
    | {
        "id": "above",
        "parent_id": None,
        "op_name": "weave:///e/p/op/answer:abc",
        "summary": {"usage": _WEAVE_USAGE, "weave": {"latency_ms": 1600}},
    },
    _WEAVE
    | {
        "id": "below",
        "parent_id": "above",
        "op_name": "weave:///e/p/op/openai.chat.completions.create:def",
        "inputs": {"model": "gpt-4o"},
        "summary": {
            "usage": _WEAVE_USAGE,
            "weave": {"latency_ms": 1500, "status": "success", "trace_name": "openai.chat"},
        },
    },
]

_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "r1",
    "source": "http://localhost:9081/",
    "inferenceservicename": "fraud",
    "namespace": "prod",
    "endpoint": "canary",
    "component": "predictor",
}
KSERVE: list[dict[str, Any]] = [
    _EVENT
    | {
        "type": "org.kubeflow.serving.inference.request",
        "time": "2026-03-01T10:00:00Z",
        "data": {"instances": [[1, 2]]},
    },
    _EVENT
    | {
        "type": "org.kubeflow.serving.inference.response",
        "time": "2026-03-01T10:00:01.5Z",
        "data": {"predictions": [1]},
    },
]

SAGEMAKER: dict[str, Any] = {
    "captureData": {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": base64.b64encode(b"1,2,3").decode(),
            "encoding": "BASE64",
        },
        "endpointOutput": {
            "observedContentType": "text/csv; charset=utf-8",
            "mode": "OUTPUT",
            "data": "0.75",
            "encoding": "CSV",
        },
    },
    "eventMetadata": {"eventId": "r1", "inferenceTime": "2026-03-01T10:00:00Z"},
    "eventVersion": "0",
}

_RESPONSE = (
    '{"model": "gpt-4o", "choices": [{"finish_reason": "stop"}], '
    '"usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}'
)
_TABLE = {"databricks_request_id": "r1", "client_request_id": None, "status_code": 200}
_SERVED = {"requester": "u1", "served_entity_id": "e7", "request": "{}", "response": _RESPONSE}
#: The three generations of the table.
DATABRICKS: dict[str, dict[str, Any]] = {
    "1": _TABLE
    | {
        "timestamp_ms": NS // 10**6,
        "execution_time_ms": 1500,
        "sampling_fraction": 0.5,
        "request": "{}",
        "response": _RESPONSE,
        "request_metadata": {"model_name": "m", "model_version": "e7", "endpoint_name": "qa"},
    },
    "2": _TABLE
    | _SERVED
    | {
        "request_time": "2026-03-01T10:00:00Z",
        "execution_duration_ms": 1500,
        "sampling_fraction": 0.5,
        "logging_error_codes": [],
    },
    "3": _TABLE
    | _SERVED
    | {"event_time": "2026-03-01T10:00:00Z", "latency_ms": 1500, "sampling_fraction": 0.5},
}

INSPECT_EVAL: dict[str, Any] = {
    "run_id": "run",
    "created": "2026-03-01T10:00:00+00:00",
    "task": "maths",
    "model": "openai/gpt-4o",
    "revision": {"type": "git", "commit": "abc"},
}
INSPECT_SAMPLE: dict[str, Any] = {
    "id": "q1",
    "epoch": 1,
    "input": "1 + 1?",
    "target": "2",
    "output": {"model": "gpt-4o-2024-08-06", "completion": "2", "stop_reason": "stop"},
    "scores": {"match": {"value": "C", "answer": "2"}},
    "model_usage": {
        "openai/gpt-4o": {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
    },
    "total_time": 1.5,
    "error": None,
    "metadata": {"region": "eu"},
}
