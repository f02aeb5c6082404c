"""Why precision and recall moved: the threshold, the scores' level, their ranking, or the mix.

From counts of labels in bins of rising score, precision and recall are known at every threshold.
Walking from the baseline to the current version one step at a time,

    baseline at its threshold
      -> ranking     current's scores, cut so that as many rows are called as in the baseline
      -> scores      current's scores at the baseline's threshold
      -> threshold   current's scores at its own threshold
      -> prevalence  the same with the current share of positives instead of the baseline's

each step's shift is the part of one cause, and the parts add up to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PARTS: tuple[str, ...] = ("ranking", "scores", "threshold", "prevalence")
MEASURES: tuple[str, ...] = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Walk:
    """Parts of the shift, with intervals.

    Attributes
    ----------
    parts, low, high : array, shape (3 measures, 4 parts)
        The shift of precision, recall and F1 that each part makes.
    baseline, current : array, shape (3,)
        Both ends of the walk.
    """

    parts: Array
    low: Array
    high: Array
    baseline: Array
    current: Array


def walk(counts0: Array, counts1: Array, cut0: int, cut1: int) -> tuple[Array, Array, Array]:
    """Return the parts and both ends.

    Parameters
    ----------
    counts0, counts1 : array, shape (..., 2, bins)
        Rows of the baseline and of the current side by label and bin of rising score.
    cut0, cut1 : int
        The first bin that is called positive on each side.

    Returns
    -------
    parts : array, shape (..., 3, 4)
    baseline, current : array, shape (..., 3)

    Examples
    --------
    The same scores, and a threshold lowered by one bin:

    >>> counts = np.array([[60.0, 30, 10], [10, 30, 60]])
    >>> parts, before, after = walk(counts, counts, 2, 1)
    >>> parts[1].round(3).tolist()                        # recall: all of it the threshold's
    [0.0, 0.0, 0.3, 0.0]
    """
    called0 = _called(counts0, cut0)
    weighted = counts1 * _to_prevalence(counts0, counts1)
    ends = [
        _measures(called0, counts0),
        _measures(_called_share(weighted, _share(called0, counts0)), weighted),
        _measures(_called(weighted, cut0), weighted),
        _measures(_called(weighted, cut1), weighted),
        _measures(_called(counts1, cut1), counts1),
    ]
    return np.diff(np.stack(ends, axis=-1), axis=-1), ends[0], ends[-1]


def walk_with_intervals(
    joint: Array | None,
    counts0: Array,
    counts1: Array,
    cut0: int,
    cut1: int,
    *,
    level: float = 0.95,
    draws: int = 400,
    seed: int = 0,
) -> Walk:
    """Return the parts with percentile bootstrap intervals; rows are drawn, thresholds are kept.

    Parameters
    ----------
    joint : array, shape (2, bins, bins), optional
        Pairs by label, baseline bin and current bin: then pairs are drawn. Otherwise the rows of
        the two sides are drawn on their own.
    level : float
        Of each interval.
    draws, seed : int
        How many times, and from where.
    """
    rng = np.random.default_rng(seed)
    parts, before, after = walk(counts0, counts1, cut0, cut1)
    if joint is None:
        drawn0, drawn1 = _drawn(rng, counts0, draws), _drawn(rng, counts1, draws)
    else:
        drawn0, drawn1 = _drawn_pairs(rng, joint, draws)
    drawn, _, _ = walk(drawn0, drawn1, cut0, cut1)
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return Walk(parts, low, high, before, after)


def _drawn(rng: np.random.Generator, counts: Array, draws: int) -> Array:
    total = round(float(counts.sum()))
    p = counts.ravel() / counts.sum()
    return rng.multinomial(total, p, size=draws).reshape(draws, *counts.shape).astype(np.float64)


def _drawn_pairs(rng: np.random.Generator, joint: Array, draws: int) -> tuple[Array, Array]:
    """Return both sides' counts of drawn pairs; only occupied cells are drawn, one at a time."""
    where = np.nonzero(joint)
    counts = joint[where]
    label, bin0, bin1 = where
    n_labels, n_bins, _ = joint.shape
    sides = (np.zeros((draws, n_labels, n_bins)), np.zeros((draws, n_labels, n_bins)))
    total, p = round(float(counts.sum())), counts / counts.sum()
    for draw in range(draws):
        found = rng.multinomial(total, p)
        for side, bins in zip(sides, (bin0, bin1), strict=True):
            side[draw] = np.bincount(
                label * n_bins + bins, found, minlength=n_labels * n_bins
            ).reshape(n_labels, n_bins)
    return sides


def _to_prevalence(counts0: Array, counts1: Array) -> Array:
    """Return the weight of each label that gives the current side the baseline's prevalence."""
    share0, share1 = (c.sum(-1) / c.sum((-2, -1))[..., None] for c in (counts0, counts1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share1 > 0, share0 / share1, 0.0)[..., None]


def _called(counts: Array, cut: int) -> Array:
    """Return rows of each label in the bins from the cut on."""
    return np.asarray(counts[..., cut:].sum(-1))


def _share(called: Array, counts: Array) -> Array:
    return np.asarray(called.sum(-1) / counts.sum((-2, -1)))


def _called_share(counts: Array, share: Array) -> Array:
    """Return rows of each label among the highest-scored share; a bin that is cut is split."""
    from_top = np.flip(np.cumsum(np.flip(counts, -1), -1), -1)
    whole = counts.sum(-2)
    over = from_top.sum(-2) - whole
    wanted = share[..., None] * counts.sum((-2, -1))[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        taken = np.clip(np.where(whole > 0, (wanted - over) / whole, 0.0), 0.0, 1.0)
    return np.asarray((counts * taken[..., None, :]).sum(-1))


def _measures(called: Array, counts: Array) -> Array:
    """Return precision, recall and F1 of the rows called positive."""
    hit, positives = called[..., 1], counts[..., 1, :].sum(-1)
    told = called.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([hit / told, hit / positives, 2 * hit / (told + positives)], axis=-1)
