"""Levels between the changes, in the metric's own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint.data import Data
from rca.stats.changepoint.results import Segment
from rca.stats.changepoint.segment import Segments
from rca.stats.changepoint.series import Series

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """Level of buckets ``low..high`` on the working scale, and its variance."""

    low: int
    high: int
    working: float
    variance: float
    rows: float
    #: Season effects of a whole week; the level in native units is the mean over them.
    profile: Floats

    @classmethod
    def of(cls, series: Series, data: Data, chosen: Segments, low: int, high: int) -> Level:
        """Estimate the level of buckets ``low..high - 1`` given the season."""
        high = max(high, low + 1)
        effect = chosen.season.effect(data.times[low:high], data.width_s)
        weight = data.weight[low:high]
        noise = chosen.noise
        variance = noise.variance * float(noise.inflation(high - low)) / float(weight.sum())
        rows = series.n[low:high]
        level = float(weight @ (data.y[low:high] - effect) / weight.sum())
        if series.kind in ("rate", "count"):
            level = pooled_level(series, series.value[low:high], rows, effect, level)
        profile = np.asarray(chosen.season.profile or (0.0,))
        return cls(low, high, level, variance, float(rows.sum()), profile)

    def native(self, series: Series, offset: float = 0.0) -> tuple[float, float]:
        """Return the level plus ``offset`` in the metric's unit, and its slope there."""
        around = self.working + offset + self.profile
        return float(series.native(around).mean()), float(series.slope(around).mean())

    def segment(self, series: Series, data: Data, quantile: float) -> Segment:
        """Return the level in the metric's unit, with a 95 % interval."""
        reach = quantile * np.sqrt(self.variance)
        low, level, high = (self.native(series, by)[0] for by in (-reach, 0.0, reach))
        return Segment(
            float(data.times[self.low]),
            float(data.times[self.high - 1] + data.width_s),
            level,
            (low, high),
            self.rows,
            self.high - self.low,
        )


def pooled_level(
    series: Series, value: Floats, rows: Floats, effect: Floats, start: float
) -> float:
    """Return the level whose expected total is the total seen (one-parameter regression)."""
    seen = float(value @ rows)
    most = float(rows.sum()) if series.kind == "rate" else np.inf
    seen = min(max(seen, 0.5), most - 0.5)
    level = start
    for _ in range(30):
        expected = float(rows @ series.native(level + effect))
        slope = float(rows @ series.slope(level + effect))
        step = (seen - expected) / max(slope, 1e-12)
        level += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-12:
            break
    return level
