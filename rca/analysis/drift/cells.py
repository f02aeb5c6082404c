"""SQL of the cell that a row's value falls into.

Numbers become bins by a balanced tree of comparisons with literal edges, which every engine runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rca.analysis.drift.columns import Profiled
from rca.analysis.drift.counted import NULL, NULL_BIN, ODD_BIN, REST
from rca.engine.sql import lit
from rca.stats.histogram import edges, is_discrete

Array = NDArray[np.float64]

#: Categories counted by themselves; all others together.
TOP_VALUES = 256
#: Codes of the columns of one query lie this far apart.
STEP = 1000


@dataclass(frozen=True)
class Cells:
    """How a column is cut: edges of a number's bins, or the values that a text is counted by.

    ``values`` is empty where all values are counted.
    """

    edges: Array
    discrete: bool
    values: tuple[str, ...] = ()


def cells_of(column: Profiled, samples: Sequence[pa.ChunkedArray]) -> Cells:
    """Return how to cut a column, from samples of both sides."""
    if column.kind in ("number", "time"):
        sides = [sample.to_numpy().astype(np.float64) for sample in samples]
        finite = [side[np.isfinite(side)] for side in sides]
        return Cells(edges(finite[0], finite[1]), is_discrete(finite[0], finite[1]))
    shares: dict[str, float] = {}
    for sample in samples:
        for entry in sample.value_counts().to_pylist():
            if entry["values"] is not None:
                share = entry["counts"] / max(1, len(sample))
                shares[entry["values"]] = max(share, shares.get(entry["values"], 0.0))
    if len(shares) <= TOP_VALUES // 2:
        return Cells(np.zeros(0), discrete=True)
    top = sorted(shares, key=lambda v: (-shares[v], v))[:TOP_VALUES]
    return Cells(np.zeros(0), discrete=True, values=tuple(top))


def cell_sql(column: Profiled, cells: Cells, base: int) -> str:
    """Return SQL of a row's cell: an integer from ``base`` on of a number, else a text."""
    value = f"({column.sql})"
    if column.kind in ("number", "time"):
        tree = _tree(value, cells.edges, 0, len(cells.edges), base)
        return (
            f"case when isfinite({value}) then {tree} "
            f"when {value} is null then {base + NULL_BIN} else {base + ODD_BIN} end"
        )
    known = f"case when {value} is null then '{NULL}' "
    if not cells.values:
        return f"{known}else {value} end"
    listed = ", ".join("'" + v.replace("'", "''") + "'" for v in cells.values)
    return f"{known}when {value} in ({listed}) then {value} else '{REST}' end"


def _tree(value: str, cut: Array, low: int, high: int, base: int) -> str:
    """Return SQL of the number of edges at or below a value, by halving."""
    if low == high:
        return str(base + low)
    middle = (low + high) // 2
    left = _tree(value, cut, low, middle, base)
    right = _tree(value, cut, middle + 1, high, base)
    return f"case when {value} < {lit(cut[middle])} then {left} else {right} end"
