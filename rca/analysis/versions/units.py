"""From rows to units to additive statistics, in SQL.

A unit is what may be taken as independent: a pair of answers to one question, all rows of one
user, or a row. Each unit carries the four parts of :class:`rca.stats.paired.PairSums`, and their
sums of products are all that comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rca.analysis.versions.pairing import Match, key_sql
from rca.engine.sql import count_if, total
from rca.model.comparison import Comparison
from rca.model.metric import Metric
from rca.stats.paired import PARTS, PairSums

#: Fewer clusters than this make a robust variance too small.
FEWEST_CLUSTERS = 20
#: Pairs of which the inputs are compared, to see that an id names the same question.
_MOST_INPUTS = 100_000


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
class Split:
    """How rows fall into slices, in SQL over the units' columns.

    ``value`` is a slice's name (None: all rows are one). With ``limits``, a relation of slice
    names ``name_`` and thresholds ``limit0_`` and ``limit1_``, what is measured is whether a
    value exceeds its side's threshold in its slice.
    """

    value: str | None = None
    limits: str | None = None

    def rows(self, relation: str) -> str:
        """Return the rows of a relation with their slice ``d_`` and its thresholds."""
        named = f"select *, {self.value or 'cast(null as varchar)'} as d_ from {relation}"
        if self.limits is None:
            return f"({named}) as s_"
        return f"({named}) as s_ join ({self.limits}) as l_ on l_.name_ is not distinct from s_.d_"


EVERYTHING = Split()


@dataclass(frozen=True)
class Cell:
    """The statistics of one slice, or of all rows (``value`` and ``dimension`` empty).

    ``odd`` units have a value other than 0 and 1; ``rose`` and ``fell`` are pairs by the direction
    of their value; ``units`` are the independent ones of each side.
    """

    dimension: str
    value: str | None
    sums: PairSums
    rows: tuple[int, int]
    units: tuple[int, int]
    pairs: int
    odd: int
    rose: int
    fell: int

    def plus(self, other: Cell, value: str) -> Cell:
        """Return the two cells as one, under another name."""
        return Cell(
            self.dimension,
            value,
            self.sums + other.sums,
            (self.rows[0] + other.rows[0], self.rows[1] + other.rows[1]),
            (self.units[0] + other.units[0], self.units[1] + other.units[1]),
            self.pairs + other.pairs,
            self.odd + other.odd,
            self.rose + other.rose,
            self.fell + other.fell,
        )


@dataclass(frozen=True)
class Clusters:
    """The column to cluster by, whether some rows have no value of it, and what to say."""

    column: str | None = None
    some_without: bool = False
    note: str = ""


def cluster_of(comparison: Comparison, wanted: str | None) -> Clusters:
    """Return how to cluster.

    ``"auto"`` takes user_id, then session_id, where it has 20 values or more and repeats.
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
        if repeats and not few:
            return Clusters(name, row["c_"] < row["n_"])
    return Clusters()


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


def cells(
    units: Units, metric: int, dimension: int | None = None, split: Split = EVERYTHING
) -> tuple[list[Cell], str]:
    """Return one cell of all rows, or one for each value of a dimension, and the query."""
    if dimension is not None and split is EVERYTHING:
        split = Split(f"d{dimension}_")
    sql = moments_sql(units, metric, split)
    name = "" if dimension is None else units.by[dimension]
    rows = units.comparison.logs.engine.rows(sql)
    return [_cell(name, row) for row in rows], sql


def moments_sql(units: Units, metric: int, split: Split) -> str:
    """Return the query of the additive statistics of each slice of a split."""
    inner = (_pair_units if units.paired else _row_units)(units, metric, split)
    if units.cluster is not None:
        inner = _clustered(inner, some_without=units.some_without and not units.paired)
    sums = ", ".join(f"{total(part + '_')} as {part}_" for part in PARTS)
    apart = not units.paired and units.cluster is None
    products = ", ".join(
        # A row has one side only: products across the sides are zero.
        f"{'0e0' if apart and i < 2 <= j else total(f'{PARTS[i]}_ * {PARTS[j]}_')} "
        f"as {PARTS[i]}_{PARTS[j]}_"
        for i in range(4)
        for j in range(i, 4)
    )
    counts = ", ".join(
        f"coalesce(cast(sum({name}) as bigint), 0) as {name}"
        for name in ("pairs_", "m0_", "m1_", "odd_", "rose_", "fell_")
    )
    all_rows = split.value is None
    value = "cast(null as varchar) as d_" if all_rows else "d_"
    group = "" if all_rows else " group by d_ order by n_ desc, d_"
    return (
        f"select {value}, count(*) as n_, {counts}, {count_if('m0_ > 0')} as u0_, "
        f"{count_if('m1_ > 0')} as u1_, {sums}, {products} from ({inner}) as i_{group}"
    )


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


def _pair_units(units: Units, i: int, split: Split) -> str:
    y0, x0, y1, x1 = (f"{part}{i}{side}_" for side in (0, 1) for part in ("y", "x"))
    if split.limits is not None:
        y0, y1 = _above(y0, "limit0_"), _above(y1, "limit1_")
    cluster = "coalesce(cluster_, key_)" if units.cluster is not None else "key_"
    binary = f"{y0} in (0e0, 1e0) and {y1} in (0e0, 1e0) and {x0} = 1e0 and {x1} = 1e0"
    up, down = f"{y1} * {x0} > {y0} * {x1}", f"{y1} * {x0} < {y0} * {x1}"
    weighted = ", ".join(
        f"w_ * {name} as {part}_" for name, part in zip((y0, x0, y1, x1), PARTS, strict=True)
    )
    return (
        f"select d_, {cluster} as cluster_, 1 as pairs_, m{i}0_ as m0_, "
        f"m{i}1_ as m1_, {weighted}, "
        f"case when w_ = 1e0 and {binary} then 0 else 1 end as odd_, "
        f"case when {up} then 1 else 0 end as rose_, case when {down} then 1 else 0 end as fell_ "
        f"from {split.rows(units.relation)} where m{i}0_ > 0 and m{i}1_ > 0"
    )


def _row_units(units: Units, i: int, split: Split) -> str:
    y = f"y{i}_"
    if split.limits is not None:
        y = _above(y, "case when side_ = 0 then limit0_ else limit1_ end")
    parts = ", ".join(
        f"case when side_ = {part[1]} then w_ * {y if part[0] == 'y' else f'x{i}_'} else 0e0 end "
        f"as {part}_"
        for part in PARTS
    )
    cluster = "cluster_" if units.cluster is not None else "cast(null as varchar)"
    odd = f"case when w_ = 1e0 and {y} in (0e0, 1e0) and x{i}_ = 1e0 then 0 else 1 end"
    return (
        f"select d_, {cluster} as cluster_, 0 as pairs_, "
        f"case when side_ = 0 then 1 else 0 end as m0_, "
        f"case when side_ = 1 then 1 else 0 end as m1_, {parts}, {odd} as odd_, "
        f"0 as rose_, 0 as fell_ from {split.rows(units.relation)} where k{i}_ = 1"
    )


def _above(value: str, limit: str) -> str:
    return f"(case when {value} > {limit} then 1e0 else 0e0 end)"


def _clustered(inner: str, *, some_without: bool) -> str:
    """Return one row per cluster and slice; a row without a cluster is one of its own.

    A pair without one has its key for a cluster.
    """
    counts = ("pairs_", "m0_", "m1_", "odd_", "rose_", "fell_")
    parts = tuple(f"{part}_" for part in PARTS)
    sums = ", ".join(f"sum({name}) as {name}" for name in (*counts, *parts))
    grouped = f"select d_, {sums} from ({inner}) as a_"
    if not some_without:
        return f"{grouped} group by d_, cluster_"
    names = ", ".join((*counts, *parts))
    return (
        f"{grouped} where cluster_ is not null group by d_, cluster_ union all "
        f"select d_, {names} from ({inner}) as b_ where cluster_ is null"
    )


def _cell(dimension: str, row: dict[str, Any]) -> Cell:
    second = np.empty((4, 4))
    for i in range(4):
        for j in range(i, 4):
            second[i, j] = second[j, i] = float(row[f"{PARTS[i]}_{PARTS[j]}_"])
    first = np.array([float(row[f"{part}_"]) for part in PARTS])
    return Cell(
        dimension,
        row["d_"],
        PairSums(np.asarray(float(row["n_"])), first, second),
        (int(row["m0_"]), int(row["m1_"])),
        (int(row["u0_"] or 0), int(row["u1_"] or 0)),
        int(row["pairs_"]),
        int(row["odd_"]),
        int(row["rose_"]),
        int(row["fell_"]),
    )
