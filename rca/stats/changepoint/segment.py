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
from rca.stats.changepoint.data import NEIGHBOURS_VARIANCE, Data, pooled, prepare, sparse_step
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.series import Series
from rca.stats.season import (
    WEEK_S,
    Season,
    SeasonFit,
    SeasonKind,
    fit_season,
    possible_kinds,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Cost of one more change, times log n; two parameters (level and place) would cost 2.
CHANGE_COST = 3.5
#: Shorter series pay as much as one of this length: their autocorrelation is hardly known.
SHORT = 200
PATH_RATIO = 1.8
CHOOSE_BUCKETS = 4096
SEGMENT_BUCKETS = 50_000
MAX_POOL = 8
MIN_POOLED = 8


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


def choose(series: Series, season: str | None) -> tuple[Data, Segments]:
    """Choose season and segments of a series whose buckets all have a value."""
    data, sparse = prepare(series), sparse_step(series)
    n = len(data.y)
    day_step = max(1, int(3 * 3600 / data.width_s))
    step = max(sparse, min(-(-n // CHOOSE_BUCKETS), day_step))
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
    kind = best.season.kind
    fine_step = max(sparse, min(MAX_POOL, -(-n // SEGMENT_BUCKETS)))
    if kind != "none":
        # A slope of the season hides outliers and looks like them: pull them in without it.
        data = prepare(series, best.season.effect(data.times, data.width_s))
    if kind != "none" or fine_step < step:
        fine = pooled(data, fine_step)
        # Changes that are close to each other vanish in the coarse series: search afresh.
        scale = None
        if len(fine.y) > 4 * CHOOSE_BUCKETS:
            medium = pooled(fine, 4)
            scale = _alternate(medium, kind, _blocks_at(medium, coarse, best)).scale or None
        best = _alternate(fine, kind, _blocks_at(fine, coarse, best), scale)
        coarse = fine
    return data, _full_resolution(data, coarse, best)


def _blocks_at(data: Data, coarse: Data, found: Segments) -> Ints:
    """Return the segments found in a coarse series as blocks of a finer one."""
    blocks = np.searchsorted(coarse.times[found.starts], data.times, side="right")
    return np.unique(blocks, return_inverse=True)[1].astype(np.int64)


def change_cost(n: int) -> float:
    """Return what one more change must take off the squares, in units of their variance."""
    return CHANGE_COST * float(np.log(max(n, SHORT)))


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

    The penalty of a change is ``3.5 log n`` times a long-run variance. That is tried from the
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
        starts = optimal_levels(y, data.weight, change_cost(n) * scale)
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
    cost = 0.5 * (change_cost(n) * changes + float(np.log(n)) * parameters)
    return 0.5 * n * float(np.log(max(spread, data.floor, 1e-300))) + cost


def _levels(y: Floats, weight: Floats, starts: Ints) -> Floats:
    edges = np.concatenate(([0], starts))
    level = np.add.reduceat(weight * y, edges) / np.add.reduceat(weight, edges)
    return np.repeat(level, np.diff(np.append(edges, len(y))))


def _mean(y: Floats, weight: Floats) -> float:
    # Not a dot product: BLAS would wake its threads for each of many short sums.
    return float(np.sum(weight * y) / np.sum(weight))


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
