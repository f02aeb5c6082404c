"""Two values of the same units: pairs of answers to one question, or clusters seen on both sides.

A unit i carries a numerator y and a denominator x on each side (0: baseline, 1: current), and a
side's value is R = sum(y) / sum(x). Linearised at both values, a unit's influence on the shift is

    e = (y1 - R1 x1) / sum(x1) - (y0 - R0 x0) / sum(x0),    Var(R1 - R0) = n / (n - 1) * sum(e^2),

which keeps what the two sides share. With x = 1 it is the paired t test; with clusters as units it
is the cluster-robust variance (Cochran 1977, Sampling Techniques, ch. 9). Only sums of products of
the four parts are needed, and those add up over slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rca.stats.ratio import Difference, Sums, wilson

Array = NDArray[np.float64]

#: The four parts of a unit, in the order of the axes of `PairSums`.
PARTS: tuple[str, ...] = ("y0", "x0", "y1", "x1")
#: Rounding noise of sums of squares, relative to the square of the values: below it is zero.
_NOISE = 1e-12


@dataclass(frozen=True)
class PairSums:
    """Additive statistics of the four parts, of one cell or many.

    Attributes
    ----------
    n : array, shape (...)
        Units.
    first : array, shape (..., 4)
        Sums of y0, x0, y1, x1.
    second : array, shape (..., 4, 4)
        Sums of their products.
    """

    n: Array
    first: Array
    second: Array

    @classmethod
    def of(cls, y0: ArrayLike, x0: ArrayLike, y1: ArrayLike, x1: ArrayLike) -> PairSums:
        """Make the sums of one cell from its units."""
        parts = np.stack(np.broadcast_arrays(y0, x0, y1, x1)).astype(np.float64)
        return cls(np.asarray(float(parts.shape[1])), parts.sum(axis=1), parts @ parts.T)

    def __add__(self, other: PairSums) -> PairSums:
        return PairSums(self.n + other.n, self.first + other.first, self.second + other.second)

    @property
    def baseline(self) -> Array:
        """The baseline's ratio; NaN without a denominator."""
        return _ratio(self.first[..., 0], self.first[..., 1])

    @property
    def current(self) -> Array:
        """The current side's ratio; NaN without a denominator."""
        return _ratio(self.first[..., 2], self.first[..., 3])

    @property
    def variance(self) -> Array:
        """The sampling variance of current minus baseline; NaN with fewer than two units."""
        r0, r1 = self.baseline, self.current
        with np.errstate(divide="ignore", invalid="ignore"):
            to0, to1 = 1 / self.first[..., 1], 1 / self.first[..., 3]
            a = np.stack([-to0, r0 * to0, to1, -r1 * to1], axis=-1)
            squares = np.einsum("...i,...ij,...j->...", a, self.second, a)
            noise = _NOISE * np.maximum(r0**2, r1**2) / self.n
            squares = np.where(squares < noise, 0.0, squares)
            found = self.n / (self.n - 1) * squares
        return np.where(self.n > 1, found, np.nan)

    @property
    def covariance(self) -> tuple[float, float, float]:
        """The variances of one cell's two values and their covariance; NaN where unknown."""
        n, r0, r1 = float(self.n), float(self.baseline), float(self.current)
        if n < 2 or not np.isfinite(r0 + r1):
            return (np.nan, np.nan, np.nan)
        a0 = np.array([1.0, -r0, 0.0, 0.0]) / self.first[1]
        a1 = np.array([0.0, 0.0, 1.0, -r1]) / self.first[3]
        small = n / (n - 1)
        v0, v1, c = (small * float(a @ self.second @ b) for a, b in ((a0, a0), (a1, a1), (a0, a1)))
        return (v0, v1, c)

    def side(self, which: int, n: Array | float | None = None) -> Sums:
        """Return one side's sums alone, with ``n`` rows where they differ from the units."""
        y, x = 2 * which, 2 * which + 1
        second = self.second
        return Sums(
            np.asarray(self.n if n is None else n, dtype=np.float64),
            self.first[..., x],
            self.first[..., y],
            second[..., x, x],
            second[..., x, y],
            second[..., y, y],
        )


def paired_difference(sums: PairSums, *, level: float = 0.95) -> Difference:
    """Return current minus baseline with its t interval and p-value on n - 1 degrees of freedom.

    Fewer than two units give an infinite interval and p = 1. Units that all moved by exactly the
    same amount have no variance: their interval is that of the rule of three (Hanley and
    Lippman-Hand 1983), so that few identical pairs do not pass for certainty.

    >>> found = paired_difference(PairSums.of([1, 2, 3, 4], 1, [2, 4, 4, 6], 1))
    >>> found.shift, round(found.p_value, 4)
    (1.5, 0.0138)
    """
    r0, r1 = float(sums.baseline), float(sums.current)
    shift, variance, n = r1 - r0, float(sums.variance), float(sums.n)
    if not np.isfinite(variance) or not np.isfinite(shift):
        return Difference(shift, (-np.inf, np.inf), 1.0, np.inf)
    if variance == 0:
        half = 3 / n * max(abs(r0), abs(r1), 1e-300)
        moved = abs(shift) > np.sqrt(_NOISE) * max(abs(r0), abs(r1))
        p = min(1.0, float(2 * np.exp2(-n))) if moved else 1.0
        return Difference(shift, (shift - half, shift + half), p, half / 2)
    se = float(np.sqrt(variance))
    t = float(stats.t.isf((1 - level) / 2, n - 1))
    p = float(2 * stats.t.sf(abs(shift) / se, n - 1))
    return Difference(shift, (shift - t * se, shift + t * se), p, se)


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two discordance counts.

    Attributes
    ----------
    rose, fell : int
        Pairs that went from 0 to 1, and from 1 to 0.
    p_exact : float
        Two-sided exact conditional (binomial) p-value; never too small, often too large.
    p_mid : float
        The same with half the weight on the observed counts: closer to its level.
    """

    rose: int
    fell: int
    p_exact: float
    p_mid: float


def mcnemar(rose: int, fell: int) -> McNemar:
    """Test whether pairs rise as often as they fall.

    Under no change the pairs that differ split like a fair coin: p = 2 P(B <= min(rose, fell)),
    B ~ Binomial(rose + fell, 1/2); mid-p subtracts P(B = min).

    McNemar (1947), Psychometrika 12; Fagerland, Lydersen and Laake (2013), BMC Medical Research
    Methodology 13:91, whose example of 21 children this is:

    >>> found = mcnemar(1, 7)
    >>> round(found.p_exact, 3), round(found.p_mid, 3)
    (0.07, 0.039)
    """
    n, few = rose + fell, min(rose, fell)
    tail = float(stats.binom.cdf(few, n, 0.5))
    at = float(stats.binom.pmf(few, n, 0.5))
    mid = 1.0 if rose == fell else min(1.0, 2 * tail - at)
    return McNemar(rose, fell, min(1.0, 2 * tail), mid)


def newcombe_paired(
    both: float, fell: float, rose: float, neither: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's interval of a paired difference of proportions, current minus baseline.

    The counts are pairs that are 1 on both sides, only in the baseline, only in the current side,
    and on neither. Wilson's limits of the two proportions are squared and added, less what their
    correlation shares (Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10).

    >>> low, high = newcombe_paired(1, 7, 1, 12)      # Fagerland et al. (2014): -0.507 to -0.026
    >>> round(low, 3), round(high, 3)
    (-0.507, -0.026)
    """
    n = both + fell + rose + neither
    if n <= 0:
        return (-1.0, 1.0)
    ones0, ones1 = both + fell, both + rose
    p0, p1 = ones0 / n, ones1 / n
    (l0, u0), (l1, u1) = wilson(ones0, n, level=level), wilson(ones1, n, level=level)
    phi = _phi(both, fell, rose, neither)
    below = _side(p1 - l1, u0 - p0, phi)
    above = _side(u1 - p1, p0 - l0, phi)
    return (p1 - p0 - below, p1 - p0 + above)


def _phi(both: float, fell: float, rose: float, neither: float) -> float:
    """Return the correlation of the two sides, corrected for continuity as Newcombe does."""
    # As floats: the product of four counts of millions is beyond 64-bit integers.
    sides = [float(m) for m in (both + fell, rose + neither, both + rose, fell + neither)]
    if min(sides) <= 0:
        return 0.0
    n = both + fell + rose + neither
    cross = float(both) * neither - float(fell) * rose
    corrected = max(cross - n / 2, 0.0) if cross > 0 else cross
    return corrected / float(np.prod(np.sqrt(sides)))


def _side(this: float, that: float, phi: float) -> float:
    return float(np.sqrt(max(0.0, this**2 - 2 * phi * this * that + that**2)))


def _ratio(y: Array, x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, y / x, np.nan)
