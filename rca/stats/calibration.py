"""Whether scores that call themselves probabilities come true as often as they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rca.stats.ratio import wilson

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Calibration of one side.

    Attributes
    ----------
    said, seen, n : array
        Mean score, share of positives and rows in each group of rising score.
    low, high : array
        Wilson's 95 % interval of the share seen.
    error : float
        Expected calibration error: the mean of abs(seen - said) over rows.
    gap : float
        Share of positives less the mean score over all rows: calibration in the large.
    gap_variance : float
        Its sampling variance.
    """

    said: Array
    seen: Array
    n: Array
    low: Array
    high: Array
    error: float
    gap: float
    gap_variance: float

    @property
    def gap_ci(self) -> tuple[float, float]:
        """The 95 % interval of the gap."""
        half = float(stats.norm.isf(0.025) * np.sqrt(self.gap_variance))
        return (self.gap - half, self.gap + half)


def calibration(
    n: ArrayLike,
    scores: ArrayLike,
    positives: ArrayLike,
    squares: ArrayLike,
    *,
    groups: int = 10,
) -> Calibration:
    """Return the calibration of rows counted in bins of rising score.

    Parameters
    ----------
    n, scores, positives, squares : array
        For each bin: rows, sum of scores, rows that are positive, and sum of (label - score)^2.
    groups : int
        Neighbouring bins are joined into about this many groups of like size.

    Examples
    --------
    >>> found = calibration([10, 10], [2.0, 8.0], [3, 8], [2.1, 1.6], groups=2)
    >>> round(found.error, 3), round(found.gap, 3)
    (0.05, 0.05)
    """
    rows, said, ones = (np.asarray(v, dtype=np.float64) for v in (n, scores, positives))
    total = float(rows.sum())
    before = np.cumsum(rows) - rows / 2
    group = np.minimum((before / max(total, 1.0) * groups).astype(np.int64), groups - 1)
    counts, sums, hits = (np.bincount(group, v, minlength=groups) for v in (rows, said, ones))
    kept = counts > 0
    counts, sums, hits = counts[kept], sums[kept], hits[kept]
    means, seen = sums / counts, hits / counts
    ends = np.array([wilson(k, m) for k, m in zip(hits, counts, strict=True)]).reshape(-1, 2)
    gap = float((ones.sum() - said.sum()) / total) if total else float("nan")
    spread = float(np.asarray(squares, dtype=np.float64).sum()) - total * gap**2
    return Calibration(
        means,
        seen,
        counts.astype(np.float64),
        ends[:, 0],
        ends[:, 1],
        float(counts @ np.abs(seen - means) / total) if total else float("nan"),
        gap,
        max(0.0, spread) / (total - 1) / total if total > 1 else float("nan"),
    )
