"""All readers of request exports, and which of them a record belongs to."""

from __future__ import annotations

from rca.logs.sources import (
    bentoml,
    helicone,
    inspect_eval,
    langfuse,
    langsmith,
    litellm,
    mlflow,
    openai_usage,
    otlp,
    phoenix,
    serving,
    weave,
)
from rca.logs.sources.base import Record, Source

SOURCES: tuple[Source, ...] = (
    otlp.SPANS,
    phoenix.SOURCE,
    langfuse.EXPORT,
    langfuse.API,
    langsmith.SOURCE,
    litellm.SPEND,
    litellm.PAYLOAD,
    openai_usage.SOURCE,
    helicone.SOURCE,
    weave.SOURCE,
    mlflow.SOURCE,
    serving.CLOUDEVENTS,
    serving.SAGEMAKER,
    serving.DATABRICKS,
    inspect_eval.SOURCE,
)
#: Exports that belong to a request log's tools but hold no requests.
OTHERS: tuple[Source, ...] = (*otlp.OTHERS, *langfuse.OTHERS, bentoml.SCHEMA)

#: Below this a record is an unknown table.
SURE = 0.5


def identify(record: Record) -> tuple[Source, float] | None:
    """Return the source that claims a record most, and how sure it is (from 0 to 1).

    >>> source, sure = identify({"request_id": "r", "spend": 0.1, "startTime": "2026-03-01"})
    >>> source.name, sure
    ('litellm-spend', 1.0)
    >>> identify({"timestamp": "2026-03-01", "latency_ms": 3}) is None
    True
    """
    claims = [(source.sniff(record), source) for source in (*SOURCES, *OTHERS)]
    sure, source = max(claims, key=lambda claim: claim[0])
    return (source, sure) if sure >= SURE else None
