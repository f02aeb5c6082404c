"""Since when a column's distribution is another one.

With p0 the distribution before and p1 the one since, a row in cell k speaks for "since" by
ln(p1_k / p0_k). An onset at tau has the profile log-likelihood that sums this over the rows from
tau on. Rows vary more than drawn one by one would, so that it is divided by the design effect.
With a flat prior over tau the posterior follows; its 5 % and 95 % points are the interval. Blocks
of time are searched first, then the rows of the blocks about the onset.
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


NO_ONSET = Onset(float("nan"), float("nan"), float("nan"), False)


def floor_of(counts: Array) -> float:
    """Return the least share that a cell is given, so that an unseen one is rare."""
    return float(0.5 / max(float(counts.sum()), 2.0) / counts.shape[-1])


def onset(
    start: Array, width_s: float, counts: Array, before: Array, since: Array, *, design: float = 1.0
) -> tuple[Onset, Array]:
    """Return the onset of a change of distribution, and the shares of cells since.

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
    >>> found, shares = onset(np.arange(4) * 60.0, 60.0, counts, before, np.array([0.1, 0.9]))
    >>> found.at, shares.round(2).tolist()
    (120.0, [0.05, 0.95])
    """
    if len(start) < 2:
        return NO_ONSET, since
    floor = floor_of(counts)
    p0, p1 = np.maximum(before, floor), np.maximum(since, floor)
    total = np.zeros(len(start) + 1)
    best = 0
    for _ in range(_ROUNDS):
        each = (counts * np.log(p1 / p0)).sum(axis=1) / max(1.0, design)
        total = np.concatenate([np.cumsum(each[::-1])[::-1], [0.0]])
        best = int(np.argmax(total))
        if best == len(start):
            return NO_ONSET, since
        after = counts[best:].sum(axis=0)
        p1 = np.maximum(after / max(float(after.sum()), 1.0), floor)
    at, low, high = _points(total[:-1])
    # A change inside a block shows from that block or from the next one on.
    reach = float(start[max(low - 1, 0)]), float(start[high]) + width_s
    return Onset(float(start[at]), *reach, found=best > 0), p1


def refined(coarse: Onset, times: Array, evidence: Array, *, design: float = 1.0) -> Onset:
    """Return the onset between two rows, from the rows about it.

    Parameters
    ----------
    times : array
        Times of rows in order, seconds.
    evidence : array
        ln(p1 / p0) of each row's cell.

    Examples
    --------
    >>> coarse = Onset(0.0, -10.0, 10.0, True)
    >>> at = refined(coarse, np.array([1.0, 2.0, 3.0, 4.0]), np.array([-5.0, -5.0, 5.0, 5.0]))
    >>> at.low, at.at, at.high
    (2.0, 3.0, 3.0)
    """
    if len(times) < 2:
        return coarse
    total = np.cumsum((evidence / max(1.0, design))[::-1])[::-1]
    at, low, high = _points(total)
    before = float(times[low - 1]) if low else min(coarse.low, float(times[0]))
    return Onset(float(times[at]), before, float(times[high]), True)


def _points(total: Array) -> tuple[int, int, int]:
    """Return where the posterior's 50, 5 and 95 % points lie."""
    weight = np.exp(total - total.max())
    below = np.cumsum(weight) / weight.sum()
    at, low, high = (min(int(np.searchsorted(below, q)), len(total) - 1) for q in (0.5, 0.05, 0.95))
    return at, low, high
