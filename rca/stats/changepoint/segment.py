"""Season and level segments of a series, chosen together.

Several penalties give several segmentations; several seasons explain several parts of them. Each
pair is scored by the one-step prediction error of an autoregression on its residuals, so that
neither autocorrelation, a weekend nor a ramp has to be known beforehand (after Cho & Fryzlewicz
2024, "Multiple change point detection under serial dependence", who score a path of mean changes
under an autoregression in the same way).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint import noise as noises
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.series import Series
from rca.stats.season import (
    WEEK_S,
    Season,
    SeasonFit,
    SeasonKind,
    fit_season,
    possible_kinds,
    slot_width,
    week_slots,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Score of one more change, times log n; two parameters (level and place) would cost 2.
CHANGE_COST = 2.5
#: A bucket further than this many local sds from its four neighbours is pulled to that distance.
CLIP_SD = 3.5
#: Variance of a white series around `neighbours_median`, which has a variance of its own.
NEIGHBOURS_VARIANCE = 1.3
PATH_RATIO = 1.8
CHOOSE_BUCKETS = 4096
SEGMENT_BUCKETS = 65_536
EVENTS_PER_BUCKET = 5.0
MIN_POOLED = 8
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


@dataclass(frozen=True)
class Segments:
    """Starts of all segments but the first, with the season that was fitted with them."""

    starts: Ints
    fit: SeasonFit
    residual: Floats
    noise: Noise
    score: float
    #: Long-run variance whose penalty gave these segments (for unit weight).
    scale: float = 0.0

    @property
    def season(self) -> Season:
        """Return the season."""
        return self.fit.season


def prepare(series: Series) -> Data:
    """Return buckets with weights, single outliers pulled in.

    A weight is ``1 / (phi v + tau^2)`` up to a scale: sampling variance ``v`` and a variance
    ``tau^2`` between buckets that does not shrink with n.
    """
    times, y = series.times, series.working
    known = bool(np.isfinite(series.variance).all())
    variance = series.variance if known else None
    position = np.rint((times - (times[0] if len(times) else 0.0)) / series.width_s)
    around = noises.neighbours_median(y) if len(y) >= 5 else y
    residual = y - around
    excess = _excess_variance(residual, variance)
    weight = np.ones(len(y)) if variance is None else 1 / (variance + excess)
    clipped = _clip(series, around, residual, weight, known=known)
    return Data(
        times,
        position.astype(np.int64),
        clipped,
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


def choose(data: Data, season: str | None, sparse_step: int) -> Segments:
    """Choose season and segments; positions refer to ``data``."""
    n = len(data.y)
    day_step = max(1, int(3 * 3600 / data.width_s))
    step = max(sparse_step, min(-(-n // CHOOSE_BUCKETS), day_step))
    coarse = pooled(data, step)
    kinds: list[SeasonKind] = ["none"]
    if season == "auto":
        kinds = possible_kinds(coarse.times, coarse.width_s)
    best: Segments | None = None
    for kind in kinds:
        found = _alternate(coarse, kind, _weeks(coarse))
        if best is None or found.score < best.score:
            best = found
    assert best is not None
    fine_step = max(sparse_step, -(-n // SEGMENT_BUCKETS))
    if fine_step < step:
        kind = best.season.kind
        fine = pooled(data, fine_step)
        blocks = np.searchsorted(coarse.times[best.starts], fine.times, side="right")
        best = _alternate(fine, kind, blocks, best.scale or None)
        coarse = fine
    return _full_resolution(data, coarse, best)


def segment_blocks(starts: Ints, n: int) -> Ints:
    """Return the segment number of each of ``n`` buckets."""
    mark = np.zeros(n, dtype=np.int64)
    mark[starts] = 1
    return np.cumsum(mark)


def refit(data: Data, starts: Ints, kind: SeasonKind) -> Segments:
    """Fit season and levels to given segments, and the noise around them."""
    n = len(data.y)
    blocks = segment_blocks(starts, n)
    fit = fit_season(
        data.times,
        data.y,
        data.weight,
        kind=kind,
        width_s=data.width_s,
        blocks=blocks,
        slots=data.slots,
    )
    effect = _effect(fit, data)
    residual = (data.y - effect - fit.levels[blocks]) * np.sqrt(data.weight)
    parameters = fit.season.n_parameters
    noise = noises.estimate(residual, data.position, levels=len(starts) + 1, parameters=parameters)
    return Segments(starts, fit, residual, noise, _score(data, residual, len(starts), parameters))


def _alternate(data: Data, kind: SeasonKind, blocks: Ints, scale: float | None = None) -> Segments:
    """Fit the season around given levels, then segments and season in turn until they settle."""
    fit = fit_season(
        data.times,
        data.y,
        data.weight,
        kind=kind,
        width_s=data.width_s,
        blocks=blocks,
        slots=data.slots,
    )
    best: Segments | None = None
    for _ in range(4):
        flat = data.y - _effect(fit, data)
        starts, scale = _best_on_path(data, flat, fit.season.n_parameters, scale)
        found = refit(data, starts, kind)
        if best is not None and found.score >= best.score - 1e-9:
            break
        best, fit = replace(found, scale=scale), found.fit
        if kind == "none":
            break
    assert best is not None
    return best


def _best_on_path(
    data: Data, y: Floats, parameters: int, around: float | None
) -> tuple[Ints, float]:
    """Return the best-scored segmentation over penalties, and the long-run variance behind it.

    The penalty of a change is ``2.5 log n`` times a long-run variance. That is tried from the
    variance between neighbours to many times the whole variance, or near ``around`` when known.
    """
    from rca.stats.changepoint.kernels import optimal_levels

    n = len(y)
    root = np.sqrt(data.weight)
    centred = (y - _mean(y, data.weight)) * root
    best = np.zeros(0, dtype=np.int64)
    if n < MIN_POOLED:
        return best, 0.0
    best_score = _score(data, centred, 0, parameters)
    near = noises.robust_sd((y - noises.neighbours_median(y)) * root) ** 2 / NEIGHBOURS_VARIANCE
    whole = float(np.mean(centred**2))
    lowest, highest = 0.8 * max(near, 1e-9 * whole), 40 * whole
    if around is not None:
        lowest, highest = around / PATH_RATIO, around * PATH_RATIO * 1.01
    scale, best_scale, seen, worse = lowest, lowest, -1, 0
    while 0 < scale < highest and worse < 4:
        starts = optimal_levels(y, data.weight, CHANGE_COST * np.log(n) * scale)
        if len(starts) == 0:
            break
        if len(starts) != seen and len(starts) <= n / 4:
            seen = len(starts)
            residual = (y - _levels(y, data.weight, starts)) * root
            score = _score(data, residual, len(starts), parameters)
            if score < best_score:
                best, best_score, best_scale, worse = starts, score, scale, 0
            elif len(best):
                worse += 1
        scale *= PATH_RATIO
    return best, best_scale if len(best) else scale


def _score(data: Data, residual: Floats, changes: int, parameters: int) -> float:
    n = len(residual)
    lags = 3 if n >= 80 else 1
    spread = noises.innovation_variance(noises.autocovariance(residual, data.position, lags))
    cost = CHANGE_COST * changes + 0.5 * parameters
    floor = NEGLIGIBLE * float(np.mean(data.weight * (data.y - _mean(data.y, data.weight)) ** 2))
    return 0.5 * n * float(np.log(max(spread, floor, 1e-300))) + cost * float(np.log(n))


def _levels(y: Floats, weight: Floats, starts: Ints) -> Floats:
    edges = np.concatenate(([0], starts))
    level = np.add.reduceat(weight * y, edges) / np.add.reduceat(weight, edges)
    return np.repeat(level, np.diff(np.append(edges, len(y))))


def _mean(y: Floats, weight: Floats) -> float:
    return float(weight @ y / weight.sum())


def _weeks(data: Data) -> Ints:
    """Return blocks of one week: a day's own level would swallow the weekend."""
    week = ((data.times - data.times[0]) // WEEK_S).astype(np.int64)
    return np.unique(week, return_inverse=True)[1].astype(np.int64)


def _effect(fit: SeasonFit, data: Data) -> Floats | float:
    return np.asarray(fit.season.profile)[data.slots] if fit.season.profile else 0.0


def _full_resolution(data: Data, coarse: Data, found: Segments) -> Segments:
    """Carry the segments over to the input's buckets, each start moved to its best place."""
    kind = found.season.kind
    if coarse is data:
        return found
    starts = np.searchsorted(data.position, coarse.position[found.starts] * coarse.step)
    starts = np.unique(starts[(starts > 0) & (starts < len(data.y))])
    first = refit(data, starts, kind)
    y = data.y - _effect(first.fit, data)
    moved = _best_places(y, data.weight, starts, 2 * coarse.step)
    return refit(data, moved, kind)


def _best_places(y: Floats, weight: Floats, starts: Ints, reach: int) -> Ints:
    """Move each start by at most ``reach`` buckets to where two levels fit best."""
    edges = np.concatenate(([0], starts, [len(y)]))
    moved = starts.copy()
    for i in range(1, len(edges) - 1):
        left = int(moved[i - 2]) if i > 1 else 0
        right = int(edges[i + 1])
        low, high = max(left + 1, int(edges[i]) - reach), min(right - 1, int(edges[i]) + reach)
        if high <= low:
            continue
        w, y_part = weight[left:right], y[left:right]
        mass, total = np.cumsum(w), np.cumsum(w * y_part)
        at = np.arange(low, high + 1) - left - 1
        gain = total[at] ** 2 / mass[at] + (total[-1] - total[at]) ** 2 / (mass[-1] - mass[at])
        moved[i - 1] = low + int(np.argmax(gain))
    return np.unique(moved)


def _excess_variance(residual: Floats, variance: Floats | None) -> float:
    """Return the variance between buckets beyond sampling, from residuals to the neighbours."""
    if variance is None or not len(residual):
        return 0.0
    seen = noises.robust_sd(residual) ** 2 / NEIGHBOURS_VARIANCE
    return max(0.0, seen - float(np.median(variance)))


def _clip(
    series: Series,
    around: Floats,
    residual: Floats,
    weight: Floats,
    *,
    known: bool,
) -> Floats:
    root = np.sqrt(weight)
    sd = noises.robust_sd(residual * root)
    if known:
        sd = max(sd, float(np.sqrt(NEIGHBOURS_VARIANCE)))
    if sd == 0:
        sd = float(np.sqrt(np.mean((residual * root) ** 2)))
    reach = CLIP_SD * sd / root
    if series.kind in ("rate", "count"):
        # Few events are skewed: the reach grows to about the 1e-4 quantile of Poisson noise.
        information = 1 / series.variance
        reach = np.maximum(reach, (CLIP_SD * np.sqrt(information) + 2.5) / information)
    reach = reach.copy()
    # The outer buckets have neighbours on one side: a slope must not look like an outlier.
    reach[:2] += np.ptp(series.working[:5])
    reach[-2:] += np.ptp(series.working[-5:])
    return np.clip(series.working, around - reach, around + reach)


def sparse_step(series: Series) -> int:
    """Return how many buckets must be pooled to hold about `EVENTS_PER_BUCKET` events."""
    if series.kind not in ("rate", "count"):
        return 1
    information = 1 / series.variance[np.isfinite(series.variance)]
    typical = float(np.mean(information)) if len(information) else EVENTS_PER_BUCKET
    return max(1, int(np.ceil(EVENTS_PER_BUCKET / max(typical, 1e-9))))
