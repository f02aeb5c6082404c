"""The profile of drift: one row per column, and what happened to the rows as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from rca.analysis.drift.faults.kinds import Fault
from rca.analysis.drift.scan import Scan
from rca.analysis.drift.season import Match
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.model.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


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

    def findings(self) -> tuple[Finding, ...]:
        """Return a claim for each drifted column, largest effect first, then those of the rows."""
        moved = self.table[self.table["drifted"]]
        of_rows = (replace(finding, call=self.call) for finding in self.of_rows)
        return (*(self._finding(row) for _, row in moved.iterrows()), *of_rows)

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
