"""How well scores rank positives above negatives, from counts of ordered bins.

AUC = P(score of a positive > score of a negative) + P(equal) / 2, with the variance of DeLong,
DeLong and Clarke-Pearson (1988), Biometrics 44. Two scores of the same rows share their rows: then
the covariance comes from the joint counts of both bins. Binning only makes ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rca.stats.ratio import Difference

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The area under the ROC curve and its sampling variance."""

    auc: float
    variance: float

    @property
    def ci(self) -> tuple[float, float]:
        """The 95 % normal interval, cut to 0 and 1."""
        half = 1.959963984540054 * float(np.sqrt(self.variance))
        return (max(0.0, self.auc - half), min(1.0, self.auc + half))


def ranking(negatives: ArrayLike, positives: ArrayLike) -> Ranking:
    """Return the AUC of counts of negatives and positives in bins of rising score.

    >>> found = ranking([3, 1], [1, 3])            # 9 of 16 above, 6 tied
    >>> found.auc
    0.75
    """
    n, p = np.asarray(negatives, dtype=np.float64), np.asarray(positives, dtype=np.float64)
    above, below = _placements(n, p)
    return Ranking(_mean(above, p), _spread(above, p) + _spread(below, n))


def ranking_difference(baseline: Ranking, current: Ranking) -> Difference:
    """Return current minus baseline of two AUCs on different rows."""
    return _difference(baseline, current, 0.0)


def paired_ranking_difference(negatives: ArrayLike, positives: ArrayLike) -> Difference:
    """Return current minus baseline of two AUCs on the same rows.

    Parameters
    ----------
    negatives, positives : array, shape (bins, bins)
        Counts of rows by the bin of the baseline's score and of the current one.

    Examples
    --------
    The same scores on both sides differ in nothing:

    >>> paired_ranking_difference(np.diag([3, 1]), np.diag([1, 3])).shift
    0.0
    """
    n, p = np.asarray(negatives, dtype=np.float64), np.asarray(positives, dtype=np.float64)
    above0, below0 = _placements(n.sum(axis=1), p.sum(axis=1))
    above1, below1 = _placements(n.sum(axis=0), p.sum(axis=0))
    shared = _covariance(above0, above1, p) + _covariance(below0, below1, n)
    b = ranking(n.sum(axis=1), p.sum(axis=1))
    c = ranking(n.sum(axis=0), p.sum(axis=0))
    return _difference(b, c, shared)


def _difference(baseline: Ranking, current: Ranking, shared: float) -> Difference:
    shift = current.auc - baseline.auc
    variance = baseline.variance + current.variance - 2 * shared
    if not np.isfinite(variance):
        return Difference(shift, (-np.inf, np.inf), 1.0, np.inf)
    # Equal scores leave rounding noise only.
    se = float(np.sqrt(variance)) if variance > 1e-14 else 0.0
    half = float(stats.norm.isf(0.025)) * se
    p = float(2 * stats.norm.sf(abs(shift) / se)) if se > 0 else 1.0
    return Difference(shift, (shift - half, shift + half), p, se)


def _placements(negatives: Array, positives: Array) -> tuple[Array, Array]:
    """Return, by bin, the share of negatives below a positive and of positives above a negative."""
    n, p = negatives.sum(), positives.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (np.cumsum(negatives) - negatives / 2) / n
        below = 1 - (np.cumsum(positives) - positives / 2) / p
    return above, below


def _mean(value: Array, count: Array) -> float:
    total = count.sum()
    return float(value @ count / total) if total > 0 else float("nan")


def _spread(value: Array, count: Array) -> float:
    total = count.sum()
    if total < 2:
        return float("nan")
    return float(count @ (value - _mean(value, count)) ** 2 / (total - 1) / total)


def _covariance(a: Array, b: Array, joint: Array) -> float:
    total = joint.sum()
    if total < 2:
        return float("nan")
    from_a = a - _mean(a, joint.sum(axis=1))
    from_b = b - _mean(b, joint.sum(axis=0))
    return float(from_a @ joint @ from_b / (total - 1) / total)
