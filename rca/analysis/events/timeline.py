"""A metric over time: additive sums per bucket, and the series that change points are found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rca.engine.sql import both, f64, lit
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.window import Window
from rca.stats.changepoint import Series
from rca.stats.ratio import SUMS, Sums

Floats = NDArray[np.float64]

WIDTHS_S = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
_ROWS_PER_BUCKET = 40
_MOST_BUCKETS = 1500
_FEWEST_BUCKETS = 24


@dataclass(frozen=True, eq=False)
class Timeline:
    """One metric per bucket of time.

    Attributes
    ----------
    metric : Metric
        What is measured; of a quantile, the share of rows above ``threshold``.
    times, width_s
        Bucket starts in seconds since 1970, and the width.
    rows : array
        All rows of each bucket, measured or not.
    sums : Sums
        Additive statistics of each bucket.
    threshold : float or None
        The quantile's level over the log, when the metric is a quantile.
    sql : str
        The query.
    span_s : (float, float) or None
        Where the log starts and ends.
    """

    metric: Metric
    times: Floats
    width_s: float
    rows: Floats
    sums: Sums
    threshold: float | None = None
    sql: str = ""
    span_s: tuple[float, float] | None = None

    @property
    def covered(self) -> Floats:
        """The part of each bucket that the log covers."""
        part = np.ones(len(self.times))
        if len(part) and self.span_s is not None:
            low, high = self.span_s
            ends = np.minimum(self.times + self.width_s, high)
            part = np.clip((ends - np.maximum(self.times, low)) / self.width_s, 1e-3, 1.0)
        return part

    def coarser(self, most: int) -> Timeline:
        """Return the same sums in at most so many, wider buckets: what an eye can tell apart."""
        factor = -(-len(self.times) // most)
        if factor <= 1:
            return self
        group = np.arange(len(self.times)) // factor

        def pooled(values: Floats) -> Floats:
            return np.bincount(group, values).astype(np.float64)

        sums = Sums(*(pooled(getattr(self.sums, name)) for name in SUMS))
        return replace(
            self,
            times=self.times[::factor],
            width_s=self.width_s * factor,
            rows=pooled(self.rows),
            sums=sums,
        )

    @property
    def series(self) -> Series:
        """The series with the sampling variance that its family implies."""
        sums, metric = self.sums, self.metric
        if metric.family == "per_hour":
            # The log covers only a part of its first and last bucket.
            hours = self.width_s / 3600 * self.covered
            if metric.numerator == "1e0":
                return Series.counts(self.times, sums.y, hours, self.width_s)
            # A sum of y over Poisson many rows varies like a count of sum(y)^2 / sum(y^2) events.
            weight = float(sums.y.sum()) / max(float(sums.yy.sum()), 1e-300)
            y = np.maximum(sums.y, 0.0) * weight
            # No row of any kind is a gap in the log rather than an hour that cost nothing.
            there = np.where(self.rows > 0, hours, 0.0)
            return Series.counts(self.times, y, there * weight, self.width_s)
        if metric.binary and np.allclose(sums.x, sums.n):
            return Series.rates(self.times, sums.y, sums.n, self.width_s)
        # The variance of a heavy tail's few rows comes and goes with its mean: it is pooled.
        known = np.nan_to_num(sums.variance) * sums.n**2
        pooled = float(known.sum() / max(float(sums.n[np.isfinite(sums.variance)].sum()), 1.0))
        spread = np.full(len(self.times), np.sqrt(pooled))
        return Series.means(self.times, sums.value, spread, sums.n, self.width_s)


def bucket_width(logs: Logs, window: Window, *, share_measured: float = 1.0) -> float:
    """Return a bucket width in seconds that gives each bucket enough rows, and enough buckets."""
    seconds = window.duration.total_seconds()
    rows = max(1.0, logs.n_rows * share_measured)
    fits = [
        width
        for width in WIDTHS_S
        if seconds / width <= _MOST_BUCKETS and rows * width / seconds >= _ROWS_PER_BUCKET
    ]
    width = fits[0] if fits else WIDTHS_S[-1]
    enough = [w for w in WIDTHS_S if seconds / w >= _FEWEST_BUCKETS]
    return float(min(width, enough[-1])) if enough else max(1.0, seconds / _FEWEST_BUCKETS)


def timelines(
    logs: Logs, metrics: Sequence[Metric], *, width_s: float, predicate: str = ""
) -> list[Timeline]:
    """Return several metrics over time, from one pass over the rows.

    A bucket without rows is there with no rows (of a log it is known that none came), so that a
    count of zero is a zero while a mean is unknown.
    """
    bound, thresholds = _thresholds(logs, metrics)
    weight = f"coalesce({f64('weight')}, 1e0)" if logs.has("weight") else "1e0"
    inner = ", ".join(
        f"{m.y} as y{i}_, {m.x} as x{i}_, case when {m.measured} then 1e0 else 0e0 end as m{i}_"
        for i, m in enumerate(bound)
    )
    index = f"cast(floor({logs.engine.dialect.epoch('ts')} / {lit(width_s)}) as bigint)"
    sums = ", ".join(sums_sql(str(i)) for i in range(len(bound)))
    sql = (
        f"select b_, count(*) as rows_, {sums} from (select {index} as b_, {weight} as w_, "
        f"{inner} from {logs.relation} where {both('ts is not null', predicate)}) as r_ group by b_"
    )
    answer = logs.engine.table(sql).sort_by("b_")
    index_found = answer["b_"].to_numpy().astype(np.int64)
    if len(index_found) == 0:
        empty = np.zeros(0)
        return [
            Timeline(m, empty, width_s, empty, Sums(*[empty] * 6), t, sql)
            for m, t in zip(bound, thresholds, strict=True)
        ]
    span = logs.span
    span_s = (span.start.timestamp(), span.end.timestamp()) if span else None
    grid = np.arange(index_found[0], index_found[-1] + 1)
    place = index_found - grid[0]

    def column(name: str) -> Floats:
        filled = np.zeros(len(grid))
        filled[place] = np.nan_to_num(answer[name].to_numpy().astype(np.float64))
        return filled

    return [
        Timeline(
            metric,
            grid * float(width_s),
            float(width_s),
            column("rows_"),
            Sums(*(column(f"{part}{i}_") for part in SUMS)),
            threshold,
            sql,
            span_s,
        )
        for i, (metric, threshold) in enumerate(zip(bound, thresholds, strict=True))
    ]


def sums_sql(suffix: str = "") -> str:
    """Return SQL of the additive statistics of rows with w_, and y_, x_, m_ of a suffix."""
    y, x, m = f"w_ * y{suffix}_", f"w_ * x{suffix}_", f"m{suffix}_"
    parts = {"n": m, "x": x, "y": y, "xx": f"{x} * {x}", "xy": f"{x} * {y}", "yy": f"{y} * {y}"}
    return ", ".join(
        f"coalesce(sum({expression}), 0e0) as {part}{suffix}_" for part, expression in parts.items()
    )


def _thresholds(logs: Logs, metrics: Sequence[Metric]) -> tuple[list[Metric], list[float | None]]:
    """Turn each quantile into the share above its level in a sample of the whole log."""
    wanted = [(i, m) for i, m in enumerate(metrics) if m.family == "quantile"]
    if not wanted:
        return list(metrics), [None] * len(metrics)
    sample = logs.engine.sample(logs.relation, 200_000)
    parts = ", ".join(
        logs.engine.dialect.quantile(f"case when {m.measured} then {m.numerator} end", m.q or 0.5)
        + f" as q{i}_"
        for i, m in wanted
    )
    row = logs.engine.one(f"select {parts} from {sample}")
    bound: list[Metric] = list(metrics)
    thresholds: list[float | None] = [None] * len(metrics)
    for i, metric in wanted:
        level = row[f"q{i}_"]
        if level is not None:
            thresholds[i] = float(level)
            bound[i] = metric.exceeding(float(level))
    return bound, thresholds
