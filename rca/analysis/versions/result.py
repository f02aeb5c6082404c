"""What a version diff answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rca.analysis.versions.answers import AnswerChanges, answer_changes
from rca.analysis.versions.changed import Changed, changed_rows, count_changed
from rca.analysis.versions.estimate import Estimate, discordance
from rca.analysis.versions.mix import Adjusted
from rca.analysis.versions.tradeoff import TradeOff, trade_off
from rca.analysis.versions.units import Units
from rca.model.finding import Finding
from rca.model.metric import Metric
from rca.model.result import Result
from rca.stats.paired import McNemar, mcnemar

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_SAID = {
    "regressed": "regressed",
    "improved": "improved",
    "no_regression": "no regression beyond the margin",
    "cannot_tell": "cannot tell",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class VersionDiff(Result):
    """The shift between two versions: overall, in every slice asked for, and in further metrics.

    Attributes
    ----------
    units : Units
        How rows were made into independent units; ``units.match`` says how they were paired.
    overall : Estimate
        The shift over all rows.
    adjusted : Adjusted or None
        The shift at a common mix of requests, where rows are not paired and the mix moved.
    slices : tuple of Estimate
        One for each slice, largest first.
    metrics : pandas.DataFrame
        One row for each metric, with Holm's adjusted p-values.
    """

    columns: ClassVar = {
        "dimension": "the column of the slice; empty for all rows",
        "value": "the slice's value; '(rest)' pools thin slices; empty for all rows",
        "n_baseline": "rows of the baseline",
        "n_current": "rows of the current version",
        "n": "independent units: pairs, clusters or rows",
        "baseline": "value of the baseline",
        "current": "value of the current version",
        "shift": "current - baseline",
        "low": "lower end of the 95 % interval of the shift",
        "high": "upper end of it",
        "p_value": "two-sided p-value of no change",
        "q_value": "the same, corrected for all slices (empty for all rows)",
        "verdict": "regressed, improved, no_regression or cannot_tell",
        "margin": "largest loss that passes as no regression",
        "detectable": "smallest true shift that this many units find 8 times in 10",
        "rose": "pairs whose value rose (empty when unpaired)",
        "fell": "pairs whose value fell (empty when unpaired)",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "dimension",
        "value",
        "n",
        "baseline",
        "current",
        "shift",
        "low",
        "high",
        "q_value",
        "verdict",
    )

    units: Units
    overall: Estimate
    adjusted: Adjusted | None
    slices: tuple[Estimate, ...]
    metrics: pd.DataFrame

    @property
    def metric(self) -> Metric:
        """The first metric."""
        return self.units.metrics[0]

    @property
    def paired(self) -> bool:
        """Whether rows were paired."""
        return self.units.paired

    @property
    def verdict(self) -> str:
        """The verdict over all rows; at a common mix, where the mix moved."""
        return (self.overall if self.adjusted is None else self.adjusted.estimate).verdict

    @property
    def discordance(self) -> tuple[int, int, int, int] | None:
        """Pairs of zeros and ones: 1 on both sides, only before, only after, on neither."""
        if not self.paired or self.overall.cell.odd or not self.overall.cell.pairs:
            return None
        return discordance(self.overall.cell)

    @property
    def mcnemar(self) -> McNemar | None:
        """McNemar's test, exact and mid-p, of independent pairs of zeros and ones."""
        counts = self.discordance
        if counts is None or self.units.cluster is not None:
            return None
        return mcnemar(counts[2], counts[1])

    def summary(self) -> str:
        """Return the shift, its interval, what it was measured on, and the verdict."""
        claim = self._claim(self.overall)
        if self.adjusted is not None:
            e, text = self.adjusted.estimate, self.metric.text
            low, high = (text(end, signed=True) for end in e.ci)
            claim += (
                f"; at a common mix of {' and '.join(self.adjusted.columns)} it is "
                f"{text(e.shift, signed=True)} (95% {low} to {high}, p={e.p_value:.2g})"
            )
        return f"{claim}: {_SAID[self.verdict]}."

    def findings(self) -> tuple[Finding, ...]:
        """Return the shift over all rows, then each slice that moved."""
        main = self.overall if self.adjusted is None else self.adjusted.estimate
        overall = self._finding(main, f"VERSION_{self.verdict.upper()}", self.summary())
        moved = sorted(
            (e for e in self.slices if e.verdict in ("regressed", "improved")),
            key=lambda e: e.q_value,
        )
        parts = (
            self._finding(
                e,
                f"VERSION_SLICE_{e.verdict.upper()}",
                f"{e.cell.dimension}={e.cell.value}: {self._claim(e)}: {_SAID[e.verdict]}.",
            )
            for e in moved
        )
        return (overall, *parts)

    def plot(self) -> go.Figure:
        """Return a forest of shifts with intervals: all rows, then each slice."""
        from rca.plots.versions import forest

        table = self.table.assign(
            label=[
                f"{d}={v}" if d else v or "all rows"
                for d, v in zip(self.table["dimension"], self.table["value"], strict=True)
            ]
        )
        comparison = self.units.comparison
        return forest(
            table,
            title=f"{comparison}: shift",
            unit=self.metric.unit,
            worse=self.metric.worse,
            margin=self.overall.margin,
        )

    def plot_discordance(self) -> go.Figure | None:
        """Return the matrix of pairs that changed, or None when values are not 0 and 1."""
        from rca.plots.versions import discordance as draw

        counts = self.discordance
        if counts is None:
            return None
        comparison = self.units.comparison
        return draw(
            counts,
            title=f"{comparison.metric.title}: which of {sum(counts):,} pairs changed",
            baseline=comparison.baseline.name,
            current=comparison.current.name,
        )

    def changed(
        self,
        *,
        which: Changed = "worse",
        limit: int = 20,
        offset: int = 0,
        columns: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return a page of the pairs that changed; see :func:`changed_rows`."""
        return changed_rows(self.units, which=which, limit=limit, offset=offset, columns=columns)

    def changed_html(self, *, which: Changed = "worse", limit: int = 20, offset: int = 0) -> str:
        """Return the same page as static HTML, answers side by side with their differences."""
        from rca.plots.changed_page import changed_page

        comparison = self.units.comparison
        rows = self.changed(which=which, limit=limit, offset=offset)
        total = count_changed(self.units, which)
        return changed_page(
            rows,
            title=f"{comparison}: pairs that changed ({which})",
            baseline=comparison.baseline.name,
            current=comparison.current.name,
            note=f"{len(rows):,} of {total:,} pairs, from number {offset + 1:,}.",
        )

    def answers(self) -> AnswerChanges:
        """Return how the answers changed in kind; see :func:`answer_changes`."""
        return answer_changes(self.units)

    def trade_off(self, *, seed: int = 0) -> TradeOff:
        """Return whether a threshold moved or the scores did; see :func:`trade_off`."""
        return trade_off(self.units.comparison, match=self.units.match, seed=seed)

    def _claim(self, e: Estimate) -> str:
        comparison, text = self.units.comparison, self.metric.text
        low, high = (text(end, signed=True) for end in e.ci)
        return (
            f"{self.metric.title} was {text(e.current)} in {comparison.current.name} against "
            f"{text(e.baseline)} in {comparison.baseline.name}, {text(e.shift, signed=True)} "
            f"(95% {low} to {high}, p={e.p_value:.2g}; {self._measured_on(e)})"
        )

    def _measured_on(self, e: Estimate) -> str:
        rows = f"{e.cell.rows[0]:,} and {e.cell.rows[1]:,} rows"
        match = self.units.match
        on = f"{e.cell.pairs:,} pairs by {' and '.join(match.columns)}" if match else rows
        cluster = self.units.cluster
        return on if cluster is None else f"{on}, {e.cell.sums.n:,.0f} values of {cluster}"

    def _finding(self, e: Estimate, code: str, claim: str) -> Finding:
        dimension = e.cell.dimension
        return Finding(
            code=code,
            claim=claim,
            estimate=e.shift,
            ci=e.ci,
            p_value=e.p_value,
            q_value=None if e.q_value != e.q_value else e.q_value,
            n=sum(e.cell.rows),
            unit=self.metric.unit,
            slice={dimension: e.cell.value} if dimension else {},
            column=dimension or None,
            call=self.call,
            sql=self.sql[0] if self.sql else "",
            details={
                "baseline": e.baseline,
                "current": e.current,
                "verdict": e.verdict,
                "margin": e.margin,
                "detectable": e.detectable,
                "paired": self.paired,
                "method": e.method,
            },
        )


def table_of(
    overall: Estimate, at_mix: Adjusted | None, slices: Sequence[Estimate], *, paired: bool
) -> pd.DataFrame:
    """Return estimates as the public table."""
    import pandas as pd

    named: list[tuple[str | None, Estimate]] = [("", overall)]
    if at_mix is not None:
        named.append((f"at a common mix of {' and '.join(at_mix.columns)}", at_mix.estimate))
    named += [(e.cell.value, e) for e in slices]
    rows = [
        {
            "dimension": e.cell.dimension,
            "value": name,
            "n_baseline": e.cell.rows[0],
            "n_current": e.cell.rows[1],
            "n": int(e.cell.sums.n),
            "baseline": e.baseline,
            "current": e.current,
            "shift": e.shift,
            "low": e.ci[0],
            "high": e.ci[1],
            "p_value": e.p_value,
            "q_value": e.q_value,
            "verdict": e.verdict,
            "margin": e.margin,
            "detectable": e.detectable,
            "rose": float(e.cell.rose) if paired else float("nan"),
            "fell": float(e.cell.fell) if paired else float("nan"),
        }
        for name, e in named
    ]
    return pd.DataFrame(rows, columns=list(VersionDiff.columns))
