"""Event files in the canonical columns, or in the common other names of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from rca.errors import MissingColumnError
from rca.logs.events.source import Draft, Record, Source
from rca.logs.events.times import is_missing

#: For each canonical column, the names it is known by; an earlier name wins over a later one.
ALIASES: dict[str, tuple[str, ...]] = {
    "event_id": ("event_id", "id", "uuid", "key", "change_id", "deployment_id"),
    "ts": (
        *("ts", "time", "timestamp", "event_time", "occurred_at", "created_at", "created"),
        *("start_time", "started_at", "start", "datetime", "date", "at", "when"),
        *("deployed_at", "published_at", "released_at", "updated_at"),
    ),
    "ts_end": (
        *("ts_end", "end_time", "ended_at", "end", "time_end", "finished_at", "completed_at"),
        "resolved_at",
    ),
    "kind": ("kind", "event_kind", "type", "event_type", "category"),
    "title": ("title", "name", "summary", "text", "message", "description", "event"),
    "service": ("service", "service_name", "app", "application", "component", "system"),
    "target": ("target", "object", "resource", "subject"),
    "from_version": ("from_version", "old_version", "previous_version", "version_from", "from"),
    "version": (
        *("version", "new_version", "to_version", "version_to", "tag", "tag_name", "release"),
        *("revision", "sha", "commit", "to"),
    ),
    "environment": ("environment", "env", "deployment_environment", "stage"),
    "status": ("status", "state", "result", "outcome", "conclusion"),
    "actor": ("actor", "user", "username", "author", "created_by", "deployed_by", "who", "owner"),
    "inputs": ("inputs", "upstreams", "reads"),
    "outputs": ("outputs", "downstreams", "writes"),
    "url": ("url", "link", "html_url", "href"),
    "inferred": ("inferred",),
}
_ROLES = tuple((name, role) for role, known in ALIASES.items() for name in known)
#: Objects whose fields are scope themselves, as ``{"scope": {"region": "eu"}}``.
_SCOPES = ("scope", "labels", "tags", "attributes", "attrs", "metadata", "details", "payload")
#: Exports that hold something else, by a key of theirs.
_NOT_EVENTS = {
    "resourceSpans": "These are spans: give them to rca.read_logs.",
    "resourceLogs": "These are log records: give them to rca.read_logs.",
    "resourceMetrics": "These are metrics, not events.",
    "data": "If this is an answer of Prometheus, give it to rca.logs.series.read_series.",
}
#: What a row of events has and a row of measurements has not.
_HALLMARKS = ("event_id", "kind", "title", "version", "from_version")


@lru_cache(maxsize=4096)
def plain_name(column: str) -> str:
    """Return a column's name in lower snake case.

    >>> plain_name("Event ID"), plain_name("createdAt")
    ('event_id', 'created_at')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(column).strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def roles(row: Mapping[str, Any]) -> dict[str, str]:
    """Return which column of a row plays each canonical role that it has a value for."""
    plain: dict[str, str] = {}
    for column, value in row.items():
        if not is_missing(value):
            plain.setdefault(plain_name(column), column)
    found: dict[str, str] = {}
    for name, role in _ROLES:
        if name in plain:
            found.setdefault(role, plain[name])
    return found


def sniff(record: Mapping[str, Any]) -> float:
    """Return low confidence for any row with a time, a little more for one that names an event."""
    found = roles(record)
    if "ts" not in found:
        return 0.0
    return 0.3 if any(role in found for role in _HALLMARKS) else 0.1


def parse(records: Sequence[Record]) -> Iterator[Draft]:
    """Yield one draft a row."""
    _need_time(records)
    for record in records:
        row = record.value
        found = roles(row)
        taken = set(found.values())
        fields: dict[str, Any] = {role: row[column] for role, column in found.items()}
        rest = {name: value for name, value in row.items() if name not in taken}
        yield Draft(record.where, ts=fields.pop("ts", None), scope=_scope(rest), **fields)


def _scope(rest: Mapping[str, Any]) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    for name, value in rest.items():
        value = _object(value) if plain_name(name) in _SCOPES else value
        if isinstance(value, Mapping) and plain_name(name) in _SCOPES:
            scope |= {str(key): item for key, item in value.items() if key not in scope}
        else:
            scope[str(name)] = value
    return scope


def _object(value: Any) -> Any:
    """Return the object that a cell holds as JSON text, or the cell as it is."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _need_time(records: Sequence[Record]) -> None:
    """Refuse a file in which no row has any column for a time."""
    known = {plain_name(column) for record in records for column in record.value}
    if records and known.isdisjoint(ALIASES["ts"]):
        columns = dict.fromkeys(str(column) for record in records for column in record.value)
        error = MissingColumnError.of("ts", columns)
        place = records[0].where.rpartition(", ")[0] or records[0].where
        advice = next(
            (advice for column, advice in _NOT_EVENTS.items() if column in columns),
            "Name the time ts, time or created_at.",
        )
        raise MissingColumnError(f"{place} has no time of its events: {error} {advice}")


CANONICAL = Source("canonical", sniff, parse, strict=True)
