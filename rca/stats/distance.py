"""Distances between two distributions over the same cells.

``p`` and ``q`` are shares of cells (they are scaled to sum to 1); a cell is a bin of a number, a
category, or a special value such as null.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Least share of a cell in logarithms, so that an empty cell does not make PSI infinite.
FLOOR = 1e-4


def shares(counts: ArrayLike) -> Array:
    """Return counts as shares; all zeros stay zeros."""
    c = np.asarray(counts, dtype=np.float64)
    total = c.sum()
    return c / total if total > 0 else c


def psi(p: ArrayLike, q: ArrayLike) -> float:
    """Return the population stability index, sum (q - p) ln(q / p), a symmetric divergence.

    Shares below 0.0001 are lifted to it, so that an empty cell counts as rare.

    >>> round(psi([0.5, 0.5], [0.25, 0.75]), 4)    # 0.25 ln 2 + 0.25 ln 1.5
    0.2747
    """
    a, b = (np.maximum(shares(x), FLOOR) for x in (p, q))
    return float(((b - a) * np.log(b / a)).sum())


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Jensen-Shannon distance (root of the divergence in bits), 0 to 1.

    Lin (1991), IEEE Transactions on Information Theory 37.

    >>> jensen_shannon([1, 0], [0, 1]), jensen_shannon([1, 1], [2, 2])
    (1.0, 0.0)
    """
    a, b = shares(p), shares(q)
    m = (a + b) / 2

    def entropy(x: Array) -> Array:
        """Return each cell's relative entropy to the middle, in bits."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(x > 0, x * np.log2(x / m), 0.0)

    divergence = float((entropy(a) + entropy(b)).sum() / 2)
    return float(np.sqrt(max(0.0, divergence)))


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Return the share of rows that would have to move, 0 to 1.

    >>> total_variation([0.5, 0.5], [0.25, 0.75])
    0.25
    """
    return float(np.abs(shares(p) - shares(q)).sum() / 2)


def effect_w(p: ArrayLike, q: ArrayLike) -> float:
    """Return Cohen's w about the mean of both: sqrt(sum (q - p)^2 / ((p + q) / 2)), 0 to 2.

    For small changes its square equals PSI. 0.1 is a small effect, 0.3 a medium, 0.5 a large one
    (Cohen 1988, ch. 7).

    >>> round(effect_w([0.5, 0.5], [0.4, 0.6]), 4)
    0.201
    """
    a, b = shares(p), shares(q)
    m = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(m > 0, (b - a) ** 2 / m, 0.0)
    return float(np.sqrt(parts.sum()))


def ks(p: ArrayLike, q: ArrayLike) -> float:
    """Return the largest gap between cumulated shares, over cells in the order of their values.

    A lower bound of the two-sample Kolmogorov-Smirnov statistic, equal to it where a cell ends at
    the place of the largest gap.

    >>> round(ks([0.2, 0.3, 0.5], [0.5, 0.3, 0.2]), 4)
    0.3
    """
    gap = np.cumsum(shares(p)) - np.cumsum(shares(q))
    return float(np.abs(gap).max()) if gap.size else 0.0


def wasserstein(p: ArrayLike, q: ArrayLike, at: ArrayLike) -> float:
    """Return the mean distance that mass moves, with each cell's mass at one value.

    Equals sum |P - Q| times the gaps between the cells' values (Vallender 1974).

    >>> wasserstein([1, 0, 0], [0, 0, 1], [0.0, 2.0, 5.0])
    5.0
    """
    gap = np.cumsum(shares(p) - shares(q))[:-1]
    return float((np.abs(gap) * np.diff(np.asarray(at, dtype=np.float64))).sum())
