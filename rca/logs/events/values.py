"""Small readers of values inside a record; none of them raises on a value of an odd type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.times import is_missing

_NAMES = ("name", "login", "username", "summary", "email", "full_name", "slug", "key", "id")
_MAX_TEXT = 10_000


def get(value: Any, path: str) -> Any:
    """Return what stands at a dotted path of mappings, or None.

    >>> get({"run": {"facets": {}}}, "run.facets.errorMessage") is None
    True
    """
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def first(*values: Any) -> Any:
    """Return the first value that is not missing, or None."""
    return next((value for value in values if not is_missing(value)), None)


def text(value: Any) -> str | None:
    """Return a value as text: a number without a needless fraction, an object by its name.

    >>> text(3.0), text({"login": "ada"}), text(float("nan"))
    ('3', 'ada', None)
    """
    if isinstance(value, Mapping):
        named = first(*(value[name] for name in _NAMES if isinstance(value.get(name), str | int)))
        value = named if named is not None else dumped(value)
    elif isinstance(value, list | tuple):
        value = dumped(value) if value else None
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value) if abs(value) < 1e15 else value
    plain = str(value).strip()[:_MAX_TEXT]
    return plain if plain.isascii() else plain.encode("utf-8", "replace").decode()


def names(value: Any) -> tuple[str, ...]:
    """Return a list of names from a list, from JSON text, or from text split at ``,`` or ``;``.

    >>> names("raw.orders; raw.users"), names([{"namespace": "pg", "name": "orders"}])
    (('raw.orders', 'raw.users'), ('orders',))
    """
    if is_missing(value):
        return ()
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        value = [value]
    return tuple(dict.fromkeys(name for name in map(text, value) if name is not None))


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, or the object itself; all else is passed over."""
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, Mapping):
            yield item


def simple(value: Any) -> Any:
    """Return a scope value that can be compared with a log column: a scalar or a tuple of them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return None if is_missing(value) else value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        items = [item for item in value if not isinstance(item, Mapping | list | tuple)]
        if len(items) == len(value):
            return tuple(simple(item) for item in items) or None
    if hasattr(value, "item"):
        return simple(value.item())
    return text(value)


def dumped(value: Any) -> str:
    """Return a nested value as JSON text, cut to a readable length."""
    try:
        return json.dumps(value, default=str, ensure_ascii=False)[:_MAX_TEXT]
    except (RecursionError, TypeError, ValueError):
        return "..."


def _listed(value: str) -> list[Any]:
    if value.lstrip().startswith("["):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, list):
            return parsed
    parts = re.split(r"[;,]", value.strip("[]() "))
    return [part.strip(" '\"") for part in parts if part.strip(" '\"")]
