"""Were values rounded: a share of them lies on a coarser grid than before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

STEPS = tuple(b * 10.0**k for k in range(6, -7, -1) for b in (1.0, 0.5, 0.25))
_LEAST_RISE = 0.1
_LARGEST_P = 1e-6
_LEAST_VALUES = 5
#: Rounding leaves values about where they were.
_MOST_MOVED = 0.1
#: Steps finer than this part of the values cannot be told from rounding errors.
_FINEST = 1e-4


@dataclass(frozen=True)
class Rounding:
    """Values came to lie on multiples of ``step``: their shares before and after."""

    step: float
    before: float
    after: float
    share: float
    p_value: float


def on_grid(values: Array, step: float) -> NDArray[np.bool_]:
    """Return which values are multiples of a step, up to rounding of doubles."""
    scaled = values / step
    return np.asarray(np.abs(scaled - np.rint(scaled)) <= 1e-6)


def rounding(baseline: Array, current: Array) -> Rounding | None:
    """Return the coarsest grid that clearly more values lie on than before, or None.

    Of values that were not on the grid before, ``share`` are now: (after - before) / (1 - before).
    The p-value is of two proportions, times the number of steps tried (Bonferroni).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(50, 9, 2000)
    >>> found = rounding(x[:1000], np.round(x[1000:] / 5) * 5)
    >>> found.step, found.share
    (5.0, 1.0)
    """
    if min(len(baseline), len(current)) < 20:
        return None
    best: Rounding | None = None
    typical = float(np.median(np.abs(current)))
    if stats.ks_2samp(baseline, current).statistic > _MOST_MOVED + 2 / np.sqrt(len(current)):
        return None
    for step in STEPS:
        if step < typical * _FINEST:
            break
        hit = on_grid(current, step)
        before, after = float(on_grid(baseline, step).mean()), float(hit.mean())
        if after - before < _LEAST_RISE or len(np.unique(current[hit])) < _LEAST_VALUES:
            continue
        pooled = (before * len(baseline) + after * len(current)) / (len(baseline) + len(current))
        se = np.sqrt(pooled * (1 - pooled) * (1 / len(baseline) + 1 / len(current)))
        p = min(1.0, len(STEPS) * float(stats.norm.sf((after - before) / se)))
        share = (after - before) / (1 - before)
        if p <= _LARGEST_P and (best is None or share > best.share + 0.02):
            best = Rounding(step, before, after, share, p)
    return best
