"""A ratio of sums and its variance, from additive statistics.

With rows i of weight w, parts y and x: R = sum(w y) / sum(w x). Linearised at R, a row's residual
is e = w (y - R x), and

    Var(R) = n / (n - 1) * sum(e^2) / sum(w x)^2      (Cochran 1977, Sampling Techniques, ch. 6)

where sum(e^2) = S_yy - 2 R S_xy + R^2 S_xx needs only sums of squares and products, which add up
over slices and times. With x = 1 it is the variance of a mean; with y in {0, 1} a binomial's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

#: The names of the additive statistics, in the order of the fields.
SUMS: tuple[str, ...] = ("n", "x", "y", "xx", "xy", "yy")


@dataclass(frozen=True)
class Sums:
    """Additive statistics of one or many cells; every field has the same shape.

    ``n`` rows measured, ``x`` = sum(w x), ``y`` = sum(w y), and sums of squares and products of
    the weighted parts.
    """

    n: Array
    x: Array
    y: Array
    xx: Array
    xy: Array
    yy: Array

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, s) + getattr(other, s) for s in SUMS))

    def __sub__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, s) - getattr(other, s) for s in SUMS))

    def __getitem__(self, index: object) -> Sums:
        return Sums(*(getattr(self, s)[index] for s in SUMS))

    def total(self) -> Sums:
        """Return the sums over all cells."""
        return Sums(*(np.asarray(getattr(self, s).sum()) for s in SUMS))

    @property
    def value(self) -> Array:
        """The ratio; NaN where the denominator is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.x > 0, self.y / self.x, np.nan)

    @property
    def variance(self) -> Array:
        """The sampling variance of the ratio; NaN with fewer than two rows."""
        return self.spread_about(self.value)

    def spread_about(self, ratio: Array | float) -> Array:
        """Return the variance linearised at a given ratio, as under a null hypothesis."""
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = self.yy - 2 * ratio * self.xy + ratio**2 * self.xx
            small = self.n / (self.n - 1)
            found = small * np.maximum(squares, 0.0) / self.x**2
        return np.where((self.n > 1) & (self.x > 0), found, np.nan)


def wilson(successes: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a proportion, which is right at 0 and at n too.

    Wilson (1927), JASA 22.

    >>> low, high = wilson(0, 20)
    >>> round(low, 3), round(high, 3)
    (0.0, 0.161)
    """
    if n <= 0:
        return (0.0, 1.0)
    z = float(stats.norm.isf((1 - level) / 2))
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return (max(0.0, middle - half), min(1.0, middle + half))


def newcombe(
    successes: tuple[float, float], n: tuple[float, float], *, level: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's interval of a difference of proportions, second minus first.

    Newcombe (1998), Statistics in Medicine 17, method 10.

    >>> low, high = newcombe((48, 56), (80, 70))    # his table II: 56/70 - 48/80
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    (k0, k1), (n0, n1) = successes, n
    p0, p1 = k0 / n0, k1 / n1
    (l0, u0), (l1, u1) = wilson(k0, n0, level=level), wilson(k1, n1, level=level)
    below = float(np.hypot(p1 - l1, u0 - p0))
    above = float(np.hypot(u1 - p1, p0 - l0))
    return (p1 - p0 - below, p1 - p0 + above)


@dataclass(frozen=True)
class Difference:
    """The difference of two independent values with its interval and its two-sided p-value."""

    shift: float
    ci: tuple[float, float]
    p_value: float
    standard_error: float


def difference(baseline: Sums, current: Sums, *, level: float = 0.95) -> Difference:
    """Return current minus baseline of two ratios, with Welch's t interval and p-value.

    The degrees of freedom are Satterthwaite's. A difference whose variance is unknown has an
    infinite interval and p = 1; one with no variance at all (all rows alike on both sides) has
    that of a proportion's rule of three.
    """
    shift = float(current.value - baseline.value)
    v0, v1 = float(baseline.variance), float(current.variance)
    if not np.isfinite(v0 + v1) or not np.isfinite(shift):
        return Difference(shift, (-np.inf, np.inf), 1.0, np.inf)
    n0, n1 = float(baseline.n), float(current.n)
    if v0 + v1 == 0:
        half = 3 / min(n0, n1) * max(abs(float(baseline.value)), abs(float(current.value)), 1e-300)
        p = 1.0 if shift == 0 else float(2 * np.exp(-min(n0, n1)))
        return Difference(shift, (shift - half, shift + half), min(1.0, p), half / 2)
    se = float(np.sqrt(v0 + v1))
    freedom = (v0 + v1) ** 2 / (v0**2 / (n0 - 1) + v1**2 / (n1 - 1))
    t = float(stats.t.isf((1 - level) / 2, freedom))
    p = float(2 * stats.t.sf(abs(shift) / se, freedom))
    return Difference(shift, (shift - t * se, shift + t * se), p, se)
