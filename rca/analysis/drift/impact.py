"""How much of the metric's shift goes with a column's drift.

The rows that look alike on both sides, cell by cell of the column, have the shares
pi_k = min(p0_k, p1_k) / sum min. What is left of the shift among them,

    residual = sum_k pi_k (R1_k - R0_k),        explains = 1 - residual / (R1 - R0),

has neither the moved mix nor the cells that only one side has (a flood of nulls, a renamed value,
values in another unit). It is an association: the column that broke, one that moves with it, and
their common cause all explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.columns import Profiled
from rca.analysis.drift.counted import Scan
from rca.engine.sql import grouping_sets, total
from rca.model.comparison import Comparison
from rca.stats.ratio import SUMS, Sums, difference

Array = NDArray[np.float64]

_DRAWS = 800
_LEAST_OVERLAP = 0.02
_LEAST_ROWS = 30.0
_SEED = 20_240_501
_MOST_COLUMNS = 40
#: A share of the shift and its 95 % interval.
Share = tuple[float, tuple[float, float]]
NOTHING: Share = (float("nan"), (float("nan"), float("nan")))


def drift_impact(
    comparison: Comparison, found: Scan, drifted: Sequence[str]
) -> tuple[dict[str, Share], tuple[str, ...]]:
    """Return what part of the shift goes with each drifted column, and the queries run.

    Sums per hour have no value per row and are not taken apart; a quantile is, through the share
    of rows above the baseline's. The metric's own columns are left out.
    """
    metric, own = comparison.metric, set(comparison.metric.columns)
    asked = [name for name in drifted if found.columns[name].column.source not in own]
    asked = asked[:_MOST_COLUMNS]
    if not asked or metric.family == "per_hour":
        return {}, ()
    sql: list[str] = []
    if metric.family == "quantile":
        assert metric.q is not None
        quantile = comparison.logs.engine.dialect.quantile(metric.numerator, metric.q)
        sql.append(
            f"select {quantile} as v_ from {comparison.logs.relation} "
            f"where {comparison.baseline.predicate}"
        )
        value = comparison.logs.engine.one(sql[0])["v_"]
        if value is None:
            return {}, tuple(sql)
        comparison = comparison.measuring(metric.exceeding(float(value)))
    columns = [found.columns[name].column for name in asked]
    cells, query = measure(comparison, columns, [found.cells[name] for name in asked])
    rng = np.random.default_rng(_SEED)
    return {name: explained(cells[name], rng) for name in asked}, (*sql, query)


@dataclass(frozen=True)
class Cells:
    """Sums of the metric in each cell of a column, on both sides."""

    baseline: Sums
    current: Sums
    labels: tuple[str, ...] = ()


def explained(cells: Cells, rng: np.random.Generator) -> Share:
    """Return the share of the shift that goes with a column, and its 95 % interval.

    NaN where the metric did not move for sure, or where too few rows look alike on both sides.
    The interval comes from normal draws of the cells' values.
    """
    b, c = cells.baseline, cells.current
    whole = difference(b.total(), c.total())
    if not whole.p_value < 0.05:
        return NOTHING
    p0, p1 = (s.x / s.x.sum() for s in (b, c))
    both = np.minimum(p0, p1)
    kept = (b.n >= 2) & (c.n >= 2) & (b.x > 0) & (c.x > 0)
    alike = np.where(kept, both, 0.0)
    overlap = alike.sum()
    if overlap < _LEAST_OVERLAP or min(b.n[kept].sum(), c.n[kept].sum()) < _LEAST_ROWS:
        return NOTHING
    pi = alike / overlap
    values = [np.where(s.x > 0, s.y / np.where(s.x > 0, s.x, 1), 0.0) for s in (b, c)]
    spreads = [_spread(s) for s in (b, c)]

    def share(r0: Array, r1: Array) -> Array:
        shift = r1 @ p1 - r0 @ p0
        return np.asarray(1 - ((r1 - r0) @ pi) / shift)

    point = float(share(values[0], values[1]))
    drawn = [
        value + spread * rng.standard_normal((_DRAWS, len(value)))
        for value, spread in zip(values, spreads, strict=True)
    ]
    low, high = np.quantile(share(drawn[0], drawn[1]), [0.025, 0.975])
    return point, (float(low), float(high))


def _spread(s: Sums) -> Array:
    """Return the standard error of each cell's value, at the side's variance where it is thin."""
    pooled = float(s.total().variance) * float(s.n.sum())
    own = np.where(s.n >= _LEAST_ROWS, np.nan_to_num(s.variance), 0.0)
    thin = pooled / np.maximum(s.n, 1)
    return np.sqrt(np.where(own > 0, own, thin))


def measure(
    comparison: Comparison, columns: Sequence[Profiled], codes: Sequence[str]
) -> tuple[dict[str, Cells], str]:
    """Return the metric's sums in the cells of some columns, in one pass."""
    named = ", ".join(f"{code} as k{i}_" for i, code in enumerate(codes))
    rows = comparison.rows_sql(tuple(dict.fromkeys(c.source for c in columns)))
    with_time = rows
    if comparison.logs.has("ts") and "ts" not in {c.source for c in columns}:
        sources = (*dict.fromkeys(c.source for c in columns), "ts")
        with_time = comparison.rows_sql(sources)
    inner = f"select side_, w_, y_, x_, {named} from ({with_time}) as s_"
    sets = grouping_sets([["side_", f"k{i}_"] for i in range(len(columns))])
    which = " ".join(f"when k{i}_ is not null then {i}" for i in range(len(columns)))
    cell = f"coalesce({', '.join(f'cast(k{i}_ as varchar)' for i in range(len(columns)))})"
    y, x = "w_ * y_", "w_ * x_"
    query = (
        f"select side_, case {which} end as which_, {cell} as cell_, count(*) as n_, "
        f"{total(x)} as x_, {total(y)} as y_, {total(f'{x} * {x}')} as xx_, "
        f"{total(f'{x} * {y}')} as xy_, {total(f'{y} * {y}')} as yy_ "
        f"from ({inner}) as r_ where x_ <> 0e0 group by {sets}"
    )
    found = comparison.logs.engine.table(query)
    side, which_ = (found.column(c).to_numpy() for c in ("side_", "which_"))
    numbers = {s: found.column(f"{s}_").to_numpy().astype(np.float64) for s in SUMS}
    result = {}
    for i, column in enumerate(columns):
        mine = np.flatnonzero(which_ == i)
        labels, cells = np.unique(
            np.array(found.column("cell_").take(mine).to_pylist(), dtype=object).astype(str),
            return_inverse=True,
        )
        sides = []
        for s in (0, 1):
            chosen = mine[side[mine] == s]
            at = cells[side[mine] == s]
            parts = [np.bincount(at, numbers[name][chosen], len(labels)) for name in SUMS]
            sides.append(Sums(*(np.asarray(part, dtype=np.float64) for part in parts)))
        result[column.name] = Cells(sides[0], sides[1], tuple(labels.tolist()))
    return result, query
