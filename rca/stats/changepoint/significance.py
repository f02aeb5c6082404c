"""Which of the proposed changes are more than noise, and whether the newest buckets moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import special

from rca.stats.changepoint.data import Data
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.segment import Segments, refit
from rca.stats.season import DAY_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Levels of whole days that a season fits.
DAY_LEVELS = {"day+weekend": 1, "day+weekday": 6, "day*weekend": 6, "weekday": 6}
#: Lengths of the newest run that are tried, and the share of alpha that they may spend.
TAIL_RUNS = (2, 3, 4, 6, 8)
TAIL_ALPHA = 0.2
#: Shape of the generalised Pareto tail: heavier than exponential, as a guard.
TAIL_SHAPE = 0.2
TAIL_PAST = 50_000


def floored(segments: Segments, data: Data) -> Segments:
    """Return the segments with a noise no smaller than sampling noise."""
    if data.variance is None:
        return segments
    least = float(np.mean(data.variance * data.weight))
    noise = segments.noise
    if noise.variance >= least:
        return segments
    return replace(segments, noise=replace(noise, variance=least))


def change_z(data: Data, segments: Segments, slow: float) -> Floats:
    """Return each change over its standard error, from the levels on both sides."""
    levels, variance = level_variances(data, segments, slow)
    return np.asarray(np.diff(levels) / np.sqrt(variance[1:] + variance[:-1]), dtype=np.float64)


def level_variances(data: Data, segments: Segments, slow: float) -> tuple[Floats, Floats]:
    """Return the levels of the segments and their variances, ``slow`` being that of days."""
    edges = np.concatenate(([0], segments.starts, [len(data.y)]))
    mass = np.add.reduceat(data.weight, edges[:-1])
    size = np.diff(edges)
    noise = segments.noise
    blocks = np.maximum(1.0, size * data.width_s / DAY_S)
    return segments.fit.levels, noise.variance * noise.inflation(size) / mass + slow / blocks


def day_variance(data: Data, segments: Segments) -> float:
    """Return how much whole days differ beyond the noise."""
    return slow_variance(data, segments, max(1, round(DAY_S / data.width_s)))[0]


def slow_variance(data: Data, segments: Segments, length: int) -> tuple[float, float]:
    """Return the variance of means of ``length`` buckets beyond the noise, and its degrees.

    Days differ for reasons that neither the season nor the correlation of neighbours knows. With
    fewer than three stretches there is nothing to learn it from.
    """
    block = data.position // length
    first = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    kept = _kept(first, segments.starts, len(block))
    degrees = float(kept.sum()) - DAY_LEVELS.get(segments.season.kind, 0)
    if len(first) < 3 or degrees < 1:
        return 0.0, 1.0
    mass = np.add.reduceat(data.weight, first)
    mean = np.add.reduceat(segments.residual * np.sqrt(data.weight), first) / mass
    size = np.diff(np.append(first, len(block)))
    known = segments.noise.variance * segments.noise.inflation(size) / mass
    seen = float(np.sum(mean**2)) / max(degrees, 0.3 * float(kept.sum()))
    return max(0.0, seen - float(known @ kept / kept.sum())), degrees


def _kept(first: Ints, starts: Ints, n: int) -> Floats:
    """Return the share of each block mean's variance that fitted segment levels leave."""
    edges = np.union1d(first, np.append(starts, 0))
    size = np.diff(np.append(edges, n)).astype(np.float64)
    block = np.searchsorted(first, edges, side="right") - 1
    segment = np.searchsorted(starts, edges, side="right")
    in_block = np.bincount(block, size)
    in_segment = np.bincount(segment, size)
    share = size / in_block[block] * (1 - size / in_segment[segment])
    return np.asarray(np.bincount(block, share), dtype=np.float64)


def anywhere_p(z: Floats, n: int, noise: Noise) -> Floats:
    """Return the probability of a ``|z|`` as large at any of ``n`` places without a change.

    Bonferroni over the places that differ, with Student's t for the noise being estimated.
    """
    places = max(1.0, n / noise.long_run)
    tail = 2 * special.stdtr(max(3.0, noise.degrees), -np.abs(z))
    return np.asarray(np.minimum(1.0, places * tail), dtype=np.float64)


def prune(data: Data, segments: Segments, alpha: float) -> Segments:
    """Take out the weakest change, refit, and again, until all are significant.

    One bucket alone is an outlier or half of a step, not a level.
    """
    segments = _without_single(data, segments)
    segments = floored(segments, data)
    slow = day_variance(data, segments)
    while len(segments.starts):
        p = anywhere_p(change_z(data, segments, slow), len(data.y), segments.noise)
        if p.max() <= alpha:
            return segments
        weak = p >= min(1.0, p.max())
        drop = np.flatnonzero(weak)[:: 2 if weak.sum() > 1 else 1]
        starts = np.delete(segments.starts, drop)
        segments = floored(refit(data, starts, segments.season.kind), data)
    return segments


def _without_single(data: Data, segments: Segments) -> Segments:
    """Give each level of one bucket to the neighbour that is nearer."""
    edges = np.concatenate(([0], segments.starts, [len(data.y)]))
    alone = np.flatnonzero(np.diff(edges) == 1)
    if not len(alone) or not len(segments.starts):
        return segments
    jump = np.concatenate(([np.inf], np.abs(np.diff(segments.fit.levels)), [np.inf]))
    drop = {int(i) - 1 if jump[i] <= jump[i + 1] else int(i) for i in alone}
    starts = np.delete(segments.starts, sorted(drop))
    return refit(data, starts, segments.season.kind)


def tail_run(residual: Floats, alpha: float) -> tuple[int, float] | None:
    """Return the length of a shifted run at the end and its p-value, or nothing.

    A run counts by its bucket nearest to the level, so that one outlier cannot make it. It is
    compared with all earlier runs of its length in the series: the tail above their 90 % quantile
    is extrapolated by a generalised Pareto law. Autocorrelation and heavy tails so need no model.
    """
    residual = residual[-TAIL_PAST:]
    n = len(residual)
    share = alpha * TAIL_ALPHA / len(TAIL_RUNS)
    best: tuple[int, float] | None = None
    for m in TAIL_RUNS:
        if n < 8 * m + 16:
            break
        runs = np.lib.stride_tricks.sliding_window_view(residual, m)
        nearest = np.maximum(runs.min(1), -runs.max(1))
        past, now = np.maximum(nearest[:-m], 0.0), float(nearest[-1])
        threshold = float(np.quantile(past, 0.9))
        above = past[past > threshold] - threshold
        if now <= threshold or not len(above):
            continue
        scale = max(float(above.mean()) * (1 - TAIL_SHAPE), 1e-12)
        p = 0.1 * (1 + TAIL_SHAPE * (now - threshold) / scale) ** (-1 / TAIL_SHAPE)
        if p <= share and (best is None or p < best[1]):
            best = (m, p)
    return (best[0], min(1.0, best[1] * len(TAIL_RUNS) / TAIL_ALPHA)) if best else None
