"""Edges of shared bins, from samples of both sides.

Bin ``i`` of edges ``e`` holds the values in [e[i-1], e[i]); the first is open below, the last
above. A value that many rows share exactly (a default, a cap, a count) gets a bin of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Columns with at most this many distinct values have one bin for each.
FEW_VALUES = 40
#: A value that holds this share of a side's sample has a bin of its own.
MODAL_SHARE = 0.015
#: Quantile bins of the baseline, and of what lies outside it.
INNER, OUTER = 20, 5
_MOST_MODES = 6


def edges(baseline: Array, current: Array) -> Array:
    """Return increasing edges that resolve both samples.

    Quantiles of the baseline's sample, further ones of the current values that lie outside its
    range (so that a change of unit does not end in one bin), and a pair of edges around each value
    that at least 1.5 % of a side's rows share. Few distinct values get a bin each.

    Parameters
    ----------
    baseline, current : array
        Finite values.

    Examples
    --------
    >>> edges(np.array([1.0, 2.0, 2.0, 3.0]), np.array([2.0, 9.0])).tolist()
    [1.0, 2.0, 3.0, 9.0]
    """
    both = np.concatenate([baseline, current])
    distinct = np.unique(both)
    if is_discrete(baseline, current):
        return distinct
    own = baseline if len(baseline) else current
    cuts = [np.quantile(own, np.linspace(0, 1, INNER + 1), method="nearest")]
    for outside in (current[current > own.max()], current[current < own.min()]):
        if len(outside) >= max(5, 0.002 * len(current)):
            cuts.append(np.quantile(outside, np.linspace(0, 1, OUTER + 1), method="nearest"))
    for side in (baseline, current):
        values, counts = np.unique(side, return_counts=True)
        common = np.argsort(-counts, kind="stable")[:_MOST_MODES]
        modes = values[common][counts[common] >= max(5, MODAL_SHARE * len(side))]
        cuts += [modes, np.nextafter(modes, np.inf)]
    return np.unique(np.concatenate(cuts))


def is_discrete(baseline: Array, current: Array) -> bool:
    """Tell whether both samples hold few distinct values."""
    return len(np.unique(np.concatenate([baseline, current]))) <= FEW_VALUES


def is_single(found: Array, *, discrete: bool = False) -> NDArray[np.bool_]:
    """Return which bins of edges hold one value only (their low edge), of ``len(found) + 1``."""
    single = np.zeros(len(found) + 1, dtype=np.bool_)
    if discrete:
        single[1:] = True
        return single
    single[1:-1] = found[1:] == np.nextafter(found[:-1], np.inf)
    return single


def middles(found: Array) -> Array:
    """Return a value to stand for each bin: its middle, or the edge of an open one."""
    if not len(found):
        return np.zeros(1)
    return np.concatenate([found[:1], (found[:-1] + found[1:]) / 2, found[-1:]])
