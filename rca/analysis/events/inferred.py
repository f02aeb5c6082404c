"""Events that nobody logged, found in the logs: the first rows of a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rca.engine.sql import grouping_sets
from rca.model.event import Event, Events
from rca.model.logs import Logs
from rca.model.window import at

#: Version columns and the kind of event that a new value of each stands for.
KINDS: Mapping[str, str] = {
    "model_version": "model_version",
    "model": "model_version",
    "app_version": "deploy",
    "prompt_version": "prompt",
    "provider": "config",
}
_EARLY_SHARE = 0.02
_MOST_VALUES = 200


@dataclass(frozen=True)
class Value:
    """One value of a version column: its rows and the times of its first and last."""

    column: str
    value: str
    n: int
    first: datetime
    last: datetime


def version_values(logs: Logs) -> tuple[Value, ...]:
    """Return every value of the version columns, in one pass.

    A column with one value, or with very many, tells no versions apart.
    """
    columns = [name for name in KINDS if logs.has(name) and logs.columns[name] == "text"]
    if not columns:
        return ()
    ident, epoch = logs.engine.dialect.ident, logs.engine.dialect.epoch
    names = [ident(name) for name in columns]
    rows = logs.engine.rows(
        f"select {', '.join(names)}, count(*) as n_, {epoch('min(ts)')} as first_, "
        f"{epoch('max(ts)')} as last_ from {logs.relation} "
        f"group by {grouping_sets([[name] for name in names])}"
    )
    found: list[Value] = []
    for row in rows:
        named = [(name, row[name]) for name in columns if row[name] is not None]
        if len(named) == 1 and row["first_"] is not None:
            ((column, value),) = named
            found.append(Value(column, value, row["n_"], at(row["first_"]), at(row["last_"])))
    counts = {c: sum(v.column == c for v in found) for c in columns}
    kept = [v for v in found if 1 < counts[v.column] <= _MOST_VALUES]
    return tuple(sorted(kept, key=lambda v: (v.first, v.column, v.value)))


def infer_events(logs: Logs, values: tuple[Value, ...] | None = None) -> Events:
    """Return an event for the first row of each version that is not there from the start.

    Examples
    --------
    A version whose rows begin in the first 2 % of the log was there before it.
    """
    span = logs.span
    if span is None:
        return Events()
    start = span.start + _EARLY_SHARE * span.duration
    values = version_values(logs) if values is None else values
    return Events(
        tuple(
            Event(
                event_id=f"inferred:{value.column}={value.value}",
                ts=value.first,
                kind=KINDS[value.column],
                title=f"first rows of {value.column} {value.value} in the log",
                version=value.value,
                inferred=True,
                scope={value.column: value.value},
            )
            for value in values
            if value.first > start
        ),
        source="found in the log",
    )
