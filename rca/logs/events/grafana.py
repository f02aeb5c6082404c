"""Grafana: annotations, as ``GET /api/annotations`` lists them.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rca.logs.events.kinds import kind_of
from rca.logs.events.source import Draft, Parsed, Record, Source
from rca.logs.events.times import is_missing
from rca.logs.events.values import first, names, text

_ALERTING = {"alerting", "alert", "pending", "no_data", "nodata", "error"}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an annotation."""
    keys = record.keys()
    if "time" not in keys or "text" not in keys:
        return 0.0
    return 0.9 if keys & {"dashboardUID", "dashboardId", "panelId", "newState"} else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each annotation; its kind is read from its tags, then from its text."""
    return (_annotation(record) for record in records)


def _annotation(record: Record) -> Draft:
    value = record.value
    tags = names(value.get("tags"))
    pairs = dict(tag.split(":", 1) for tag in tags if ":" in tag and "://" not in tag)
    end = value.get("timeEnd")
    state = text(value.get("newState")) or ""
    return Draft(
        record.where,
        ts=value.get("time"),
        ts_end=end if not is_missing(end) and end not in (0, value.get("time")) else None,
        kind=_kind(tags, text(value.get("text")) or "", state),
        event_id=f"grafana-{text(value.get('id'))}",
        title=first(value.get("text"), value.get("alertName")),
        service=pairs.pop("service", None),
        version=pairs.pop("version", None),
        environment=first(pairs.pop("environment", None), pairs.pop("env", None)),
        status=state or None,
        actor=first(value.get("login"), value.get("userName"), value.get("email")),
        scope={
            **{name.strip(): found.strip() for name, found in pairs.items()},
            "tags": tags,
            "dashboard": first(value.get("dashboardUID"), value.get("dashboardId")),
            "panel": value.get("panelId"),
        },
    )


def _kind(tags: tuple[str, ...], said: str, state: str) -> str:
    if state.lower() in _ALERTING:
        return "incident"
    return next(filter(None, map(kind_of, (*tags, said))), "annotation")


GRAFANA = Source("grafana", sniff, parse)
