"""The answer of a watch: a verdict, the evidence for each objective and the hours seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from rca.model.finding import Finding
from rca.model.result import Result
from rca.model.window import iso
from rca.respond.verify.hours import Hour, hour_start
from rca.respond.verify.plan import VerifyPlan

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from rca.respond.verify.judge import Judged

_WORDS = {
    "recovered": "recovered",
    "not_recovered": "not recovered",
    "inconclusive": "inconclusive",
    "waiting": "waiting for more hours",
}


@dataclass(frozen=True, eq=False)
class Verification(Result):
    """Whether a fix held.

    Attributes
    ----------
    status : {"recovered", "not_recovered", "inconclusive", "waiting"}
        The verdict over all key objectives.
    plan : VerifyPlan
        What was watched.
    hours : pandas.DataFrame
        One row an objective and hour seen: objective, start, value, n.
    n_missing, n_late, n_revised : int
        Hours expected by now that have no rows, that were read late, that were replaced.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "objective": "its name",
        "status": "its own verdict",
        "value": "mean of the hourly shares",
        "low": "lower end of an interval that holds at every look together",
        "high": "upper end",
        "limit": "the share that must be proved kept",
        "alarm_limit": "the share that must be proved broken for an alarm",
        "n_rows": "rows behind it",
        "hours_seen": "hours with rows",
        "hours_missing": "hours that should have been seen by now and were not",
        "e_alarm": "largest wealth so far of the bet that the limit is broken",
        "e_recovered": "wealth now of the bet that the limit is kept",
        "alarmed_at": "the hour that raised the alarm",
        "clustering": "correlation of rows within an hour, as seen",
        "planned_clustering": "the largest for which recovery is proved",
        "can_prove": "the worst share that would be proved recovered 8 times in 10",
        "can_alarm": "the best share that would raise an alarm 8 times in 10",
        "key": "whether it decides",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "objective", "status", "value", "low", "high", "limit", "hours_seen", "e_alarm",
        "e_recovered",
    )  # fmt: skip

    status: str = "waiting"
    plan: VerifyPlan = field(default=None)  # type: ignore[assignment]
    hours: pd.DataFrame = field(default=None)  # type: ignore[assignment]
    n_missing: int = 0
    n_late: int = 0
    n_revised: int = 0

    def summary(self) -> str:
        """Return the verdict, each key objective's value and the hours behind it."""
        parts = []
        for row in self.table[self.table["key"]].to_dict("records"):
            value = "no rows" if row["value"] != row["value"] else f"{row['value']:.2%}"
            seen = f"{row['hours_seen']} of {self.plan.hours} hours seen"
            parts.append(
                f"{row['objective']} {value} against a limit of {row['limit']:.2%} "
                f"({seen}, {row['n_rows']:,.0f} rows)"
            )
        return f"{_WORDS[self.status]}: {'; '.join(parts)}."

    def plot(self) -> go.Figure:
        """Draw the hourly shares beside their limits, and the wealth of both bets."""
        from rca.plots.verify import watch_figure

        return watch_figure(self.hours, self.table)

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each objective that is decided or whose time is over."""
        return tuple(
            self._finding(row)
            for row in self.table.to_dict("records")
            if row["status"] != "waiting"
        )

    def _finding(self, row: Mapping[Any, Any]) -> Finding:
        known = row["value"] == row["value"]
        said = f"{row['value']:.2%}" if known else "no rows"
        proved = row["status"] == "recovered"
        e_value = row["e_recovered"] if proved else row["e_alarm"]
        return Finding(
            code=f"VERIFY_{row['status'].upper()}",
            claim=f"{row['objective']} is {_WORDS[row['status']]}: {said} against a limit of "
            f"{row['limit']:.2%} over {row['hours_seen']} of {self.plan.hours} hours from "
            f"{iso(self.plan.start)} ({row['n_rows']:,.0f} rows)",
            estimate=float(row["value"]) if known else None,
            ci=(float(row["low"]), float(row["high"])) if known else None,
            p_value=None if row["status"] == "inconclusive" else min(1.0, 1 / e_value),
            n=round(row["n_rows"]),
            unit="share",
            call=self.call,
            sql=self.sql[0] if self.sql else "",
            details={
                "e_value": float(e_value),
                "hours_seen": int(row["hours_seen"]),
                "hours_missing": int(row["hours_missing"]),
                **{
                    name: None if row[name] != row[name] else row[name]
                    for name in ("can_prove", "can_alarm")
                },
            },
        )


def verdict_table(plan: VerifyPlan, judged: Sequence[Judged], expected: int) -> pd.DataFrame:
    """Return one row an objective, in the columns of :class:`Verification`."""
    import pandas as pd

    rows = []
    for one in judged:
        objective, seen = one.objective, plan.reach(one.objective)
        rows.append(
            {
                "objective": objective.name,
                "status": one.status,
                "value": float("nan") if one.value is None else one.value,
                "low": one.interval[0],
                "high": one.interval[1],
                "limit": objective.limit,
                "alarm_limit": objective.alarm,
                "n_rows": one.n_rows,
                "hours_seen": one.n_hours,
                "hours_missing": max(0, expected - one.n_hours),
                "e_alarm": one.e_alarm,
                "e_recovered": one.e_proof,
                "alarmed_at": pd.Timestamp(one.alarmed_at) if one.alarmed_at else pd.NaT,
                "clustering": one.clustering,
                "planned_clustering": objective.clustering,
                "can_prove": _share(objective.bad, seen.below),
                "can_alarm": _share(objective.bad, seen.above),
                "key": objective.key,
            }
        )
    return pd.DataFrame(rows, columns=list(Verification.columns))


def hours_table(plan: VerifyPlan, hours: Sequence[Hour]) -> pd.DataFrame:
    """Return the hours seen, one row an objective and hour, in order of time."""
    import pandas as pd

    rows = [
        {
            "objective": name,
            "start": plan.start + timedelta(hours=hour_start(plan, hour)),
            "value": measured.value,
            "n": measured.n,
        }
        for hour in sorted(hours, key=lambda h: h.start)
        for name, measured in hour.values.items()
    ]
    return pd.DataFrame(rows, columns=["objective", "start", "value", "n"])


def _share(turn: Any, value: float | None) -> float:
    return float("nan") if value is None else float(turn(value))
