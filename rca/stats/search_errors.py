"""The slices where a model errs most, exactly: SliceLine's score over all crosses up to a depth.

Sagadeeva and Boehm (2021), "SliceLine: Fast, Linear-Algebra-based Slice Finding for ML Model
Debugging", SIGMOD. A slice of s rows whose errors sum to e, out of n rows with sum E, has

    score = a * ((e / s) / (E / n) - 1) - (1 - a) * (n / s - 1)

Their bound, the best score that s' rows inside a slice can have, is used with counts instead of
linear algebra: pairs come from histograms over blocks of columns, deeper slices from bitmaps, and a
slice is only widened by a value if every pair in it may still reach the best scores found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.stats.search_cells import Measures, sum_crosses

Array = NDArray[np.float64]
Codes = NDArray[Any]
Item = tuple[int, int]


@dataclass(frozen=True)
class ErrorSlice:
    """A slice: its (column, code) items, its score, rows, sum and largest error."""

    items: tuple[Item, ...]
    score: float
    n_rows: int
    error: float
    worst: float


@dataclass(frozen=True)
class _Level:
    """Slices of one depth that may be widened: items by column of their numbers, and statistics."""

    items: NDArray[np.int64]
    n_rows: Array
    error: Array
    worst: Array


def worst_slices(
    codes: Sequence[Codes],
    sizes: Sequence[int],
    errors: Array,
    *,
    k: int = 5,
    depth: int = 3,
    min_rows: int | None = None,
    alpha: float = 0.95,
) -> list[ErrorSlice]:
    """Return the k slices of highest score, exactly, best first.

    Parameters
    ----------
    codes, sizes : sequences
        One code per row for each column, and how many codes it has.
    errors : array
        Not negative: 0 or 1 of a wrong prediction, or a squared error.
    k, depth : int
        How many slices, of how many columns at most.
    min_rows : int, optional
        The smallest slice; a hundredth of the rows by default.
    alpha : float
        The weight of the error against the size.

    Examples
    --------
    >>> a, b = np.array([0, 0, 1, 1] * 50), np.array([0, 1, 0, 1] * 50)
    >>> wrong = ((a == 1) & (b == 1)).astype(float)
    >>> best = worst_slices([a, b], [2, 2], wrong, k=1, depth=2)[0]
    >>> best.items, best.n_rows, round(best.score, 3)
    (((0, 1), (1, 1)), 50, 2.7)
    """
    n, total = len(errors), float(errors.sum())
    least = max(1, n // 100) if min_rows is None else min_rows
    if total <= 0 or not codes:
        return []
    scale = _Scale(n, total, alpha, least)
    found: list[ErrorSlice] = []
    singles, items = _singles(codes, sizes, errors, scale)
    found = _kept(found, singles, items, scale, k)
    level = singles
    if depth >= 2 and len(items) > 1:
        level = _pairs(codes, sizes, errors, items, singles, scale)
        found = _kept(found, level, items, scale, k)
    bits: _Bitmaps | None = None
    pairs = level
    for _ in range(3, depth + 1):
        bound = found[k - 1].score if len(found) == k else 0.0
        bits = bits or _Bitmaps(codes, errors, items)
        level = _deeper(level, pairs, items, bits, scale, bound)
        if not level.n_rows.size:
            break
        found = _kept(found, level, items, scale, k)
    return found


@dataclass(frozen=True)
class _Scale:
    n: int
    total: float
    alpha: float
    least: int

    def score(self, rows: Array, error: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            worse = self.alpha * ((error / rows) / (self.total / self.n) - 1)
            return np.asarray(worse - (1 - self.alpha) * (self.n / rows - 1))

    def bound(self, rows: Array, error: Array, worst: Array) -> Array:
        """Return the best score of any slice inside: with s rows its error is min(e, s * worst)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            turning = np.clip(np.ceil(error / worst), self.least, rows)
        best = np.full(rows.shape, -np.inf)
        for size in (
            np.full(rows.shape, float(self.least)),
            turning,
            np.floor(error / worst),
            rows,
        ):
            inside = np.clip(size, self.least, np.maximum(rows, self.least))
            best = np.maximum(best, self.score(inside, np.minimum(error, inside * worst)))
        return np.where(rows >= self.least, best, -np.inf)


def _singles(
    codes: Sequence[Codes], sizes: Sequence[int], errors: Array, scale: _Scale
) -> tuple[_Level, list[Item]]:
    items: list[Item] = []
    rows, sums, worsts = [], [], []
    ones = bool(((errors == 0) | (errors == 1)).all())
    for column, (code, size) in enumerate(zip(codes, sizes, strict=True)):
        count = np.bincount(code, minlength=size).astype(np.float64)
        error = np.bincount(code, errors, minlength=size)
        worst = (error > 0).astype(np.float64)
        if not ones:
            worst = np.zeros(size)
            np.maximum.at(worst, code, errors)
        for value in np.flatnonzero((count >= scale.least) & (error > 0)):
            items.append((column, int(value)))
            rows.append(count[value])
            sums.append(error[value])
            worsts.append(worst[value])
    level = _Level(
        np.arange(len(items)).reshape(-1, 1), np.array(rows), np.array(sums), np.array(worsts)
    )
    return level, items


def _pairs(
    codes: Sequence[Codes],
    sizes: Sequence[int],
    errors: Array,
    items: Sequence[Item],
    singles: _Level,
    scale: _Scale,
) -> _Level:
    """Sum every pair of values from histograms, those of few rows left out."""
    of_column = [[i for i, item in enumerate(items) if item[0] == c] for c in range(len(codes))]
    used = [c for c, numbers in enumerate(of_column) if numbers]
    small, widths = [], []
    for column in used:
        remap = np.full(sizes[column], len(of_column[column]))
        for place, number in enumerate(of_column[column]):
            remap[items[number][1]] = place
        small.append(remap.astype(np.min_scalar_type(len(remap)))[codes[column]])
        widths.append(len(of_column[column]) + 1)
    ones = bool(((errors == 0) | (errors == 1)).all())
    measures = Measures(
        np.zeros(len(errors), np.uint8), errors.astype(np.uint8) if ones else errors
    )
    crosses = list(combinations(range(len(used)), 2))
    first, second, rows, sums = [], [], [], []
    for (a, b), (cell, _) in zip(
        crosses, sum_crosses(small, widths, crosses, measures), strict=True
    ):
        count, error = (s.reshape(widths[a], widths[b])[:-1, :-1] for s in (cell.n, cell.y))
        i, j = np.nonzero((count >= scale.least) & (error > 0))
        first.append(np.array(of_column[used[a]])[i])
        second.append(np.array(of_column[used[b]])[j])
        rows.append(count[i, j])
        sums.append(error[i, j])
    if not first:
        return _Level(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
    numbers = np.stack([np.concatenate(first), np.concatenate(second)], axis=1)
    worst = np.minimum(singles.worst[numbers[:, 0]], singles.worst[numbers[:, 1]])
    return _Level(numbers, np.concatenate(rows), np.concatenate(sums), worst)


class _Bitmaps:
    """One bit per row for each item, rows with errors first; their errors where not all are 1."""

    def __init__(self, codes: Sequence[Codes], errors: Array, items: Sequence[Item]) -> None:
        # Rows with errors first: their part of a bitmap counts them without another pass.
        order = np.argsort(errors == 0, kind="stable")
        self.n_wrong = int((errors > 0).sum())
        self.errors = errors[order][: self.n_wrong]
        self.ones = bool((self.errors == 1).all())
        self.edge = -(-self.n_wrong // 64)
        sorted_codes = {c: codes[c][order] for c in {column for column, _ in items}}
        width = self.edge + -(-(len(errors) - self.n_wrong) // 64)
        self.words = np.zeros((len(items), width), dtype=np.uint64)
        for row, (column, value) in enumerate(items):
            inside = sorted_codes[column] == value
            self._put(row, 0, inside[: self.n_wrong])
            self._put(row, self.edge, inside[self.n_wrong :])

    def _put(self, row: int, at: int, inside: NDArray[np.bool_]) -> None:
        packed = np.packbits(inside, bitorder="little")
        padded = np.zeros(-(-packed.size // 8) * 8, dtype=np.uint8)
        padded[: packed.size] = packed
        words = padded.view(np.uint64)
        self.words[row, at : at + words.size] = words

    def evaluate(self, numbers: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        """Return rows, sum and largest error of slices given by their items' numbers."""
        rows, sums = np.zeros(len(numbers)), np.zeros(len(numbers))
        worst = np.ones(len(numbers))
        step = max(1, 4_000_000 // max(1, self.words.shape[1]))
        for start in range(0, len(numbers), step):
            part = slice(start, start + step)
            both = self.words[numbers[part, 0]]
            for k in range(1, numbers.shape[1]):
                both &= self.words[numbers[part, k]]
            counted = np.bitwise_count(both)
            rows[part] = counted.sum(axis=1, dtype=np.int64)
            if self.ones:
                sums[part] = counted[:, : self.edge].sum(axis=1, dtype=np.int64)
                continue
            wrong = np.unpackbits(
                np.ascontiguousarray(both[:, : self.edge]).view(np.uint8), axis=1, bitorder="little"
            )[:, : self.n_wrong]
            sums[part] = wrong @ self.errors
            worst[part] = (wrong * self.errors).max(axis=1, initial=0.0)
        return rows, sums, worst


def _deeper(
    level: _Level,
    pairs: _Level,
    items: Sequence[Item],
    bits: _Bitmaps,
    scale: _Scale,
    bound: float,
) -> _Level:
    """Widen slices by one value where all their parts may still reach the best scores."""
    reach = scale.bound(level.n_rows, level.error, level.worst) >= bound
    base = level.items[reach]
    n_items = len(items)
    allowed = np.zeros((n_items, n_items), dtype=bool)
    good = scale.bound(pairs.n_rows, pairs.error, pairs.worst) >= bound
    allowed[pairs.items[good, 0], pairs.items[good, 1]] = True
    last = base[:, -1]
    joint = allowed[last]
    for k in range(base.shape[1] - 1):
        joint &= allowed[base[:, k]]
    at, added = np.nonzero(joint)
    numbers = np.concatenate([base[at], added[:, None]], axis=1)
    rows, error, worst = bits.evaluate(numbers)
    there = (rows >= scale.least) & (error > 0)
    return _Level(numbers[there], rows[there], error[there], worst[there])


def _kept(
    found: list[ErrorSlice], level: _Level, items: Sequence[Item], scale: _Scale, k: int
) -> list[ErrorSlice]:
    """Return the k best of those found and of a level; ties by size, then by items."""
    if not level.n_rows.size:
        return found
    score = scale.score(level.n_rows, level.error)
    score = np.where(score > 0, score, -np.inf)
    # Ties at the edge must not depend on how they are sorted: all of them are looked at.
    edge = np.partition(score, -min(k, score.size))[-min(k, score.size)]
    for i in np.flatnonzero((score >= edge) & np.isfinite(score)):
        chosen = tuple(sorted(items[number] for number in level.items[i]))
        found.append(
            ErrorSlice(
                chosen,
                float(score[i]),
                int(level.n_rows[i]),
                float(level.error[i]),
                float(level.worst[i]),
            )
        )
    return sorted(found, key=lambda one: (-one.score, -one.n_rows, one.items))[:k]
