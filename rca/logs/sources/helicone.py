"""Helicone's export of requests."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, between_ms, first, has


def _sniff(record: Record) -> float:
    if has(record, "request_created_at", "delay_ms"):
        return 1.0
    return 0.8 if has(record, "request_created_at", "response_status") else 0.0


_CODE = "try_cast({response_status} as integer)"

SOURCE = Source(
    name="helicone",
    title="Helicone requests",
    sniff=_sniff,
    columns={
        "ts": "{request_created_at}",
        "request_id": "{request_id}",
        "provider": "{provider}",
        "model": first("{request_model}", "{model_override}", "{model}", "{response_model}"),
        "model_version": first("{response_model}", "{model}"),
        "latency_ms": first(
            "{delay_ms}", between_ms("{request_created_at}", "{response_created_at}")
        ),
        "ttft_ms": "{time_to_first_token}",
        "input_tokens": "{prompt_tokens}",
        "output_tokens": "{completion_tokens}",
        "total_tokens": "{total_tokens}",
        "cached_input_tokens": "{prompt_cache_read_tokens}",
        "cache_write_tokens": "{prompt_cache_write_tokens}",
        "cost_usd": first("{costUSD}", "{cost_usd}", "{cost}"),
        "http_status": f"case when {_CODE} between 100 and 599 then {{response_status}} end",
        # Helicone marks its own outcomes with codes below 100: -2 is pending, -3 cancelled.
        "status": f"case when {_CODE} in (-2, -3) then 'unfinished' when {_CODE} = 429 then "
        f"'rate_limited' when {_CODE} in (408, 504) then 'timeout' when {_CODE} >= 400 or "
        f"{_CODE} < 0 then 'error' when {_CODE} is not null then 'ok' end",
        "user_id": first("{request_user_id}", "{user_id}"),
        "session_id": first(
            '{request_properties|"Helicone-Session-Id"}', '{properties|"Helicone-Session-Id"}'
        ),
        "prompt_version": '{request_properties|"Helicone-Prompt-Version"}',
        "label": "{feedback_rating}",
        "input": "{request_body}",
        "output": "{response_body}",
    },
    token_rule="unknown",
    extras=("request_properties", "properties", ""),
    ignored=frozenset({"request_body", "response_body", "scores", "request_path", "costUSD"}),
    gives="time, latency, first token, model, tokens, cost, HTTP status, user, properties, rating",
    lacks="retries; how cached tokens are counted",
)
