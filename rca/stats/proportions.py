"""Independent proportions: the test that stays near its level when counts are small."""

from __future__ import annotations

import numpy as np
from scipy import stats


def two_proportions_p(successes: tuple[float, float], n: tuple[float, float]) -> float:
    """Return the two-sided p-value that two independent proportions are one.

    The N - 1 chi-square test where every expected count is 1 or more, Fisher's exact test
    otherwise: the rule of Campbell (2007), Statistics in Medicine 26, 3661-3675.

    >>> round(two_proportions_p((48, 56), (80, 70)), 4)
    0.0083
    >>> round(two_proportions_p((0, 3), (4, 4)), 4)          # expected 1.5: still chi-square
    0.0404
    """
    (k0, k1), (n0, n1) = successes, n
    total, ones = n0 + n1, k0 + k1
    if ones in (0, total):
        return 1.0
    smallest = min(ones, total - ones) * min(n0, n1) / total
    if smallest < 1:
        table = np.array([[round(k0), round(n0 - k0)], [round(k1), round(n1 - k1)]])
        return float(stats.fisher_exact(table).pvalue)
    cross = k0 * (n1 - k1) - k1 * (n0 - k0)
    chi2 = (total - 1) * cross**2 / (ones * (total - ones) * n0 * n1)
    return float(stats.chi2.sf(chi2, 1))
