"""The rows of a comparison as codes and additive measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.engine.cube import Codes, cell_sums, encode
from rca.engine.sql import count_if, lit
from rca.errors import EmptyLogError, UnknownNameError, listed
from rca.model.comparison import Comparison
from rca.model.logs import IDENTIFIERS, TEXTS
from rca.model.metric import Metric
from rca.stats.ratio import Sums

Array = NDArray[np.float64]

#: Columns whose values a deployment chooses: a new value takes over the rows of an old one.
VERSIONS = ("model_version", "app_version", "prompt_version")
BINS = 8
_FEATURES = 4
#: Measurements that a request brings with it, rather than what came out of serving it.
_BROUGHT = ("input_tokens",)
NULL = "(null)"


@dataclass(frozen=True)
class Rows:
    """Measured rows of both sides, as arrays.

    ``metric`` is what adds up over rows: for a quantile, the share of rows above the baseline's
    quantile; ``quantiles`` are then the two sides' quantiles.
    """

    comparison: Comparison
    metric: Metric
    values: Mapping[str, tuple[str | None, ...]]
    codes: Mapping[str, Codes]
    side: Codes
    w: Array
    y: Array
    x: Array
    n_null: tuple[int, int]
    nulls: Mapping[str, Array]
    quantiles: tuple[float, float] | None
    sql: tuple[str, ...]

    @property
    def hours(self) -> tuple[float, float] | None:
        """The hours of both sides, for sums per hour."""
        return self.comparison.hours if self.metric.family == "per_hour" else None

    @property
    def share(self) -> bool:
        """Whether values lie between 0 and 1."""
        return self.metric.binary or self.metric.unit == "share"

    def label(self, name: str, code: int) -> str:
        """Return the text of a column's code."""
        value = self.values[name][code]
        return NULL if value is None else value

    def sums(
        self,
        codes: Sequence[Codes] = (),
        sizes: Sequence[int] = (),
        *,
        rows: NDArray[np.bool_] | None = None,
        factor: Array | None = None,
    ) -> tuple[Sums, Sums]:
        """Return the additive statistics of the cells of a cross of columns, by side.

        ``rows`` limits them to some rows; ``factor`` multiplies each row's weight.
        """
        side, y, x, w = self.side, self.y, self.x, self.w
        codes = list(codes)
        if rows is not None:
            side, y, x, w = side[rows], y[rows], x[rows], w[rows]
            codes = [code[rows] for code in codes]
            factor = None if factor is None else factor[rows]
        if factor is not None:
            w = w * factor
        wx, wy = w * x, w * y
        parts = [None, wx, wy, wx * wx, wx * wy, wy * wy]
        found = cell_sums(codes, sizes, side, parts)
        return Sums(*found[:, 0]), Sums(*found[:, 1])


def load(comparison: Comparison, columns: Iterable[str]) -> Rows:
    """Read the rows of both sides once, with the columns as codes."""
    columns = list(columns)
    logs, metric, quantiles = comparison.logs, comparison.metric, None
    engine, queries = logs.engine, []
    if metric.family == "quantile":
        quantiles, sql = side_quantiles(comparison)
        metric = metric.exceeding(quantiles[0])
        queries.append(sql)
    source = (
        f"(select *, {comparison.side_sql} as rca_side_ from {logs.relation} "
        f"where ({comparison.baseline.predicate}) or ({comparison.current.predicate}))"
    )
    texts = {name: column_text(comparison, name, queries) for name in columns}
    measures = {
        "side": "cast(rca_side_ as double)",
        "m": f"case when {metric.measured} then 1e0 else 0e0 end",
        "w": comparison.weight_sql,
        "y": metric.y,
        "x": "1e0" if metric.family == "per_hour" else metric.x,
    }
    read = encode(engine, source, texts, measures)
    side = read.measures["side"].astype(np.uint8)
    known = read.measures["m"] > 0
    lost = ~known
    nulls = {
        name: cell_sums([code[lost]], [len(read.values[name])], side[lost], [None])[0]
        for name, code in read.codes.items()
    }
    n_null = (int((lost & (side == 0)).sum()), int((lost & (side == 1)).sum()))
    counts = np.bincount(side[known], minlength=2)
    if counts.min() == 0:
        empty = (comparison.baseline if counts[0] == 0 else comparison.current).name
        raise EmptyLogError(
            f"{metric.title} is null in every row of the {empty} side. "
            f"It is made of: {listed(metric.columns)}. Give a metric that both sides have."
        )
    keep = slice(None) if known.all() else known
    return Rows(
        comparison,
        metric,
        read.values,
        {name: code[keep] for name, code in read.codes.items()},
        side[keep],
        *(read.measures[name][keep] for name in ("w", "y", "x")),
        n_null,
        nulls,
        quantiles,
        (*queries, *read.sql),
    )


def side_quantiles(comparison: Comparison, *conditions: str) -> tuple[tuple[float, float], str]:
    """Return a quantile metric's values on both sides, and the query."""
    metric, dialect = comparison.metric, comparison.logs.engine.dialect
    assert metric.q is not None
    parts = []
    for i, side in enumerate((comparison.baseline, comparison.current)):
        where = " and ".join(f"({c})" for c in (side.predicate, metric.measured, *conditions))
        value = f"case when {where} then {metric.numerator} end"
        parts.append(f"{dialect.quantile(value, metric.q)} as q{i}_")
    sql = f"select {', '.join(parts)} from {comparison.logs.relation}"
    row = comparison.logs.engine.one(sql)
    if not conditions and (row["q0_"] is None or row["q1_"] is None):
        empty = (comparison.baseline if row["q0_"] is None else comparison.current).name
        raise EmptyLogError(
            f"{metric.title} is null in every row of the {empty} side. "
            f"It is made of: {listed(metric.columns)}. Give a metric that both sides have."
        )
    nan = float("nan")
    return (
        nan if row["q0_"] is None else row["q0_"],
        nan if row["q1_"] is None else row["q1_"],
    ), sql


def column_text(comparison: Comparison, name: str, queries: list[str]) -> str:
    """Return SQL of a column's value as text; measured numbers come as bins of the baseline."""
    logs = comparison.logs
    quoted, dialect = logs.need(name), logs.engine.dialect
    if logs.columns[name] != "number" or name in logs.dimensions:
        return dialect.text(quoted)
    edges = _edges(comparison, name, queries)
    number = f"cast({quoted} as double)"
    cases = [f"when {quoted} is null or isnan({number}) then null"]
    low = "-inf"
    for edge in edges:
        cases.append(f"when {number} < {lit(edge)} then '{low} to {edge:.6g}'")
        low = f"{edge:.6g}"
    return f"case {' '.join(cases)} else '{low} to inf' end"


def _edges(comparison: Comparison, name: str, queries: list[str]) -> list[float]:
    logs = comparison.logs
    quoted, dialect = logs.need(name), logs.engine.dialect
    number = f"case when {comparison.baseline.predicate} and isfinite(cast({quoted} as double)) "
    number += f"then cast({quoted} as double) end"
    wanted = ", ".join(f"{dialect.quantile(number, i / BINS)} as e{i}_" for i in range(1, BINS))
    queries.append(f"select {wanted} from {logs.relation}")
    found = logs.engine.one(queries[-1]).values()
    return sorted({float(edge) for edge in found if edge is not None})


def dimensions_of(comparison: Comparison, chosen: Sequence[str] | None) -> list[str]:
    """Return the columns to slice by: those asked for, or the log's dimensions and a few features.

    Raises
    ------
    MissingColumnError, UnknownNameError
        A column is not there; or it names single rows, or the metric is made of it.
    """
    logs, metric = comparison.logs, comparison.metric
    if chosen is not None:
        for name in chosen:
            logs.need(name)
            refuse(comparison, name)
        return list(dict.fromkeys(chosen))
    made_of = set(metric.columns)
    names = [name for name in logs.dimensions if name not in made_of and name != "side_"]
    brought = [name for name in _BROUGHT if logs.has(name) and name not in made_of]
    own = [name for name in logs.features if name not in _CANONICAL and name not in made_of]
    return names + brought + own[:_FEATURES]


_CANONICAL = frozenset(
    {
        *("latency_ms", "ttft_ms", "retrieval_ms", "input_tokens", "cached_input_tokens"),
        *("output_tokens", "reasoning_tokens", "cost_usd", "http_status", "retries", "score"),
        *("correct", "flagged", "weight", "label", "prediction", "side_"),
    }
)


def refuse(comparison: Comparison, name: str) -> None:
    """Raise when a column cannot be sliced by."""
    logs = comparison.logs
    if name in IDENTIFIERS | TEXTS or logs.columns[name] in ("time", "other"):
        raise UnknownNameError(
            f"column {name!r} cannot be sliced by: its values name single rows or are no values. "
            f"Dimensions: {listed(logs.dimensions)}."
        )
    if name in comparison.metric.columns:
        raise UnknownNameError(
            f"column {name!r} is what {comparison.metric.name} is made of: its slices would "
            f"explain the metric by itself. Dimensions: {listed(logs.dimensions)}."
        )


def is_version(name: str) -> bool:
    """Tell whether a deployment rather than the traffic chooses a column's values."""
    return name in VERSIONS or name.endswith("_version")


def cluster_inflation(rows: Rows) -> tuple[float, str | None, str | None]:
    """Return the factor on the variance of the shift for rows that come in clusters.

    The design effect: the variance from sums per cluster over that from rows, each cluster's two
    sides taken together, since the same caller is on both. Clusters beyond the 99th percentile are
    cut to it: one caller that runs away is a finding, not a reason to doubt all others.

    Returns
    -------
    factor, column or None, query or None
    """
    comparison, metric = rows.comparison, rows.metric
    logs = comparison.logs
    column = next((name for name in ("user_id", "session_id") if logs.has(name)), None)
    if column is None:
        return 1.0, None, None
    quoted, weight = logs.need(column), comparison.weight_sql
    base, cur = rows.sums()
    hours = rows.hours
    parts = []
    for i, (side, s) in enumerate(((comparison.baseline, base), (comparison.current, cur))):
        where = f"({side.predicate}) and ({metric.measured})"
        y, scale = f"cast({metric.numerator} as double)", 1.0
        if hours is not None:
            ratio, scale = "0e0", 1.0 / hours[i]
            residual = f"{y}"
        else:
            ratio = lit(float(s.value[0]))
            residual = f"({metric.y} - {ratio} * ({metric.x}))"
            scale = 1.0 / max(float(s.x[0]), 1e-300)
        parts.append(f"case when {where} then {weight} * {residual} * {lit(scale)} end")
    sides = ((comparison.baseline, 0), (comparison.current, 1))
    selected = ", ".join(
        f"coalesce(sum({parts[i]}), 0e0) as e{i}_, coalesce(sum(({parts[i]}) * ({parts[i]})), 0e0) as s{i}_, "
        f"{count_if(side.predicate)} as n{i}_"
        for side, i in sides
    )
    inner = (
        f"select {quoted} as k_, {selected} from {logs.relation} where {quoted} is not null "
        f"group by {quoted}"
    )
    if hours is None:
        gap = "(e1_ - e0_)"
    else:
        growth = float(cur.y[0]) / hours[1] / max(float(base.y[0]) / hours[0], 1e-300)
        gap = f"(e1_ - {lit(growth)} * e0_)"
    sql = (
        f"with k as ({inner}), z as (select {gap} * {gap} as zz_, s0_ + s1_ as own_ from k "
        "where n0_ + n1_ > 0), "
        f"c as (select {logs.engine.dialect.quantile('zz_', 0.99)} as cut_, "
        f"{logs.engine.dialect.quantile('own_', 0.99)} as most_ from z) "
        "select count(*) as n_, sum(least(zz_, cut_)) as between_, sum(least(own_, most_)) as own_ "
        "from z, c"
    )
    row = logs.engine.one(sql)
    if not row["n_"] or row["n_"] < 30 or not row["own_"]:
        return 1.0, column, sql
    return max(1.0, float(row["between_"]) / float(row["own_"])), column, sql
