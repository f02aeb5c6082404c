"""Could we go back, if we had to? The last versions, and whether each could serve now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rca.model.finding import Finding
from rca.model.result import Result
from rca.respond.rollback.bundle import KEPT, VersionStore
from rca.respond.rollback.target import RollbackTarget, serving

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Readiness(Result):
    """Which of the last versions could take all traffic now.

    Attributes
    ----------
    serving : str
        The version with most of the traffic.
    wanted : int
        How many earlier versions are to be ready.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "version": "an earlier version, newest first",
        "released_at": "when it was released",
        "ready": "whether it could take all traffic now",
        "problems": "why not",
        "changed": "parts in which it differs from the version that serves",
    }

    service: str = ""
    serving: str = ""
    wanted: int = KEPT

    @property
    def n_ready(self) -> int:
        """How many could take all traffic now."""
        return int(self.table["ready"].sum())

    def summary(self) -> str:
        """Return how many are ready, and which are not."""
        broken = self.table[~self.table["ready"]].to_dict("records")
        said = "".join(f"; {row['version']}: {row['problems']}" for row in broken)
        return (
            f"{self.n_ready} of {self.wanted} earlier versions of {self.service} could take all "
            f"traffic from {self.serving}{said}."
        )

    def plot(self) -> go.Figure:
        """Draw how many are ready and how many are not."""
        from rca.plots.respond import counts_figure

        told = self.table["ready"].map({True: "ready", False: "not ready"})
        return counts_figure(told, title=f"Ready to take over from {self.serving}", unit="versions")

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding: ready, or not all of them."""
        ready = self.n_ready >= self.wanted
        return (
            Finding(
                code="ROLLBACK_READY" if ready else "ROLLBACK_NOT_READY",
                claim=self.summary().rstrip("."),
                estimate=float(self.n_ready),
                n=self.wanted,
                unit="versions",
                call=self.call,
            ),
        )


def readiness(store: VersionStore, target: RollbackTarget, *, keep: int = KEPT) -> Readiness:
    """Return which of the last versions could take all traffic now: ask it on a schedule.

    Parameters
    ----------
    store : VersionStore
    target : RollbackTarget
        Asked what serves, and whether each earlier version could.
    keep : int
        How many earlier versions are to be ready.

    Raises
    ------
    RefusedError
        No version serves, or two serve alike.
    UnknownNameError
        The store does not know the version that serves.
    """
    import pandas as pd

    current = serving(target.observe())
    rows = []
    for bundle in store.before(current, keep=keep):
        problems = target.problems(bundle.version)
        rows.append(
            {
                "version": bundle.version,
                "released_at": pd.Timestamp(bundle.released_at),
                "ready": not problems,
                "problems": "; ".join(problems),
                "changed": ", ".join(store.get(current).changed(bundle)),
            }
        )
    table = pd.DataFrame(rows, columns=list(Readiness.columns)).astype({"ready": bool})
    short = keep - len(rows)
    return Readiness(
        table=table,
        caveats=(f"the store holds only {len(rows)} versions before {current}.",) if short else (),
        call=f"rca.respond.rollback.readiness(store, target, keep={keep})",
        service=store.service,
        serving=current,
        wanted=keep,
    )
