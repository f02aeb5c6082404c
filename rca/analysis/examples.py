"""The rows behind a number: a page of them, sampled or worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from rca.engine.sql import both
from rca.errors import BadValueError
from rca.model.catalogue import resolve
from rca.model.finding import Finding
from rca.model.logs import TEXTS, Logs
from rca.model.metric import Metric
from rca.model.result import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

Order = Literal["sampled", "worst"]
#: Characters of a text that are read; the rest of it stays in the log.
MOST_CHARACTERS = 4_000
MOST_EXAMPLES = 200
_LEADING = ("value", "ts", "request_id")


@dataclass(frozen=True, eq=False)
class Examples(Result):
    """A page of rows of a log; see :func:`examples`.

    ``n_matched`` rows fulfil the condition; the page holds those from ``offset``.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "value": "the metric in this row, where one was asked for; then the columns of the log"
    }

    logs: Logs | None = field(default=None, repr=False)
    metric: Metric | None = None
    where: str = ""
    order: str = "sampled"
    offset: int = 0
    n_matched: int = 0

    def summary(self) -> str:
        """Return how many of how many rows are shown, and which."""
        if not len(self.table):
            return f"0 of {self.n_matched:,} rows, from number {self.offset + 1:,}."
        last = self.offset + len(self.table)
        how = f"worst {self.metric.title} first" if self.metric and self.order == "worst" else ""
        return (
            f"Rows {self.offset + 1:,} to {last:,} of {self.n_matched:,}, "
            f"{how or 'in an order that has nothing to do with their content'}."
        )

    def plot(self) -> go.Figure:
        """Return the rows of the page over time, at their value where they have one."""
        from rca.plots.examples import page_figure

        return page_figure(
            self.table,
            title=self.summary(),
            value=self.metric.title if self.metric else "",
            unit=self.metric.unit if self.metric else "",
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return nothing: single rows show, they claim nothing."""
        return ()


def examples(
    logs: Logs,
    *,
    where: str = "",
    slice: Mapping[str, Any] | None = None,
    metric: str | Metric | None = None,
    order: Order = "sampled",
    limit: int = 20,
    offset: int = 0,
    columns: Sequence[str] | None = None,
) -> Examples:
    """Return rows of a log to read: those behind a number.

    Parameters
    ----------
    logs : Logs
        The log.
    where : str
        SQL condition over its columns; all rows by default.
    slice : mapping, optional
        Columns and their value, or a list of values, as findings and candidates have them; None
        and ``"(null)"`` stand for rows without a value.
    metric : str or Metric, optional
        Adds each row's value; rows without one are left out, except from ``sampled``.
    order : {"sampled", "worst"}
        ``sampled`` is a random order, the same each time; ``worst`` puts the worst value first
        (the highest, where no direction is bad).
    limit, offset : int
        The page: 1 to 200 rows from the given one.
    columns : sequence of str, optional
        By default all.

    Returns
    -------
    Examples
        ``table`` has one line a row; texts are cut after 4,000 characters.

    Raises
    ------
    MissingColumnError, UnknownNameError
        No such column or metric.
    BadValueError
        A page of no rows or more than 200, or ``worst`` without a metric.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> logs = rca.read_logs(pd.DataFrame({"region": ["eu", "us", "eu"], "latency_ms": [9, 5, 70]}))
    >>> found = examples(logs, slice={"region": "eu"}, metric="mean_latency", order="worst")
    >>> found.table["value"].tolist(), found.n_matched
    ([70.0, 9.0], 2)
    """
    _refuse(metric, order, limit, offset)
    chosen = None if metric is None else resolve(metric, logs)
    names = _ordered(logs, logs.columns if columns is None else columns)
    condition = both(where, slice_sql(logs, slice or {}), _measured(chosen, order))
    total = f"select count(*) as n_ from {logs.relation} where {condition}"
    page = _page_sql(logs, chosen, names, condition, order, limit, offset)
    call = _call(where, slice, chosen, order, limit, offset, columns)
    return Examples(
        logs.engine.table(page).to_pandas(),
        logs.caveats,
        call,
        (total, page),
        logs,
        chosen,
        condition,
        order,
        offset,
        int(logs.engine.one(total)["n_"]),
    )


def slice_sql(logs: Logs, values: Mapping[str, Any]) -> str:
    """Return the SQL condition of the rows of a slice; a list means any of its values.

    Raises
    ------
    MissingColumnError
        No such column.
    """
    dialect = logs.engine.dialect

    def one(name: str, value: Any) -> str:
        column = logs.need(name)
        if value is None or value == "(null)":
            return f"{column} is null"
        return f"{dialect.text(column)} = {dialect.string(str(value))}"

    parts = []
    for name, value in values.items():
        several = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        parts.append(" or ".join(one(name, item) for item in several) or "false")
    return both(*parts) if parts else ""


def _refuse(metric: str | Metric | None, order: str, limit: int, offset: int) -> None:
    if order not in get_args(Order):
        raise BadValueError(f"order = {order!r} is not known. Give 'sampled' or 'worst'.")
    if order == "worst" and metric is None:
        raise BadValueError("order = 'worst' needs a metric: metric='latency_p95', say.")
    if not 1 <= limit <= MOST_EXAMPLES or offset < 0:
        raise BadValueError(
            f"a page of {limit} rows from {offset}. Ask for 1 to {MOST_EXAMPLES} from 0 or later."
        )


def _ordered(logs: Logs, names: Iterable[str]) -> list[str]:
    """Return the columns with the telling ones first and long texts last."""
    asked = list(names)
    for name in asked:
        logs.need(name)
    return sorted(asked, key=lambda name: (name in TEXTS, name not in _LEADING))


def _measured(metric: Metric | None, order: str) -> str:
    return metric.measured if metric is not None and order == "worst" else ""


def _page_sql(
    logs: Logs,
    metric: Metric | None,
    names: Sequence[str],
    condition: str,
    order: str,
    limit: int,
    offset: int,
) -> str:
    value = _value(metric) if metric else ""
    first = [f"{value} as value"] if value else []
    shown = ", ".join([*first, *(_cut(logs, name) for name in names)])
    # A hash of what names a row scatters rows the same way each time.
    keys = [name for name in ("request_id", "ts") if logs.has(name)] or list(logs.columns)
    texts = ", ".join(f"coalesce({logs.engine.dialect.text(logs.need(k))}, '')" for k in keys)
    by = f"md5(concat_ws('|', {texts}))"
    if order == "worst" and metric is not None:
        by = f"{value} {'asc' if metric.worse == 'down' else 'desc'} nulls last, {by}"
    return (
        f"select {shown} from {logs.relation} where {condition} "
        f"order by {by} limit {limit} offset {offset}"
    )


def _value(metric: Metric) -> str:
    if metric.family == "ratio":
        return f"({metric.y}) / nullif({metric.x}, 0e0)"
    return f"case when {metric.measured} then cast(({metric.numerator}) as double) end"


def _cut(logs: Logs, name: str) -> str:
    column, quoted = logs.need(name), logs.engine.dialect.ident(name)
    if logs.columns[name] == "text":
        return f"substr({column}, 1, {MOST_CHARACTERS}) as {quoted}"
    if logs.columns[name] == "other":
        return f"substr({logs.engine.dialect.text(column)}, 1, {MOST_CHARACTERS}) as {quoted}"
    return column


def _call(
    where: str,
    slice: Mapping[str, Any] | None,
    metric: Metric | None,
    order: str,
    limit: int,
    offset: int,
    columns: Sequence[str] | None,
) -> str:
    given = {
        "where": where or None,
        "slice": dict(slice) if slice else None,
        "metric": metric.name if metric else None,
        "order": order if order != "sampled" else None,
        "limit": limit if limit != 20 else None,
        "offset": offset or None,
        "columns": list(columns) if columns is not None else None,
    }
    named = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
    return f"rca.examples(logs{named})"
