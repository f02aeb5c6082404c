"""The answer of the search for slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rca.analysis.slices.claims import caveats_of, claims, percent
from rca.analysis.slices.clusters import Clustering
from rca.analysis.slices.parts import Mix, Rule, Spread, Total
from rca.analysis.slices.rows import Rows
from rca.analysis.slices.tails import Tail
from rca.model.finding import Finding
from rca.model.metric import Metric
from rca.model.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class SliceSearch(Result):
    """The slices that moved apart from the rest, those that carry most of the shift first.

    Attributes
    ----------
    total : Total
        The whole shift.
    mix : Mix
        How much of it is shares that moved rather than values.
    spread : Spread
        Whether the rows outside the slices moved too.
    rules : tuple of Rule
        The slices, disjoint in the order in which they were found.
    verdict : str
        ``local`` (slices carry it), ``mixed`` (slices, and the rest moved too), ``mix`` (shares
        moved, values did not), ``global`` (all slices moved alike), ``none`` (no shift and no
        slice moved).
    looked_at : int
        How many slices were contrasted.
    tail : Tail or None
        The few largest rows of a mean or sum with a heavy tail, and what they carry.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "rule": "the slice as one reads it",
        "slice": "its columns and values",
        "depth": "how many columns",
        "n_baseline": "measured rows on the baseline side",
        "n_current": "measured rows on the current side",
        "baseline_value": "the value there on the baseline side (a new version: where it came to)",
        "current_value": "the value there on the current side",
        "shift": "current less baseline value",
        "ci": "95 % interval of the shift",
        "contribution": "what the slice adds to the whole shift, in the metric's unit",
        "rate": "the part of it from the slice's own change",
        "mix": "the part of it from its change of share",
        "share": "part of the whole shift that it adds",
        "share_ci": "95 % Fieller interval of the share",
        "baseline_quantile": "of a quantile metric: the slice's own, exact (new: the whole's)",
        "current_quantile": "the same on the current side",
        "without": "of a quantile metric: the current side's over all rows outside the slice",
        "gain": "log-likelihood gained by letting the slice move by itself",
        "p_value": "two-sided, of the slice moving like the rest",
        "q_value": "p_value corrected for all slices looked at",
        "new": "the value has no baseline rows",
        "also": "other slices that hold nearly the same rows",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "rule",
        "n_baseline",
        "n_current",
        "shift",
        "ci",
        "rate",
        "mix",
        "share",
        "q_value",
    )

    total: Total | None = None
    mix: Mix | None = None
    spread: Spread | None = None
    rules: tuple[Rule, ...] = ()
    verdict: str = ""
    looked_at: int = 0
    dimensions: tuple[str, ...] = ()
    metric: Metric | None = None
    stand_in: Metric | None = None
    tail: Tail | None = None

    @classmethod
    def of(
        cls,
        rows: Rows,
        rules: Sequence[Rule],
        total: Total,
        mix: Mix,
        spread: Spread,
        *,
        looked_at: int,
        dimensions: tuple[str, ...],
        clusters: Clustering,
        tail: Tail | None,
        call: str,
        sql: tuple[str, ...],
    ) -> SliceSearch:
        """Gather the parts of a search."""
        ranked = sorted(rules, key=lambda rule: -np.nan_to_num(rule.share, nan=abs(rule.gain)))
        return cls(
            _table(ranked),
            caveats=(
                *caveats_of(rows, ranked, mix, clusters, tail),
                *rows.comparison.logs.caveats,
            ),
            call=call,
            sql=sql,
            total=total,
            mix=mix,
            spread=spread,
            rules=tuple(ranked),
            verdict=_verdict(ranked, total, mix, spread),
            looked_at=looked_at,
            dimensions=dimensions,
            metric=rows.comparison.metric,
            stand_in=rows.metric,
            tail=tail,
        )

    @property
    def mix_share(self) -> float:
        """The part of the shift that is mix."""
        assert self.mix is not None
        return self.mix.mix_share

    def summary(self) -> str:
        """Return which slices carry the shift, or that none does."""
        assert self.metric is not None and self.total is not None and self.mix is not None
        total, metric = self.total, self.metric
        moved = (
            f"{metric.title} moved by {metric.text(total.shift, signed=True)} "
            f"(rows: {total.n_baseline:,} then {total.n_current:,})"
        )
        looked = f"{self.looked_at:,} slices looked at"
        if self.verdict == "none":
            return f"{moved}, which chance explains; no slice moved apart ({looked})."
        if self.verdict == "global":
            return f"{moved}; all slices moved alike, so no slice is named ({looked})."
        if self.verdict == "mix":
            return (
                f"{moved}; {percent(self.mix.mix_share)} of it vanishes when the shares of "
                f"{' and '.join(self.mix.dimensions)} are held: the traffic changed ({looked})."
            )
        named = "; ".join(
            f"{rule.text} ({metric.text(rule.contribution, signed=True)}, "
            f"{percent(rule.share)} of it)"
            for rule in self.rules[:3]
        )
        rest = " The rest moved too." if self.verdict == "mixed" else ""
        return f"{moved}, carried by {named} ({looked}).{rest}"

    def plot(self) -> go.Figure:
        """Return the slices' shifts with their intervals, beside that of all rows."""
        from rca.plots.slices import forest

        assert self.stand_in is not None and self.total is not None
        title = f"Slices that carry the shift of {self.stand_in.title}"
        if not self.rules:
            title = f"No slice carries the shift of {self.stand_in.title}"
        return forest(self.table, unit=self.stand_in.unit, title=title)

    def tree(self) -> go.Figure:
        """Return the current rows as areas, coloured by the shift of each slice and of the rest."""
        import pandas as pd

        from rca.plots.slices import treemap

        assert self.stand_in is not None and self.total is not None and self.spread is not None
        rest = {
            "rule": "all other rows",
            "n_current": self.spread.n_current,
            "shift": self.spread.outside_shift,
        }
        shown = pd.concat([self.table[list(rest)], pd.DataFrame([rest])], ignore_index=True)
        return treemap(
            shown,
            unit=self.stand_in.unit,
            title=f"Current rows by slice, and how far {self.stand_in.title} moved there",
            shift=self.total.stand_in,
            worse=self.stand_in.worse,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return a claim for each slice, for the mix, and for what moved everywhere."""
        return claims(self)


def _verdict(rules: Sequence[Rule], total: Total, mix: Mix, spread: Spread) -> str:
    shifted = total.p_value <= 0.05
    if rules:
        rest = spread.outside_p_value <= 0.01 and spread.outside_share >= 0.25
        return "mixed" if shifted and rest else "local"
    if mix.dimensions and mix.matters(0.5) and shifted:
        return "mix"
    return "global" if shifted else "none"


def _table(rules: Sequence[Rule]) -> pd.DataFrame:
    import pandas as pd

    own = [name for name in SliceSearch.columns if name not in ("rule", "slice", "depth", "also")]
    rows = [
        {"rule": rule.text, "slice": dict(rule.slice), "depth": len(rule.slice)}
        | {name: getattr(rule, name) for name in own}
        | {"also": ", ".join(rule.also)}
        for rule in rules
    ]
    return pd.DataFrame(rows, columns=list(SliceSearch.columns))
