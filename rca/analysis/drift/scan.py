"""All columns and both sides in a few passes: a sample for the edges, then exact counts per cell.

Numbers become bins by a balanced tree of comparisons with literal edges, which every engine runs;
one GROUPING SETS query counts (side, block of time, cell) for up to 40 columns at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rca.analysis.drift.columns import Profiled
from rca.engine.sql import grouping_sets, lit
from rca.model.comparison import Comparison
from rca.stats.histogram import edges, is_discrete, is_single

Array = NDArray[np.float64]

#: Rows of each side that edges and kinds of fault are read from.
SAMPLE_ROWS = 20_000
COLUMNS_PER_QUERY = 40
#: Categories counted by themselves; all others together.
TOP_VALUES = 256
NULL, REST = "\x01null", "\x01rest"
_STEP = 1000
_TIME = "\x01time"
_NULL_BIN, _ODD_BIN = 998, 999
_HOUR = 3600.0
_MOST_BLOCKS = 400


@dataclass(frozen=True)
class Blocks:
    """Cells of time on each side: start in seconds, width, rows."""

    side: NDArray[np.int64]
    start: Array
    n: Array
    width_s: float
    timed: bool

    def after(self, time: float) -> Array:
        """Return the part of each block that lies after a time, 0 to 1."""
        if time == float("-inf"):
            return np.ones(len(self.start))
        return np.asarray(np.clip((self.start + self.width_s - time) / self.width_s, 0.0, 1.0))


@dataclass(frozen=True)
class Counted:
    """Counts of one column's cells in each block.

    ``counts`` is blocks x cells. The first cell is null; of numbers, the second is NaN and
    infinities, and cell ``2 + i`` is bin ``i`` of ``edges``. Of texts, ``labels`` names the cells.
    """

    column: Profiled
    counts: Array
    edges: Array
    labels: tuple[str, ...]
    discrete: bool
    samples: tuple[pa.ChunkedArray, pa.ChunkedArray]
    times: tuple[Array, Array]
    base: int = 0

    @property
    def numeric(self) -> bool:
        """Whether cells are bins of a number."""
        return self.column.kind in ("number", "time")

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which cells hold one value only."""
        if not self.numeric:
            return np.array([label not in (NULL, REST) for label in self.labels])
        return np.concatenate([[False, False], is_single(self.edges, discrete=self.discrete)])

    @property
    def names(self) -> list[str]:
        """What each cell holds, in words."""
        if not self.numeric:
            return [{NULL: "null", REST: "(others)"}.get(label, label) for label in self.labels]
        if not len(self.edges):
            return ["null", "not finite", "any value"]
        low, high = (f"{edge:.4g}" for edge in (self.edges[0], self.edges[-1]))
        single = self.single[2:]
        inner = [
            f"{a:.4g}" if single[i + 1] else f"{a:.4g} to {b:.4g}"
            for i, (a, b) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True))
        ]
        last = high if single[-1] else f"from {high}"
        return ["null", "not finite", f"below {low}", *inner, last]

    def side(self, blocks: Blocks, side: int) -> Array:
        """Return the counts of cells on a side."""
        return np.asarray(self.counts[blocks.side == side].sum(axis=0))

    def cell_of(self, codes: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the cell of each code that SQL made of a row."""
        if self.numeric:
            cell = codes.to_numpy() - self.base
            return np.where(cell == _NULL_BIN, 0, np.where(cell == _ODD_BIN, 1, cell + 2)).astype(
                np.int64
            )
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([index.get(code, 1) for code in codes.to_pylist()], dtype=np.int64)

    def during(self, kept: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> Counted:
        """Return the same counts with the rows of the samples that a mask keeps."""
        cut = tuple(s.filter(pa.array(k)) for s, k in zip(self.samples, kept, strict=True))
        times = tuple(t[k] for t, k in zip(self.times, kept, strict=True))
        return replace(self, samples=(cut[0], cut[1]), times=(times[0], times[1]))

    def values(self, side: int) -> Array:
        """Return the finite values of a side's sample, sorted."""
        sample = self.samples[side].to_numpy().astype(np.float64)
        return np.sort(sample[np.isfinite(sample)])


@dataclass(frozen=True)
class Scan:
    """Everything the passes brought back; ``cells`` is SQL of the cell of each column."""

    blocks: Blocks
    columns: Mapping[str, Counted]
    cells: Mapping[str, str]
    sql: tuple[str, ...]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The blocks in the order of time."""
        return np.argsort(self.blocks.start, kind="stable").astype(np.int64)

    @cached_property
    def order_start(self) -> Array:
        """Their starts in that order."""
        return np.asarray(self.blocks.start[self.order])


def scan(comparison: Comparison, columns: Sequence[Profiled]) -> Scan:
    """Count the cells of all columns on both sides, per block of time."""
    sql: list[str] = []
    width = _width(comparison)
    origin = _origin(comparison, width)
    sampled = _sample(comparison, columns, sql)
    side, start, n = _blocks(comparison, width, origin, sql)
    blocks = Blocks(side, start, n, width, comparison.logs.has("ts"))
    place = {(int(s), float(t)): i for i, (s, t) in enumerate(zip(side, start, strict=True))}
    counted: dict[str, Counted] = {}
    cells: dict[str, str] = {}
    for part in _parts(columns):
        codes = [_codes(c, i, sampled) for i, c in enumerate(part)]
        cells |= {c.name: code.sql for c, code in zip(part, codes, strict=True)}
        sql.append(_count_sql(comparison, width, origin, [code.sql for code in codes]))
        found = comparison.logs.engine.table(sql[-1])
        counted |= _collected(found, part, codes, place, (width, origin), sampled)
    return Scan(blocks, {c.name: counted[c.name] for c in columns}, cells, tuple(sql))


def _parts(columns: Sequence[Profiled]) -> Iterator[list[Profiled]]:
    """Return columns of like cells (numbers or texts), at most 40 for a query."""
    for kinds in (("number", "time"), ("text", "bool")):
        like = [c for c in columns if c.kind in kinds]
        for first in range(0, len(like), COLUMNS_PER_QUERY):
            yield like[first : first + COLUMNS_PER_QUERY]


@dataclass(frozen=True)
class _Codes:
    sql: str
    edges: Array
    base: int
    discrete: bool = True


def _width(comparison: Comparison) -> float:
    """Return the width of a block: an hour where that makes at most 400, else 2, 3, 6, ... ."""
    span = comparison.logs.span
    if span is None:
        return _HOUR
    windows = [side.window or span for side in (comparison.baseline, comparison.current)]
    hours = sum(window.hours for window in windows)
    shortest = min(window.hours for window in windows)
    for width in (1 / 12, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0):
        if hours / width <= _MOST_BLOCKS and (width >= 1 or shortest / width <= 48):
            return width * _HOUR
    return ceil(hours / _MOST_BLOCKS / 24) * 24 * _HOUR


def _origin(comparison: Comparison, width: float) -> float:
    """Return a time at which a block starts, so that the current window starts a block too."""
    window = comparison.current.window
    return window.start.timestamp() % width if window else 0.0


def _block_sql(comparison: Comparison, width: float, origin: float) -> str:
    if not comparison.logs.has("ts"):
        return "cast(0 as bigint)"
    epoch = comparison.logs.engine.dialect.epoch("ts")
    return f"cast(floor(({epoch} - {lit(origin)}) / {lit(width)}) as bigint)"


def _where(comparison: Comparison) -> str:
    return f"({comparison.baseline.predicate}) or ({comparison.current.predicate})"


def _blocks(
    comparison: Comparison, width: float, origin: float, sql: list[str]
) -> tuple[NDArray[np.int64], Array, Array]:
    inner = (
        f"select {comparison.side_sql} as side_, {_block_sql(comparison, width, origin)} as block_ "
        f"from {comparison.logs.relation} where {_where(comparison)}"
    )
    query = (
        f"select side_, block_, count(*) as n_ from ({inner}) as r_ where block_ is not null "
        "group by side_, block_ order by side_, block_"
    )
    sql.append(query)
    found = comparison.logs.engine.table(query)
    side, block, n = (found.column(c).to_numpy() for c in ("side_", "block_", "n_"))
    return side.astype(np.int64), block * width + origin, n.astype(np.float64)


def _sample(
    comparison: Comparison, columns: Sequence[Profiled], sql: list[str]
) -> tuple[pa.Table, pa.Table]:
    """Return about 20,000 rows of each side."""
    engine = comparison.logs.engine
    time = engine.dialect.epoch("ts") if comparison.logs.has("ts") else "0e0"
    names = ", ".join([f"{time} as t_", *(f"{c.sql} as c{i}_" for i, c in enumerate(columns))])
    found = []
    for side in (comparison.baseline, comparison.current):
        relation = f"(select {names} from {comparison.logs.relation} where {side.predicate}) as s_"
        count = f"select count(*) as n_ from {comparison.logs.relation} where {side.predicate}"
        n = engine.one(count)["n_"]
        if n > 1.5 * SAMPLE_ROWS:
            relation = engine.dialect.scattered(relation, SAMPLE_ROWS / n)
        sql.append(f"select * from {relation}")
        found.append(engine.table(sql[-1]).rename_columns([_TIME, *(c.name for c in columns)]))
    return found[0], found[1]


def _codes(column: Profiled, index: int, sampled: tuple[pa.Table, pa.Table]) -> _Codes:
    values = [table.column(column.name) for table in sampled]
    base = _STEP * index
    if column.kind in ("number", "time"):
        sides = [v.to_numpy().astype(np.float64) for v in values]
        finite = [side[np.isfinite(side)] for side in sides]
        cut = edges(*finite)
        tree = _tree(f"({column.sql})", cut, 0, len(cut), base)
        return _Codes(
            f"case when isfinite({column.sql}) then {tree} "
            f"when ({column.sql}) is null then {base + _NULL_BIN} else {base + _ODD_BIN} end",
            cut,
            base,
            is_discrete(*finite),
        )
    return _Codes(_category(column, values), np.zeros(0), base)


def _tree(value: str, cut: Array, low: int, high: int, base: int) -> str:
    """Return SQL of the number of edges at or below a value, by halving."""
    if low == high:
        return str(base + low)
    middle = (low + high) // 2
    left = _tree(value, cut, low, middle, base)
    right = _tree(value, cut, middle + 1, high, base)
    return f"case when {value} < {lit(cut[middle])} then {left} else {right} end"


def _category(column: Profiled, values: list[pa.ChunkedArray]) -> str:
    counts: dict[str, float] = {}
    for side in values:
        for entry in side.value_counts().to_pylist():
            if entry["values"] is not None:
                share = entry["counts"] / max(1, len(side))
                counts[entry["values"]] = max(share, counts.get(entry["values"], 0.0))
    known = f"case when {column.sql} is null then '{NULL}' "
    if len(counts) <= TOP_VALUES // 2:
        return f"{known}else {column.sql} end"
    top = sorted(counts, key=lambda v: (-counts[v], v))[:TOP_VALUES]
    listed = ", ".join("'" + v.replace("'", "''") + "'" for v in top)
    return f"{known}when {column.sql} in ({listed}) then {column.sql} else '{REST}' end"


def _count_sql(comparison: Comparison, width: float, origin: float, codes: Sequence[str]) -> str:
    named = ", ".join(f"{code} as k{i}_" for i, code in enumerate(codes))
    block = _block_sql(comparison, width, origin)
    inner = (
        f"select {comparison.side_sql} as side_, {block} as block_, {named} "
        f"from {comparison.logs.relation} where {_where(comparison)}"
    )
    sets = grouping_sets([["side_", "block_", f"k{i}_"] for i in range(len(codes))])
    which = " ".join(f"when k{i}_ is not null then {i}" for i in range(len(codes)))
    cell = f"coalesce({', '.join(f'k{i}_' for i in range(len(codes)))})"
    return (
        f"select side_, block_, case {which} end as which_, {cell} as cell_, count(*) as n_ "
        f"from ({inner}) as r_ where block_ is not null group by {sets}"
    )


def _collected(
    found: pa.Table,
    columns: Sequence[Profiled],
    codes: Sequence[_Codes],
    place: Mapping[tuple[int, float], int],
    clock: tuple[float, float],
    sampled: tuple[pa.Table, pa.Table],
) -> dict[str, Counted]:
    width, origin = clock
    side = found.column("side_").to_numpy()
    start = found.column("block_").to_numpy() * width + origin
    pairs, inverse = np.unique(np.stack([side, start]), axis=1, return_inverse=True)
    row = np.array([place[int(s), float(t)] for s, t in pairs.T])[inverse.reshape(-1)]
    which, n = found.column("which_").to_numpy(), found.column("n_").to_numpy()
    cells = found.column("cell_")
    result = {}
    for i, (column, code) in enumerate(zip(columns, codes, strict=True)):
        mine = np.flatnonzero(which == i)
        labels: tuple[str, ...] = ()
        mine_cells, size = cells.take(mine), len(code.edges) + 3
        if column.kind in ("text", "bool"):
            labels = (NULL, REST, *sorted(set(mine_cells.to_pylist()) - {NULL, REST}))
            size = len(labels)
        samples = (sampled[0].column(column.name), sampled[1].column(column.name))
        times = (sampled[0].column(_TIME).to_numpy(), sampled[1].column(_TIME).to_numpy())
        counts = np.zeros((len(place), size))
        made = Counted(column, counts, code.edges, labels, code.discrete, samples, times, code.base)
        np.add.at(counts, (row[mine], made.cell_of(mine_cells)), n[mine])
        result[column.name] = made
    return result
