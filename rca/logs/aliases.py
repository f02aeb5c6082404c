"""Other names that exports give to the canonical columns of a request log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

ColumnType = Literal["time", "number", "flag", "text", "status"]

#: Canonical columns and what their values are.
CANONICAL: Mapping[str, ColumnType] = {
    "ts": "time",
    "request_id": "text",
    "trace_id": "text",
    "service": "text",
    "environment": "text",
    "provider": "text",
    "model": "text",
    "model_version": "text",
    "app_version": "text",
    "prompt_version": "text",
    "operation": "text",
    "latency_ms": "number",
    "ttft_ms": "number",
    "retrieval_ms": "number",
    "input_tokens": "number",
    "cached_input_tokens": "number",
    "output_tokens": "number",
    "reasoning_tokens": "number",
    "cost_usd": "number",
    "status": "status",
    "error_type": "text",
    "http_status": "number",
    "retries": "number",
    "finish_reason": "text",
    "user_id": "text",
    "session_id": "text",
    "tenant": "text",
    "prediction": "text",
    "label": "text",
    "score": "number",
    "correct": "flag",
    "flagged": "flag",
    "input": "text",
    "output": "text",
    "weight": "number",
}

#: Names in flat exports, best first; a factor turns the unit named into the canonical one.
ALIASES: Mapping[str, Mapping[str, float]] = {
    "ts": dict.fromkeys(
        (
            "timestamp",
            "start_time",
            "started_at",
            "request_time",
            "event_time",
            "created_at",
            "request_created_at",
            "datetime",
            "date_time",
            "time",
            "@timestamp",
            "logged_at",
            "inference_time",
            "created",
        ),
        1.0,
    ),
    "request_id": dict.fromkeys(("requestid", "req_id", "call_id", "inference_id", "id"), 1.0),
    "trace_id": {"traceid": 1.0},
    "environment": {"env": 1.0, "deployment_environment": 1.0},
    "service": {"service_name": 1.0},
    "provider": {"custom_llm_provider": 1.0, "llm_provider": 1.0, "provider_name": 1.0},
    "model": {"model_name": 1.0, "request_model": 1.0, "llm_model_name": 1.0},
    "model_version": {"modelversion": 1.0, "version": 1.0},
    "app_version": {"release": 1.0, "service_version": 1.0, "code_version": 1.0},
    "prompt_version": {"prompt_template_version": 1.0, "template_version": 1.0},
    "operation": {"endpoint": 1.0, "operation_name": 1.0, "call_type": 1.0},
    "latency_ms": {
        "duration_ms": 1.0,
        "elapsed_ms": 1.0,
        "response_time_ms": 1.0,
        "request_duration_ms": 1.0,
        "execution_time_ms": 1.0,
        "delay_ms": 1.0,
        "latency_s": 1000.0,
        "latency_seconds": 1000.0,
        "duration_s": 1000.0,
        "duration_seconds": 1000.0,
        "elapsed_time": 1000.0,
        # These name no unit: the reader decides by the median, and says so.
        "latency": 1.0,
        "duration": 1.0,
        "response_time": 1.0,
    },
    "ttft_ms": {"time_to_first_token_ms": 1.0, "first_token_ms": 1.0, "ttft_s": 1000.0},
    "retrieval_ms": {"retrieval_latency_ms": 1.0, "vector_store_ms": 1.0, "search_ms": 1.0},
    "input_tokens": dict.fromkeys(
        ("prompt_tokens", "context_tokens", "tokens_in", "request_tokens", "n_input_tokens"), 1.0
    ),
    "cached_input_tokens": {"cached_tokens": 1.0, "cache_read_input_tokens": 1.0},
    "output_tokens": dict.fromkeys(
        (
            "completion_tokens",
            "generated_tokens",
            "tokens_out",
            "response_tokens",
            "answer_token",
            "n_output_tokens",
        ),
        1.0,
    ),
    "reasoning_tokens": {"thinking_tokens": 1.0},
    "cost_usd": {"spend": 1.0, "cost": 1.0, "total_cost": 1.0, "costusd": 1.0, "price_usd": 1.0},
    "status": {"outcome": 1.0, "state": 1.0, "result_status": 1.0},
    "error_type": {"error_code": 1.0, "error_class": 1.0, "exception_type": 1.0},
    "http_status": {"status_code": 1.0, "response_status": 1.0, "http_status_code": 1.0},
    "retries": {"retry_count": 1.0, "attempted_retries": 1.0, "num_retries": 1.0},
    "finish_reason": {"stop_reason": 1.0},
    "user_id": {"user": 1.0, "end_user": 1.0, "userid": 1.0, "request_user_id": 1.0},
    "session_id": {"session": 1.0, "conversation_id": 1.0, "thread_id": 1.0},
    "tenant": {"tenant_id": 1.0, "customer": 1.0, "customer_id": 1.0, "org_id": 1.0},
    "prediction": {"y_pred": 1.0, "predicted": 1.0, "predicted_label": 1.0},
    "label": {"y_true": 1.0, "target": 1.0, "ground_truth": 1.0, "actual": 1.0},
    "score": {"y_pred_proba": 1.0, "probability": 1.0, "confidence": 1.0, "y_score": 1.0},
    "correct": {"is_correct": 1.0},
    "flagged": {"is_flagged": 1.0, "unsafe": 1.0, "safety_flag": 1.0},
    "input": {"prompt": 1.0, "query": 1.0, "question": 1.0, "request": 1.0},
    "output": {"answer": 1.0, "response": 1.0, "completion": 1.0},
    "weight": {"sample_weight": 1.0},
}


def normal(name: str) -> str:
    """Return a column name in snake case.

    >>> normal("ContextTokens"), normal("Start Time"), normal("costUSD")
    ('context_tokens', 'start_time', 'cost_usd')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^0-9a-zA-Z@]+", "_", spaced).strip("_").lower()


def match_columns(names: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Return, for each canonical column found, the name it has here and the unit's factor.

    A canonical name wins over its aliases, and an earlier alias over a later one.

    >>> match_columns(["TIMESTAMP", "ContextTokens", "region"])
    {'ts': ('TIMESTAMP', 1.0), 'input_tokens': ('ContextTokens', 1.0)}
    """
    by_normal: dict[str, str] = {}
    for name in names:
        by_normal.setdefault(normal(name), name)
    found: dict[str, tuple[str, float]] = {}
    for column in CANONICAL:
        for spelling, factor in ({column: 1.0} | dict(ALIASES.get(column, {}))).items():
            here = by_normal.get(spelling)
            if here is not None and here not in (taken for taken, _ in found.values()):
                found[column] = (here, factor)
                break
    return found
