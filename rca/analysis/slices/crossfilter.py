"""Slices of many columns at once, of the rows that choices in the other columns keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.clusters import clustering
from rca.analysis.slices.rows import NULL, Rows, column_text, dimensions_of, load
from rca.analysis.slices.shifts import TRAVELS, measured, tested
from rca.errors import UnknownNameError
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.model.logs import CLUSTERS
from rca.model.metric import Metric
from rca.model.result import Result
from rca.stats.crossfilter import Crossfilter
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.ratio import Difference, Sums

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Chosen = Mapping[str, Sequence[str]]
#: Values of a column that are listed, the most frequent first.
MOST_VALUES = 40
MOST_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class CrossSlices(Result):
    """Every column's slices among the rows that the other columns' choices keep.

    ``whole`` is the shift of the rows that all choices keep, and ``n`` their number on each side.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "column": "the column",
        "slice": "its value; '(null)' where it has none",
        "chosen": "whether the value is kept by the choices",
        "n_baseline": "measured rows of the baseline side that the other columns keep",
        "n_current": "the same on the current side",
        "share_baseline": "part of the column's baseline rows",
        "share_current": "part of its current rows",
        "baseline_value": "the metric on the baseline side",
        "current_value": "the metric on the current side",
        "shift": "current less baseline value",
        "ci": "95 % interval of the shift",
        "p_value": "two-sided, of no shift in the slice",
        "q_value": "p_value corrected for all slices listed (Benjamini-Hochberg)",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "column", "slice", "n_baseline", "n_current", "baseline_value", "current_value", "shift",
        "ci", "q_value",
    )  # fmt: skip

    comparison: Comparison | None = None
    metric: Metric | None = None
    chosen: Chosen = field(default_factory=dict)
    whole: Difference | None = None
    n: tuple[int, int] = (0, 0)

    def summary(self) -> str:
        """Return the shift of the rows that are kept."""
        assert self.metric is not None and self.whole is not None
        kept = " & ".join(f"{name}={' or '.join(v)}" for name, v in self.chosen.items() if v)
        rows = f"rows: {self.n[0]:,} then {self.n[1]:,}"
        if not min(self.n):
            return f"{self.metric.title} in {kept or 'all rows'}: a side has no rows ({rows})."
        low, high = (self.metric.text(end, signed=True) for end in self.whole.ci)
        return (
            f"{self.metric.title} in {kept or 'all rows'} moved by "
            f"{self.metric.text(self.whole.shift, signed=True)} (95 % {low} to {high}; {rows})."
        )

    def plot(self) -> go.Figure:
        """Return the shifts of all slices listed, with their intervals."""
        from rca.plots.slices import forest

        assert self.metric is not None
        table = self.table.assign(rule=self.table["column"] + "=" + self.table["slice"])
        seen = table[np.isfinite(table["shift"]) & (table["p_value"] < 1)]
        order = seen["p_value"].sort_values(kind="stable").index
        return forest(seen.loc[order], unit=self.metric.unit, title=self.summary())

    def findings(self) -> tuple[Finding, ...]:
        """Return the shift of the rows that are kept, where both sides have some."""
        assert self.whole is not None and self.metric is not None
        if not min(self.n):
            return ()
        found = Finding(
            "SLICE_VALUE_SHIFT",
            self.summary(),
            estimate=self.whole.shift,
            ci=self.whole.ci,
            p_value=self.whole.p_value,
            n=sum(self.n),
            unit=self.metric.unit,
            slice={name: list(values) for name, values in self.chosen.items() if values},
            call=self.call,
            sql=self.sql[-1] if self.sql else "",
        )
        return (found,)


class CrossSlicer:
    """A comparison's rows made ready once, for one answer after another; see `cross_slices`."""

    def __init__(self, comparison: Comparison, *, dimensions: Sequence[str] | None = None) -> None:
        self.comparison = comparison
        self.dimensions = tuple(_dimensions(comparison, dimensions))
        self._asked = dimensions
        self.rows: Rows = load(comparison, self.dimensions)
        self._clusters = clustering(self.rows)
        sizes = [len(self.rows.values[name]) for name in self.dimensions]
        codes = [self.rows.codes[name] for name in self.dimensions]
        self._cross = Crossfilter(codes, sizes, self.rows.measures)

    def __call__(self, chosen: Chosen | None = None) -> CrossSlices:
        """Answer with only these values of these columns kept; none of a column keeps all."""
        chosen = {name: tuple(values) for name, values in (chosen or {}).items() if values}
        kept = [self._kept(name, chosen) for name in self.dimensions]
        unknown = set(chosen) - set(self.dimensions)
        if unknown:
            raise UnknownNameError.of("dimension", min(unknown), self.dimensions)
        sums, (baseline, current) = self._cross.sums(kept)
        rows, inflation = self.rows, self._clusters.inflation
        asked = f", dimensions={list(self._asked)!r}" if self._asked is not None else ""
        picked = f", chosen={ {k: list(v) for k, v in chosen.items()}!r}" if chosen else ""
        whole = tested(baseline[0], current[0], hours=rows.hours, inflation=inflation)
        return CrossSlices(
            self._table(sums, chosen),
            (TRAVELS, *self._clusters.caveats, *self.comparison.logs.caveats),
            f"rca.cross_slices(comparison{picked}{asked})",
            (*rows.sql, *self._clusters.sql),
            self.comparison,
            rows.metric if rows.quantiles else self.comparison.metric,
            chosen,
            whole,
            (int(baseline.n[0]), int(current.n[0])),
        )

    def predicate(self, chosen: Chosen) -> str:
        """Return the SQL condition of the rows that the choices keep."""
        queries: list[str] = []
        string = self.comparison.logs.engine.dialect.string
        parts = []
        for name, values in chosen.items():
            text = column_text(self.comparison, name, queries)
            some = [f"{text} is null" if v == NULL else f"{text} = {string(v)}" for v in values]
            parts += [f"({' or '.join(some)})"] if some else []
        return " and ".join(parts)

    def _kept(self, name: str, chosen: Chosen) -> NDArray[np.bool_] | None:
        values = chosen.get(name)
        if not values:
            return None
        labels = [self.rows.label(name, code) for code in range(len(self.rows.values[name]))]
        for value in values:
            if value not in labels:
                raise UnknownNameError.of(f"value of {name}", value, labels)
        return np.isin(labels, list(values))

    def _table(self, sums: Sequence[tuple[Sums, Sums]], chosen: Chosen) -> pd.DataFrame:
        import pandas as pd

        records: list[dict[str, Any]] = []
        for name, (baseline, current) in zip(self.dimensions, sums, strict=True):
            records += self._records(name, baseline, current, chosen.get(name, ()))
        p = [r["p_value"] if r["p_value"] < 1 else np.nan for r in records]
        corrected = benjamini_hochberg(p)
        for record, q in zip(records, corrected, strict=True):
            record["q_value"] = float(q)
        return pd.DataFrame(records, columns=list(CrossSlices.columns))

    def _records(
        self, name: str, baseline: Sums, current: Sums, chosen: Sequence[str]
    ) -> list[dict[str, Any]]:
        rows, n = self.rows, baseline.n + current.n
        whole = [float(side.n.sum()) or 1.0 for side in (baseline, current)]
        values = [measured(side, rows.hours, i) for i, side in enumerate((baseline, current))]
        frequent = np.argsort(-rows.singles[name][0].n - rows.singles[name][1].n, kind="stable")
        labels = {int(code): rows.label(name, int(code)) for code in frequent[:MOST_VALUES]}
        found = []
        for code, label in labels.items():
            if not n[code] and label not in chosen and not rows.singles[name][1].n[code]:
                continue
            test = tested(
                baseline[code], current[code], hours=rows.hours, inflation=self._clusters.inflation
            )
            found.append(
                {
                    "column": name,
                    "slice": label,
                    "chosen": not chosen or label in chosen,
                    "n_baseline": int(baseline.n[code]),
                    "n_current": int(current.n[code]),
                    "share_baseline": float(baseline.n[code]) / whole[0],
                    "share_current": float(current.n[code]) / whole[1],
                    "baseline_value": float(values[0][code]),
                    "current_value": float(values[1][code]),
                    "shift": test.shift,
                    "ci": test.ci,
                    "p_value": test.p_value,
                }
            )
        return found


def cross_slices(
    comparison: Comparison,
    *,
    chosen: Chosen | None = None,
    dimensions: Sequence[str] | None = None,
) -> CrossSlices:
    """Show the slices of several columns, of the rows that choices in the *other* columns keep.

    What a crossfilter shows: with ``region=eu`` chosen, every other column is of European rows,
    and ``region`` goes on showing all its values, so that another can be chosen instead.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    chosen : mapping of str to sequence of str, optional
        The values kept of each column; none keeps all.
    dimensions : sequence of str, optional
        By default up to eight dimensions of the log with 2 to 40 values.

    Returns
    -------
    CrossSlices
        One row for each value of each column (the 40 most frequent).

    Raises
    ------
    MissingColumnError, UnknownNameError, EmptyLogError
        No such column or value; it cannot be sliced by; the metric is null on one side.

    Notes
    -----
    Intervals are Welch's, with the design effect of callers' rows. To answer many choices over
    one comparison make a :class:`CrossSlicer`: it reads the rows once.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> engine = rca.connect()
    >>> def log(correct):
    ...     rows = {"region": ["eu", "eu", "us"] * 4, "tier": ["a", "b"] * 6, "correct": correct}
    ...     return rca.read_logs(pd.DataFrame(rows), engine=engine)
    >>> pair = rca.Comparison.of(log([1] * 12), log([0, 0, 1] * 4), metric="accuracy")
    >>> found = cross_slices(pair, chosen={"region": ["us"]})
    >>> found.table[["slice", "n_current", "shift"]].values.tolist()
    [['eu', 8, -1.0], ['us', 4, 0.0], ['a', 2, 0.0], ['b', 2, 0.0]]
    """
    return CrossSlicer(comparison, dimensions=dimensions)(chosen)


def _dimensions(comparison: Comparison, asked: Sequence[str] | None) -> list[str]:
    if asked is not None:
        return dimensions_of(comparison, asked)
    profile = comparison.logs.profile
    names = dimensions_of(comparison, None)
    few = [
        name
        for name in names
        if name not in CLUSTERS
        and name in comparison.logs.dimensions
        and 2 <= profile[name]["distinct"] <= MOST_VALUES
    ]
    return few[:MOST_COLUMNS] or names[:MOST_COLUMNS]
