"""Corrections for having looked at many things."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p_values: ArrayLike, *, looked_at: int | None = None) -> NDArray[np.float64]:
    """Return q-values: the smallest false discovery rate at which each is called.

    Parameters
    ----------
    p_values : array_like
        NaN means "not tested": it stays NaN and does not count.
    looked_at : int, optional
        How many tests were made when only the smallest p-values are given.

    Notes
    -----
    Benjamini and Hochberg (1995), JRSS B 57; holds under positive dependence, as among nested
    slices (Benjamini and Yekutieli 2001).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, dtype=np.float64)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    if tested.size == 0:
        return q
    order = tested[np.argsort(p[tested], kind="stable")]
    m = max(looked_at or 0, tested.size)
    raw = p[order] * m / np.arange(1, tested.size + 1)
    q[order] = np.minimum(1.0, np.minimum.accumulate(raw[::-1])[::-1])
    return q


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values, which hold the chance of any false claim.

    Holm (1979), Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    raw = p[order] * (tested.size - np.arange(tested.size))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw)) if tested.size else raw
    return adjusted
