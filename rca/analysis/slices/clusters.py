"""How much wider rows that come in clusters make an interval."""

from __future__ import annotations

from dataclasses import dataclass

from rca.analysis.slices.rows import Rows
from rca.engine.sql import both, lit, total

#: Fewer callers do not tell how much callers differ.
_FEW = 30
_CUT = 0.99


@dataclass(frozen=True)
class Clustering:
    """The factor on variances, the column that says which rows come together, and the query."""

    inflation: float = 1.0
    column: str | None = None
    sql: tuple[str, ...] = ()

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader should know of it."""
        if self.inflation <= 1.05:
            return ()
        return (
            f"Rows come in clusters of {self.column}: variances are {self.inflation:.2g} times.",
        )


def clustering(rows: Rows) -> Clustering:
    """Return the design effect of the callers' rows on the variance of the whole shift.

    The variance from sums per cluster over that from rows (Kish 1965, Survey Sampling), the two
    sides of a cluster taken together, since the same caller is on both. Clusters beyond the 99th
    percentile are cut to it: one caller that runs away is a finding, not a reason to doubt what
    is found of all others.
    """
    logs = rows.comparison.logs
    column = next((name for name in ("user_id", "session_id") if logs.has(name)), None)
    if column is None:
        return Clustering()
    quantile = logs.engine.dialect.quantile
    sql = (
        f"with k_ as ({_per_cluster(rows, logs.need(column))}), "
        f"z_ as (select gap_ * gap_ as of_cluster_, squares_ as of_rows_ from k_), "
        f"c_ as (select {quantile('of_cluster_', _CUT)} as most_cluster_, "
        f"{quantile('of_rows_', _CUT)} as most_rows_ from z_) "
        "select count(*) as n_, sum(least(of_cluster_, most_cluster_)) as clusters_, "
        "sum(least(of_rows_, most_rows_)) as rows_ from z_ cross join c_"
    )
    row = logs.engine.one(sql)
    if (row["n_"] or 0) < _FEW or not row["rows_"]:
        return Clustering(1.0, column, (sql,))
    return Clustering(max(1.0, float(row["clusters_"]) / float(row["rows_"])), column, (sql,))


def _per_cluster(rows: Rows, column: str) -> str:
    """Return the query of each cluster's influence on the shift, and of its rows' squares."""
    comparison, metric = rows.comparison, rows.metric
    sums, parts = rows.whole, []
    hours = rows.hours
    for i, side in enumerate((comparison.baseline, comparison.current)):
        if hours is not None:
            residual, scale = metric.y, 1.0 / hours[i]
        else:
            residual = f"({metric.y}) - {lit(float(sums[i].value))} * ({metric.x})"
            scale = 1.0 / max(float(sums[i].x), 1e-300)
        if hours is not None and i == 0:
            # Per hour, callers are compared by growth: the baseline as the current side has it.
            scale *= float(sums[1].y) / hours[1] / max(float(sums[0].y) / hours[0], 1e-300)
        inside = both(side.predicate, metric.measured)
        influence = f"{comparison.weight_sql} * ({residual}) * {lit(scale)}"
        parts.append(f"case when {inside} then {influence} else 0e0 end")
    squares = f"({parts[0]}) * ({parts[0]}) + ({parts[1]}) * ({parts[1]})"
    either = f"({comparison.baseline.predicate}) or ({comparison.current.predicate})"
    return (
        f"select {total(parts[1])} - {total(parts[0])} as gap_, {total(squares)} as squares_ "
        f"from {comparison.logs.relation} where {column} is not null and ({either}) "
        f"group by {column}"
    )
