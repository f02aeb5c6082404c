"""The compiled loop of the crossfilter; loaded only for logs large enough to pay for it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.stats.search_kernels import compiled


@compiled
def _cross(
    codes: Any, outcome: Any, parts: Any, dropped: Any, active: Any, ends: Any, span: Any, out: Any
) -> None:
    columns, whole, k = codes.shape[1], ends[-1], parts.shape[1]
    for i in range(span[0], span[1]):
        drops, by = 0, 0
        for column in active:
            if dropped[column, codes[i, column]]:
                drops += 1
                by = column
                if drops == 2:
                    break
        if drops == 2:
            continue
        o = outcome[i]
        if drops == 1:
            cell = ends[by] + codes[i, by]
            out[o, cell, 0] += 1.0
            for j in range(k):
                out[o, cell, j + 1] += parts[i, j]
            continue
        out[o, whole, 0] += 1.0
        for j in range(k):
            out[o, whole, j + 1] += parts[i, j]
        for column in range(columns):
            cell = ends[column] + codes[i, column]
            out[o, cell, 0] += 1.0
            for j in range(k):
                out[o, cell, j + 1] += parts[i, j]


def crossed(
    codes: NDArray[Any],
    outcome: NDArray[np.uint8],
    parts: NDArray[np.float64],
    dropped: NDArray[np.bool_],
    active: NDArray[np.int64],
    ends: NDArray[np.int64],
    outcomes: int,
) -> NDArray[np.float64]:
    """Return counts and sums by (1 + parts, outcome, cell); the last cell is all rows kept."""
    n, threads = len(outcome), min(8, os.cpu_count() or 1)
    edges = np.linspace(0, n, threads + 1).astype(np.int64)
    shape = (threads, outcomes, int(ends[-1]) + 1, 1 + parts.shape[1])
    out = np.zeros(shape)

    def run(place: int) -> None:
        span = edges[place : place + 2]
        _cross(codes, outcome, parts, dropped, active, ends, span, out[place])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))
    return np.asarray(out.sum(axis=0).transpose(2, 0, 1))
