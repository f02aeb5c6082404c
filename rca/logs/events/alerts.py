"""On-call tools: PagerDuty incidents and change events, and alerts of Opsgenie.

https://developer.pagerduty.com/api-reference/ , https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.kinds import kind_of
from rca.logs.events.source import Draft, Parsed, Record, Source, children
from rca.logs.events.values import first, get, objects, text

_PAGES = ("incidents", "change_events")


def sniff_pagerduty(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an incident, a change event, or a page or webhook of them."""
    keys = record.keys()
    if any(isinstance(record.get(name), list) for name in _PAGES):
        return 0.95
    if isinstance(record.get("incident"), Mapping) or _is_webhook(record):
        return 0.9
    named = record.get("type") in ("incident", "change_event") and {"summary", "self"} <= keys
    if ("incident_number" in keys or named) and keys & {"created_at", "timestamp"}:
        return 0.95
    if "routing_key" in keys and isinstance(record.get("payload"), Mapping):
        return 0.9
    return 0.9 if _first_of_page(record).keys() >= {"incident_number", "created_at"} else 0.0


def _first_of_page(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first object under ``data``, where analytics and Opsgenie keep their rows."""
    return next(objects(record.get("data")), {})


def parse_pagerduty(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each incident and each change event."""
    for record in records:
        for item in _items(record):
            changed = "timestamp" in item.value and "created_at" not in item.value
            yield _change(item) if changed else _incident(item)


def _is_webhook(record: Mapping[str, Any]) -> bool:
    kind = text(get(record, "event.event_type")) or ""
    return kind.startswith("incident.") and isinstance(get(record, "event.data"), Mapping)


def _items(record: Record) -> Iterator[Record]:
    """Yield the incidents and change events of a page, a webhook or a single answer."""
    value = record.value
    pages = [name for name in _PAGES if isinstance(value.get(name), list)]
    if not pages and isinstance(value.get("data"), list):
        pages = ["data"]
    for name in pages:
        yield from children(record, name)
    if pages:
        return
    inner = first(value.get("incident"), value.get("change_event"), get(value, "event.data"))
    if isinstance(inner, Mapping):
        given = {"created_at": get(value, "event.occurred_at")} if "event" in value else {}
        yield Record({**given, **inner}, record.where)
    elif "routing_key" in value and isinstance(value.get("payload"), Mapping):
        yield Record({"links": value.get("links"), **value["payload"]}, record.where)
    else:
        yield record


def _incident(record: Record) -> Draft:
    value = record.value
    number = text(value.get("incident_number"))
    return Draft(
        record.where,
        ts=value.get("created_at"),
        ts_end=first(value.get("resolved_at"), _resolved(value)),
        kind="incident",
        event_id=first(value.get("id"), value.get("incident_id"), number),
        title=first(value.get("title"), value.get("description"), value.get("summary")),
        service=first(get(value, "service.summary"), value.get("service_name")),
        status=value.get("status"),
        actor=_summary(value.get("assignments"), "assignee.summary"),
        url=value.get("html_url"),
        scope={
            "incident_number": number,
            "urgency": value.get("urgency"),
            "priority": first(get(value, "priority.summary"), value.get("priority_name")),
            "team": _summary(value.get("teams")),
        },
    )


def _resolved(value: Mapping[str, Any]) -> Any:
    """Return when a resolved incident last changed its state, where that is all that is told."""
    return value.get("last_status_change_at") if value.get("status") == "resolved" else None


def _summary(value: Any, path: str = "summary") -> str | None:
    """Return the name of the first object of a list."""
    return next((text(get(item, path)) for item in objects(value)), None)


def _change(record: Record) -> Draft:
    value = record.value
    details = value.get("custom_details")
    given: dict[str, Any] = dict(details) if isinstance(details, Mapping) else {}
    said = text(value.get("summary")) or ""
    return Draft(
        record.where,
        ts=value.get("timestamp"),
        kind=kind_of(said) or "deploy",
        event_id=value.get("id"),
        title=said,
        service=first(_summary(value.get("services")), given.pop("service", None)),
        version=first(given.pop("version", None), given.pop("build_version", None)),
        environment=first(given.pop("environment", None), given.pop("env", None)),
        actor=get(value, "integration.summary"),
        url=_summary(value.get("links"), "href"),
        scope={**given, "source": value.get("source")},
    )


def sniff_opsgenie(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an alert, or a page of them."""
    if {"tinyId", "message", "createdAt"} <= record.keys():
        return 0.95
    return 0.95 if _first_of_page(record).keys() >= {"tinyId", "createdAt"} else 0.0


def parse_opsgenie(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each alert."""
    for record in records:
        for alert in children(record, "data") if "data" in record.value else [record]:
            value = alert.value
            closed = text(value.get("status")) == "closed"
            yield Draft(
                alert.where,
                ts=value.get("createdAt"),
                ts_end=value.get("updatedAt") if closed else None,
                kind="incident",
                event_id=value.get("id"),
                title=value.get("message"),
                service=value.get("source"),
                status=value.get("status"),
                actor=value.get("owner"),
                scope={"priority": value.get("priority"), "tags": value.get("tags")},
            )


PAGERDUTY = Source("pagerduty", sniff_pagerduty, parse_pagerduty)
OPSGENIE = Source("opsgenie", sniff_opsgenie, parse_opsgenie)
