"""What changed in texts: their descriptors, their phrases, and examples of what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rca.analysis.drift.result import DriftProfile
from rca.model.finding import Finding
from rca.model.result import Result
from rca.stats.drift_phrases import Phrase
from rca.stats.drift_vectors import Discrepancy, Told

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class TextDrift(Result):
    """How the texts of one column moved; ``table`` is that of the descriptors' profile."""

    columns: ClassVar[Mapping[str, str]] = DriftProfile.columns

    column: str = ""
    descriptors: DriftProfile | None = None
    phrases: tuple[Phrase, ...] = ()
    told: Told | None = None
    discrepancy: Discrepancy | None = None
    examples: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return how well the sides are told apart, and what moved most."""
        assert self.told is not None and self.discrepancy is not None
        moved = self.table[self.table["drifted"]].head(3).itertuples(index=False)
        what = "; ".join(f"{row.column} {row.fault_text}" for row in moved) or "no descriptor moved"
        phrase = f"; new: {self.phrases[0].text!r}" if self.phrases else ""
        low, high = self.told.ci
        n0, n1 = self.discrepancy.n
        return (
            f"{self.column} is told apart with an AUC of {self.told.auc:.2f} (95 % {low:.2f} to "
            f"{high:.2f}; MMD p = {self.discrepancy.p_value:.2g}; texts: {n0:,} then {n1:,}): "
            f"{what}{phrase}."
        )

    def plot(self) -> go.Figure:
        """Return the descriptors by effect size with the noise of each."""
        assert self.descriptors is not None
        return self.descriptors.plot()

    def phrase_table(self) -> pd.DataFrame:
        """Return phrases that became more frequent: texts with each, the rise of their share."""
        import pandas as pd

        names = ["text", "baseline", "current", "rise", "q_value"]
        rows = [[getattr(phrase, name) for name in names] for phrase in self.phrases]
        return pd.DataFrame(rows, columns=["phrase", *names[1:]])

    def findings(self) -> tuple[Finding, ...]:
        """Return the texts' drift as a whole, then that of each descriptor."""
        assert self.told is not None and self.discrepancy is not None
        assert self.descriptors is not None
        found = []
        if self.discrepancy.p_value <= 0.01:
            found.append(
                Finding(
                    "TEXT_DRIFT",
                    self.summary(),
                    estimate=self.told.auc,
                    ci=self.told.ci,
                    p_value=self.discrepancy.p_value,
                    n=sum(self.discrepancy.n),
                    unit="AUC",
                    column=self.column,
                    call=self.call,
                    sql=self.sql[0] if self.sql else "",
                    details={
                        "phrases": [phrase.text for phrase in self.phrases[:10]],
                        "examples": list(self.examples[:5]),
                    },
                )
            )
        return (*found, *self.descriptors.findings())
