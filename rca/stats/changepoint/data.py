"""Buckets made ready for least squares: weights, single outliers pulled in, wider buckets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint import noise as noises
from rca.stats.changepoint.series import Series
from rca.stats.season import slot_width, week_slots

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A bucket further than this many local sds from its neighbours is pulled to that distance.
CLIP_SD = 3.5
#: Variance of a white series around `neighbours_median`, which has a variance of its own.
NEIGHBOURS_VARIANCE = 1.3
EVENTS_PER_BUCKET = 5.0
#: Prediction error below this part of the variance is round-off, not a better model.
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Data:
    """Present buckets, ready for least squares: times, whole positions, values and weights."""

    times: Floats
    position: Ints
    y: Floats
    weight: Floats
    variance: Floats | None
    slots: Ints
    width_s: float
    #: Whole input buckets in each of these buckets.
    step: int = 1

    @cached_property
    def floor(self) -> float:
        """Return the weighted variance below which nothing can be told from round-off."""
        mean = np.sum(self.weight * self.y) / np.sum(self.weight)
        return NEGLIGIBLE * float(np.mean(self.weight * (self.y - mean) ** 2))


def prepare(series: Series, effect: Floats | float = 0.0) -> Data:
    """Return buckets with weights, single outliers pulled in once ``effect`` is taken off.

    A weight is ``1 / (v + tau^2)``: sampling variance ``v`` and a variance ``tau^2`` between
    buckets that does not shrink with n.
    """
    times, y = series.times, series.working - effect
    known = bool(np.isfinite(series.variance).all())
    variance = series.variance if known else None
    position = np.rint((times - (times[0] if len(times) else 0.0)) / series.width_s)
    residual = y - noises.neighbours_median(y) if len(y) >= 5 else np.zeros(len(y))
    excess = _excess_variance(residual, variance)
    weight = np.ones(len(y)) if variance is None else 1 / (variance + excess)
    sd = _local_sd(residual * np.sqrt(weight), known=known)
    return Data(
        times,
        position.astype(np.int64),
        _clip(y, sd * reach_in_sd(series, 1 / series.variance) / np.sqrt(weight)) + effect,
        weight,
        variance,
        week_slots(times, series.width_s, slot_width(series.width_s)),
        series.width_s,
    )


def pooled(data: Data, step: int) -> Data:
    """Return the series in buckets ``step`` times as wide."""
    if step <= 1:
        return data
    group = data.position // step
    first = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    weight = np.add.reduceat(data.weight, first)
    width = data.width_s * step
    times = data.times[0] + group[first] * width
    return Data(
        times,
        group[first],
        np.add.reduceat(data.weight * data.y, first) / weight,
        weight,
        None,
        week_slots(times, width, slot_width(width)),
        width,
        data.step * step,
    )


def _excess_variance(residual: Floats, variance: Floats | None) -> float:
    """Return the variance between buckets beyond sampling, from residuals to the neighbours."""
    if variance is None or not len(residual):
        return 0.0
    seen = noises.robust_sd(residual) ** 2 / NEIGHBOURS_VARIANCE
    return max(0.0, seen - float(np.median(variance)))


def _local_sd(residual: Floats, *, known: bool) -> float:
    """Return the robust sd around the neighbours, no smaller than sampling noise makes it."""
    if not len(residual):
        return 0.0
    sd = noises.robust_sd(residual)
    if known:
        sd = max(sd, float(np.sqrt(NEIGHBOURS_VARIANCE)))
    return sd if sd > 0 else float(np.sqrt(np.mean(residual**2)))


def _clip(y: Floats, reach: Floats) -> Floats:
    """Pull in buckets that are far from the three before and from the three after.

    So one bucket or two cannot look like a level, and the buckets beside a step stay as they are.
    """
    if len(y) < 7:
        return y
    triple = np.maximum(np.minimum(y[:-2], y[1:-1]), np.minimum(np.maximum(y[:-2], y[1:-1]), y[2:]))
    low, high = np.empty(len(y)), np.empty(len(y))
    low[3:-3] = np.minimum(triple[:-4], triple[4:])
    high[3:-3] = np.maximum(triple[:-4], triple[4:])
    for side in (y, y[::-1]):
        ends = (low, high) if side is y else (low[::-1], high[::-1])
        for i in range(3):
            near = side[i + 1 : i + 4]
            bound = [float(np.median(near))] + ([float(side[:i].mean())] if i == 2 else [])
            # Neighbours on one side only: a slope must not look like an outlier.
            slack = float(np.ptp(near))
            ends[0][i], ends[1][i] = min(bound) - slack, max(bound) + slack
    return np.clip(y, low - reach, high + reach)


def reach_in_sd(series: Series, information: Floats) -> Floats | float:
    """Return how many sds a bucket may be away before it counts as an outlier.

    Few events are skewed: there the reach grows to about the 1e-4 quantile of Poisson noise.
    """
    if series.kind not in ("rate", "count"):
        return CLIP_SD
    return np.asarray(CLIP_SD + 2.5 / np.sqrt(information), dtype=np.float64)


def sparse_step(series: Series) -> int:
    """Return how many buckets must be pooled to hold about `EVENTS_PER_BUCKET` events."""
    if series.kind not in ("rate", "count"):
        return 1
    information = 1 / series.variance[np.isfinite(series.variance)]
    typical = float(np.mean(information)) if len(information) else EVENTS_PER_BUCKET
    return max(1, int(np.ceil(EVENTS_PER_BUCKET / max(typical, 1e-9))))
