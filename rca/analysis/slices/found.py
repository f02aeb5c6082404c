"""The answer of the search for slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.clusters import Clustering
from rca.analysis.slices.rows import Rows
from rca.analysis.slices.shifts import TRAVELS
from rca.model.finding import Finding
from rca.model.metric import Metric
from rca.model.result import Result
from rca.stats.ratio import Difference, Sums

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_NAN = float("nan")
Interval = tuple[float, float]


@dataclass(frozen=True)
class Total:
    """The whole shift, in the metric's unit.

    ``stand_in`` is the shift of what adds up over rows, and ``scale`` the metric's units per one of
    it: 1, but for quantiles.
    """

    metric: str
    unit: str
    baseline_value: float
    current_value: float
    shift: float
    ci: Interval
    p_value: float
    n_baseline: int
    n_current: int
    stand_in: float
    scale: float


@dataclass(frozen=True)
class Mix:
    """What the shares of some columns' values explain: ``mix_shift`` vanishes when they are held.

    For sums per hour there are no columns: ``mix_shift`` is the effect of the number of rows, and
    ``rate_shift`` that of the mean per row.
    """

    dimensions: tuple[str, ...]
    rate_shift: float
    mix_shift: float
    mix_ci: Interval
    mix_share: float
    mix_share_ci: Interval
    p_value: float
    q_value: float

    @classmethod
    def none(cls, whole: Difference) -> Mix:
        """Return the split with no column whose shares could have moved."""
        return cls((), whole.shift, 0.0, (0.0, 0.0), 0.0, (0.0, 0.0), 1.0, 1.0)

    def matters(self, share: float) -> bool:
        """Tell whether the mix is real and, where the whole moved, a material part of it."""
        return self.q_value <= 0.05 and not abs(self.mix_share) < share


@dataclass(frozen=True)
class Spread:
    """The rows outside the slices found: did they move too?

    ``outside_share`` is the part of the shift that they carry; ``heterogeneity_p_value`` the
    (corrected) chance of the largest contrast left when all slices there moved alike.
    """

    outside_shift: float
    outside_ci: Interval
    outside_p_value: float
    outside_part: float
    outside_share: float
    n_baseline: int
    n_current: int
    heterogeneity_p_value: float

    @classmethod
    def unknown(cls) -> Spread:
        """Return the spread where too few rows are left to tell."""
        return cls(_NAN, (-np.inf, np.inf), 1.0, _NAN, _NAN, 0, 0, 1.0)


@dataclass(frozen=True)
class Rule:
    """One slice found: its values, what it moved by, and its part of the whole shift."""

    slice: Mapping[str, str]
    gain: float
    p_value: float
    q_value: float
    outside: float
    new: bool
    baseline: Sums = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    also: tuple[str, ...] = ()
    n_baseline: int = 0
    n_current: int = 0
    baseline_value: float = _NAN
    current_value: float = _NAN
    shift: float = _NAN
    ci: Interval = (_NAN, _NAN)
    rate: float = _NAN
    mix: float = _NAN
    share: float = _NAN
    share_ci: Interval = (_NAN, _NAN)
    contribution: float = _NAN

    @property
    def text(self) -> str:
        """The slice as one reads it: ``query_type=math & region=eu``."""
        return rule_text(self.slice)

    def placed(
        self,
        *,
        own: Sums,
        baseline: Sums,
        current: Sums,
        test: Difference,
        hours: tuple[float, float] | None,
        rate: float,
        mix: float,
        share: float,
        share_ci: Interval,
        scale: float,
    ) -> Rule:
        """Return the rule with its measured parts."""
        h0, h1 = hours or (1.0, 1.0)
        return replace(
            self,
            n_baseline=int(own.n),
            n_current=int(current.n),
            baseline_value=float(baseline.value if hours is None else baseline.y / h0),
            current_value=float(current.value if hours is None else current.y / h1),
            shift=test.shift,
            ci=test.ci,
            rate=rate * scale,
            mix=mix * scale,
            share=share,
            share_ci=share_ci,
            contribution=(rate + mix) * scale,
        )


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
        "gain": "log-likelihood gained by letting the slice move by itself",
        "p_value": "two-sided, of the slice moving like the rest",
        "q_value": "p_value corrected for all slices looked at",
        "new": "the value has no baseline rows",
        "also": "other slices that hold nearly the same rows",
    }

    total: Total | None = None
    mix: Mix | None = None
    spread: Spread | None = None
    rules: tuple[Rule, ...] = ()
    verdict: str = ""
    looked_at: int = 0
    dimensions: tuple[str, ...] = ()
    metric: Metric | None = None
    stand_in: Metric | None = None

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
        call: str,
        sql: tuple[str, ...],
    ) -> SliceSearch:
        """Gather the parts of a search."""
        ranked = sorted(rules, key=lambda rule: -np.nan_to_num(rule.share, nan=abs(rule.gain)))
        return cls(
            _table(ranked),
            caveats=(
                *_caveats(rows, ranked, mix, clusters),
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
                f"{moved}; {_percent(self.mix.mix_share)} of it vanishes when the shares of "
                f"{' and '.join(self.mix.dimensions)} are held: the traffic changed ({looked})."
            )
        named = "; ".join(
            f"{rule.text} ({metric.text(rule.contribution, signed=True)}, "
            f"{_percent(rule.share)} of it)"
            for rule in self.rules[:3]
        )
        rest = " The rest moved too." if self.verdict == "mixed" else ""
        return f"{moved}, carried by {named} ({looked}).{rest}"

    def plot(self) -> go.Figure:
        """Return the slices' shifts with their intervals, beside that of all rows."""
        from rca.plots.slices import forest

        assert self.stand_in is not None and self.total is not None
        return forest(self.table, unit=self.stand_in.unit, title=self.summary())

    def findings(self) -> tuple[Finding, ...]:
        """Return a claim for each slice, for the mix, and for what moved everywhere."""
        from rca.analysis.slices.claims import claims

        return claims(self)


def rule_text(values: Mapping[str, str]) -> str:
    """Return a slice as one reads it.

    >>> rule_text({"query_type": "math", "region": "eu"})
    'query_type=math & region=eu'
    """
    return " & ".join(f"{name}={value}" for name, value in values.items())


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if np.isfinite(share) else "an unknown part"


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


def _caveats(rows: Rows, rules: Sequence[Rule], mix: Mix, clusters: Clustering) -> list[str]:
    found = [TRAVELS] if rules else []
    metric = rows.comparison.metric
    if sum(rows.n_null):
        found.append(
            f"{rows.n_null[0]:,} baseline and {rows.n_null[1]:,} current rows have no value of "
            f"{metric.title} and are left out."
        )
    if rows.quantiles is not None:
        found.append(f"Slices were searched for by the {rows.metric.title}.")
    for rule in rules:
        if rule.also:
            found.append(f"{rule.text} holds nearly the same rows as {', '.join(rule.also)}.")
        if rule.new:
            found.append(f"{rule.text} is new: it is compared with the rows that it replaced.")
    if rows.hours is None and mix.dimensions and mix.matters(0.15):
        found.append(f"The search held the shares of {' and '.join(mix.dimensions)} still.")
    found += clusters.caveats
    if metric.counted_note:
        found.append(metric.counted_note)
    return found
