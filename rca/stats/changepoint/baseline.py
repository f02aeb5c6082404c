"""Season, level and noise of the buckets before a split, and what they say of a later mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rca.errors import WindowError
from rca.stats.changepoint import segment, significance
from rca.stats.changepoint.data import Data
from rca.stats.changepoint.levels import pooled_level
from rca.stats.changepoint.segment import Segments
from rca.stats.changepoint.series import Series
from rca.stats.season import DAY_S, MONDAY_S, WEEK_S, week_slots

Floats = npt.NDArray[np.float64]

#: A last level of the baseline shorter than this many buckets is not trusted on its own.
MIN_LEVEL = 12
WANDERS = 3


@dataclass(frozen=True)
class Baseline:
    """Season, last level and noise of the baseline."""

    data: Data
    chosen: Segments
    level: float
    level_variance: float
    #: Buckets that the level was fitted to.
    level_of: slice
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
        data, chosen = segment.choose(part, "auto")
        chosen = significance.prune(data, chosen, 0.05)
        chosen, level_of, caveat = _last_level(data, chosen)
        weight = data.weight[level_of]
        effect = chosen.season.effect(data.times[level_of], data.width_s)
        level = float(weight @ (data.y[level_of] - effect) / weight.sum())
        rows = part.n[level_of]
        if series.kind in ("rate", "count"):
            level = pooled_level(series, part.value[level_of], rows, effect, level)
        noise = chosen.noise
        variance = noise.variance * float(noise.inflation(len(weight))) / float(weight.sum())
        caveats = caveat + _span_caveats(data)
        return cls(data, chosen, level, variance, level_of, float(rows.sum()), caveats)

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
        weight = self.data.weight[self.level_of]
        there = basis[week_slots(self.data.times[self.level_of], self.data.width_s, season.slot_s)]
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
        excess, degrees = significance.slow_variance(self.data, self.chosen, length)
        blocks_now = max(1.0, span / (length * data.width_s))
        levels = 1 + significance.DAY_LEVELS.get(self.chosen.season.kind, 0)
        blocks_then = max(1.0, len(self.data.y[self.level_of]) / length / levels)
        return excess * (1 / blocks_now + 1 / blocks_then), degrees

    def caveats_for(self, times: Floats) -> tuple[str, ...]:
        """Return the caveats, with one when the current hours or days were never seen before."""
        kind = self.chosen.season.kind
        out = list(self.caveats)
        if kind == "none" and _hours(times) - _hours(self.data.times):
            out.append("Some hours of the day occur only now: a daily rhythm would look like this.")
        if kind in ("none", "day") and (_weekend(times) - _weekend(self.data.times)):
            out.append("The baseline holds no weekend, or nothing else: that would look like this.")
        return tuple(out)


def _last_level(data: Data, chosen: Segments) -> tuple[Segments, slice, tuple[str, ...]]:
    """Return which buckets stand for the level just before the split.

    That is the last segment of `MIN_LEVEL` buckets or more. A level that wandered `WANDERS` times
    is no level: then the whole baseline is one, and the wandering is noise.
    """
    starts = chosen.starts
    if not len(starts):
        return chosen, slice(0, None), ()
    if len(starts) >= WANDERS:
        flat = segment.refit(data, starts[:0], chosen.season.kind)
        text = f"The baseline changed {len(starts)} times; its mean is used, its changes as noise."
        return significance.floored(flat, data), slice(0, None), (text,)
    edges = [0, *starts.tolist(), len(data.y)]
    long_enough = [i for i in range(len(edges) - 1) if edges[i + 1] - edges[i] >= MIN_LEVEL]
    last = long_enough[-1] if long_enough else int(np.argmax(np.diff(edges)))
    end = float(data.times[-1]) + data.width_s
    when = ", ".join(f"{(end - float(data.times[s])) / 3600:.1f}" for s in starts)
    text = f"The baseline itself changed {when} h before its end; its last long level is used."
    return chosen, slice(edges[last], edges[last + 1]), (text,)


def _hours(times: Floats) -> set[int]:
    return set(np.unique(times % DAY_S // 3600).astype(int).tolist())


def _weekend(times: Floats) -> set[bool]:
    return set(((times + MONDAY_S) % WEEK_S >= 5 * DAY_S).tolist())


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
