"""The difference of a quantile between two sides, with an interval in closed form.

A quantile's interval is read from the values themselves, at the probabilities between which the
share below it lies (Woodruff 1952, JASA 47). Two such intervals make that of a difference by the
method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27), with the
correlation of the two sides where units are shared. No density is estimated and nothing is drawn
at random; pairs and clusters enter through the covariance of the two shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.stats.ratio import wilson

Array = NDArray[np.float64]

_OFFSETS = np.geomspace(1e-5, 1.0, 56)


def grid(q: float) -> tuple[float, ...]:
    """Return the probabilities at which values are wanted: dense near ``q``, up to 0 and 1.

    >>> len(grid(0.5)), grid(0.5)[0], 0.5 in grid(0.5), grid(0.5)[-1]
    (107, 0.0, True, 1.0)
    """
    around = np.concatenate([q - _OFFSETS, [q], q + _OFFSETS])
    inside = around[(around > 0) & (around < 1)]
    return (0.0, *np.unique(inside).round(9).tolist(), 1.0)


@dataclass(frozen=True)
class Quantiles:
    """One side: the quantile asked for, and its values at many probabilities.

    ``share_variance`` is the sampling variance of the share of values above the quantile: it
    carries clustering. Without clusters it is q (1 - q) / n.
    """

    q: float
    probabilities: Array
    values: Array
    share_variance: float

    @property
    def value(self) -> float:
        """The quantile."""
        return self.at(self.q)

    def at(self, probability: float) -> float:
        """Return the value at any probability, linear between the known ones."""
        return float(np.interp(probability, self.probabilities, self.values))

    def interval(self, level: float) -> tuple[float, float]:
        """Return Woodruff's interval, with Wilson's limits of the share."""
        if not self.share_variance > 0:
            return (-np.inf, np.inf)
        n = self.q * (1 - self.q) / self.share_variance
        low, high = wilson(self.q * n, n, level=level)
        return self.at(low), self.at(high)


def quantile_shift(
    baseline: Quantiles, current: Quantiles, *, correlation: float = 0.0, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of current minus baseline.

    Parameters
    ----------
    baseline, current : Quantiles
        The two sides.
    correlation : float
        Of the two sides' shares above their quantiles: 0 for independent rows.
    level : float
        Confidence level.

    Examples
    --------
    >>> p = np.linspace(0, 1, 1001)
    >>> before = Quantiles(0.5, p, 100 * p, 0.25 / 400)
    >>> after = Quantiles(0.5, p, 100 * p + 10, 0.25 / 400)
    >>> low, high = quantile_shift(before, after)
    >>> round(low, 2), round(high, 2)
    (3.1, 16.9)
    """
    (l0, u0), (l1, u1) = baseline.interval(level), current.interval(level)
    q0, q1 = baseline.value, current.value
    if not np.isfinite([l0, u0, l1, u1]).all():
        return (-np.inf, np.inf)
    below = _joined(q1 - l1, u0 - q0, correlation)
    above = _joined(u1 - q1, q0 - l0, correlation)
    return (q1 - q0 - below, q1 - q0 + above)


def _joined(this: float, that: float, correlation: float) -> float:
    return float(np.sqrt(max(0.0, this**2 - 2 * correlation * this * that + that**2)))
