"""Like with like: the baseline's distribution at the current side's hours of day.

Three hours of a night against a week would show drift in everything that follows the day. With
pi_s the share of current rows in slot s of the day (an hour, or as many as the rows allow),

    p0 = sum_s pi_s p0_s,        1 / n0_effective = sum_s pi_s^2 / n0_s

is what the baseline looks like at those hours. Days of the baseline, cut so that the current
window starts one, say how much the same hours differ from day to day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.counted import Blocks
from rca.stats.drift_test import Overdispersion, overdispersion

Array = NDArray[np.float64]

_DAY = 86_400.0
_LEAST_COVERED = 0.97
_LEAST_ROWS = 30.0
_LEAST_CHUNKS = 5


@dataclass(frozen=True)
class Match:
    """How the baseline is weighted and cut.

    Attributes
    ----------
    slot, share : array
        Slot of the day of each block; share of the current rows in each slot.
    day : array
        The day (counted from the current window's first) of each block; blocks of one day come
        together.
    matched : bool
        Whether hours of day are matched at all.
    n : (float, float)
        Effective rows of the two sides.
    clusters : (float, float)
        Rows per day on each side, sum(n_d^2) / n.
    """

    slot: NDArray[np.int64]
    share: Array
    day: NDArray[np.int64]
    matched: bool
    anchor: float
    slot_s: float
    n: tuple[float, float]
    clusters: tuple[float, float]

    def baseline(self, counts: Array, blocks: Blocks) -> Array:
        """Return the baseline's shares of cells at the current side's hours."""
        rates = self._rates(counts, blocks)
        found = self.share @ rates
        return np.asarray(found / max(found.sum(), 1e-300))

    def _rates(self, counts: Array, blocks: Blocks) -> Array:
        own = blocks.side == 0
        total = np.zeros((len(self.share), counts.shape[1]))
        np.add.at(total, self.slot[own], counts[own])
        size = total.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(total, size, out=np.zeros_like(total), where=size > 0))

    def expected(self, counts: Array, blocks: Blocks) -> Array:
        """Return the shares of cells that each block would have, were nothing to change."""
        rates = self._rates(counts, blocks)
        known = rates.sum(axis=1) > 0
        rates[~known] = self.baseline(counts, blocks)
        return np.asarray(rates[self.slot])

    def since(self, blocks: Blocks, start: float) -> Match | None:
        """Return the match of the current rows from a time on, or None when they are few."""
        n = blocks.n * blocks.after(start) * (blocks.side == 1)
        now = np.bincount(self.slot, n, minlength=len(self.share))
        own = blocks.side == 0
        then = np.bincount(self.slot[own], blocks.n[own], minlength=len(self.share))
        now = np.where(then > 0, now, 0.0)
        if now.sum() < _LEAST_ROWS:
            return None
        share = now / now.sum()
        n0 = 1 / float((share[now > 0] ** 2 / then[now > 0]).sum())
        return replace(self, share=share, n=(n0, float(n.sum())))

    def alike(self, times: Array) -> NDArray[np.bool_]:
        """Return which times lie in the slots of the day that are looked at."""
        slot = ((times - self.anchor) % _DAY // self.slot_s).astype(np.int64)
        return np.asarray(self.share[np.minimum(slot, len(self.share) - 1)] > 0)

    def days(self, counts: Array, blocks: Blocks) -> Overdispersion:
        """Return how much the baseline's days differ in one column."""
        if not blocks.timed:
            return Overdispersion(0.0, 0)
        own = (blocks.side == 0) & (self.share[self.slot] > 0)
        if not own.any():
            return Overdispersion(0.0, 0)
        _, day = np.unique(self.day[own], return_inverse=True)
        rates = self._rates(counts, blocks)[self.slot[own]]
        size = int(day.max()) + 1
        seen, expected = (np.zeros((size, counts.shape[1])) for _ in range(2))
        np.add.at(seen, day, counts[own])
        np.add.at(expected, day, rates * counts[own].sum(axis=1, keepdims=True))
        return overdispersion(seen, expected)


def match(blocks: Blocks) -> Match:
    """Return the finest slots of the day in which the baseline has rows enough."""
    current, baseline = blocks.side == 1, blocks.side == 0
    anchor = float(blocks.start[current].min())
    day = np.floor((blocks.start - anchor) / _DAY).astype(np.int64)
    if blocks.timed:
        for hours in (1, 2, 3, 4, 6):
            if hours * 3600 < blocks.width_s:
                continue
            slot = ((blocks.start - anchor) % _DAY // (hours * 3600)).astype(np.int64)
            size = 24 // hours
            now = np.bincount(slot[current], blocks.n[current], minlength=size)
            then = np.bincount(slot[baseline], blocks.n[baseline], minlength=size)
            held = then >= np.maximum(_LEAST_ROWS, 0.2 * now)
            if (now * held).sum() >= _LEAST_COVERED * now.sum() and (now[held] > 0).any():
                share = now * held / (now * held).sum()
                n0 = 1 / float((share[held] ** 2 / then[held]).sum())
                slots = Match(slot, share, day, True, anchor, 3600.0 * hours, (n0, 0.0), (1.0, 1.0))
                return _with_days(blocks, slots)
    slot = np.zeros(len(blocks.start), dtype=np.int64)
    n0 = float(blocks.n[baseline].sum())
    whole = Match(slot, np.ones(1), day, False, anchor, _DAY, (n0, 0.0), (1.0, 1.0))
    return _with_days(blocks, whole)


def _with_days(blocks: Blocks, found: Match) -> Match:
    """Add the days: or pieces as long as the current window, where the baseline is short."""
    current = blocks.side == 1
    used = (blocks.side == 0) & (found.share[found.slot] > 0)
    n1 = float(blocks.n[current].sum())
    day = found.day
    if len(np.unique(day[used])) < 3:
        day = _pieces(blocks, used)
    clusters = (_per_block(blocks.n[used], day[used]), _per_block(blocks.n[current], day[current]))
    n = (found.n[0], n1)
    return replace(found, day=day, n=n, clusters=clusters)


def _pieces(blocks: Blocks, used: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return pieces of time: the current window's length, at least five in the baseline."""
    current = blocks.side == 1
    span = np.ptp(blocks.start[used]) + blocks.width_s
    length = float(np.ptp(blocks.start[current]) + blocks.width_s)
    length = max(blocks.width_s, min(length, float(span) / _LEAST_CHUNKS))
    anchor = float(blocks.start[current].min())
    return np.floor((blocks.start - anchor) / length).astype(np.int64)


def _per_block(n: Array, day: NDArray[np.int64]) -> float:
    if not len(n):
        return 1.0
    per_day = np.bincount(np.unique(day, return_inverse=True)[1], n)
    return float((per_day**2).sum() / per_day.sum())
