"""Sums over the values of every column, of the rows that the choices in the other columns keep.

A row counts for a column when all *other* columns keep it, so that a column goes on showing what
its own choice left out. Rows are visited once whatever the number of columns: one that no column
drops counts for all, one that a single column drops counts for that column only, one that two drop
for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.stats.ratio import Sums
from rca.stats.search_cells import Measures

Array = NDArray[np.float64]
Codes = NDArray[Any]
Sides = tuple[Sums, Sums]
Kept = Sequence[NDArray[np.bool_] | None]
#: Fewer row visits than this are summed by numpy alone: compiling takes longer.
_COMPILED_FROM = 4_000_000


class Crossfilter:
    """Rows of codes and measures, laid out once for many choices.

    Parameters
    ----------
    codes : sequence of arrays
        One code per row, from 0, for each column.
    sizes : sequence of int
        How many codes each column has.
    measures : Measures
        Side, y, x and weight of the rows.
    """

    def __init__(self, codes: Sequence[Codes], sizes: Sequence[int], measures: Measures) -> None:
        self._sizes = list(sizes)
        self._ends = np.cumsum([0, *sizes])
        dtype = np.min_scalar_type(max(sizes, default=1))
        # A row's codes lie beside each other: it is read once.
        self._codes = np.empty((len(measures.side), len(sizes)), dtype=dtype)
        for i, code in enumerate(codes):
            self._codes[:, i] = code
        self._binary = measures.binary
        if self._binary:
            self._outcome = measures.side * np.uint8(2) + measures.y
            self._parts = np.empty((len(self._outcome), 0))
        else:
            self._outcome = measures.side
            self._parts = np.stack(measures.parts(), axis=1)
        self._compiled = self._codes.size >= _COMPILED_FROM

    def sums(self, kept: Kept) -> tuple[list[Sides], Sides]:
        """Return both sides' sums over each column's values, and over the rows that all keep.

        Parameters
        ----------
        kept : sequence of bool arrays or None
            For each column which codes are kept; None keeps all.

        Examples
        --------
        >>> rows = Measures(np.array([0, 0, 1, 1], np.uint8), np.array([1, 0, 1, 1], np.uint8))
        >>> cross = Crossfilter([np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])], [2, 2], rows)
        >>> columns, whole = cross.sums([np.array([True, False]), None])
        >>> columns[0][1].n.tolist(), columns[1][1].n.tolist(), float(whole[1].n[0])
        ([1.0, 1.0], [0.0, 1.0], 1.0)
        """
        raw = self._by_loop(kept) if self._compiled else self._by_arrays(kept)
        ends = self._ends
        columns = [
            _sides(raw[..., ends[i] : ends[i + 1]], self._binary) for i in range(len(self._sizes))
        ]
        return columns, _sides(raw[..., -1:], self._binary)

    def _by_loop(self, kept: Kept) -> Array:
        from rca.stats.crossfilter_kernels import crossed

        dropped = np.zeros((len(self._sizes), max(self._sizes, default=1)), dtype=np.bool_)
        for i, keep in enumerate(kept):
            if keep is not None:
                dropped[i, : len(keep)] = ~keep
        active = np.flatnonzero([keep is not None for keep in kept])
        outcomes = 4 if self._binary else 2
        return crossed(
            self._codes, self._outcome, self._parts, dropped, active, self._ends, outcomes
        )

    def _by_arrays(self, kept: Kept) -> Array:
        drops = np.zeros(len(self._outcome), dtype=np.int64)
        own = [np.zeros(len(drops), dtype=bool)] * len(self._sizes)
        for i, keep in enumerate(kept):
            if keep is not None:
                own[i] = ~keep[self._codes[:, i]]
                drops += own[i]
        cells = [
            self._cells(self._codes[:, i], size, drops == own[i])
            for i, size in enumerate(self._sizes)
        ]
        whole = self._cells(np.zeros(len(drops), dtype=np.int64), 1, drops == 0)
        return np.concatenate([*cells, whole], axis=-1)

    def _cells(self, code: Codes, size: int, rows: NDArray[np.bool_]) -> Array:
        outcomes = 4 if self._binary else 2
        index = self._outcome[rows].astype(np.int64) * size + code[rows]
        weights = [None, *self._parts[rows].T]
        raw = [np.bincount(index, part, minlength=outcomes * size) for part in weights]
        return np.stack(raw).reshape(len(weights), outcomes, size).astype(np.float64)


def _sides(raw: Array, binary: bool) -> Sides:
    """Return Sums from (1 + parts, outcomes, cells)."""
    if binary:
        counts, sides = raw[0], []
        for side in (0, 1):
            no, yes = counts[2 * side], counts[2 * side + 1]
            sides.append(Sums(no + yes, no + yes, yes, no + yes, yes, yes))
        return sides[0], sides[1]
    found = []
    for side in (0, 1):
        part = raw[:, side]
        # Without weights and denominators x is the count.
        few = (part[0], part[0], part[1], part[0], part[1], part[2]) if len(part) == 3 else part
        found.append(Sums(*few))
    return found[0], found[1]
