"""The exact quantiles of the slices found, and that of all rows but them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rca.analysis.slices.parts import Rule
from rca.analysis.slices.rows import Rows
from rca.engine.sql import both


def with_quantiles(rows: Rows, rules: Sequence[Rule]) -> tuple[list[Rule], tuple[str, ...]]:
    """Return the rules with their own quantiles on both sides, and the query.

    ``without`` is the current side's quantile over all rows outside the slice: what it would be if
    the slice had not been there. A new version's baseline is the whole baseline's.
    """
    metric, comparison = rows.comparison.metric, rows.comparison
    if metric.q is None or not rules:
        return list(rules), ()
    dialect = comparison.logs.engine.dialect
    baseline, current = comparison.baseline.predicate, comparison.current.predicate
    parts = []
    for i, rule in enumerate(rules):
        outside = f"not coalesce({rule.predicate}, false)"
        wanted = {
            "b": both(baseline, None if rule.new else rule.predicate),
            "c": both(current, rule.predicate),
            "w": both(current, outside),
        }
        for name, where in wanted.items():
            inside = both(metric.measured, where)
            value = f"case when {inside} then {metric.numerator} end"
            parts.append(f"{dialect.quantile(value, metric.q)} as {name}{i}_")
    sql = f"select {', '.join(parts)} from {comparison.logs.relation}"
    found = comparison.logs.engine.one(sql)
    nan = float("nan")
    read = {key: nan if value is None else float(value) for key, value in found.items()}
    return [
        replace(
            rule,
            baseline_quantile=read[f"b{i}_"],
            current_quantile=read[f"c{i}_"],
            without=read[f"w{i}_"],
        )
        for i, rule in enumerate(rules)
    ], (sql,)
