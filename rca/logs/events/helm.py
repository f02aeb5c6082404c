"""Helm: ``helm history -o json`` and ``helm list -o json``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, Parsed, Record, Source
from rca.logs.events.values import first, text
from rca.logs.events.versions import chained

_CHART = re.compile(r"(?P<name>.+?)-(?P<version>v?\d.*)")


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a revision of a Helm release."""
    return 0.9 if {"revision", "chart", "updated", "status"} <= record.keys() else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each revision; a history does not name its release, its chart does."""
    return chained(_revision(record) for record in records)


def _revision(record: Record) -> Draft:
    value = record.value
    chart = text(value.get("chart")) or ""
    parts = _CHART.fullmatch(chart)
    release = first(value.get("name"), parts["name"] if parts else chart)
    described = text(value.get("description")) or ""
    revision = text(value.get("revision"))
    return Draft(
        record.where,
        ts=value.get("updated"),
        kind="rollback" if described.lower().startswith("rollback") else "deploy",
        event_id=f"helm-{text(release)}-{revision}",
        title=described or f"{text(release)} revision {revision}",
        service=release,
        version=first(value.get("app_version"), parts["version"] if parts else None),
        environment=value.get("namespace"),
        status=value.get("status"),
        scope={
            "revision": revision,
            "chart": chart,
            "chart_version": parts["version"] if parts else None,
            "rollback_revision": value.get("rollback_revision"),
        },
    )


HELM = Source("helm", sniff, parse)
