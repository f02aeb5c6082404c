"""The hub: two sets of rows and one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from rca.engine.sql import both, f64
from rca.errors import UnknownNameError, WindowError
from rca.model.catalogue import resolve
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.window import Window

VERSION_COLUMNS = ("model_version", "app_version", "prompt_version", "model")


@dataclass(frozen=True)
class Side:
    """One of the two sets of rows: a name, an SQL condition and, for a time, its window.

    ``hours`` is how long the side lasts where it is less than its window.
    """

    name: str
    predicate: str
    window: Window | None = None
    hours: float | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sets of rows of one log and one metric: what differs?

    Make one with :meth:`by_time`, :meth:`by_version` or :meth:`of`.
    """

    logs: Logs
    metric: Metric
    baseline: Side
    current: Side
    call: str = ""

    @classmethod
    def by_time(
        cls, logs: Logs, *, baseline: Window, incident: Window, metric: str | Metric
    ) -> Comparison:
        """Compare two windows of time.

        Raises
        ------
        WindowError
            A window has no rows; the span of the log is named.
        """
        logs.need("ts")
        dialect = logs.engine.dialect
        made = cls(
            logs,
            resolve(metric, logs),
            Side("baseline", baseline.predicate(dialect), baseline),
            Side("current", incident.predicate(dialect), incident),
            f"rca.Comparison.by_time(logs, baseline=rca.Window.of({_window(baseline)}), "
            f"incident=rca.Window.of({_window(incident)}), metric={_metric(metric)})",
        )
        return made._checked()

    @classmethod
    def by_version(
        cls,
        logs: Logs,
        *,
        baseline: str,
        current: str,
        metric: str | Metric,
        column: str | None = None,
    ) -> Comparison:
        """Compare two versions: values of a version column of the log.

        ``column`` defaults to the first of model_version, app_version, prompt_version and model
        that holds both values.

        Raises
        ------
        UnknownNameError
            No version column holds both; the versions there are are named.
        """
        if baseline == current:
            raise UnknownNameError(
                f"both sides are version {baseline!r}, so nothing can differ. Give two versions."
            )
        column = column or _version_column(logs, baseline, current)
        name, string = logs.need(column), logs.engine.dialect.string
        text = logs.engine.dialect.text(name)
        made = cls(
            logs,
            resolve(metric, logs),
            Side(baseline, f"{text} = {string(baseline)}"),
            Side(current, f"{text} = {string(current)}"),
            f"rca.Comparison.by_version(logs, baseline={baseline!r}, current={current!r}, "
            f"metric={_metric(metric)}, column={column!r})",
        )
        return made._checked()

    @classmethod
    def of(cls, baseline: Logs, current: Logs, *, metric: str | Metric) -> Comparison:
        """Compare two tables of one engine; columns that only one of them has are left out."""
        if baseline.engine is not current.engine:
            raise UnknownNameError(
                "the two tables are in different engines. Read both with the same engine."
            )
        shared = {
            name: kind
            for name, kind in baseline.columns.items()
            if current.columns.get(name) == kind
        }
        names = ", ".join(map(baseline.need, shared))
        both_sides = baseline.engine.view(
            f"select 0 as side_, {names} from {baseline.relation} "
            f"union all select 1 as side_, {names} from {current.relation}"
        )
        left_out = sorted((set(baseline.columns) | set(current.columns)) - set(shared))
        note = (f"columns not alike in both tables were left out: {', '.join(left_out)}",)
        logs = replace(
            baseline,
            relation=both_sides,
            columns=shared,
            source=f"{baseline.source} and {current.source}",
            caveats=baseline.caveats + current.caveats + (note if left_out else ()),
        )
        made = cls(
            logs,
            resolve(metric, logs),
            Side("baseline", "side_ = 0"),
            Side("current", "side_ = 1"),
            f"rca.Comparison.of(baseline, current, metric={_metric(metric)})",
        )
        return made._checked()

    def measuring(self, metric: str | Metric) -> Comparison:
        """Return the same two sets of rows with another metric."""
        return replace(self, metric=resolve(metric, self.logs))

    def within(self, predicate: str) -> Comparison:
        """Return the same comparison over the rows for which an SQL condition is true."""

        def inner(side: Side) -> Side:
            return replace(side, predicate=both(side.predicate, predicate))

        return replace(self, baseline=inner(self.baseline), current=inner(self.current))

    def at_like_hours(self) -> Comparison:
        """Return the comparison with a baseline of the current window's hours of day.

        Nothing changes where the current window covers most of a day, or where the baseline has
        less than two days to choose from.
        """
        now, then = self.current.window, self.baseline.window
        if now is None or then is None or then.hours < 48 or now.hours > 20:
            return self
        first, hours = now.start.hour, int(now.hours) + 2
        wanted = sorted({(first + i) % 24 for i in range(hours)})
        epoch = self.logs.engine.dialect.epoch("ts")
        hour = f"floor(({epoch} - 86400e0 * floor({epoch} / 86400e0)) / 3600e0)"
        rule = f"{hour} in ({', '.join(f'{h}e0' for h in wanted)})"
        minutes = (then.start + timedelta(minutes=m) for m in range(int(then.hours * 60)))
        lasting = sum(time.hour in wanted for time in minutes) / 60
        baseline = replace(
            self.baseline, predicate=both(self.baseline.predicate, rule), hours=lasting
        )
        return replace(self, baseline=baseline, call=f"{self.call}.at_like_hours()")

    def swapped(self) -> Comparison:
        """Return the comparison with its sides exchanged: every shift changes its sign."""
        return replace(self, baseline=self.current, current=self.baseline)

    @property
    def hours(self) -> tuple[float, float]:
        """The hours of each side: of its window, or of the log's span, or 1 without times."""
        return self._hours(self.baseline), self._hours(self.current)

    def _hours(self, side: Side) -> float:
        if side.hours is not None:
            return side.hours
        window = side.window or self.logs.span
        return window.hours if window else 1.0

    @property
    def side_sql(self) -> str:
        """SQL of a row's side: 0 baseline, 1 current, NULL neither."""
        return (
            f"case when {self.baseline.predicate} then 0 when {self.current.predicate} then 1 end"
        )

    @property
    def weight_sql(self) -> str:
        """SQL of a row's weight: 1 / sampling fraction where the log has one."""
        return f"coalesce({f64('weight')}, 1e0)" if self.logs.has("weight") else "1e0"

    def rows_sql(self, columns: Sequence[str] = ()) -> str:
        """Return the query of both sides' rows: side_, w_, y_, x_ and the columns asked for."""
        named = "".join(f", {self.logs.need(name)}" for name in columns)
        metric = self.metric
        return (
            f"select {self.side_sql} as side_, {self.weight_sql} as w_, {metric.y} as y_, "
            f"{metric.x} as x_{named} from {self.logs.relation} "
            f"where ({self.baseline.predicate}) or ({self.current.predicate})"
        )

    def _checked(self) -> Comparison:
        count = "coalesce(cast(sum(case when {} then 1 else 0 end) as bigint), 0)"
        b, c = (count.format(side.predicate) for side in (self.baseline, self.current))
        rows = self.logs.engine.one(f"select {b} as b_, {c} as c_ from {self.logs.relation}")
        for side, n in ((self.baseline, rows["b_"]), (self.current, rows["c_"])):
            if not n:
                where = f" The log runs from {self.logs.span}." if self.logs.span else ""
                what = f"the {side.name} side ({side.window or side.predicate}) has no rows."
                raise WindowError(what + where)
        return self

    def __str__(self) -> str:
        return f"{self.metric.title}: {self.current.name} against {self.baseline.name}"


def _window(window: Window) -> str:
    start, _, end = str(window).partition(" to ")
    return f"{start!r}, {end!r}"


def _metric(metric: str | Metric) -> str:
    return repr(metric if isinstance(metric, str) else metric.name)


def _version_column(logs: Logs, *versions: str) -> str:
    seen: dict[str, list[Any]] = {}
    for column in VERSION_COLUMNS:
        if not logs.has(column):
            continue
        text = logs.engine.dialect.text(logs.need(column))
        rows = logs.engine.rows(
            f"select {text} as v_ from {logs.relation} group by {text} "
            "order by count(*) desc limit 50"
        )
        seen[column] = [row["v_"] for row in rows if row["v_"] is not None]
        if set(versions) <= set(seen[column]):
            return column
    known = [f"{column}={value}" for column, values in seen.items() for value in values]
    raise UnknownNameError.of("version", " or ".join(versions), known)
