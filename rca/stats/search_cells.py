"""Additive statistics of rows over the cells of many crosses of columns, in few passes.

A cross of two columns of ten values has a hundred cells; one of four such columns has ten thousand,
which still fit the cache, and holds six pairs. So columns are gathered into blocks whose cells fit
the cache and which together hold every cross asked for; rows are summed once per block, and crosses
are sums over a block's other axes. Twelve columns of ten values need 12 passes of one addition per
row rather than 66.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.stats.ratio import Sums

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[Any]

#: Cells of a block: a few hundred kilobytes of sums.
_BLOCK_CELLS = 16_384
#: Fewer row visits than this are summed by numpy alone: compiling takes longer.
_COMPILED_FROM = 4_000_000


@dataclass(frozen=True)
class Measures:
    """What rows add: side (0 or 1), y, x and weight; None stands for 1 in every row.

    ``y`` may be small unsigned integers: 0 or 1 of a share.
    """

    side: NDArray[np.uint8]
    y: NDArray[Any]
    x: Array | None = None
    w: Array | None = None

    def take(self, rows: Bools) -> Measures:
        """Return the measures of some rows."""
        x, w = (None if part is None else part[rows] for part in (self.x, self.w))
        return Measures(self.side[rows], self.y[rows], x, w)

    def weighted(self, factor: Array) -> Measures:
        """Return the measures with every row's weight multiplied."""
        return Measures(self.side, self.y, self.x, factor if self.w is None else self.w * factor)

    @property
    def binary(self) -> bool:
        """Whether counts of side and y say everything."""
        return self.y.dtype == np.uint8 and self.x is None and self.w is None

    def parts(self) -> list[Array]:
        """Return the columns to sum besides the count, as few as say everything."""
        y = self.y.astype(np.float64, copy=False)
        if self.x is None and self.w is None:
            return [y, y * y]
        x = np.ones(len(y)) if self.x is None else self.x
        w = np.ones(len(y)) if self.w is None else self.w
        wx, wy = w * x, w * y
        return [wx, wy, wx * wx, wx * wy, wy * wy]


def sum_cells(
    codes: Sequence[Codes], sizes: Sequence[int], measures: Measures
) -> tuple[Sums, Sums]:
    """Return both sides' sums over the cells of one cross; none at all gives one cell.

    >>> side = np.array([0, 0, 1, 1], dtype=np.uint8)
    >>> rows = Measures(side, np.array([1, 0, 1, 1], dtype=np.uint8))
    >>> baseline, current = sum_cells([np.array([0, 1, 0, 1])], [2], rows)
    >>> baseline.value.tolist(), current.value.tolist()
    ([1.0, 0.0], [1.0, 1.0])
    """
    chosen = tuple(range(len(codes)))
    return sum_crosses(list(codes), list(sizes), [chosen], measures)[0]


def sum_crosses(
    codes: Sequence[Codes],
    sizes: Sequence[int],
    crosses: Sequence[tuple[int, ...]],
    measures: Measures,
) -> list[tuple[Sums, Sums]]:
    """Return both sides' sums over the cells of each cross of columns.

    Parameters
    ----------
    codes : sequence of arrays
        One code per row, from 0, for each column.
    sizes : sequence of int
        How many codes each column has.
    crosses : sequence of tuple of int
        Ascending positions of columns.
    measures : Measures
        Of the rows.
    """
    blocks = blocks_of(sizes, crosses)
    parts: list[Array] = [] if measures.binary else measures.parts()
    compiled = len(measures.side) * max(1, len(blocks)) >= _COMPILED_FROM
    found: dict[tuple[int, ...], tuple[Sums, Sums]] = {}
    for block, wanted in blocks:
        shape = [sizes[i] for i in block]
        columns = [codes[i] for i in block]
        if measures.binary:
            raw = _counted(columns, shape, measures, compiled)
        else:
            raw = _summed(columns, shape, measures.side, parts, compiled)
        for cross in wanted:
            others = tuple(1 + k for k, i in enumerate(block) if i not in cross)
            sums = raw.reshape(-1, *shape, raw.shape[-1]).sum(axis=others)
            found[cross] = _sides(sums.reshape(sums.shape[0], -1, sums.shape[-1]), measures)
    return [found[cross] for cross in crosses]


def blocks_of(
    sizes: Sequence[int], crosses: Sequence[tuple[int, ...]], most: int = _BLOCK_CELLS
) -> list[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Gather crosses into blocks of columns: each block with the crosses read from it.

    Greedy: the largest cross left, then the column that brings most of the crosses left with it,
    while the cells stay few. A cross that is larger than that is a block by itself.

    >>> [block for block, _ in blocks_of([10] * 4, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)])]
    [(0, 1, 2, 3)]
    """
    left = set(crosses)
    order = sorted(crosses, key=lambda c: (-_cells(sizes, c), c))
    found = []
    for cross in order:
        if cross not in left:
            continue
        block = set(cross)
        while True:
            room = most / max(1, _cells(sizes, block))
            fitting = [i for i in range(len(sizes)) if i not in block and sizes[i] <= room]
            gains = [(_brought(left, block, i), -sizes[i], -i) for i in fitting]
            best = max(gains, default=(0, 0, 0))
            if best[0] == 0:
                break
            block.add(-best[2])
        chosen = tuple(sorted(block))
        wanted = [c for k in range(len(chosen) + 1) for c in combinations(chosen, k) if c in left]
        left.difference_update(wanted)
        found.append((chosen, wanted))
    return found


def _cells(sizes: Sequence[int], cross: Sequence[int] | set[int]) -> int:
    return int(np.prod([float(sizes[i]) for i in cross]))


def _brought(left: set[tuple[int, ...]], block: set[int], column: int) -> int:
    grown = block | {column}
    return sum(1 for cross in left if column in cross and grown.issuperset(cross))


def _counted(columns: list[Codes], shape: list[int], measures: Measures, compiled: bool) -> Array:
    """Return counts by (side and y, cell) for shares: shape (4, cells, 1)."""
    outcome = (measures.side * np.uint8(2) + measures.y).astype(np.uint8)
    if compiled:
        from rca.stats.search_kernels import count_block

        raw = count_block(columns, shape, outcome, 4)
    else:
        index = _index(columns, shape, outcome)
        raw = np.bincount(index, minlength=4 * int(np.prod(shape, dtype=np.int64)))
    return raw.astype(np.float64).reshape(4, -1, 1)


def _summed(
    columns: list[Codes], shape: list[int], side: Codes, parts: list[Array], compiled: bool
) -> Array:
    """Return the count and sums by (side, cell): shape (2, cells, 1 + parts)."""
    cells = 2 * int(np.prod(shape, dtype=np.int64))
    if compiled:
        from rca.stats.search_kernels import sum_block

        return sum_block(columns, shape, side, parts).reshape(2, cells // 2, 1 + len(parts))
    index = _index(columns, shape, side)
    raw = [np.bincount(index, part, minlength=cells) for part in (None, *parts)]
    return np.stack(raw, axis=-1).astype(np.float64).reshape(2, cells // 2, 1 + len(parts))


def _index(columns: list[Codes], shape: list[int], first: Codes) -> NDArray[np.int64]:
    index = first.astype(np.int64)
    for column, size in zip(columns, shape, strict=True):
        index *= size
        index += column
    return index


def _sides(raw: Array, measures: Measures) -> tuple[Sums, Sums]:
    if measures.binary:
        sides = []
        for side in (0, 1):
            no, yes = raw[2 * side, :, 0], raw[2 * side + 1, :, 0]
            n = no + yes
            sides.append(Sums(n, n, yes, n, yes, yes))
        return sides[0], sides[1]
    if raw.shape[-1] == 3:
        made = [Sums(s[:, 0], s[:, 0], s[:, 1], s[:, 0], s[:, 1], s[:, 2]) for s in raw]
    else:
        made = [Sums(*s.T) for s in raw]
    return made[0], made[1]
