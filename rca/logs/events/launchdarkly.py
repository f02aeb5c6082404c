"""LaunchDarkly: the audit log of flags, segments and settings.

https://apidocs.launchdarkly.com/tag/Audit-log
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, Parsed, Record, Source, children
from rca.logs.events.values import first, get, names, text

_PART = re.compile(r"(proj|env|flag|segment)/([^:;]+)")
_CONFIRMED_KEYS = ({"titleVerb", "kind", "date"}, {"_accountId", "kind", "date"})


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an entry of the audit log, or a page of it."""
    if any(keys <= record.keys() for keys in _CONFIRMED_KEYS):
        return 0.95
    items = record.get("items")
    if isinstance(items, list) and items and isinstance(items[0], Mapping):
        return 0.95 if any(keys <= items[0].keys() for keys in _CONFIRMED_KEYS) else 0.0
    return 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each entry."""
    for record in records:
        for entry in children(record, "items") if "items" in record.value else [record]:
            yield _entry(entry)


def _entry(record: Record) -> Draft:
    value = record.value
    resources = names(get(value, "target.resources"))
    parts = dict(_PART.findall(" ".join(resources)))
    kind = text(value.get("kind")) or ""
    name = first(value.get("name"), get(value, "target.name"), parts.get("flag"))
    comment = text(value.get("comment"))
    said = first(value.get("title"), f"{text(value.get('titleVerb')) or 'changed'} {text(name)}")
    return Draft(
        record.where,
        ts=value.get("date"),
        kind="flag" if kind == "flag" else "config",
        event_id=value.get("_id"),
        title=f"{text(said)} ({comment})" if comment else said,
        target=first(parts.get("flag"), parts.get("segment"), name),
        from_version=get(value, "previousVersion._version"),
        version=get(value, "currentVersion._version"),
        environment=_environment(parts.get("env")),
        status=value.get("titleVerb"),
        actor=first(get(value, "member.email"), get(value, "token.name")),
        url=get(value, "_links.site.href"),
        scope={
            "project": parts.get("proj"),
            "flag": parts.get("flag"),
            "segment": parts.get("segment"),
            "actions": [a.get("action") for a in _accesses(value)],
            "resource_kind": kind,
        },
    )


def _environment(found: str | None) -> str | None:
    """Return the environment; ``*`` says all of them, so it narrows nothing."""
    return None if found == "*" else found


def _accesses(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    accesses = value.get("accesses")
    if not isinstance(accesses, list):
        return []
    return [access for access in accesses if isinstance(access, Mapping)]


LAUNCHDARKLY = Source("launchdarkly", sniff, parse)
