"""The profile of drift: one row per column, and what happened to the rows as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rca.analysis.drift.counted import Scan
from rca.analysis.drift.faults.kinds import Fault
from rca.analysis.drift.season import Match
from rca.errors import UnknownNameError
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.model.result import Result
from rca.stats.distance import shares

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from rca.adapters.evidently import EvidentlyReport
    from rca.analysis.drift.expected import Expected


@dataclass(frozen=True, eq=False)
class DriftProfile(Result):
    """Which columns' distributions moved, how, since when, and what of the metric goes with it."""

    columns: ClassVar[Mapping[str, str]] = {
        "column": "name",
        "role": "input, outcome, label, version, text or time: what a call is given or produces",
        "kind": "number, text, bool or time (read as seconds before ts)",
        "n_baseline": "rows of the baseline side",
        "n_current": "rows of the current side",
        "nulls_baseline": "share of nulls, at the current side's hours of day",
        "nulls_current": "share of nulls",
        "psi": "population stability index over shared cells, nulls among them",
        "js": "Jensen-Shannon distance, 0 to 1",
        "tv": "total variation: share of rows that would have to move",
        "ks": "largest gap of cumulated shares; NaN for texts",
        "wasserstein": "mean distance moved, in baseline standard deviations; NaN for texts",
        "effect_size": "Cohen's w; 0.1 small, 0.3 medium, 0.5 large",
        "noise": "the effect size that chance and day-to-day change exceed in 1 of 100 cases",
        "design_effect": "variance over that of rows drawn one by one, from the baseline's days",
        "p_value": "of no drift beyond day-to-day change",
        "q_value": "p_value corrected for the columns looked at (Benjamini-Hochberg)",
        "drifted": "q_value small, and effect_size above noise and above the least of interest",
        "fault": "code of what the drift looks like; empty where there is none",
        "fault_text": "the fault in words, with the transformation estimated",
        "share_touched": "share of current rows touched",
        "onset": "since when (UTC); NaT where the log does not show it",
        "onset_low": "start of its 90 % interval",
        "onset_high": "end of its 90 % interval",
        "explains": "part of the metric's shift that goes with the column; NaN: not identified",
        "explains_ci": "95 % interval of it",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "column",
        "role",
        "effect_size",
        "noise",
        "q_value",
        "nulls_baseline",
        "nulls_current",
        "fault_text",
        "onset",
        "explains",
    )

    comparison: Comparison | None = None
    faults: Mapping[str, Fault] = field(default_factory=dict)
    of_rows: tuple[Finding, ...] = ()
    scan: Scan | None = None
    match: Match | None = None

    def summary(self) -> str:
        """Return how many columns drifted and the largest of them."""
        moved = self.table[self.table["drifted"]]
        n0, n1 = (int(self.table[c].max()) for c in ("n_baseline", "n_current"))
        rows = f"(rows: {n0:,} then {n1:,})"
        if moved.empty:
            return f"None of {len(self.table)} columns drifted {rows}."
        shown = "; ".join(
            f"{row.column}: {row.fault_text}" for row in moved.head(3).itertuples(index=False)
        )
        return f"{len(moved)} of {len(self.table)} columns drifted {rows}. {shown}."

    def plot(self) -> go.Figure:
        """Return the columns by effect size with the noise of each."""
        from rca.plots.drift import ranked

        return ranked(self.table, title=self.summary())

    def plot_column(self, column: str) -> go.Figure:
        """Return one column's distribution on both sides, cell by cell.

        Raises
        ------
        UnknownNameError
            The column was not profiled.
        """
        from rca.plots.drift import sides

        cells = self.cells(column)
        row = self.table.set_index("column").loc[column]
        said = row["fault_text"] or f"no drift (w = {row['effect_size']:.2g})"
        assert self.scan is not None
        ordered = self.scan.columns[column].numeric
        return sides(cells, column=column, ordered=ordered, title=f"{column}: {said}")

    def plot_onsets(self) -> go.Figure:
        """Return since when each drifted column is another one."""
        from rca.plots.drift import onsets

        dated = int(self.table["onset"].notna().sum())
        return onsets(self.table, title=f"Onset of {dated} drifted columns")

    def cells(self, column: str) -> pd.DataFrame:
        """Return the cells of one column with their shares on both sides.

        The baseline's are at the current side's hours of day. Empty cells are left out; values of
        a text are ordered by how much they moved.

        Raises
        ------
        UnknownNameError
            The column was not profiled.
        """
        import pandas as pd

        assert self.scan is not None and self.match is not None
        if column not in self.scan.columns:
            raise UnknownNameError.of("profiled column", column, self.scan.columns)
        counted = self.scan.columns[column]
        baseline = self.match.baseline(counted.counts, self.scan.blocks)
        current = shares(counted.side(self.scan.blocks, 1))
        table = pd.DataFrame(
            {"cell": counted.names, "baseline": baseline, "current": current},
        )
        table = table[(table["baseline"] > 0) | (table["current"] > 0)]
        if not counted.numeric:
            moved = (table["current"] - table["baseline"]).abs()
            table = table.loc[moved.sort_values(ascending=False, kind="stable").index]
        return table.reset_index(drop=True)

    def expected_metric(self, *, by: str = "score") -> Expected:
        """Return the metric expected now from scores alone: an estimate, for late labels.

        See :func:`rca.analysis.drift.expected.expected_metric`.
        """
        from rca.analysis.drift.expected import expected_metric

        assert self.comparison is not None and self.scan is not None
        return expected_metric(self.comparison, self.scan, by=by)

    def findings(self) -> tuple[Finding, ...]:
        """Return a claim for each drifted column, largest effect first, then those of the rows."""
        moved = self.table[self.table["drifted"]]
        of_rows = (replace(finding, call=self.call) for finding in self.of_rows)
        return (*(self._finding(row) for _, row in moved.iterrows()), *of_rows)

    def save_baseline(self, folder: str | Path) -> Path:
        """Write the baseline's profile into a folder, for ``profile_drift(baseline=folder)``.

        Holds cells, counts per block of time and a sample of 20,000 rows: take care of it as of
        the log itself.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        from rca.analysis.drift.saved import save

        assert self.scan is not None and self.comparison is not None
        side = self.comparison.baseline
        of = f"{side.window or side.name} of {self.comparison.logs.source or 'a log'}"
        return save(self.scan, of, folder)

    def to_evidently(
        self,
        *,
        columns: Sequence[str] | None = None,
        rows: int = 10_000,
        methods: Mapping[str, str] | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> EvidentlyReport:
        """Return Evidently's report on samples of both sides, its verdicts beside ours.

        Parameters
        ----------
        columns : sequence of str, optional
            Default: the 20 columns that moved most.
        rows : int
            Most rows of each side; the baseline's are taken at the current hours of day.
        methods, thresholds : mapping, optional
            Evidently's method and threshold for a column.

        Raises
        ------
        MissingExtraError, UnknownNameError
            Evidently is not installed; a column was not profiled.
        """
        from rca.adapters.evidently import run
        from rca.analysis.drift.samples import frames

        assert self.scan is not None and self.match is not None
        known = self.scan.columns
        chosen = list(columns) if columns is not None else [*self.table["column"].head(20)]
        for name in chosen:
            if name not in known:
                raise UnknownNameError.of("profiled column", name, known)
        samples = frames(self.scan, self.match, chosen, rows)
        hours = ", the baseline's at the current hours of day" if self.match.matched else ""
        note = f"Evidently saw samples: {len(samples[0]):,} and {len(samples[1]):,} rows{hours}."
        ours = dict(zip(self.table["column"], self.table["drifted"].map(bool), strict=True))
        return run(
            *samples,
            numbers=[name for name in chosen if known[name].numeric],
            texts=[name for name in chosen if not known[name].numeric],
            ours=ours,
            methods=methods,
            thresholds=thresholds,
            caveats=[note],
        )

    def _finding(self, row: pd.Series) -> Finding:
        fault = self.faults[row["column"]]
        known = row["explains"] == row["explains"]
        goes = f"; {row['explains']:.0%} of the metric's shift goes with it" if known else ""
        since = f" since {row['onset']:%Y-%m-%d %H:%M} UTC" if row["onset"] == row["onset"] else ""
        return Finding(
            fault.code,
            f"{row['column']} drifted{since}: {fault.text} (w = {row['effect_size']:.2g}, noise "
            f"{row['noise']:.2g}; rows: {row['n_baseline']:,} then {row['n_current']:,}){goes}.",
            estimate=float(row["effect_size"]),
            p_value=float(row["p_value"]),
            q_value=float(row["q_value"]),
            n=int(row["n_baseline"] + row["n_current"]),
            unit="w",
            column=str(row["column"]),
            call=self.call,
            sql=self.sql[-1] if self.sql else "",
            details={
                **fault.details,
                "role": row["role"],
                "share_touched": row["share_touched"],
                "onset": row["onset"],
                "onset_low": row["onset_low"],
                "onset_high": row["onset_high"],
                "explains": row["explains"],
                "explains_ci": row["explains_ci"],
            },
        )
