"""What the facts say, as bounded log Bayes factors that several hypotheses share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from rca.analysis.events import RankedEvent
from rca.diagnose.callers import CALLERS, FewCallers
from rca.diagnose.facts import Facts
from rca.diagnose.fault import DataFault, data_fault
from rca.engine.sql import number
from rca.model.event import Event
from rca.model.finding import Evidence

#: Columns that say which provider or model served a call.
UPSTREAMS = ("provider", "model", "upstream", "vendor", "deployment", "endpoint")
#: Times that are spent upstream, and what is slow when they grow.
STAGES: Mapping[str, str] = {"retrieval_ms": "the vector store", "ttft_ms": "the model"}
#: What a call's money and time are made of.
MOVERS = ("retries", "input_tokens", "output_tokens", "retrieval_ms")
_SLACK = 0.15
#: Density of the mix's share under a cause that moves rates, where it should be near 0.
_BY_CHANCE = 0.015
_CARRIES = 0.3
_MOST_OF_IT = 0.5
_PART = 0.15
_MOST_PROVIDERS = 200
#: The worst of several newest windows is this many standard errors off by chance.
_NOTICED = 2.7


@dataclass(frozen=True)
class Signs:
    """Evidence read off the facts; every property is computed once."""

    facts: Facts

    @classmethod
    def of(cls, facts: Facts) -> Signs:
        """Make the signs of some facts."""
        return cls(facts)

    @cached_property
    def moved(self) -> Evidence:
        """The metric moved beyond season and noise, in all rows or in some."""
        located = self.facts.located
        p_values = {"over time": located.p_value if located.onset.change else 1.0}
        p_values["beside the old version"] = self._beside_p()
        where, p = min(p_values.items(), key=lambda item: item[1])
        odds = float(np.clip(-np.log(max(p, 1e-12)) - 2.5, -2.5, 9.0))
        reason = (
            f"the metric moved ({where}, corrected p = {p:.2g})"
            if p < 0.05
            else (f"no lasting move was found (corrected p = {p:.2g})")
        )
        return Evidence("moved", odds, reason)

    def moved_in(self, ranked: RankedEvent) -> Evidence:
        """The metric moved in all rows, or in those that an event touches."""
        found, metric = ranked.contrast, self.facts.located.timeline.metric
        # The sums of a slice follow its traffic: they do not say that its calls changed.
        summed = metric.family == "per_hour"
        if found is None or summed or not found.se_in > 0 or not metric.is_worse(found.shift_in):
            return self.moved
        scopes = {r.scope for r in self.facts.correlation.ranked if r.scope.columns}
        p = min(1.0, 2 * stats.norm.sf(abs(found.shift_in) / found.se_in) * len(scopes))
        odds = float(np.clip(-np.log(max(p, 1e-12)) - 2.5, -2.5, 6.0))
        if found.n_out == 0 or odds <= self.moved.log_odds:
            return self.moved
        return Evidence(
            "moved", odds, f"the metric moved in {ranked.scope} (corrected p = {p:.2g})"
        )

    def _beside_p(self) -> float:
        metric = self.facts.located.timeline.metric
        seen = {
            r.scope: r.contrast
            for r in self.facts.correlation.ranked
            if r.contrast is not None and np.isfinite(r.contrast.se_beside)
        }
        p = [
            float(2 * stats.norm.sf(abs(c.beside) / c.se_beside))
            for c in seen.values()
            if c.se_beside > 0 and metric.is_worse(c.beside)
        ]
        return min(1.0, min(p) * len(seen)) if p else 1.0

    @cached_property
    def quiet(self) -> Evidence:
        """The newest hours look like all hours before."""
        z = self._naive()
        odds = 0.7 if z < 3.0 else -float(min(z * z / 2 - 4.0, 4.0))
        return Evidence("quiet", odds, f"the newest hours are {z:.1f} standard errors worse")

    @cached_property
    def season(self) -> Evidence:
        """The newest hours are worse than the average, as their season is."""
        z, seasonal = self._naive(), self._signed(self.facts.seasonal_z)
        if z < _NOTICED:
            return Evidence(
                "season", -0.5, f"the newest hours are only {z:.1f} standard errors worse"
            )
        if seasonal < 1.0:
            return Evidence("season", -2.5, "the hour of day and day of week expect no such low")
        part = seasonal / z
        fits = float(np.clip(np.log(stats.norm.pdf(part, 1.0, 0.4) / 0.3 + 1e-6), -3, 1.2))
        odds = fits + float(min(z * z / 2 - 2, 3.0))
        return Evidence("season", odds, f"the season expects {part:.0%} of it at these hours")

    def _naive(self) -> float:
        return self._signed(self.facts.naive_z)

    def _signed(self, z: float) -> float:
        metric = self.facts.located.timeline.metric
        return {"up": z, "down": -z, "both": abs(z)}[metric.worse]

    @cached_property
    def mix(self) -> Evidence | None:
        """The shift vanishes when the shares of slices are held still."""
        search = self.facts.search
        if search is None or search.mix is None or search.total is None:
            return None
        mix = search.mix
        low, high = mix.mix_share_ci
        counted = search.metric is not None and search.metric.numerator == "1e0"
        if not np.isfinite(high - low) or counted:
            return None
        if not mix.dimensions and search.metric and search.metric.family != "per_hour":
            return None
        if mix.q_value > 0.05 or set(mix.dimensions) & set(CALLERS):
            return Evidence("mix", -4.0, "no shares of slices moved that would explain it")
        sd = float(np.hypot((high - low) / 3.92, _SLACK))
        if_mix = stats.norm.pdf(mix.mix_share, 1.0, sd)
        if_rate = 0.9 * stats.norm.pdf(mix.mix_share, 0.0, sd) + _BY_CHANCE
        names = " and ".join(mix.dimensions) or "the number of rows"
        reason = f"{mix.mix_share:.0%} ({low:.0%} to {high:.0%}) of it is the shares of {names}"
        odds = float(np.clip(np.log(if_mix + 1e-9) - np.log(if_rate), -5.0, 5.0))
        if self.moved.log_odds <= 0:
            return Evidence("mix", min(odds, 0.0), "there is no shift for shares to explain")
        return Evidence("mix", odds, reason)

    @cached_property
    def grown(self) -> Mapping[str, Any]:
        """The slice whose share grew most, when traffic moved."""
        search, comparison = self.facts.search, self.facts.comparison
        if search is None or search.mix is None or comparison is None or not search.mix.dimensions:
            return {}
        from rca.analysis.slices import slice_metric

        column = search.mix.dimensions[0]
        rows = slice_metric(comparison, by=column).table.to_dict("records")
        if not rows:
            return {}
        most = max(rows, key=lambda row: row["share_current"] - row["share_baseline"])
        return {column: most["slice"]}

    @property
    def callers(self) -> FewCallers | None:
        """The few callers with most of the excess."""
        return self.facts.callers

    @cached_property
    def spread(self) -> Evidence:
        """The shift is not that of a few callers."""
        odds = -max(0.0, self.concentrated.log_odds) if self.callers else 0.0
        said = "a few callers carry it" if odds < 0 else "no few callers carry it"
        return Evidence("spread", odds, said)

    @cached_property
    def concentrated(self) -> Evidence:
        """Most of the excess comes from a few callers, where there is an excess at all."""
        assert self.callers is not None
        if self.moved.log_odds <= 0:
            return Evidence("callers", -1.0, "there is no shift for callers to carry")
        return Evidence("callers", self.callers.log_odds, self.callers.finding.claim)

    @cached_property
    def top(self) -> tuple[Mapping[str, Any], float | None, tuple[float, float] | None]:
        """The slice that carries the shift, if one does: its values, share and interval."""
        search = self.facts.search
        rules = [r for r in search.rules if r.share >= _CARRIES] if search else []
        if not rules:
            return self.facts.located.scope.slice, None, None
        assert search is not None
        rule = max(rules, key=lambda r: r.share)
        alike = [r for r in search.rules if set(r.slice) == set(rule.slice) and r.share >= _PART]
        if len(alike) == 1 or len(rule.slice) > 1:
            return dict(rule.slice), float(rule.share), rule.share_ci
        (column,) = rule.slice
        alike.sort(key=lambda r: -r.share)
        share = float(sum(r.share for r in alike))
        return {column: [r.slice[column] for r in alike]}, share, None

    @property
    def top_share(self) -> float | None:
        """The share of the shift that the top slice carries."""
        share = self.top[1]
        return share if share is None or np.isfinite(share) else None

    def slice_of(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rows that a candidate names: those it touches, and where the shift lives."""
        broken = {self.fault.column} if self.fault else set()
        ignored = {"service", "environment"} | broken
        return {k: v for k, v in {**self.top[0], **named}.items() if k not in ignored}

    @cached_property
    def provider(self) -> Mapping[str, Any]:
        """The provider or model whose rows carry the shift, if the slices say one.

        Time that is spent before a model is called is no provider's, whoever is called next.
        """
        if self.stage == "retrieval_ms":
            return {}
        for rows in (self.facts.located.scope.slice, self.top[0]):
            named = {k: v for k, v in rows.items() if k in UPSTREAMS}
            if named:
                return named
        return {}

    @cached_property
    def providers(self) -> frozenset[str]:
        """Every provider that the log knows, in lower case."""
        logs = self.facts.incident.logs
        if logs.columns.get("provider") != "text":
            return frozenset()
        name = logs.need("provider")
        rows = logs.engine.rows(
            f"select {name} as v_ from {logs.relation} group by {name} limit {_MOST_PROVIDERS}"
        )
        return frozenset(str(row["v_"]).lower() for row in rows if row["v_"] is not None)

    @cached_property
    def stage(self) -> str | None:
        """The upstream stage whose time grew by most of what the latency grew by."""
        comparison, metric = self.facts.comparison, self.facts.located.timeline.metric
        there = [c for c in STAGES if comparison and comparison.logs.has(c)]
        if comparison is None or "latency_ms" not in metric.columns or not there:
            return None
        means = ", ".join(f"avg({number(c)}) as {c}" for c in (*there, "latency_ms"))
        rows = comparison.logs.engine.rows(
            f"select side_, {means} from (select {comparison.side_sql} "
            f"as side_, {', '.join((*there, 'latency_ms'))} from {comparison.logs.relation}) as r_ "
            "where side_ is not null group by side_"
        )
        sides = {row["side_"]: row for row in rows}
        if len(sides) < 2 or any(v is None for row in sides.values() for v in row.values()):
            return None
        grown = {c: sides[1][c] - sides[0][c] for c in (*there, "latency_ms")}
        if grown["latency_ms"] <= 0:
            return None
        shares = {c: grown[c] / grown["latency_ms"] for c in there}
        best = max(shares, key=lambda c: shares[c])
        return best if _MOST_OF_IT <= shares[best] <= 1.5 else None

    @property
    def upstream_column(self) -> str | None:
        """The column that an upstream cause is seen in."""
        return self.stage

    @cached_property
    def upstream(self) -> Evidence:
        """The shift lives with one provider or model, or in one upstream stage."""
        metric = self.facts.located.timeline.metric
        timely = set(metric.columns) & {"latency_ms", "ttft_ms", "status", "error_type"}
        if self.provider:
            odds = 2.5 if "provider" in self.provider else 1.0
            odds += 0.5 if timely else -0.5
            said = ", ".join(f"{k}={v}" for k, v in self.provider.items())
            return Evidence("upstream", odds, f"the shift lives with {said}")
        if self.stage:
            return Evidence("upstream", 0.5, f"{self.stage} moved: {STAGES[self.stage]}")
        return Evidence("upstream", -2.5, "no provider, model or upstream stage stands out")

    @cached_property
    def fault(self) -> DataFault | None:
        """The column of input data that broke, if one did."""
        return data_fault(self.facts)

    @cached_property
    def price(self) -> Evidence:
        """Prices moved, and how much of the shift that alone explains."""
        broken = next((b for b in self.facts.broken if b.code == "PRICE_CHANGED"), None)
        if broken is None or broken.share is None or self.facts.search is None:
            return Evidence("price", -4.0, "no price per token moved")
        total = self.facts.search.total
        assert total is not None
        of_shift = broken.share * total.current_value / total.shift if total.shift else 0.0
        odds = float(np.clip(np.log(stats.norm.pdf(of_shift, 1.0, 0.35) / 0.3 + 1e-6), -4.0, 2.5))
        return Evidence("price", odds, f"prices alone explain {of_shift:.0%} of the shift")

    def column_of(self, event: Event) -> str | None:
        """Return the column that an event's candidate concerns."""
        if self.fault is not None and event.kind in ("pipeline", "schema_change", "data_quality"):
            return self.fault.column
        named = event.scope.get("column")
        return str(named) if isinstance(named, str) else self.stage or self.mover

    @cached_property
    def mover(self) -> str | None:
        """What a call is made of that grew most, where money or time is what moved."""
        drift, metric = self.facts.drift, self.facts.located.timeline.metric
        if drift is None or not set(metric.columns) & {"cost_usd", "latency_ms"}:
            return None
        grown = [
            row
            for row in drift.table.to_dict("records")
            if row["column"] in MOVERS and row["column"] not in metric.columns and row["drifted"]
        ]
        most = max(grown, key=lambda row: row["effect_size"], default=None)
        return str(most["column"]) if most else None
