"""Rows so large that a few of them move a mean: cut in the search, and named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rca.analysis.slices.rows import Rows
from rca.engine.sql import both, f64, lit
from rca.stats.search_cells import Measures, sum_cells

#: Larger values are cut to this quantile of both sides' rows.
_CUT = 0.995
#: Values this many times the cut are a heavy tail.
_HEAVY = 2.0
_SHOWN = 5
#: This part of the shift lies in the rows' excess over the cut: it is these rows' shift.
_CARRIED = 0.5
_IDS = ("request_id", "trace_id", "id")


@dataclass(frozen=True)
class Tail:
    """What the few largest rows do: ``share`` is the part of the shift above the cut."""

    cut: float
    n_rows: int
    share: float
    rows: tuple[str, ...]
    sql: tuple[str, ...] = ()

    @property
    def carries(self) -> bool:
        """Whether most of the shift is these rows' excess."""
        return self.share >= _CARRIED


def cut_tail(rows: Rows, held: Measures) -> tuple[Measures, Tail | None]:
    """Return measures for the search with large values cut, and what the cut rows carry.

    A mean of few rows with one enormous value is no evidence of its slice: cutting makes contrasts
    of means and sums close to normal. Shares, ratios and light tails stay as they are.
    """
    y = rows.measures.y
    if y.dtype == np.uint8 or rows.metric.family not in ("mean", "per_hour"):
        return held, None
    cut = float(np.quantile(y, _CUT))
    if not cut > 0 or float(y.max()) < _HEAVY * cut:
        return held, None
    small = Measures(held.side, np.minimum(y, cut), held.x, held.w)
    shift, of_small = (_shift(rows, m) for m in (rows.measures, _plain(rows, small)))
    share = (shift - of_small) / shift if shift else 0.0
    n_rows = int(((y > cut) & (rows.measures.side == 1)).sum())
    named, sql = _largest(rows, cut) if share >= _CARRIED else ((), ())
    return small, Tail(cut, n_rows, share, named, sql)


def _plain(rows: Rows, small: Measures) -> Measures:
    return Measures(small.side, small.y, rows.measures.x, rows.measures.w)


def _shift(rows: Rows, measures: Measures) -> float:
    baseline, current = sum_cells([], [], measures)
    if rows.hours is None:
        return float(current.value[0] - baseline.value[0])
    return float(current.y[0] / rows.hours[1] - baseline.y[0] / rows.hours[0])


def _largest(rows: Rows, cut: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the largest current rows."""
    comparison, metric = rows.comparison, rows.metric
    logs = comparison.logs
    name = next((name for name in _IDS if logs.has(name)), None)
    if name is None:
        return (), ()
    where = both(comparison.current.predicate, metric.measured, f"{metric.y} > {lit(cut)}")
    identity = logs.engine.dialect.text(logs.need(name))
    sql = (
        f"select {identity} as row_, {f64(metric.y)} as value_ from {logs.relation} "
        f"where {where} order by value_ desc, row_ limit {_SHOWN}"
    )
    found = logs.engine.rows(sql)
    named = (f"{name}={row['row_']} ({metric.text(row['value_'])})" for row in found)
    return tuple(named), (sql,)
