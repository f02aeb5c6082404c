"""From rows to units, in SQL.

A unit is what may be taken as independent: a pair of answers to one question, all rows of one
user, or a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rca.analysis.versions.pairing import Match, key_sql
from rca.engine.sql import count_if
from rca.model.comparison import Comparison
from rca.model.metric import Metric

#: Fewer clusters than this make a robust variance too small.
FEWEST_CLUSTERS = 20
#: Pairs of which the inputs are compared, to see that an id names the same question.
_MOST_INPUTS = 100_000
#: Share of the pairs whose rows are all of one cluster, for clusters of pairs to mean anything.
_NESTED = 0.95


@dataclass(frozen=True)
class Units:
    """The units of a comparison, for one or more metrics and dimensions.

    Attributes
    ----------
    comparison
        What is compared.
    metrics : tuple of Metric
        Metric ``i`` has the columns ``k{i}``, ``y{i}`` and ``x{i}`` (known, parts).
    by : tuple of str
        Dimension ``j`` has the column ``d{j}_``.
    relation : str
        Pairs (materialised) or rows (a query).
    match : Match or None
        How the rows were paired.
    cluster : str or None
        The column whose values are the units, when neither pairs nor rows are.
    some_without : bool
        Whether some rows have no cluster: each is one of its own.
    """

    comparison: Comparison
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    relation: str
    sql: str
    match: Match | None
    cluster: str | None
    some_without: bool = False

    @property
    def paired(self) -> bool:
        """Whether the rows are paired."""
        return self.match is not None


@dataclass(frozen=True)
class Clusters:
    """The column to cluster by, whether some rows have no value of it, and what to say."""

    column: str | None = None
    some_without: bool = False
    note: str = ""


def cluster_of(comparison: Comparison, wanted: str | None, match: Match | None) -> Clusters:
    """Return how to cluster.

    ``"auto"`` takes user_id, then session_id, where it has 20 values or more and repeats, and
    where all rows of a pair have the same.
    """
    if wanted is None:
        return Clusters()
    names = ("user_id", "session_id") if wanted == "auto" else (wanted,)
    for name in names:
        if wanted == "auto" and not comparison.logs.has(name):
            continue
        column = comparison.logs.need(name)
        either = f"({comparison.baseline.predicate}) or ({comparison.current.predicate})"
        row = comparison.logs.engine.one(
            f"select count(*) as n_, count({column}) as c_, count(distinct {column}) as d_ "
            f"from {comparison.logs.relation} where {either}"
        )
        few, repeats = row["d_"] < FEWEST_CLUSTERS, row["d_"] < 0.98 * row["c_"]
        if wanted != "auto":
            note = f"only {row['d_']:,} values of {name}: intervals are rough" if few else ""
            return Clusters(name, row["c_"] < row["n_"], note)
        if repeats and not few and (match is None or _nests(comparison, name, match)):
            return Clusters(name, row["c_"] < row["n_"])
    return Clusters()


def _nests(comparison: Comparison, cluster: str, match: Match) -> bool:
    """Tell whether the rows of nearly every key are of one cluster."""
    logs = comparison.logs
    column = logs.need(cluster)
    keys = (
        f"select min({column}) as low_, max({column}) as high_ from {logs.relation} "
        f"where ({comparison.baseline.predicate}) or ({comparison.current.predicate}) "
        f"group by {key_sql(comparison, match.columns)}"
    )
    row = logs.engine.one(
        f"select count(*) as n_, {count_if('low_ = high_ or low_ is null')} as one_ "
        f"from ({keys}) as k_"
    )
    return bool(row["one_"] >= _NESTED * row["n_"])


def make_units(
    comparison: Comparison,
    *,
    metrics: Sequence[Metric],
    by: Sequence[str],
    match: Match | None,
    clusters: Clusters,
) -> Units:
    """Return the units; pairs are joined once, here, and kept."""
    cluster, some_without = clusters.column, clusters.some_without
    sql = _rows_sql(comparison, metrics, by, match, cluster)
    relation = f"({sql}) as u_"
    if match is not None:
        sql = _pairs_sql(
            sql,
            len(metrics),
            len(by),
            clustered=cluster is not None,
            with_input=_reads_input(comparison, match),
        )
        relation = comparison.logs.engine.materialise(sql)
    return Units(comparison, tuple(metrics), tuple(by), relation, sql, match, cluster, some_without)


def pair_checks(units: Units) -> dict[str, int]:
    """Count pairs whose slice differs between the sides, by dimension, and whose input does.

    The input's count stands under the empty name; it is only there for evaluation sets of a size
    whose texts can be read.
    """
    counted = {name: f"e{j}_" for j, name in enumerate(units.by)}
    if units.match is not None and _reads_input(units.comparison, units.match):
        counted[""] = "other_input_"
    if not units.paired or not counted:
        return {}
    sums = ", ".join(f"sum({column}) as c{i}_" for i, column in enumerate(counted.values()))
    row = units.comparison.logs.engine.one(f"select {sums} from {units.relation}")
    return {name: int(row[f"c{i}_"] or 0) for i, name in enumerate(counted)}


def unmeasured(units: Units) -> tuple[int, int]:
    """Return the rows of each side that have no value of the first metric, of unpaired rows."""
    counts = ", ".join(f"{count_if(f'side_ = {side} and k0_ = 0')} as c{side}_" for side in (0, 1))
    row = units.comparison.logs.engine.one(f"select {counts} from {units.relation}")
    return int(row["c0_"] or 0), int(row["c1_"] or 0)


def _reads_input(comparison: Comparison, match: Match) -> bool:
    by_id = "input" not in match.columns and comparison.logs.has("input")
    return by_id and match.share_seen == 1 and match.matched <= _MOST_INPUTS


def _rows_sql(
    comparison: Comparison,
    metrics: Sequence[Metric],
    by: Sequence[str],
    match: Match | None,
    cluster: str | None,
) -> str:
    logs = comparison.logs
    text = logs.engine.dialect.text
    columns = [f"{comparison.side_sql} as side_", f"{comparison.weight_sql} as w_"]
    if cluster is not None:
        columns.append(f"{text(logs.need(cluster))} as cluster_")
    if match is not None:
        columns.append(f"{key_sql(comparison, match.columns)} as key_")
        if _reads_input(comparison, match):
            columns.append(f"md5({text('input')}) as input_")
    columns += [f"{text(logs.need(name))} as d{j}_" for j, name in enumerate(by)]
    for i, metric in enumerate(metrics):
        columns.append(f"case when {metric.measured} then 1 else 0 end as k{i}_")
        columns += [f"{metric.y} as y{i}_", f"{metric.x} as x{i}_"]
    return (
        f"select {', '.join(columns)} from {logs.relation} "
        f"where ({comparison.baseline.predicate}) or ({comparison.current.predicate})"
    )


def _pairs_sql(
    rows: str, n_metrics: int, n_dimensions: int, *, clustered: bool, with_input: bool
) -> str:
    """Return one row per key that both sides have; repeated trials of a side are averaged."""
    columns = ["key_", "avg(w_) as w_"]
    if clustered:
        columns.append("min(cluster_) as cluster_")
    if with_input:
        b, c = (f"min(case when side_ = {side} then input_ end)" for side in (0, 1))
        columns.append(f"case when {b} <> {c} then 1 else 0 end as other_input_")
    for j in range(n_dimensions):
        b, c = (f"min(case when side_ = {side} then d{j}_ end)" for side in (0, 1))
        columns.append(f"coalesce({b}, {c}) as d{j}_")
        columns.append(f"case when {b} is distinct from {c} then 1 else 0 end as e{j}_")
    for i in range(n_metrics):
        for side in (0, 1):
            on = f"side_ = {side} and k{i}_ = 1"
            mass = f"nullif(sum(case when {on} then w_ else 0e0 end), 0e0)"
            columns.append(f"{count_if(on)} as m{i}{side}_")
            columns += [
                f"sum(case when {on} then w_ * {part}{i}_ else 0e0 end) / {mass} "
                f"as {part}{i}{side}_"
                for part in ("y", "x")
            ]
    return (
        f"select {', '.join(columns)} from ({rows}) as r_ where key_ is not null group by key_ "
        f"having {count_if('side_ = 0')} > 0 and {count_if('side_ = 1')} > 0"
    )
