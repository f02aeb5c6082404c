"""Compiled loops of the sums over cells; loaded only for logs large enough to pay for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile, keeping the machine code for the next process where there is a place for it."""
    try:
        made: Callable[..., None] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # An installation that cannot be written to has no place for compiled code.
        made = numba.njit(nogil=True)(function)
    return made


@compiled
def _count(index: Any, outcome: Any, cells: Any, out: Any) -> None:
    for i in range(len(index)):
        out[outcome[i] * cells + index[i]] += 1


@compiled
def _sum(index: Any, side: Any, cells: Any, parts: Any, out: Any) -> None:
    k = parts.shape[0]
    for i in range(len(index)):
        row = side[i] * cells + index[i]
        out[row, 0] += 1.0
        for j in range(k):
            out[row, j + 1] += parts[j, i]


def count_block(
    columns: Sequence[NDArray[Any]], shape: Sequence[int], outcome: NDArray[Any], outcomes: int
) -> NDArray[np.int64]:
    """Count rows by outcome and cell."""
    cells = int(np.prod(shape, dtype=np.int64))
    out = np.zeros(outcomes * cells, dtype=np.int64)
    for start in range(0, len(outcome), _CHUNK):
        part = slice(start, start + _CHUNK)
        _count(_cell_index(columns, shape, part, len(outcome)), outcome[part], cells, out)
    return out


def sum_block(
    columns: Sequence[NDArray[Any]],
    shape: Sequence[int],
    side: NDArray[Any],
    parts: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Count rows and sum their parts by side and cell."""
    cells = int(np.prod(shape, dtype=np.int64))
    out = np.zeros((2 * cells, 1 + len(parts)))
    for start in range(0, len(side), _CHUNK):
        part = slice(start, start + _CHUNK)
        stacked = np.stack([p[part] for p in parts])
        _sum(_cell_index(columns, shape, part, len(side)), side[part], cells, stacked, out)
    return out


#: Rows whose index is made at a time: it stays in the cache.
_CHUNK = 65_536


def _cell_index(
    columns: Sequence[NDArray[Any]], shape: Sequence[int], part: slice, n_rows: int
) -> NDArray[np.int32]:
    size = min(part.stop, n_rows) - part.start
    index = np.zeros(size, dtype=np.int32)
    for column, values in zip(columns, shape, strict=True):
        index *= np.int32(values)
        index += column[part]
    return index
