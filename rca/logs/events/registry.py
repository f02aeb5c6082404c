"""All readers of event exports, and which of them a record belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rca.logs.events.canonical import CANONICAL
from rca.logs.events.source import Source

SOURCES: tuple[Source, ...] = (CANONICAL,)


def sniff(record: Mapping[str, Any]) -> tuple[Source, float]:
    """Return the source that claims a record most, and its confidence from 0 to 1.

    Examples
    --------
    >>> source, confidence = sniff({"ts": "2026-03-01", "kind": "deploy"})
    >>> source.name, confidence
    ('canonical', 0.3)
    """
    claims = [(source.sniff(record), source) for source in SOURCES]
    confidence, source = max(claims, key=lambda claim: claim[0])
    return source, confidence
