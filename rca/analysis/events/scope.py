"""Which rows an event touches, read from its fields, and the metric inside and outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.events.inferred import KINDS, Value
from rca.analysis.events.timeline import Timeline, sums_sql
from rca.engine.sql import both, f64, lit
from rca.model.event import Event
from rca.model.logs import Logs
from rca.stats.ratio import SUMS, Sums

Floats = NDArray[np.float64]

#: Which scopes a row lies in is told by the bits of a whole number.
MOST_SCOPES = 60
#: Fields of an event that are canonical but also name rows of a log.
_FIELDS = ("service", "environment")
_ROLLED_OUT = ("deploy", "release", "model_version", "prompt", "rollback", "config")


@dataclass(frozen=True)
class Scope:
    """Rows that share values of some columns: ``{"region": ("eu",)}``; empty means all rows."""

    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def predicate(self, logs: Logs) -> str:
        """Return the SQL condition; values are compared as text, without case or a leading v."""
        dialect = logs.engine.dialect
        parts = []
        for column, values in self.columns:
            text = f"lower({dialect.text(logs.need(column))})"
            spelt = sorted({form for value in values for form in _spellings(value)})
            parts.append(f"{text} in ({', '.join(map(dialect.string, spelt))})")
        return " and ".join(parts) or "true"

    @property
    def slice(self) -> dict[str, str]:
        """The scope as a slice, where each column has one value."""
        return {column: values[0] for column, values in self.columns if len(values) == 1}

    def __str__(self) -> str:
        return " & ".join(f"{c}={'|'.join(v)}" for c, v in self.columns) or "all rows"


#: Every row of the log.
ALL_ROWS = Scope()


def scope_of(event: Event, logs: Logs, values: Sequence[Value]) -> Scope:
    """Return the rows that an event touches, as far as its fields say.

    Fields named like a column of the log count; so does a version that a version column holds.
    """
    named: dict[str, tuple[str, ...]] = {}
    for field in _FIELDS:
        given = getattr(event, field)
        if given and logs.columns.get(field) == "text":
            named[field] = (str(given),)
    for key, given in event.scope.items():
        if logs.columns.get(key) in ("text", "bool", "number") and given is not None:
            many = given if isinstance(given, (list, tuple)) else (given,)
            named[key] = tuple(str(value) for value in many)
    if event.version and event.kind in _ROLLED_OUT:
        forms = set(_spellings(event.version))
        holding = [v.column for v in values if v.value.lower() in forms]
        column = min(holding, key=lambda name: KINDS[name] != event.kind, default=None)
        if column and column not in named:
            named[column] = (event.version,)
    return Scope(tuple(sorted(named.items())))


def _spellings(value: str) -> tuple[str, ...]:
    bare = value.strip().lower()
    digits = bare[1:] if bare[:1] == "v" and bare[1:2].isdigit() else bare
    return tuple(dict.fromkeys((bare, digits, f"v{digits}")))


@dataclass(frozen=True, eq=False)
class ScopeCube:
    """The metric's sums per bucket and combination of scopes.

    ``sums`` has a row for each bucket and a column for each combination of scopes that rows have;
    bit i of ``masks[j]`` tells whether combination j lies in scope i.
    """

    scopes: tuple[Scope, ...]
    times: Floats
    width_s: float
    masks: NDArray[np.int64]
    sums: Sums
    sql: str
    per_hour: bool = False

    def inside(self, scope: Scope) -> NDArray[np.bool_]:
        """Tell which combinations lie in a scope; all do in the empty one."""
        if scope not in self.scopes:
            return np.ones(len(self.masks), dtype=bool)
        inside: NDArray[np.bool_] = (self.masks >> self.scopes.index(scope)) & 1 == 1
        return inside

    def over(self, scope: Scope, *, outside: bool = False) -> Sums:
        """Return the sums per bucket in a scope, or outside it."""
        chosen = self.inside(scope) != outside
        sums = Sums(*(getattr(self.sums, part)[:, chosen].sum(axis=1) for part in SUMS))
        empty = float(sums.n.sum()) == 0
        return sums if empty or not self.per_hour else _per_bucket(sums, self.width_s / 3600)


def _per_bucket(sums: Sums, hours: float) -> Sums:
    """Return sums per hour as a ratio over buckets: each is one observation of y over x hours."""
    one = np.ones(len(sums.y))
    return Sums(one, one * hours, sums.y, one * hours**2, sums.y * hours, sums.y**2)


def scope_cube(
    logs: Logs, timeline: Timeline, scopes: Sequence[Scope], *, within: Scope = ALL_ROWS
) -> ScopeCube:
    """Return the metric by bucket and scope (60 at most) over some rows, from one pass."""
    kept = tuple(dict.fromkeys(scope for scope in scopes if scope.columns))
    assert len(kept) <= MOST_SCOPES
    bits = " + ".join(
        f"case when {scope.predicate(logs)} then {1 << i} else 0 end"
        for i, scope in enumerate(kept)
    )
    metric = timeline.metric
    weight = f"coalesce({f64('weight')}, 1e0)" if logs.has("weight") else "1e0"
    index = f"cast(floor({logs.engine.dialect.epoch('ts')} / {lit(timeline.width_s)}) as bigint)"
    sql = (
        f"select b_, k_, {sums_sql()} from (select {index} as b_, "
        f"cast({bits or '0'} as bigint) as k_, {weight} as w_, {metric.y} as y_, {metric.x} as x_, "
        f"case when {metric.measured} then 1e0 else 0e0 end as m_ from {logs.relation} "
        f"where {both('ts is not null', within.predicate(logs))}) as r_ group by b_, k_"
    )
    answer = logs.engine.table(sql)
    first = round(float(timeline.times[0]) / timeline.width_s)
    bucket = answer["b_"].to_numpy().astype(np.int64) - first
    masks, combination = np.unique(answer["k_"].to_numpy().astype(np.int64), return_inverse=True)
    there = (bucket >= 0) & (bucket < len(timeline.times))

    def cells(part: str) -> Floats:
        filled = np.zeros((len(timeline.times), len(masks)))
        filled[bucket[there], combination[there]] = answer[f"{part}_"].to_numpy()[there]
        return filled

    sums = Sums(*(cells(part) for part in SUMS))
    per_hour = metric.family == "per_hour"
    return ScopeCube(kept, timeline.times, timeline.width_s, masks, sums, sql, per_hour)
