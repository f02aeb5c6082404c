"""Since when each drifted column is another one, and what it looks like since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.counted import Scan
from rca.analysis.drift.season import Match
from rca.analysis.drift.table import Judged
from rca.engine.sql import lit
from rca.model.comparison import Comparison
from rca.stats.drift_onset import NO_ONSET, Onset, floor_of, onset, refined

Array = NDArray[np.float64]

#: Rows that are read one by one to place onsets between two of them.
_MOST_ROWS = 200_000


@dataclass(frozen=True)
class _Coarse:
    onset: Onset
    evidence: Array


def onsets(
    comparison: Comparison,
    found: Scan,
    matched: Match,
    judged: Mapping[str, Judged],
    drifted: Sequence[str],
) -> tuple[dict[str, Onset], tuple[str, ...]]:
    """Return the onset of each drifted column: by blocks, then by the rows about it."""
    if not found.blocks.timed:
        return dict.fromkeys(drifted, NO_ONSET), ()
    coarse = {name: _coarse(found, matched, name, judged[name]) for name in drifted}
    placed = {name: c.onset for name, c in coarse.items()}
    near = _near(found, placed)
    if not near:
        return placed, ()
    epoch = comparison.logs.engine.dialect.epoch("ts")
    cells = ", ".join(f"{found.cells[name]} as k{i}_" for i, name in enumerate(near))
    ranges = " or ".join(
        f"({epoch} >= {lit(placed[n].low)} and {epoch} < {lit(placed[n].high)})" for n in near
    )
    sides = f"({comparison.baseline.predicate}) or ({comparison.current.predicate})"
    sql = (
        f"select {epoch} as t_, {cells} from {comparison.logs.relation} "
        f"where ({sides}) and ({ranges}) order by t_"
    )
    rows = comparison.logs.engine.table(sql)
    times = rows.column("t_").to_numpy()
    for i, name in enumerate(near):
        first, last = np.searchsorted(times, [placed[name].low, placed[name].high])
        at = found.columns[name].cell_of(rows.column(f"k{i}_").slice(first, last - first))
        blocks = np.searchsorted(found.order_start, times[first:last], side="right") - 1
        evidence = coarse[name].evidence[np.maximum(blocks, 0), at]
        design = judged[name].test.design_effect
        placed[name] = refined(placed[name], times[first:last], evidence, design=design)
    return placed, (sql,)


def _coarse(found: Scan, matched: Match, name: str, judged: Judged) -> _Coarse:
    blocks, counts = found.blocks, found.columns[name].counts
    order = found.order
    before = matched.expected(counts, blocks)[order]
    placed, since = onset(
        blocks.start[order],
        blocks.width_s,
        counts[order],
        before,
        judged.moved.p1,
        design=judged.test.design_effect,
    )
    floor = floor_of(counts)
    return _Coarse(placed, np.log(np.maximum(since, floor) / np.maximum(before, floor)))


def _near(found: Scan, placed: Mapping[str, Onset]) -> list[str]:
    """Return columns whose onset has rows few enough about it to be read."""
    names, rows = [], 0.0
    for name, at in placed.items():
        if not at.found:
            continue
        start = found.blocks.start
        inside = (start >= at.low) & (start < at.high)
        rows += float(found.blocks.n[inside].sum())
        if rows > _MOST_ROWS:
            break
        names.append(name)
    return names
