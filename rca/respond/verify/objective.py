"""Objectives made from a comparison: the limit from a person, or from the baseline's own hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.errors import BadValueError, WindowError
from rca.model.comparison import Comparison
from rca.model.metric import Metric
from rca.model.window import Window
from rca.respond.files import checked
from rca.respond.verify.hours import bounded, hourly_sql
from rca.respond.verify.plan import BASELINE_PART, USUAL_CLUSTERING, Objective
from rca.stats.betting import clustering as measured_clustering
from rca.stats.noninferiority import default_margin

Array = NDArray[np.float64]
#: Fewer hours than this say too little of how an ordinary hour varies.
_FEW_HOURS = 12
#: No service is taken to have less clustering than this, whatever its baseline shows.
_LEAST_CLUSTERING = 0.005


def objective_of(
    comparison: Comparison,
    *,
    limit: float | None = None,
    margin: float | None = None,
    clustering: float | None = None,
    name: str | None = None,
    key: bool = True,
    alpha: float = 0.05,
) -> Objective:
    """Return what must hold after a fix of what a comparison shows.

    With a ``limit`` that is it. Without one it is the baseline and a margin for the worse. Hours
    of the baseline give its mean and, by Student's t at 1 - alpha / 5, an interval: ``recovered``
    must beat the near end and ``not_recovered`` the far end, for which a tenth of alpha is kept.

    A percentile is watched as the share of rows above a threshold: the p95 is at most 800 ms when
    at most 5 % of the rows take longer.

    Parameters
    ----------
    comparison : Comparison
        Its baseline is the service in health; its metric a mean of rows between 0 and 1, or a
        percentile.
    limit : float, optional
        The worst value that passes, in the metric's unit.
    margin : float, optional
        The largest shift for the worse that passes, in the metric's unit; by default half a point
        to two points of a share and 5 % of a percentile (see ``default_margin``).
    clustering : float, optional
        Largest correlation of rows within an hour; by default an upper bound (90 %) of what the
        baseline's hours show, and at least 0.005.
    name : str, optional
        What it is called; by default the metric.
    key : bool
        Whether it decides the verdict.
    alpha : float
        The plan's.

    Raises
    ------
    BadValueError
        The metric is no share and no percentile, has no bad direction, or both or a wrong one of
        ``limit`` and ``margin`` is given.
    WindowError
        The baseline has no window of whole hours with rows.

    Examples
    --------
    >>> import rca, pandas as pd
    >>> logs = rca.read_logs(pd.DataFrame({
    ...     "ts": pd.date_range("2026-03-01", periods=4800, freq="6min", tz="UTC"),
    ...     "status": (["ok"] * 99 + ["error"]) * 48}))
    >>> pair = rca.Comparison.by_time(logs, metric="error_rate",
    ...     baseline=rca.Window.of("2026-03-01", "2026-03-19"),
    ...     incident=rca.Window.of("2026-03-19", "2026-03-20"))
    >>> objective = objective_of(pair, limit=0.05)
    >>> objective.limit, objective.rows_per_hour, objective.worse
    (0.05, 10.0, 'up')
    """
    metric = comparison.metric
    if limit is not None and margin is not None:
        raise BadValueError(f"limit = {limit} and margin = {margin}: give one of the two.")
    if margin is not None and not margin > 0:
        raise BadValueError(f"margin = {margin} leaves no room for chance. Give one above 0.")
    if metric.worse == "both":
        raise BadValueError(
            f"{metric.name} has no bad direction. Give the metric one: worse='up' or 'down'."
        )
    worse: Literal["up", "down"] = "up" if metric.worse == "up" else "down"
    threshold = None
    if metric.family == "quantile":
        threshold = _beyond_quantile(comparison, margin) if limit is None else limit
        metric, limit = metric.exceeding(threshold), 1 - float(metric.q or 0)
    values, rows = _baseline_hours(comparison, bounded(metric, comparison.logs))
    fields: dict[str, object] = {"limit": limit}
    if limit is None:
        fields = _from_baseline(values, margin, worse, alpha)
    return checked(
        Objective,
        {
            "name": name or comparison.metric.name,
            "metric": comparison.metric.name,
            "worse": worse,
            "threshold": threshold,
            "rows_per_hour": float(np.mean(rows)),
            "clustering": _bound(values, rows) if clustering is None else clustering,
            "key": key,
            **fields,
        },
        where=f"objective of {comparison.metric.name}",
    )


def _beyond_quantile(comparison: Comparison, margin: float | None) -> float:
    """Return the baseline's percentile, moved for the worse by the margin."""
    metric, logs = comparison.metric, comparison.logs
    value = f"case when {metric.measured} then {metric.numerator} end"
    quantile = logs.engine.dialect.quantile(value, float(metric.q or 0))
    row = logs.engine.one(
        f"select {quantile} as value_ from {logs.relation} where {comparison.baseline.predicate}"
    )
    if row["value_"] is None:
        raise WindowError(f"the baseline has no rows with {metric.name}. Choose another window.")
    room = default_margin(metric.unit, row["value_"]) if margin is None else margin
    return float(row["value_"]) + (room if metric.worse == "up" else -room)


def _baseline_hours(comparison: Comparison, metric: Metric) -> tuple[Array, Array]:
    """Return the share and the rows of each whole hour of the baseline that has rows."""
    logs, side = comparison.logs, comparison.baseline
    logs.need("ts")
    window = side.window or logs.span
    if window is None or window.hours < 1:
        raise WindowError(
            f"the baseline ({window}) has no whole hour. Give a baseline of a day or more."
        )
    whole = Window(window.start, window.start + timedelta(hours=int(window.hours)))
    found = logs.engine.rows(hourly_sql(logs, metric, whole, side.predicate))
    if len(found) < _FEW_HOURS:
        raise WindowError(
            f"the baseline ({window}) has {len(found)} hours with rows of {metric.name}; "
            f"{_FEW_HOURS} or more say how an ordinary hour varies. Give a longer baseline."
        )
    return np.array([row["value_"] for row in found]), np.array([row["n_"] for row in found])


def _from_baseline(
    values: Array,
    margin: float | None,
    worse: Literal["up", "down"],
    alpha: float,
) -> dict[str, object]:
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    half = float(stats.t.isf(alpha * BASELINE_PART, len(values) - 1)) * error
    room = default_margin("share", mean) if margin is None else margin
    if half >= room:
        raise WindowError(
            f"the baseline's mean is {mean:.4g} give or take {half:.2g} ({len(values)} hours), "
            f"which is no less than the margin of {room:.2g}. Give a longer baseline, a wider "
            "margin or a limit."
        )
    sign = 1 if worse == "up" else -1
    note = f"baseline {mean:.2%} of {len(values)} hours, margin {100 * room:.2f} points"
    return {
        "limit": mean + sign * (room - half),
        "alarm_limit": min(1.0, max(0.0, mean + sign * (room + half))),
        "note": note,
    }


def _bound(
    values: Array,
    rows: Array,
) -> float:
    bound = measured_clustering(values, rows, level=0.9)
    return USUAL_CLUSTERING if bound != bound else max(_LEAST_CLUSTERING, bound)
