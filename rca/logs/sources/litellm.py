"""LiteLLM: rows of the proxy's spend table, and the payload that its loggers are given."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has, times

_STATUS = (
    "case when {code} in ('429') or {kind} like '%ratelimit%' then 'rate_limited' "
    "when {code} in ('408', '504') or {kind} like '%timeout%' then 'timeout' "
    "when {kind} like '%contentpolicy%' then 'blocked' "
    "when lower({state}) in ('failure', 'error') then 'error' "
    "when lower({state}) = 'success' then 'ok' when nullif({ends}, '') is null then 'unfinished' "
    "else 'ok' end"
)
#: A call that does not stream has its first token when it ends: that measures nothing.
_TTFT = (
    "case when {completionStartTime} <> {endTime} then "
    + between_ms("{startTime}", "{completionStartTime}")
    + " end"
)


def _status(code: str, kind: str, state: str) -> str:
    return (
        _STATUS.replace("{code}", code)
        .replace("{kind}", f"lower({kind})")
        .replace("{state}", state)
        .replace("{ends}", "{endTime}")
    )


def _text(name: str) -> str:
    return f"case when length({{{name}}}) > 2 then {{{name}}} end"


_SHARED = {
    "ts": "{startTime}",
    "provider": "{custom_llm_provider}",
    "model": first("{model_group}", "{model}"),
    "model_version": "{model}",
    "operation": "{call_type}",
    "ttft_ms": _TTFT,
    "input_tokens": "{prompt_tokens}",
    "output_tokens": "{completion_tokens}",
    "total_tokens": "{total_tokens}",
    "retries": "{metadata|attempted_retries}",
    "fallback_from": "{metadata|original_model_group}",
    "input": _text("messages"),
    "output": _text("response"),
}
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")
_IGNORED = frozenset(
    {
        *("messages", "response", "metadata", "proxy_server_request", "hidden_params"),
        *("endTime", "completionStartTime", "startTime", "spend", "cache_key", "error_str"),
        *("model_map_information", "model_parameters", "requester_ip_address"),
        *("guardrail_information", "standard_built_in_tools_params", "cost_breakdown"),
        *("custom_llm_provider", "call_type", "prompt_tokens", "completion_tokens", "id"),
        *("error_information", "response_time", "response_cost", "model_id", "saved_cache_cost"),
    }
)


def _sniff_spend(record: Record) -> float:
    return 1.0 if has(record, "request_id", "spend", "startTime") else 0.0


def _sniff_payload(record: Record) -> float:
    if has(record, "response_cost", "hidden_params"):
        return 1.0
    return 0.8 if has(record, "response_cost", "startTime", "custom_llm_provider") else 0.0


SPEND = Source(
    name="litellm-spend",
    title="LiteLLM spend logs",
    sniff=_sniff_spend,
    columns=_SHARED
    | {
        "request_id": "{request_id}",
        "session_id": "{session_id}",
        "latency_ms": first("{request_duration_ms}", between_ms("{startTime}", "{endTime}")),
        "cached_input_tokens": first(
            f"{{metadata|usage_object.{_DETAILS[0]}.cached_tokens}}",
            "{metadata|usage_object.cache_read_input_tokens}",
            "{metadata|additional_usage_values.cache_read_input_tokens}",
        ),
        "cache_write_tokens": first(
            "{metadata|usage_object.cache_creation_input_tokens}",
            "{metadata|additional_usage_values.cache_creation_input_tokens}",
        ),
        "reasoning_tokens": f"{{metadata|usage_object.{_DETAILS[1]}.reasoning_tokens}}",
        "cost_usd": "{spend}",
        "status": _status(
            "{metadata|error_information.error_code}",
            "{metadata|error_information.error_class}",
            first("{status}", "{metadata|status}"),
        ),
        "error_type": "{metadata|error_information.error_class}",
        "error_message": "{metadata|error_information.error_message}",
        "http_status": "nullif({metadata|error_information.error_code}, '')",
        "user_id": first("{end_user}", "{user}"),
        "tenant": first("{team_id}", "{organization_id}", "{metadata|user_api_key_team_id}"),
    },
    token_rule="inclusive",
    extras=("",),
    ignored=_IGNORED,
    gives="time, latency, first token, model group and model, tokens, spend, errors, retries, "
    "fallbacks, user, team",
    lacks="scores; texts unless they are stored; a failed call has no tokens though it may cost",
    seen="real",
)

PAYLOAD = Source(
    name="litellm-payload",
    title="LiteLLM StandardLoggingPayload",
    sniff=_sniff_payload,
    columns=_SHARED
    | {
        "request_id": "{id}",
        "trace_id": "{trace_id}",
        "latency_ms": first(times("{response_time}", 1e3), between_ms("{startTime}", "{endTime}")),
        "cached_input_tokens": first(
            f"{{response|usage.{_DETAILS[0]}.cached_tokens}}",
            "{response|usage.cache_read_input_tokens}",
        ),
        "cache_write_tokens": "{response|usage.cache_creation_input_tokens}",
        "reasoning_tokens": f"{{response|usage.{_DETAILS[1]}.reasoning_tokens}}",
        "finish_reason": "{response|choices[0].finish_reason}",
        "cost_usd": "{response_cost}",
        "status": _status(
            "{error_information.error_code}", "{error_information.error_class}", "{status}"
        ),
        "error_type": "{error_information.error_class}",
        "error_message": first("{error_information.error_message}", "{error_str}"),
        "http_status": "nullif({error_information.error_code}, '')",
        "user_id": first("{end_user}", "{metadata.user_api_key_end_user_id}"),
        "tenant": first("{metadata.user_api_key_team_id}", "{metadata.user_api_key_org_id}"),
    },
    token_rule="inclusive",
    extras=("",),
    ignored=_IGNORED,
    gives="as the spend logs, with the finish reason, the texts and the prices used",
    lacks="scores",
    seen="real",
)
