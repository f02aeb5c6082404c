"""A shift with the mix of strata held fixed: direct standardisation.

Version A may have served the easy requests. With common weights W_s of the strata s,

    shift = sum_s W_s (R1_s - R0_s),    Var = sum_s W_s^2 (Var(R1_s) + Var(R0_s)),

compares the versions on one and the same mix; what is left of the plain shift is the mix's part.
W_s is the share of both sides' denominator in stratum s (Fleiss, Levin and Paik 2003, ch. 19).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.stats.ratio import Difference, Sums

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Standardised:
    """A shift at a common mix.

    Attributes
    ----------
    baseline, current : float
        Both values at the common mix.
    shift : Difference
        Their difference with its interval and p-value.
    mix : float
        The plain shift less the standardised one: the part that moved traffic explains.
    coverage : float
        Share of the rows (by denominator) in strata that both sides have.
    n_strata : int
        Strata compared.
    """

    baseline: float
    current: float
    shift: Difference
    mix: float
    coverage: float
    n_strata: int


def standardise(baseline: Sums, current: Sums, *, least: int = 5) -> Standardised | None:
    """Return the shift at the common mix of the strata, or None when no stratum has both sides.

    Parameters
    ----------
    baseline, current : Sums
        One entry for each stratum, in the same order.
    least : int
        A stratum with fewer rows than this on a side is pooled with the others that have both
        sides: its variance could not be told.

    Notes
    -----
    Strata that only one side has cannot be compared and lower the coverage. Where rows of a
    stratum are all alike its variance is zero by the sums; it is replaced by that of one more
    row of the other kind (a rule-of-three stand-in), so that thin strata do not pass for certain.

    Examples
    --------
    Two strata, each worse by 0.1, and traffic that moved to the easy one:

    >>> def sums(n, ones):
    ...     n, y = np.array(n, float), np.array(ones, float)
    ...     return Sums(n, n, y, n, y, y)
    >>> found = standardise(sums([800, 200], [480, 180]), sums([200, 800], [100, 640]))
    >>> round(found.shift.shift, 3), round(found.mix, 3)
    (-0.1, 0.18)
    """
    plain = float(current.total().value - baseline.total().value)
    on_both = (baseline.n > 0) & (current.n > 0) & (baseline.x > 0) & (current.x > 0)
    whole = float(baseline.x.sum() + current.x.sum())
    if not on_both.any() or not whole > 0:
        return None
    b, c = _pooled(baseline[on_both], current[on_both], least)
    mass = b.x + c.x
    weight = mass / mass.sum()
    r0, r1 = float(weight @ b.value), float(weight @ c.value)
    variance = float(weight**2 @ (_variance(b) + _variance(c)))
    se = float(np.sqrt(variance))
    shift = r1 - r0
    z = float(stats.norm.isf(0.025))
    p = float(2 * stats.norm.sf(abs(shift) / se)) if se > 0 else 1.0
    return Standardised(
        r0,
        r1,
        Difference(shift, (shift - z * se, shift + z * se), p, se),
        plain - shift,
        float(mass.sum()) / whole,
        len(mass),
    )


def _pooled(baseline: Sums, current: Sums, least: int) -> tuple[Sums, Sums]:
    thin = np.minimum(baseline.n, current.n) < least
    if not thin.any():
        return baseline, current
    return _joined(baseline, thin), _joined(current, thin)


def _joined(sums: Sums, thin: NDArray[np.bool_]) -> Sums:
    rest, kept = sums[thin].total(), sums[~thin]
    return Sums(
        *(
            np.append(getattr(kept, name), getattr(rest, name))
            for name in ("n", "x", "y", "xx", "xy", "yy")
        )
    )


def _variance(sums: Sums) -> Array:
    """Return the variance of each stratum's value, never zero where a side is all alike."""
    found = sums.variance
    ratio = sums.value
    scale = np.maximum(np.abs(ratio), np.abs(sums.total().value))
    least = (scale / np.maximum(sums.n, 1)) ** 2
    return np.where(np.isnan(found) | (found <= 0), least, found)
