"""Hourly blocks: the numbers that a watch bets on, read from a log or given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from rca.engine.sql import both, total
from rca.errors import BadValueError
from rca.model.catalogue import resolve
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.window import Window, at, parse_time
from rca.respond.verify.plan import Frozen, Objective, Share, UTCTime, VerifyPlan

#: Values that are shares but for the last bits of a sum.
_ROUNDING = 1e-9


class Measured(Frozen):
    """One objective in one hour: the share, and how many rows it is of (0: none had a value)."""

    n: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    value: Share | None

    @model_validator(mode="after")
    def _both(self) -> Measured:
        if (self.n > 0) != (self.value is not None):
            raise ValueError("give a value between 0 and 1 where n > 0, and null where n = 0")
        return self


class Hour(Frozen):
    """One hour of the watch: when it starts and, by objective, what was measured.

    ``seen_at`` is when it was read, so that late hours can be told; None where nobody says.
    """

    start: UTCTime
    values: Mapping[str, Measured]
    seen_at: UTCTime | None = None


@dataclass(frozen=True)
class HoursRead:
    """Hours read from a log, and the queries that read them."""

    hours: tuple[Hour, ...]
    sql: tuple[str, ...]


def read_hours(
    logs: Logs, plan: VerifyPlan, *, now: datetime | None = None, settle_minutes: float = 0.0
) -> HoursRead:
    """Return the hours of a plan that are over, measured on a log: one query an objective.

    An hour is over ``settle_minutes`` after its end, by ``now``, or by the log's last row when no
    time is given. An hour without rows is not returned: it counts as missing.

    Raises
    ------
    BadValueError
        A metric is no share: its rows do not lie between 0 and 1.
    MissingColumnError
        The log lacks a column that a metric is made of, or the times.
    """
    logs.need("ts")
    now = parse_time(now, field="now") if now else None
    known = now or (logs.span.end if logs.span else plan.start)
    over = (known - timedelta(minutes=settle_minutes) - plan.start).total_seconds() / 3600
    last = max(0, min(plan.hours, int(over + 1e-6)))
    found: dict[int, dict[str, Measured]] = {}
    queries = []
    for objective in plan.objectives if last else ():
        metric = bounded(metric_of(objective, logs), logs)
        window = Window(plan.start, plan.start + timedelta(hours=last))
        sql = hourly_sql(logs, metric, window)
        queries.append(sql)
        for row in logs.engine.rows(sql):
            measured = Measured(n=row["n_"], value=_share(row["value_"]))
            found.setdefault(int(row["hour_"]), {})[objective.name] = measured
    hours = tuple(
        Hour(start=plan.start + timedelta(hours=place), values=values, seen_at=now)
        for place, values in sorted(found.items())
    )
    return HoursRead(hours, tuple(queries))


def metric_of(objective: Objective, logs: Logs) -> Metric:
    """Return an objective's metric on a log: the share of rows it is about."""
    metric = resolve(objective.metric, logs)
    return metric.exceeding(objective.threshold) if objective.threshold is not None else metric


def bounded(metric: Metric, logs: Logs) -> Metric:
    """Return the metric when each row's value lies between 0 and 1, or raise."""
    remedy = "Watch a share, or a percentile such as p95:COLUMN with a limit."
    if metric.family != "mean":
        raise BadValueError(
            f"{metric.name} is of the family {metric.family!r}, not a mean of rows between 0 and "
            f"1, so no bet on its hours is safe. {remedy}"
        )
    if not metric.binary:
        value = f"case when {metric.measured} then {metric.y} end"
        row = logs.engine.one(
            f"select min({value}) as low_, max({value}) as high_ from {logs.relation}"
        )
        if row["low_"] is not None and not 0 <= row["low_"] <= row["high_"] <= 1:
            raise BadValueError(
                f"{metric.name} runs from {row['low_']:.4g} to {row['high_']:.4g}, "
                f"not from 0 to 1, so no bet on its hours is safe. {remedy}"
            )
    return metric


def hourly_sql(logs: Logs, metric: Metric, window: Window, *conditions: str) -> str:
    """Return the query of a metric's share and (effective) rows in each hour of a window."""
    dialect = logs.engine.dialect
    weight = "coalesce(cast(weight as double), 1e0)" if logs.has("weight") else "1e0"
    hour = (
        f"cast(floor(({dialect.epoch('ts')} - {window.start.timestamp()!r}e0) / 3600e0) as bigint)"
    )
    rows = both(window.predicate(dialect), metric.measured, *conditions)
    inner = f"select {hour} as hour_, {weight} as w_, {metric.y} as y_ from {logs.relation}"
    return (
        f"select hour_, {total('w_ * y_')} / {total('w_')} as value_, "
        f"{total('w_')} * {total('w_')} / {total('w_ * w_')} as n_ "
        f"from ({inner} where {rows}) as rows_ where w_ > 0e0 group by hour_ order by hour_"
    )


def hour_start(plan: VerifyPlan, hour: Hour) -> int:
    """Return an hour's place in the plan, or raise when it is none of the plan's hours."""
    place = (hour.start - plan.start).total_seconds() / 3600
    if place != int(place) or not 0 <= place < plan.hours:
        raise BadValueError(
            f"the hour {at(hour.start.timestamp()).isoformat()} is none of the plan: its hours "
            f"start at {plan.start.isoformat()} and every hour after, {plan.hours} in all."
        )
    return int(place)


def _share(value: float) -> float:
    assert -_ROUNDING <= value <= 1 + _ROUNDING, value
    return min(1.0, max(0.0, float(value)))
