"""What a rollback did, step by step and second by second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rca.model.finding import Finding
from rca.model.result import Result
from rca.respond.rollback.plan import RollbackPlan

if TYPE_CHECKING:
    import plotly.graph_objects as go

_WORDS = {
    "dry_run": "would roll back",
    "done": "rolled back",
    "undone": "did not roll back, and undid the switch of",
    "held": "switched without proof, and held,",
    "failed": "failed to roll back",
}


@dataclass(frozen=True, eq=False)
class RollbackReport(Result):
    """What was done, whether the service itself confirmed it, and how long each part took.

    Attributes
    ----------
    status : {"dry_run", "done", "undone", "held", "failed"}
        ``done`` only when the service answered with the version wanted.
    plan : RollbackPlan
    traffic : mapping of version to weight, or None
        As the target had it at the end; None when it could not be read.
    seconds : float
        All steps together.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "step": "check, switch, probe, undo, probe_after_undo, persist or drain",
        "seconds": "how long it took",
        "ok": "whether it did what it was for",
        "detail": "what was seen",
    }

    status: str = "dry_run"
    plan: RollbackPlan = field(default=None)  # type: ignore[assignment]
    traffic: Mapping[str, int] | None = None
    seconds: float = 0.0

    @property
    def within_budget(self) -> bool:
        """Whether all of it took no longer than the plan's budget."""
        return self.seconds <= self.plan.budget_s

    def summary(self) -> str:
        """Return what was done, how long it took and how that was split."""
        split = ", ".join(
            f"{r['step']} {r['seconds']:.2g} s" for r in self.table.to_dict("records")
        )
        served = "unknown" if self.traffic is None else dict(self.traffic)
        return (
            f"{_WORDS[self.status]} {self.plan.service} from {self.plan.serving} to "
            f"{self.plan.to} in {self.seconds:.2g} of {self.plan.budget_s:.0f} seconds ({split}); "
            f"weights now: {served}."
        )

    def plot(self) -> go.Figure:
        """Draw the seconds of each step."""
        from rca.plots.respond import seconds_figure

        return seconds_figure(
            self.table, budget_s=self.plan.budget_s, title="Where the seconds went"
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding: what became of the rollback."""
        return (
            Finding(
                code=f"ROLLBACK_{self.status.upper()}",
                claim=self.summary().rstrip("."),
                estimate=self.seconds,
                n=len(self.table),
                unit="s",
                call=self.call,
                details={
                    "within_budget": self.within_budget,
                    "plan": self.plan.digest,
                    "override": self.plan.override,
                },
            ),
        )
