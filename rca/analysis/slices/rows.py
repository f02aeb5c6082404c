"""The rows of a comparison as codes and additive measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.engine.cube import Codes, encode
from rca.engine.sql import both, count_if, lit
from rca.errors import EmptyLogError, UnknownNameError, listed
from rca.model.comparison import Comparison
from rca.model.logs import IDENTIFIERS, TEXTS
from rca.model.metric import Metric
from rca.stats.ratio import Sums
from rca.stats.search_cells import Measures, sum_cells, sum_crosses

Array = NDArray[np.float64]

#: Columns whose values a deployment chooses: a new value takes over the rows of an old one.
VERSIONS = ("model_version", "app_version", "prompt_version")
BINS = 8
#: Rows of both sides whose codes are held in memory, about 40 bytes each at the peak.
MOST_ROWS = 40_000_000
_FEATURES = 4
#: Measurements that a request brings with it, rather than what came out of serving it.
_BROUGHT = ("input_tokens",)
NULL = "(null)"


@dataclass(frozen=True)
class Rows:
    """Measured rows of both sides, as arrays.

    ``metric`` is what adds up over rows: for a quantile, the share of rows above the baseline's
    quantile; ``quantiles`` are then the two sides' quantiles. ``nulls`` counts the rows without a
    value of the metric, by value of each column; ``n_null`` does so by side.
    """

    comparison: Comparison
    metric: Metric
    values: Mapping[str, tuple[str | None, ...]]
    codes: Mapping[str, Codes]
    measures: Measures
    n_null: tuple[int, int]
    nulls: Mapping[str, NDArray[np.int64]]
    quantiles: tuple[float, float] | None
    texts: Mapping[str, str]
    fractions: tuple[float, float]
    sql: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """The number of measured rows."""
        return len(self.measures.side)

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

    @property
    def caveats(self) -> list[str]:
        """What reading the rows brought up: lost values of the metric, and samples."""
        metric, found = self.comparison.metric, []
        if sum(self.n_null):
            found.append(
                f"{self.n_null[0]:,} baseline and {self.n_null[1]:,} current rows have no value of "
                f"{metric.title} and are left out."
            )
        if min(self.fractions) < 1:
            shares = " and ".join(f"{100 * fraction:.3g}%" for fraction in self.fractions)
            found.append(f"Counts are of a sample: {shares} of the two sides' rows were read.")
        if metric.counted_note:
            found.append(metric.counted_note)
        return found

    def predicate(self, values: Mapping[str, str]) -> str:
        """Return the SQL condition of the rows that have these values."""
        string = self.comparison.logs.engine.dialect.string
        return both(
            *(
                f"{self.texts[name]} is null"
                if value == NULL
                else f"{self.texts[name]} = {string(value)}"
                for name, value in values.items()
            )
        )

    @cached_property
    def singles(self) -> Mapping[str, tuple[Sums, Sums]]:
        """Both sides' sums over the values of each column."""
        names = list(self.codes)
        sizes = [len(self.values[name]) for name in names]
        crosses = [(i,) for i in range(len(names))]
        found = sum_crosses([self.codes[name] for name in names], sizes, crosses, self.measures)
        return dict(zip(names, found, strict=True))

    @cached_property
    def whole(self) -> tuple[Sums, Sums]:
        """Both sides' sums over all rows."""
        for baseline, current in self.singles.values():
            return baseline.total(), current.total()
        baseline, current = sum_cells([], [], self.measures)
        return baseline[0], current[0]


def load(comparison: Comparison, columns: Iterable[str]) -> Rows:
    """Read the rows of both sides once, with the columns as codes."""
    logs, metric, quantiles = comparison.logs, comparison.metric, None
    queries: list[str] = []
    if metric.family == "quantile":
        quantiles, sql = side_quantiles(comparison)
        metric = metric.exceeding(quantiles[0])
        queries.append(sql)
    source, n_rows = _source(comparison, queries)
    texts = {name: column_text(comparison, name, queries) for name in columns}
    # One small number says the side and, by 2 more, that the metric is null.
    state = f"cast(rca_side_ + case when {metric.measured} then 0 else 2 end as tinyint)"
    wanted = {"state": state, "y": metric.y}
    if metric.family == "ratio":
        wanted["x"] = metric.x
    if logs.has("weight"):
        wanted["w"] = comparison.weight_sql
    read = encode(logs.engine, source, texts, wanted)
    states = read.measures["state"].astype(np.uint8)
    counts = np.bincount(states, minlength=4)
    _refuse_unmeasured(comparison, counts.tolist())
    codes, lost = read.codes, states >= 2
    nulls = {
        name: np.bincount(code[lost], minlength=len(read.values[name]))
        for name, code in codes.items()
    }
    y, x, w = (read.measures.get(name) for name in ("y", "x", "w"))
    assert y is not None
    fractions = (1.0, 1.0)
    if n_rows is not None:
        # A sampled row stands for as many as were read past.
        read_rows = counts[:2] + counts[2:]
        fractions = (float(read_rows[0] / n_rows[0]), float(read_rows[1] / n_rows[1]))
        stands = 1 / np.where(states % 2 == 0, fractions[0], fractions[1])
        w = stands if w is None else w * stands
    measures = Measures(states, _small(y), x, w)
    if lost.any():
        codes = {name: code[~lost] for name, code in codes.items()}
        measures = measures.take(~lost)
    return Rows(
        comparison,
        metric,
        read.values,
        codes,
        measures,
        (int(counts[2]), int(counts[3])),
        nulls,
        quantiles,
        texts,
        fractions,
        (*queries, *read.sql),
    )


def _source(comparison: Comparison, queries: list[str]) -> tuple[str, tuple[int, int] | None]:
    """Return a query of both sides' rows and, when it samples them, how many each side has.

    Codes of all rows are kept in memory. A side of more rows than fit is sampled, the other is not:
    an incident of an hour is not thinned with a baseline of months.
    """
    logs = comparison.logs
    sides = (comparison.baseline, comparison.current)
    either = " or ".join(f"({side.predicate})" for side in sides)
    plain = f"(select *, {comparison.side_sql} as rca_side_ from {logs.relation} where {either})"
    if logs.n_rows <= MOST_ROWS:
        return plain, None
    counts = ", ".join(f"{count_if(side.predicate)} as n{i}_" for i, side in enumerate(sides))
    queries.append(f"select {counts} from {logs.relation}")
    row = logs.engine.one(queries[-1])
    n_rows = (int(row["n0_"]), int(row["n1_"]))
    parts, sampled = [], False
    for i, (side, n) in enumerate(zip(sides, n_rows, strict=True)):
        relation = logs.relation
        # The engine gives a sample of more than half as a whole.
        if n > MOST_ROWS:
            relation = logs.engine.sample(relation, int(logs.n_rows * MOST_ROWS / (2 * n)))
            sampled = True
        other = "" if i == 0 else f" and not coalesce({sides[0].predicate}, false)"
        parts.append(f"select *, {i} as rca_side_ from {relation} where ({side.predicate}){other}")
    return (f"({' union all '.join(parts)})", n_rows) if sampled else (plain, None)


def _small(y: Array) -> NDArray[Any]:
    """Return zeros and ones as bytes, anything else as it is."""
    return y.astype(np.uint8) if bool(((y == 0) | (y == 1)).all()) else y


def _refuse_unmeasured(comparison: Comparison, counts: Sequence[int]) -> None:
    for side, count in zip((comparison.baseline, comparison.current), counts[:2], strict=True):
        if count == 0:
            metric = comparison.metric
            raise EmptyLogError(
                f"{metric.title} is null in every row of the {side.name} side. "
                f"It is made of: {listed(metric.columns)}. Give a metric that both sides have."
            )


def side_quantiles(comparison: Comparison) -> tuple[tuple[float, float], str]:
    """Return a quantile metric's values on both sides, and the query."""
    metric, dialect = comparison.metric, comparison.logs.engine.dialect
    assert metric.q is not None
    parts = []
    for i, side in enumerate((comparison.baseline, comparison.current)):
        where = both(side.predicate, metric.measured)
        value = f"case when {where} then {metric.numerator} end"
        parts.append(f"{dialect.quantile(value, metric.q)} as q{i}_")
    sql = f"select {', '.join(parts)} from {comparison.logs.relation}"
    row = comparison.logs.engine.one(sql)
    _refuse_unmeasured(comparison, [row["q0_"] is not None, row["q1_"] is not None])
    return (float(row["q0_"]), float(row["q1_"])), sql


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
    """Tell whether a deployment rather than the traffic chooses a column's values.

    >>> is_version("model_version"), is_version("region")
    (True, False)
    """
    return name in VERSIONS or name.endswith("_version")
