"""Season, level and noise of the buckets before a split, and what they say of a later mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rca.errors import WindowError
from rca.stats.changepoint import segment, significance
from rca.stats.changepoint.levels import pooled_level
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.segment import Data, Segments
from rca.stats.changepoint.series import Series
from rca.stats.season import DAY_S, WEEK_S, week_slots

Floats = npt.NDArray[np.float64]

#: A last level of the baseline shorter than this many buckets is not trusted on its own.
MIN_LEVEL = 12


@dataclass(frozen=True)
class Baseline:
    """Season, last level and noise of the baseline."""

    data: Data
    chosen: Segments
    level: float
    level_variance: float
    low: int
    rows: float
    caveats: tuple[str, ...]

    @classmethod
    def of(cls, series: Series, end: float) -> Baseline:
        """Fit the buckets that end by ``end``."""
        part = series.part(series.times + series.width_s <= end + 1e-6).present()
        if not len(part):
            raise WindowError(
                f"no bucket with a value ends by {end}. Give a later end or an earlier start."
            )
        data = segment.prepare(part)
        chosen = segment.choose(data, "auto", segment.sparse_step(part))
        chosen = significance.prune(data, chosen, 0.05)
        low = int(chosen.starts[-1]) if len(chosen.starts) else 0
        caveats = []
        if low and len(data.y) - low < MIN_LEVEL:
            low = int(chosen.starts[-2]) if len(chosen.starts) > 1 else 0
        if len(chosen.starts):
            days = [(float(data.times[s]) - end) / DAY_S for s in chosen.starts[-3:]]
            when = ", ".join(f"{-day:.1f}" for day in days)
            caveats.append(
                f"The baseline itself changed {when} days before its end; the level since is used."
            )
        weight = data.weight[low:]
        effect = chosen.season.effect(data.times[low:], data.width_s)
        level = float(weight @ (data.y[low:] - effect) / weight.sum())
        if series.kind in ("rate", "count"):
            level = pooled_level(series, part.value[low:], part.n[low:], effect, level)
        noise = chosen.noise
        variance = noise.variance * float(noise.inflation(len(weight))) / float(weight.sum())
        rows = float(part.n[low:].sum())
        return cls(data, chosen, level, variance, low, rows, tuple(caveats) + _span_caveats(data))

    @property
    def weight(self) -> Floats:
        """Return the weights of the baseline's buckets."""
        return self.data.weight

    @property
    def covariance(self) -> Floats:
        """Return the covariance of the season's coefficients."""
        noise = self.chosen.noise
        return self.chosen.fit.covariance * (noise.variance * noise.long_run)

    def weight_of(self, variance: float) -> float:
        """Return the weight of a bucket elsewhere, by its sampling variance."""
        if self.data.variance is None or not np.isfinite(variance):
            return float(np.median(self.data.weight))
        excess = float(np.median(1 / self.data.weight - self.data.variance))
        return 1 / (float(variance) + max(0.0, excess))

    def design(self, times: Floats) -> Floats:
        """Return the season's basis at ``times``, less its mean where the level was fitted."""
        basis, season = self.chosen.fit.basis, self.chosen.season
        if basis.shape[1] == 0:
            return np.zeros((len(times), 0))
        here = basis[week_slots(times, self.data.width_s, season.slot_s)]
        weight = self.data.weight[self.low :]
        there = basis[week_slots(self.data.times[self.low :], self.data.width_s, season.slot_s)]
        return np.asarray(here - weight @ there / weight.sum(), dtype=np.float64)

    def distance_variance(self, data: Data, weight: Floats) -> tuple[float, float]:
        """Return the variance of the mean distance of current buckets, and its degrees."""
        noise = self.chosen.noise
        now = noise.variance * float(noise.inflation(len(weight))) / float(weight.sum())
        mean_design = weight @ self.design(data.times) / weight.sum()
        season = float(mean_design @ self.covariance @ mean_design)
        modelled = now + self.level_variance + season
        slow, slow_degrees = self._slow_variance(data)
        total = modelled + slow
        degrees = total**2 / (modelled**2 / max(2.0, noise.degrees) + slow**2 / slow_degrees)
        return total, max(1.0, degrees)

    def _slow_variance(self, data: Data) -> tuple[float, float]:
        """Return what stretches of the baseline vary beyond the noise, for this comparison."""
        span = float(data.times[-1] - data.times[0]) + data.width_s
        length = max(1, round(min(span, DAY_S) / data.width_s))
        block = self.data.position // length
        first = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
        if len(first) < 3:
            return 0.0, 1.0
        root = np.sqrt(self.data.weight)
        mass = np.add.reduceat(self.data.weight, first)
        mean = np.add.reduceat(self.chosen.residual * root, first) / mass
        size = np.diff(np.append(first, len(block)))
        noise: Noise = self.chosen.noise
        known = noise.variance * noise.inflation(size) / mass
        lost = 1 - (len(self.chosen.starts) + 1) / len(first)
        seen = float(np.mean(mean**2)) / max(lost, 0.3)
        excess = max(0.0, seen - float(np.mean(known)))
        blocks_now = max(1.0, span / (length * data.width_s))
        blocks_then = max(1.0, (len(block) - self.low) / length)
        return excess * (1 / blocks_now + 1 / blocks_then), max(1.0, len(first) - 1.0)

    def caveats_for(self, times: Floats) -> tuple[str, ...]:
        """Return the caveats, with one when the current hours were never seen before."""
        if self.chosen.season.kind != "none" or self.data.width_s > DAY_S / 3:
            return self.caveats
        hours = {int(t % DAY_S // 3600) for t in self.data.times.tolist()}
        unseen = {int(t % DAY_S // 3600) for t in times.tolist()} - hours
        if not unseen:
            return self.caveats
        text = "Some hours of the day occur only in the current buckets: a daily rhythm would show."
        return (*self.caveats, text)


def _span_caveats(data: Data) -> tuple[str, ...]:
    span = float(data.times[-1] - data.times[0]) + data.width_s
    if data.width_s >= DAY_S:
        return ()
    if span < 2 * DAY_S:
        return (
            f"The baseline spans {span / 3600:.0f} h: no daily profile can be learnt from less "
            "than two days. Give a longer baseline.",
        )
    if span < 2 * WEEK_S:
        return (f"The baseline spans {span / DAY_S:.1f} days: a day-of-week profile needs 14.",)
    return ()
