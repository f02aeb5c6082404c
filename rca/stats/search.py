"""Which slices moved apart from the rest: contrasts of every cell against all other rows.

A slice carries a shift when it moved *more than the rest did*. For a cell with values r_0, r_1 and
the rows outside it with values o_0, o_1, "more" depends on the scale: points added, or times as
much, or, for shares, times as many of the others. The contrast is the smallest of

    (r_1 - r_0) - (o_1 - o_0)                 added
    r_1 - r_0 * o_1 / o_0                     multiplied
    (1 - r_0) * (1 - o_1) / (1 - o_0) - (1 - r_1)     the complement multiplied, for shares

in standard errors, and nothing where their signs differ: a slice must stand out on every scale on
which "all moved alike" could be meant. The contrast is largest at the slice that moved: a wider one
dilutes it, a narrower one leaves moved rows outside (as the split of a regression tree; Kulldorff's
scan statistic, 1997, has the same property for counts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.stats.ratio import SUMS, Sums

Array = NDArray[np.float64]

#: Rows' worth of the whole's variance that a cell's own is mixed with: a thin cell may show none.
_PRIOR_ROWS = 10.0
#: The median of a chi-squared variable with one degree of freedom.
_MEDIAN_CHI2 = 0.45493642311957283


@dataclass(frozen=True)
class Contrasts:
    """Every cell against the rows outside it.

    ``z`` in standard errors after ``inflation`` (0 where the scales disagree), and the shifts
    ``inside`` and ``outside``.
    """

    z: Array
    inside: Array
    outside: Array


def contrasts(
    baseline: Sums,
    current: Sums,
    whole_baseline: Sums,
    whole_current: Sums,
    *,
    hours: tuple[float, float] | None = None,
    share: bool = False,
    inflation: float = 1.0,
) -> Contrasts:
    """Contrast each cell with the rows outside it.

    Parameters
    ----------
    baseline, current : Sums
        Of the cells; they may overlap each other.
    whole_baseline, whole_current : Sums
        Of all rows.
    hours : tuple of float, optional
        For sums per hour: cells are then compared by growth alone.
    share : bool
        Whether values are shares between 0 and 1.
    inflation : float
        Factor on the variances, of rows that come in clusters.
    """
    out0, out1 = _outside(whole_baseline, baseline), _outside(whole_current, current)
    if hours is not None:
        z, inside, outside = _growth(baseline, current, out0, out1, hours)
    else:
        z, inside, outside = _ratios(
            (baseline, current, out0, out1), (whole_baseline, whole_current), share
        )
    z = np.nan_to_num(z / np.sqrt(inflation), posinf=0.0, neginf=0.0)
    return Contrasts(z, inside, outside)


def overdispersion(z: Array) -> float:
    """Return how much wider than a normal the middle of many contrasts is, at least 1.

    The median of z^2 over that of a chi-squared: traffic that varies more than independent rows
    would widens all contrasts, a few slices that moved do not (Devlin and Roeder 1999,
    Biometrics 55).
    """
    seen = z[np.isfinite(z)]
    if seen.size < 20:
        return 1.0
    return max(1.0, float(np.median(seen**2)) / _MEDIAN_CHI2)


def _ratios(
    cells: tuple[Sums, Sums, Sums, Sums], wholes: tuple[Sums, Sums], share: bool
) -> tuple[Array, Array, Array]:
    in0, in1 = cells[:2]
    r0, r1, o0, o1 = (cell.value for cell in cells)
    v0, v1, u0, u1 = (
        _variance(cell, whole) for cell, whole in zip(cells, (*wholes, *wholes), strict=True)
    )
    inside, outside = r1 - r0, o1 - o0
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (inside - outside) / np.sqrt(v0 + v1 + u0 + u1)
        z = _smaller(z, _relative(r0, r1, o0, o1, (v0, v1, u0, u1)))
        if share:
            complement = -_relative(1 - r0, 1 - r1, 1 - o0, 1 - o1, (v0, v1, u0, u1))
            z = _smaller(z, complement)
    return np.where((in0.x > 0) & (in1.x > 0), z, 0.0), inside, outside


def _relative(r0: Array, r1: Array, o0: Array, o1: Array, v: tuple[Array, ...]) -> Array:
    """Return the contrast on the scale of factors; NaN where the outside has no factor."""
    v0, v1, u0, u1 = v
    factor = np.where((o0 > 0) & (o1 > 0), o1 / o0, np.nan)
    of_factor = (u1 + factor**2 * u0) / o0**2
    found: Array = (r1 - factor * r0) / np.sqrt(v1 + factor**2 * v0 + r0**2 * of_factor)
    return found


def _smaller(a: Array, b: Array) -> Array:
    """Return the contrast nearer to zero, 0 where signs differ, ``a`` where ``b`` is unknown."""
    agreed = np.where(np.sign(a) == np.sign(b), np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0)
    return np.where(np.isnan(b), a, agreed)


def _variance(cell: Sums, whole: Sums) -> Array:
    """Return the variance of a cell's value, at least that of a mix with the whole's spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        per_row = whole.variance * whole.x**2 / np.maximum(whole.xx, 1e-300)
        pooled = per_row * cell.xx / cell.x**2
        own = np.where(np.isnan(cell.variance), pooled, cell.variance)
        mixed = (cell.n * own + _PRIOR_ROWS * pooled) / (cell.n + _PRIOR_ROWS)
    return np.maximum(own, mixed)


def _growth(
    in0: Sums, in1: Sums, out0: Sums, out1: Sums, hours: tuple[float, float]
) -> tuple[Array, Array, Array]:
    h0, h1 = hours
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where((out0.y > 0) & (out1.y > 0), out1.y / out0.y, h1 / h0)
        of_factor = np.where(out0.y > 0, (out1.yy + factor**2 * out0.yy) / out0.y**2, 0.0)
        typical = (in1.yy + in0.yy + out1.yy + out0.yy) / (in1.n + in0.n + out1.n + out0.n)
        variance = in1.yy + factor**2 * in0.yy + in0.y**2 * of_factor + typical
        z = (in1.y - factor * in0.y) / np.sqrt(variance)
    return z, in1.y / h1 - in0.y / h0, out1.y / h1 - out0.y / h0


def _outside(whole: Sums, cell: Sums) -> Sums:
    return Sums(*(np.maximum(getattr(whole, s) - getattr(cell, s), 0.0) for s in SUMS))


def weights(group: NDArray[np.int64], level: NDArray[np.int64], tested: NDArray[np.bool_]) -> Array:
    """Return each test's part of the chance of error: levels, groups and cells share it alike.

    A column of three values is not drowned by the pairs of columns of sixty (Genovese, Roeder and
    Wasserman 2006, Biometrika 93: weights that do not look at the p-values keep the false
    discovery rate). They sum to one over the tests; a cell that is not tested has none.

    >>> weights(np.array([0, 0, 1, 2]), np.array([1, 1, 1, 2]), np.array([True] * 4)).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    out = np.zeros(len(group))
    if not tested.any():
        return out
    cells = np.bincount(group[tested], minlength=int(group.max()) + 1)
    of_group = np.zeros(len(cells), dtype=np.int64)
    of_group[group] = level
    used = cells > 0
    groups = np.bincount(of_group[used], minlength=int(level.max()) + 1)
    levels = int((groups > 0).sum())
    out[tested] = 1.0 / (levels * groups[level[tested]] * cells[group[tested]])
    return out
