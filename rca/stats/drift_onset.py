"""Since when a column's distribution is another one.

With p0 the distribution before and p1 the one since, a block of time t with counts c_t speaks for
"since" by l_t = sum_k c_tk ln(p1_k / p0_k). An onset at the start of block tau has the profile
log-likelihood sum_{t >= tau} l_t, less than its maximum by the evidence against tau. Blocks vary
more than rows drawn one by one would, so that all is divided by the design effect. With a flat
prior over tau the posterior follows; its 5 % and 95 % points are the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDS = 4


@dataclass(frozen=True)
class Onset:
    """When, in seconds: the posterior's median and its 90 % interval.

    ``found`` is false when nothing changed inside the time looked at (the maximum is at the edge).
    """

    at: float
    low: float
    high: float
    found: bool


def onset(
    start: Array, width_s: float, counts: Array, before: Array, since: Array, *, design: float = 1.0
) -> Onset:
    """Return the onset of a change of distribution.

    Parameters
    ----------
    start : array
        Starts of blocks in the order of time, seconds.
    width_s : float
        Their width.
    counts : array of blocks x cells
        Rows.
    before : array of blocks x cells
        Shares expected before the change (they may follow the hour of day).
    since : array of cells
        A first guess of the shares since; it is estimated again from the rows after each onset.
    design : float
        Design effect of the counts, at least 1.

    Examples
    --------
    >>> counts = np.array([[9, 1], [10, 0], [1, 9], [0, 10.0]])
    >>> before = np.tile([0.9, 0.1], (4, 1))
    >>> onset(np.arange(4) * 60.0, 60.0, counts, before, np.array([0.05, 0.95])).at
    120.0
    """
    if len(start) < 2:
        return Onset(np.nan, np.nan, np.nan, False)
    n = counts.sum()
    floor = 0.5 / max(n, 2.0) / counts.shape[1]
    p0 = np.maximum(before, floor)
    p1 = np.maximum(since, floor)
    total = np.zeros(len(start) + 1)
    for _ in range(_ROUNDS):
        each = (counts * np.log(p1 / p0)).sum(axis=1) / max(1.0, design)
        total = np.concatenate([np.cumsum(each[::-1])[::-1], [0.0]])
        best = int(np.argmax(total))
        after = counts[best:].sum(axis=0)
        if best == len(start) or after.sum() <= 0:
            return Onset(np.nan, np.nan, np.nan, False)
        p1 = np.maximum(after / after.sum(), floor)
    weight = np.exp(total[:-1] - total[:-1].max())
    below = np.cumsum(weight) / weight.sum()
    at, low, high = (int(np.searchsorted(below, q)) for q in (0.5, 0.05, 0.95))
    # The change lies somewhere in the block before the first one that it fills.
    reach = float(start[max(low - 1, 0)])
    found = bool(best > 0)
    return Onset(float(start[at]), reach, float(start[high]) + width_s / 2, found)
