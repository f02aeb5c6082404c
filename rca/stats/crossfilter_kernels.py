"""Compiled loops of the crossfilter; loaded only for logs large enough to pay for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.stats.search_cells import Measures
from rca.stats.search_kernels import compiled


@compiled
def _count(code: Any, drops: Any, limit: Any, side: Any, y: Any, out: Any) -> None:
    for i in range(len(code)):
        c = code[i]
        if drops[i] == limit[c]:
            out[2 * side[i] + y[i], c] += 1


@compiled
def _sum(code: Any, drops: Any, limit: Any, side: Any, parts: Any, first: Any, out: Any) -> None:
    k = parts.shape[0]
    for i in range(parts.shape[1]):
        c = code[first + i]
        if drops[first + i] == limit[c]:
            s = side[first + i]
            out[0, s, c] += 1.0
            for j in range(k):
                out[j + 1, s, c] += parts[j, i]


def counted(
    code: NDArray[Any], drops: NDArray[np.uint8], limit: NDArray[np.uint8], measures: Measures
) -> NDArray[np.int64]:
    """Count rows by (side and y, code) that are dropped as often as their code allows."""
    out = np.zeros((4, len(limit)), dtype=np.int64)
    _count(code, drops, limit, measures.side, measures.y, out)
    return out


#: Rows whose parts are stacked at a time: they stay in the cache.
_CHUNK = 65_536


def summed(
    code: NDArray[Any],
    drops: NDArray[np.uint8],
    limit: NDArray[np.uint8],
    side: NDArray[np.uint8],
    parts: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Count rows and sum their parts by (part, side, code)."""
    out = np.zeros((1 + len(parts), 2, len(limit)))
    for start in range(0, len(code), _CHUNK):
        stacked = np.stack([part[start : start + _CHUNK] for part in parts])
        _sum(code, drops, limit, side, stacked, start, out)
    return out
