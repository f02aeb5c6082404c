"""A change of spend, split: the answer of ``explain_cost``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from rca.model.finding import Finding
from rca.model.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

ALL = "(all)"


@dataclass(frozen=True, eq=False)
class CostShifts(Result):
    """How much of a change of spend is requests, tokens, price and mix, per model.

    Attributes
    ----------
    baseline_spend, current_spend : float
        Dollars per hour of each side.
    prices : pandas.DataFrame
        Dollars per million tokens of each kind, model and side, as the rows imply them.
    rows : pandas.DataFrame
        Single rows of the current side that carry a large share of the shift.
    by : str
        The column whose values are the models.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "model": "the model; (all) for the sum over models",
        "part": "requests, retries, tokens of a kind, price or mix",
        "shift": "change of spend, dollars per hour",
        "low": "lower end of its 95 % interval",
        "high": "upper end of its 95 % interval",
        "share": "part of the whole shift; parts of (all) sum to 1",
        "p_value": "chance of a part as large with nothing behind it",
        "q_value": "the same, corrected for the parts looked at",
        "n_baseline": "rows with a cost, baseline",
        "n_current": "rows with a cost, current",
    }

    baseline_spend: float = 0.0
    current_spend: float = 0.0
    shift_ci: tuple[float, float] | None = None
    prices: pd.DataFrame = field(default=None)  # type: ignore[assignment]
    rows: pd.DataFrame = field(default=None)  # type: ignore[assignment]
    by: str = "model"

    @property
    def shift(self) -> float:
        """The change of spend, in dollars per hour."""
        return self.current_spend - self.baseline_spend

    @property
    def parts(self) -> dict[str, float]:
        """The change of spend by part, over all models; the values add up to ``shift``."""
        whole = self.table[self.table["model"] == ALL]
        return dict(zip(whole["part"], whole["shift"], strict=True))

    def summary(self) -> str:
        """Return the change and its largest parts, in one sentence."""
        n = self.table.loc[self.table["model"] == ALL, ["n_baseline", "n_current"]].iloc[0]
        ranked = sorted(self.parts.items(), key=lambda part: -abs(part[1]))[:3]
        of = ", ".join(f"{shift:+.4g} {part}" for part, shift in ranked if shift)
        interval = ""
        if self.shift_ci:
            interval = f" (95 % CI {self.shift_ci[0]:+.4g} to {self.shift_ci[1]:+.4g})"
        return (
            f"spend went from {self.baseline_spend:.4g} to {self.current_spend:.4g} USD per hour, "
            f"{self.shift:+.4g}{interval}: {of or 'no part moved'} "
            f"(rows: {n['n_baseline']:,} then {n['n_current']:,})."
        )

    def plot(self) -> go.Figure:
        """Draw the parts as steps from the spend before to the spend now."""
        from rca.plots.cost import waterfall

        return waterfall(self.table, baseline=self.baseline_spend, current=self.current_spend)

    def findings(self) -> tuple[Finding, ...]:
        """Return each part that moved beyond chance, and the rows that carry a large share."""
        return (*self._part_findings(), *self._row_findings())

    def _part_findings(self) -> tuple[Finding, ...]:
        sure = self.table[self.table["q_value"] <= 0.05]
        return tuple(
            Finding(
                code="COST_" + row["part"].upper().replace(" ", "_"),
                claim=f"{_said(row)} moved spend by {row['shift']:+.4g} USD per hour "
                f"({row['share']:.0%} of the shift; rows: "
                f"{row['n_baseline']:,} then {row['n_current']:,})",
                estimate=float(row["shift"]),
                ci=(float(row["low"]), float(row["high"])),
                p_value=float(row["p_value"]),
                q_value=float(row["q_value"]),
                n=int(row["n_baseline"] + row["n_current"]),
                unit="USD per hour",
                slice={} if row["model"] == ALL else {self.by: row["model"]},
                column="cost_usd",
                call=self.call,
                sql=self.sql[0],
                details={"part": row["part"], "share": float(row["share"])},
            )
            for row in sure.to_dict("records")
        )

    def _row_findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                code="COST_SINGLE_ROW",
                claim=f"one row ({row['row']}) cost {row['cost_usd']:.4g} USD, "
                f"{row['share']:.0%} of the current spend",
                estimate=float(row["cost_usd"]),
                n=1,
                unit="USD",
                column="cost_usd",
                call=self.call,
                sql=self.sql[-1],
                details={"share": float(row["share"]), "row": row["row"]},
            )
            for row in self.rows.to_dict("records")
        )


def _said(row: Mapping[Any, Any]) -> str:
    return str(row["part"]) if row["model"] == ALL else f"{row['part']} of {row['model']}"
