"""One parser for "a span with attributes", whoever named the attributes.

OpenTelemetry's GenAI conventions of every generation, OpenLLMetry, OpenInference (Phoenix),
Langfuse over OTLP and MLflow differ in names only. A span comes in as a row with the columns
``start_``, ``end_``, ``state_``, ``message_``, ``span_id_``, ``parent_id_``, ``trace_id_``,
``name_`` and the JSON objects ``attrs`` (dotted names), ``resource`` and ``fault`` (attributes of
its exception event).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rca.logs.sources.base import between_ms, first, times, when, words

PARTS = (
    "attrs",
    "resource",
    "fault",
    "start_",
    "end_",
    "state_",
    "message_",
    "span_id_",
    "parent_id_",
    "trace_id_",
    "name_",
)

#: Attributes of spans, best first.
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "provider": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "mlflow.llm.provider",
    ),
    "model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.model_name",
        "llm.request.model",
        "langfuse.observation.model.name",
        "mlflow.llm.model",
        "gen_ai.response.model",
    ),
    "model_version": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "llm.response.model",
    ),
    "app_version": ("langfuse.release", "langfuse.version", "gen_ai.agent.version"),
    "prompt_version": (
        "llm.prompt_template.version",
        "langfuse.observation.prompt.version",
        "gen_ai.prompt.version",
        "mlflow.prompt.version",
    ),
    "operation": (
        "gen_ai.operation.name",
        "openinference.span.kind",
        "langfuse.observation.type",
        "mlflow.spanType",
        "traceloop.span.kind",
        "llm.request.type",
    ),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
    ),
    "total_tokens": (
        "gen_ai.usage.total_tokens",
        "llm.token_count.total",
        "llm.usage.total_tokens",
    ),
    "cached_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "cost_usd": ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.cost.total_cost"),
    "session_id": (
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "mlflow.trace.session",
        "traceloop.association.properties.session_id",
    ),
    "user_id": (
        "user.id",
        "enduser.id",
        "langfuse.user.id",
        "mlflow.trace.user",
        "traceloop.association.properties.user_id",
    ),
    "tenant": ("tenant.id", "organization.id"),
    "environment": ("deployment.environment.name", "langfuse.environment"),
    "http_status": ("http.response.status_code", "http.status_code"),
    "retries": ("gen_ai.request.retry_count", "http.request.resend_count"),
    "score": ("gen_ai.evaluation.score.value",),
    "score_name": ("gen_ai.evaluation.name",),
    "input": (
        "gen_ai.input.messages",
        "input.value",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "gen_ai.prompt.0.content",
    ),
    "output": (
        "gen_ai.output.messages",
        "output.value",
        "langfuse.observation.output",
        "mlflow.spanOutputs",
        "gen_ai.completion.0.content",
    ),
}
_REASONS = ("gen_ai.response.finish_reasons", "gen_ai.completion.0.finish_reason")
_FIRST_CHUNK_S = "gen_ai.response.time_to_first_chunk"
_FIRST_CHUNK_AT = "langfuse.observation.completion_start_time"

#: Operations that are one call of a model, lower case.
CALLS = (
    "chat",
    "completion",
    "text_completion",
    "generate_content",
    "embeddings",
    "embedding",
    "rerank",
    "reranker",
    "llm",
    "generation",
    "chat_model",
)
_STATES = {
    "0": "ok",
    "1": "ok",
    "2": "error",
    "unset": "ok",
    "ok": "ok",
    "error": "error",
    "status_code_unset": "ok",
    "status_code_ok": "ok",
    "status_code_error": "error",
    "in_progress": "unfinished",
}


def span_columns(*, nested: bool = False, quoted: bool = False) -> dict[str, str]:
    """Return the canonical columns of a span.

    Parameters
    ----------
    nested : bool
        Whether an attribute may also stand as objects within objects.
    quoted : bool
        Whether the values are JSON texts within JSON (a name reads ``"\\"gpt\\""``).
    """

    def take(names: Iterable[str]) -> str:
        found = [f'{{attrs|"{name}"}}' for name in names]
        if nested:
            found += [f"{{attrs|{name}}}" for name in names]
        return first(*(_unquoted(x) for x in found) if quoted else found)

    columns = {name: take(names) for name, names in ATTRIBUTES.items()}
    columns["environment"] = first(
        columns["environment"],
        '{resource|"deployment.environment.name"}',
        '{resource|"deployment.environment"}',
    )
    columns["app_version"] = first('{resource|"service.version"}', columns["app_version"])
    reason = first(*(f'{{attrs|"{name}"}}' for name in _REASONS))
    fault = first('{attrs|"error.type"}', '{fault|"exception.type"}', '{attrs|"exception.type"}')
    chunk_at = f'{{attrs|"{_FIRST_CHUNK_AT}"}}'
    return columns | {
        "ts": "start_",
        "request_id": "span_id_",
        "trace_id": "trace_id_",
        "parent_id": "nullif(parent_id_, '')",
        "name": "name_",
        "service": '{resource|"service.name"}',
        "latency_ms": between_ms("start_", "end_"),
        "ttft_ms": first(
            times(f'{{attrs|"{_FIRST_CHUNK_S}"}}', 1e3),
            between_ms("start_", f"trim({chunk_at}, '\"')"),
        ),
        "finish_reason": f"nullif(regexp_extract({reason}, '[A-Za-z_]+'), '')",
        "error_type": fault,
        "error_message": first('{fault|"exception.message"}', "message_"),
        "status": _status(fault, reason),
    }


def _unquoted(x: str) -> str:
    return f"case when json_valid({x}) then json_extract_string({x}, '$') else {x} end"


def _status(fault: str, reason: str) -> str:
    return (
        f"case when nullif(end_, '') is null or end_ = '0' then 'unfinished' "
        f"when regexp_matches(lower({fault}), 'timeout|timed_out|deadline') then 'timeout' "
        f"when regexp_matches(lower({fault}), 'rate_?limit|^429$') then 'rate_limited' "
        f"when {words('state_', _STATES)} = 'error' then 'error' "
        f"when {reason} like '%content_filter%' then 'blocked' "
        f"when nullif({fault}, '') is not null then 'error' "
        f"else coalesce({words('state_', _STATES)}, 'ok') end"
    )


def not_a_call(*, nested: bool = False, quoted: bool = False) -> str:
    """Return why a span is no call of a model: null when it is one."""
    columns = span_columns(nested=nested, quoted=quoted)
    kind = f"lower({columns['operation']})"
    calls = ", ".join(f"'{word}'" for word in CALLS)
    return (
        f"case when {when('start_')} is null then 'a span without a time' "
        f"when {kind} in ({calls}) then null "
        f"when {kind} is null and {columns['model']} is not null "
        f"and coalesce({columns['input_tokens']}, {columns['output_tokens']}) is not null "
        f"then null else 'a step that is no call of a model' end"
    )
