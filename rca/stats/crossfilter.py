"""Sums over the values of every column, of the rows that the choices in the other columns keep.

A row counts for a column when all *other* columns keep it, so that a column goes on showing what
its own choice left out. Rows are visited once whatever the number of columns: one that a single
column drops counts for that column only, one that two drop for none.
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
#: Fewer row visits than this are summed by numpy alone: compiling takes longer.
_COMPILED_FROM = 4_000_000


class Crossfilter:
    """Rows of codes and measures, made ready once for many choices.

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
        self._codes = [np.ascontiguousarray(code) for code in codes]
        self._measures = measures
        self._parts = [] if measures.binary else measures.parts()
        self._compiled = len(measures.side) * max(1, len(self._codes)) >= _COMPILED_FROM
        self._drops = np.zeros(len(measures.side), dtype=np.uint8)
        self._kept: list[NDArray[np.bool_] | None] = [None] * len(self._codes)

    def sums(
        self, kept: Sequence[NDArray[np.bool_] | None]
    ) -> tuple[list[tuple[Sums, Sums]], tuple[Sums, Sums]]:
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
        self._choose(kept)
        raw = [self._column(code, size, kept[i]) for i, (code, size) in enumerate(self._zipped())]
        nothing = np.zeros(len(self._drops), dtype=np.uint8)
        whole = self._column(nothing, 1, None)
        return raw, whole

    def _zipped(self) -> list[tuple[Codes, int]]:
        return list(zip(self._codes, self._sizes, strict=True))

    def _choose(self, kept: Sequence[NDArray[np.bool_] | None]) -> None:
        """Bring the count of columns that drop each row up to date: only what changed is read."""
        for i, (old, new) in enumerate(zip(self._kept, kept, strict=True)):
            if _same(old, new):
                continue
            change = _dropped(new, self._sizes[i]).astype(np.int8)
            change -= _dropped(old, self._sizes[i]).astype(np.int8)
            self._drops += change.view(np.uint8)[self._codes[i]]
            self._kept[i] = None if new is None else new.copy()

    def _column(self, code: Codes, size: int, own: NDArray[np.bool_] | None) -> tuple[Sums, Sums]:
        """Return the sums of rows dropped by nobody, or by this column alone."""
        limit = _dropped(own, size).astype(np.uint8)
        raw: NDArray[Any]
        if self._compiled:
            from rca.stats.crossfilter_kernels import counted, summed

            if self._measures.binary:
                raw = counted(code, self._drops, limit, self._measures)
            else:
                raw = summed(code, self._drops, limit, self._measures.side, self._parts)
        else:
            raw = self._plain(code, size, limit)
        return _sides(raw.astype(np.float64), self._measures)

    def _plain(self, code: Codes, size: int, limit: NDArray[np.uint8]) -> NDArray[Any]:
        rows = np.flatnonzero(self._drops == limit[code])
        where = code[rows].astype(np.int64)
        side = self._measures.side[rows].astype(np.int64)
        if self._measures.binary:
            index = (2 * side + self._measures.y[rows]) * size + where
            return np.bincount(index, minlength=4 * size).reshape(4, size)
        index = side * size + where
        parts = [None, *(part[rows] for part in self._parts)]
        raw = [np.bincount(index, part, minlength=2 * size) for part in parts]
        return np.stack(raw).reshape(len(parts), 2, size)


def _dropped(kept: NDArray[np.bool_] | None, size: int) -> NDArray[np.bool_]:
    return np.zeros(size, dtype=bool) if kept is None else ~kept


def _same(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> bool:
    return a is b if a is None or b is None else bool(np.array_equal(a, b))


def _sides(raw: Array, measures: Measures) -> tuple[Sums, Sums]:
    if measures.binary:
        sides = []
        for side in (0, 1):
            no, yes = raw[2 * side], raw[2 * side + 1]
            n = no + yes
            sides.append(Sums(n, n, yes, n, yes, yes))
        return sides[0], sides[1]
    found = []
    for side in (0, 1):
        part = raw[:, side]
        if len(part) == 3:
            found.append(Sums(part[0], part[0], part[1], part[0], part[1], part[2]))
        else:
            found.append(Sums(*part))
    return found[0], found[1]
