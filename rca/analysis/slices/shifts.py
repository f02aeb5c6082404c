"""What the slices of one column add to a shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.clusters import Clustering, clustering
from rca.analysis.slices.rows import Rows, is_version, load, refuse
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.model.metric import Metric
from rca.model.result import Result
from rca.stats.decompose import split, succeed
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.ratio import SUMS, Difference, Sums, difference

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TRAVELS = "A slice that carries the shift may only travel with its cause."


@dataclass(frozen=True, eq=False)
class SliceShifts(Result):
    """The shift of a metric taken apart over the values of one column.

    ``shift`` is that of the metric over all rows; ``whole`` is the shift, with its test, that the
    parts add up to: the same, but for quantiles, where it is the shift in the share of rows above
    the baseline's quantile. ``ends`` are the two sides' values of what adds up.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "slice": "value of the column; '(null)' where it has none",
        "n_baseline": "measured rows of the baseline side",
        "n_current": "measured rows of the current side",
        "share_baseline": "part of the denominator's mass, or of the rows",
        "share_current": "the same on the current side",
        "baseline_value": "the metric in the slice on the baseline side",
        "current_value": "the metric in the slice on the current side",
        "shift": "current less baseline value",
        "ci": "95 % interval of the shift",
        "p_value": "two-sided, of no shift in the slice",
        "q_value": "p_value corrected for the slices looked at (Benjamini-Hochberg)",
        "rate": "what the slice adds by its own change, at its mean share",
        "mix": "what it adds by its change of share (of volume, for sums per hour)",
        "total": "rate and mix",
        "share": "part of the whole shift that the total is",
        "share_ci": "95 % Fieller interval of the share; infinite where the shift may be nothing",
        "n_null": "rows without a value of the metric, both sides",
        "new": "no rows on the baseline side",
        "gone": "no rows on the current side",
        "thin": "fewer rows than asked for, on the side that has fewer",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "slice",
        "n_baseline",
        "n_current",
        "shift",
        "ci",
        "rate",
        "mix",
        "share",
        "q_value",
    )

    comparison: Comparison | None = None
    by: str = ""
    metric: Metric | None = None
    whole: Difference | None = None
    shift: float = 0.0
    ends: tuple[float, float] | None = None

    def summary(self) -> str:
        """Return which slice carries most of the shift."""
        assert self.metric is not None and self.comparison is not None
        named = self.comparison.metric
        top = self._carriers()
        n0, n1 = (int(self.table[c].sum()) for c in ("n_baseline", "n_current"))
        moved = f"{named.title} moved by {named.text(self.shift, signed=True)}"
        if top is None:
            return f"{moved} (rows: {n0:,} then {n1:,}); no value of {self.by} stands for it."
        part = self.metric.text(top["total"], signed=True)
        of = "of it" if self.metric is named else f"of the {self.metric.label}"
        return (
            f"{moved}; {self.by}={top['slice']} carries {part} {of} "
            f"(rows: {n0:,} then {n1:,}; in the slice {top['n_baseline']:,} then "
            f"{top['n_current']:,})."
        )

    def _carriers(self) -> pd.Series | None:
        if self.table.empty or self.whole is None or self.whole.shift == 0:
            return None
        same = self.table[self.table["total"] * self.whole.shift > 0]
        return None if same.empty else same.iloc[int(same["total"].abs().argmax())]

    def plot(self) -> go.Figure:
        """Return a waterfall from the baseline's value to the current one, rate beside mix."""
        from rca.plots.slices import waterfall

        assert self.metric is not None and self.ends is not None
        title = self.metric.title
        return waterfall(
            self.table,
            by=self.by,
            unit=self.metric.unit,
            title=f"{title[:1].upper()}{title[1:]} from baseline to current, by {self.by}",
            start=self.ends[0],
            end=self.ends[1],
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return a claim for each slice whose own shift is real at q <= 0.05, largest first."""
        assert self.metric is not None
        real = self.table[(self.table["q_value"] <= 0.05) & ~self.table["thin"]]
        real = real.reindex(real["total"].abs().sort_values(ascending=False).index)
        return tuple(self._finding(row) for _, row in real.iterrows())

    def _finding(self, row: pd.Series) -> Finding:
        assert self.metric is not None
        return Finding(
            "SLICE_VALUE_SHIFT",
            f"{self.metric.title} in {self.by}={row['slice']} moved by "
            f"{self.metric.text(row['shift'], signed=True)} "
            f"(rows: {row['n_baseline']:,} then {row['n_current']:,}).",
            estimate=float(row["shift"]),
            ci=row["ci"],
            p_value=float(row["p_value"]),
            q_value=float(row["q_value"]),
            n=int(row["n_baseline"] + row["n_current"]),
            unit=self.metric.unit,
            slice={self.by: row["slice"]},
            column=self.by,
            call=self.call,
            sql=self.sql[-1] if self.sql else "",
            details={name: row[name] for name in ("rate", "mix", "total", "share")},
        )


def slice_metric(comparison: Comparison, *, by: str, min_rows: int = 30) -> SliceShifts:
    """Take the shift of a metric apart over the values of one column.

    With shares w and values r of a slice on the sides 0 and 1, and Rm the mean of the two sides'
    overall values,

        rate = (w0 + w1) / 2 * (r1 - r0)        mix = (w1 - w0) * ((r0 + r1) / 2 - Rm)

    which add up, over slices, to the metric's shift (Kitagawa 1955). For sums per hour ``rate`` is
    the effect of the mean per row and ``mix`` that of the rows per hour. A quantile is taken apart
    through the share of rows above the baseline's quantile.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    by : str
        A column. A measured number is cut at the baseline's octiles.
    min_rows : int
        Values with fewer measured rows on both sides are pooled; one with fewer on either side is
        marked thin. Nulls are a value of their own.

    Returns
    -------
    SliceShifts
        One row per value, those that add most to the shift first.

    Raises
    ------
    MissingColumnError, UnknownNameError, EmptyLogError
        No such column; it cannot be sliced by; the metric is null on one side.

    Notes
    -----
    The values of a version column (``model_version``, ``app_version``, ``prompt_version``) are
    chosen by deployments. A new one is compared with the baseline rows that it replaced, so that
    its effect is a rate and no mix. Intervals are Welch's, with the variance inflated by the design
    effect where a ``user_id`` or ``session_id`` says which rows come together.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> def log(correct):
    ...     return rca.read_logs(pd.DataFrame({"region": ["eu", "us"] * 2, "correct": correct}),
    ...                          engine=engine)
    >>> engine = rca.connect()
    >>> pair = rca.Comparison.of(log([1, 1, 1, 1]), log([0, 1, 1, 1]), metric="accuracy")
    >>> slices = slice_metric(pair, by="region", min_rows=1)
    >>> slices.table[["slice", "rate", "mix", "total"]].values.tolist()
    [['eu', -0.25, 0.0, -0.25], ['us', 0.0, 0.0, 0.0]]
    """
    comparison.logs.need(by)
    refuse(comparison, by)
    rows = load(comparison, [by])
    baseline, current = rows.singles[by]
    labels, groups = _pooled(rows, by, baseline, current, min_rows)
    baseline, current = (_grouped(s, groups, len(labels)) for s in (baseline, current))
    nulls = np.bincount(groups, rows.nulls[by], minlength=len(labels))
    clusters = clustering(rows)
    table, whole = _table(rows, by, labels, baseline, current, nulls, clusters.inflation, min_rows)
    ends = [float(measured(s.total(), rows.hours, i)) for i, s in enumerate((baseline, current))]
    shift = rows.quantiles[1] - rows.quantiles[0] if rows.quantiles else whole.shift
    return SliceShifts(
        table,
        caveats=(*_caveats(rows, table, by, clusters), *comparison.logs.caveats),
        call=f"rca.slice_metric(comparison, by={by!r}, min_rows={min_rows})",
        sql=(*rows.sql, *clusters.sql),
        comparison=comparison,
        by=by,
        metric=rows.metric if rows.quantiles else comparison.metric,
        whole=whole,
        shift=float(shift),
        ends=(ends[0], ends[1]),
    )


def _pooled(
    rows: Rows, by: str, baseline: Sums, current: Sums, min_rows: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the labels of the table's rows and which of them each value belongs to."""
    most = np.maximum(baseline.n, current.n)
    there = most > 0
    thin = there & (most < min_rows)
    pooled = thin if thin.sum() > 1 and (there & ~thin).any() else np.zeros_like(thin)
    groups = np.zeros(len(most), dtype=np.int64)
    labels: list[str] = []
    for code in np.flatnonzero(there & ~pooled):
        groups[code] = len(labels)
        labels.append(rows.label(by, int(code)))
    if pooled.any():
        groups[pooled] = len(labels)
        labels.append(f"({int(pooled.sum())} thin values)")
    return labels, groups


def _grouped(s: Sums, groups: NDArray[np.int64], size: int) -> Sums:
    def added(name: str) -> NDArray[np.float64]:
        return np.bincount(groups, getattr(s, name), minlength=size).astype(np.float64)

    return Sums(*map(added, SUMS))


def _table(
    rows: Rows,
    by: str,
    labels: list[str],
    own: Sums,
    current: Sums,
    nulls: NDArray[np.int64],
    inflation: float,
    min_rows: int,
) -> tuple[pd.DataFrame, Difference]:
    import pandas as pd

    hours = rows.hours
    baseline = succeed(own, current) if is_version(by) else own
    parts = split(baseline, current, hours=hours, inflation=inflation)
    tests = [
        tested(baseline[i], current[i], hours=hours, inflation=inflation)
        for i in range(len(labels))
    ]
    values = [measured(s, hours, i) for i, s in enumerate((baseline, current))]
    p = [test.p_value if np.isfinite(test.standard_error) else np.nan for test in tests]
    table = pd.DataFrame(
        {
            "slice": labels,
            "n_baseline": own.n.astype(np.int64),
            "n_current": current.n.astype(np.int64),
            "share_baseline": own.x / own.x.sum(),
            "share_current": current.x / current.x.sum(),
            "baseline_value": values[0],
            "current_value": values[1],
            "shift": [test.shift for test in tests],
            "ci": [test.ci for test in tests],
            "p_value": p,
            "q_value": benjamini_hochberg(p),
            "rate": parts.rate,
            "mix": parts.mix,
            "total": parts.total,
            "share": parts.share,
            "share_ci": list(zip(parts.share_low.tolist(), parts.share_high.tolist(), strict=True)),
            "n_null": nulls.astype(np.int64),
            "new": own.n == 0,
            "gone": current.n == 0,
            "thin": np.minimum(baseline.n, current.n) < min_rows,
        }
    )
    order = table["total"].abs().sort_values(ascending=False, kind="stable").index
    whole = tested(own.total(), current.total(), hours=hours, inflation=inflation)
    return table.loc[order].reset_index(drop=True), whole


def measured(s: Sums, hours: tuple[float, float] | None, side: int) -> NDArray[np.float64]:
    """Return a side's values: ratios, or sums per hour."""
    return np.asarray(s.value if hours is None else s.y / hours[side])


def tested(
    baseline: Sums, current: Sums, *, hours: tuple[float, float] | None, inflation: float
) -> Difference:
    """Return the shift of one cell with its interval, for rows in clusters."""
    if hours is None:
        # Fewer rows say as much: the design effect divides their number.
        shrunk = [
            Sums(s.n, s.x, s.y, s.xx * inflation, s.xy * inflation, s.yy * inflation)
            for s in (baseline, current)
        ]
        return difference(*shrunk)
    from scipy import stats

    shift = float(current.y / hours[1] - baseline.y / hours[0])
    one = max(float(baseline.yy + current.yy) / max(float(baseline.n + current.n), 1.0), 1e-300)
    variance = inflation * sum(
        max(float(s.yy), one) / h**2 for s, h in zip((baseline, current), hours, strict=True)
    )
    se = float(np.sqrt(variance))
    z = float(stats.norm.isf(0.025))
    p = float(2 * stats.norm.sf(abs(shift) / se))
    return Difference(shift, (shift - z * se, shift + z * se), p, se)


def _caveats(rows: Rows, table: pd.DataFrame, by: str, clusters: Clustering) -> list[str]:
    found = [TRAVELS]
    found += rows.caveats
    if rows.quantiles is not None:
        found.append(
            f"Parts are of the {rows.metric.title} (the baseline's quantile): quantiles of slices "
            "do not add up."
        )
    if table["thin"].any():
        found.append(f"{int(table['thin'].sum())} of {len(table)} slices have few rows on a side.")
    if is_version(by) and (table["new"]).any():
        found.append(f"New values of {by} are compared with the baseline rows that they replaced.")
    found += clusters.caveats
    return found
