"""Quantile metrics: the difference of a quantile, overall and by slice, in two queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rca.analysis.versions.estimate import Estimate, estimate_of
from rca.analysis.versions.moments import Cell, Split, cells
from rca.analysis.versions.units import Units
from rca.engine.sql import lit
from rca.stats.noninferiority import IntervalAt, margin_p_value
from rca.stats.quantile_shift import Quantiles, grid, quantile_shift

#: Values expected beyond a quantile, below which its interval is that of the extreme values.
_FEWEST_BEYOND = 5


def quantile_estimates(
    units: Units,
    i: int,
    *,
    dimension: int | None,
    names: Sequence[str | None],
    rest: str,
    margin: float | None,
) -> tuple[list[Estimate], list[str]]:
    """Return the shift of a quantile over all rows, or in each slice, and the queries.

    Parameters
    ----------
    units, i
        The units, and the number of the metric among theirs.
    dimension : int or None
        Which dimension to slice by; None for all rows.
    names : sequence of str or None
        The slices to keep; the others are pooled as ``rest``.
    margin : float or None
        Largest loss that passes.
    """
    metric = units.metrics[i]
    assert metric.q is not None, f"{metric.name} is no quantile"
    value = None if dimension is None else _named(units, dimension, names, rest)
    sql = _values_sql(units, i, grid(metric.q), value)
    sides = {row["d_"]: row for row in units.comparison.logs.engine.rows(sql)}
    made = {name: _sides(row, metric.q) for name, row in sides.items()}
    found, moments = cells(units, i, dimension, Split(value, _limits(units, made)))
    estimates = []
    for cell in found:
        pair = made[cell.value]
        shift_of, correlation = _interval(cell, pair, clustered=units.cluster is not None)
        p = _two_sided(shift_of)
        method = f"Woodruff's intervals, correlation {correlation:.2f}"
        shown = replace(cell, value=cell.value if dimension is not None else None)
        estimates.append(
            estimate_of(
                shown, metric, (pair[0].value, pair[1].value), shift_of, p, method, margin=margin
            )
        )
    return estimates, [sql, moments]


def thin_tail(estimate: Estimate, q: float) -> bool:
    """Tell whether fewer than five values lie beyond the quantile on a side."""
    return min(estimate.cell.units) * min(q, 1 - q) < _FEWEST_BEYOND


def _named(units: Units, dimension: int, names: Sequence[str | None], rest: str) -> str:
    string = units.comparison.logs.engine.dialect.string
    column = f"d{dimension}_"
    kept = [string(name) for name in names if name is not None]
    cases = [f"when {column} in ({', '.join(kept)}) then {column}"] if kept else []
    if None in names:
        cases.append(f"when {column} is null then null")
    return f"case {' '.join(cases)} else {string(rest)} end" if cases else string(rest)


def _values_sql(units: Units, i: int, qs: Sequence[float], value: str | None) -> str:
    dialect = units.comparison.logs.engine.dialect
    if units.paired:
        sides = [f"y{i}0_", f"y{i}1_"]
        where = f"m{i}0_ > 0 and m{i}1_ > 0"
    else:
        sides = [f"case when side_ = {side} then y{i}_ end" for side in (0, 1)]
        where = f"k{i}_ = 1"
    lists = ", ".join(
        f"{dialect.quantiles(side, qs)} as q{n}_, count({side}) as n{n}_"
        for n, side in enumerate(sides)
    )
    name = "cast(null as varchar) as d_" if value is None else f"{value} as d_"
    group = "" if value is None else f" group by {value}"
    return f"select {name}, {lists} from {units.relation} where {where}{group}"


def _sides(row: dict[str, Any], q: float) -> tuple[Quantiles, Quantiles]:
    def side(n: int) -> Quantiles:
        count, values = row[f"n{n}_"], row[f"q{n}_"]
        known = np.full(len(grid(q)), np.nan) if values is None else np.array(values, dtype=float)
        variance = q * (1 - q) / count if count else np.nan
        return Quantiles(q, np.array(grid(q)), known, variance)

    return side(0), side(1)


def _limits(units: Units, made: Mapping[str | None, tuple[Quantiles, Quantiles]]) -> str:
    """Return the relation of slice names and both sides' quantiles in them."""
    string = units.comparison.logs.engine.dialect.string
    rows = []
    for name, pair in made.items():
        limits = (lit(side.value) if np.isfinite(side.value) else "0e0" for side in pair)
        shown = "cast(null as varchar)" if name is None else string(name)
        rows.append(f"({shown}, {', '.join(limits)})")
    return f"select * from (values {', '.join(rows)}) as v_(name_, limit0_, limit1_)"


def _interval(
    cell: Cell, pair: tuple[Quantiles, Quantiles], *, clustered: bool
) -> tuple[IntervalAt, float]:
    """Return the interval at any level and the correlation of the two sides."""
    v0, v1, covariance = cell.sums.covariance
    sides = pair
    if clustered:
        sides = (replace(pair[0], share_variance=v0), replace(pair[1], share_variance=v1))
    spread = float(np.sqrt(v0 * v1))
    correlation = float(np.clip(covariance / spread, -1, 1)) if spread > 0 else 0.0
    return (
        lambda level: quantile_shift(*sides, correlation=correlation, level=level),
        correlation,
    )


def _two_sided(shift_of: IntervalAt) -> float:
    """Return the p-value of no change: the level at which the interval first leaves zero out."""
    return min(1.0, 2 * min(margin_p_value(shift_of, 0.0, side) for side in ("down", "up")))
