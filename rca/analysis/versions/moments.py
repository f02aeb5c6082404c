"""From units to additive statistics, in SQL.

Each unit carries the four parts of :class:`rca.stats.paired.PairSums`, and their sums of products
are all that comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rca.analysis.versions.units import Units
from rca.engine.sql import count_if, total
from rca.stats.paired import PARTS, PairSums


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
