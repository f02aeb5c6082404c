"""All columns and both sides in a few passes: a sample for the edges, then exact counts per cell.

One GROUPING SETS query counts (side, block of time, cell) for up to 40 columns at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rca.analysis.drift.cells import STEP, Cells, cell_sql, cells_of
from rca.analysis.drift.columns import Profiled
from rca.analysis.drift.counted import NULL, REST, Blocks, Clock, Counted, Scan
from rca.engine.sql import count_if, grouping_sets, lit
from rca.model.comparison import Comparison

if TYPE_CHECKING:
    from rca.analysis.drift.saved import Saved

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rows of each side that edges and kinds of fault are read from.
SAMPLE_ROWS = 20_000
COLUMNS_PER_QUERY = 40
#: The column of a sample that holds its rows' times.
TIME = "\x01time"
_HOUR = 3600.0
_MOST_BLOCKS = 400


@dataclass(frozen=True)
class Tally:
    """Counts of one column in long form: side, block, cell (a code or a text) and rows."""

    side: Ints
    block: Ints
    cell: pa.Array
    n: Array


def scan(comparison: Comparison, columns: Sequence[Profiled], saved: Saved | None = None) -> Scan:
    """Count the cells of all columns on both sides, per block of time.

    With a saved baseline its sample, its cells and its counts are taken, and only the current
    side is read.
    """
    sql: list[str] = []
    clock = saved.clock if saved else _clock(comparison)
    samples = _samples(comparison, columns, saved, sql)
    cells: dict[str, Cells] = {}
    tallies: dict[str, Tally] = {}
    for part in _parts(columns):
        cells |= {
            c.name: saved.cells[c.name]
            if saved
            else cells_of(c, [s.column(c.name) for s in samples])
            for c in part
        }
        codes = [cell_sql(c, cells[c.name], STEP * i) for i, c in enumerate(part)]
        sql.append(_count_sql(comparison, clock, codes, current_only=saved is not None))
        tallies |= _tallied(comparison.logs.engine.table(sql[-1]), part)
    if saved:
        tallies = {name: saved.with_baseline(name, tally) for name, tally in tallies.items()}
    blocks, place = _blocks(next(iter(tallies.values())), clock, comparison.logs.has("ts"))
    return Scan(
        blocks,
        {c.name: _counted(c, cells[c.name], tallies[c.name], place, samples) for c in columns},
        {c.name: cell_sql(c, cells[c.name], 0) for c in columns},
        clock,
        tuple(sql),
    )


def _parts(columns: Sequence[Profiled]) -> Iterator[list[Profiled]]:
    """Return columns of like cells (numbers or texts), at most 40 for a query."""
    for kinds in (("number", "time"), ("text", "bool")):
        like = [c for c in columns if c.kind in kinds]
        for first in range(0, len(like), COLUMNS_PER_QUERY):
            yield like[first : first + COLUMNS_PER_QUERY]


def _clock(comparison: Comparison) -> Clock:
    """Return blocks of an hour where that makes at most 400, else 2, 3, 6, ... hours.

    Short windows are cut finer. The current window starts a block.
    """
    span = comparison.logs.span
    if span is None:
        return Clock(_HOUR, 0.0)
    windows = [side.window or span for side in (comparison.baseline, comparison.current)]
    hours = sum(window.hours for window in windows)
    shortest = min(window.hours for window in windows)
    fitting = (
        width
        for width in (1 / 12, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0)
        if hours / width <= _MOST_BLOCKS and (width >= 1 or shortest / width <= 48)
    )
    width = next(fitting, 24.0 * ceil(hours / _MOST_BLOCKS / 24)) * _HOUR
    window = comparison.current.window
    return Clock(width, window.start.timestamp() % width if window else 0.0)


def _samples(
    comparison: Comparison, columns: Sequence[Profiled], saved: Saved | None, sql: list[str]
) -> tuple[pa.Table, pa.Table]:
    """Return about 20,000 rows of each side."""
    engine, logs = comparison.logs.engine, comparison.logs
    time = engine.dialect.epoch("ts") if logs.has("ts") else "0e0"
    names = ", ".join([f"{time} as t_", *(f"{c.sql} as c{i}_" for i, c in enumerate(columns))])
    sides = (comparison.baseline, comparison.current)
    counts = ", ".join(f"{count_if(side.predicate)} as n{i}_" for i, side in enumerate(sides))
    n = engine.one(f"select {counts} from {logs.relation}")
    found = []
    for i, side in enumerate(sides):
        if saved and i == 0:
            found.append(saved.sample)
            continue
        relation = f"(select {names} from {logs.relation} where {side.predicate}) as s_"
        if n[f"n{i}_"] > 1.5 * SAMPLE_ROWS:
            relation = engine.dialect.scattered(relation, SAMPLE_ROWS / n[f"n{i}_"])
        sql.append(f"select * from {relation}")
        found.append(engine.table(sql[-1]).rename_columns([TIME, *(c.name for c in columns)]))
    return found[0], found[1]


def _count_sql(
    comparison: Comparison, clock: Clock, codes: Sequence[str], *, current_only: bool
) -> str:
    named = ", ".join(f"{code} as k{i}_" for i, code in enumerate(codes))
    block = "cast(0 as bigint)"
    if comparison.logs.has("ts"):
        epoch = comparison.logs.engine.dialect.epoch("ts")
        block = f"cast(floor(({epoch} - {lit(clock.origin)}) / {lit(clock.width)}) as bigint)"
    rows = f"({comparison.current.predicate})"
    if not current_only:
        rows = f"({comparison.baseline.predicate}) or {rows}"
    inner = (
        f"select {comparison.side_sql} as side_, {block} as block_, {named} "
        f"from {comparison.logs.relation} where {rows}"
    )
    keys = [f"k{i}_" for i in range(len(codes))]
    which = " ".join(f"when {key} is not null then {i}" for i, key in enumerate(keys))
    return (
        f"select side_, block_, case {which} end as which_, coalesce({', '.join(keys)}) as cell_, "
        f"count(*) as n_ from ({inner}) as r_ where block_ is not null "
        f"group by {grouping_sets([['side_', 'block_', key] for key in keys])}"
    )


def _tallied(found: pa.Table, columns: Sequence[Profiled]) -> dict[str, Tally]:
    """Return each column's counts; a number's codes start at 0 again."""
    side, block, which, n = (
        found.column(name).to_numpy() for name in ("side_", "block_", "which_", "n_")
    )
    cell = found.column("cell_").combine_chunks()
    result = {}
    for i, column in enumerate(columns):
        mine = np.flatnonzero(which == i)
        own = cell.take(pa.array(mine))
        if column.kind in ("number", "time"):
            own = pa.array(own.to_numpy() - STEP * i)
        result[column.name] = Tally(
            side[mine].astype(np.int64), block[mine].astype(np.int64), own, n[mine].astype(float)
        )
    return result


def _blocks(tally: Tally, clock: Clock, timed: bool) -> tuple[Blocks, dict[tuple[int, int], int]]:
    """Return the blocks that have rows, and the place of each."""
    pairs, inverse = np.unique(np.stack([tally.side, tally.block]), axis=1, return_inverse=True)
    n = np.bincount(inverse.reshape(-1), tally.n, minlength=pairs.shape[1])
    place = {(int(side), int(block)): i for i, (side, block) in enumerate(pairs.T)}
    start = pairs[1] * clock.width + clock.origin
    return Blocks(pairs[0], start, n.astype(np.float64), clock.width, timed), place


def _counted(
    column: Profiled,
    cells: Cells,
    tally: Tally,
    place: dict[tuple[int, int], int],
    samples: tuple[pa.Table, pa.Table],
) -> Counted:
    labels: tuple[str, ...] = ()
    if column.kind in ("text", "bool"):
        labels = (NULL, REST, *sorted(set(tally.cell.unique().to_pylist()) - {NULL, REST}))
    counts = np.zeros((len(place), len(labels) or len(cells.edges) + 3))
    made = Counted(
        column,
        counts,
        cells.edges,
        labels,
        cells.discrete,
        (samples[0].column(column.name), samples[1].column(column.name)),
        (samples[0].column(TIME).to_numpy(), samples[1].column(TIME).to_numpy()),
        cells.values,
    )
    pairs, inverse = np.unique(np.stack([tally.side, tally.block]), axis=1, return_inverse=True)
    row = np.array([place[int(side), int(block)] for side, block in pairs.T])
    np.add.at(counts, (row[inverse.reshape(-1)], made.cell_of(tally.cell)), tally.n)
    return made
