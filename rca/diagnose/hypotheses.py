"""The explanations that are weighed against each other, with every part of their log-odds.

Each hypothesis starts from a prior (how often incidents turn out to be that) and gathers log Bayes
factors from what was seen. A factor is a ratio of how well two explanations predict one number; it
is bounded, because every model of ours may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np

from rca.diagnose.affinity import Mentions, event_parts, timed
from rca.diagnose.facts import Facts
from rca.diagnose.signs import Signs
from rca.model.event import Event
from rca.model.finding import Evidence

#: Priors of explanations without an event, beside those of the kinds of events.
PRIORS: Mapping[str, float] = {
    "unlogged": 0.16,
    "upstream": 0.08,
    "input": 0.10,
    "traffic_mix": 0.10,
    "data_quality": 0.10,
    "pipeline": 0.05,
    "season": 0.10,
    "quiet": 0.10,
}
#: An event found only in the log is named by what it is, not by an id that nobody gave.
INFERRED_KINDS: Mapping[str, str] = {"model_version": "deploy", "config": "upstream"}


@dataclass(frozen=True)
class Hypothesis:
    """One explanation: what it would be, the parts of its log-odds, and what it names."""

    kind: str
    claim: str
    evidence: tuple[Evidence, ...]
    event: Event | None = None
    slice: Mapping[str, Any] = field(default_factory=dict)
    column: str | None = None
    share: float | None = None
    share_ci: tuple[float, float] | None = None
    codes: tuple[str, ...] = ()

    @property
    def log_odds(self) -> float:
        """The sum of the parts."""
        return sum(part.log_odds for part in self.evidence)


def hypotheses(facts: Facts) -> list[Hypothesis]:
    """Return every explanation with its evidence."""
    signs = Signs.of(facts)
    found: list[Hypothesis | None] = [*_events(facts, signs), _unlogged(signs)]
    found += [_quiet(signs), _season(signs)]
    found += [_traffic_mix(signs), _input(signs), _upstream(signs), _data_fault(signs)]
    found += _measurements(signs)
    return [h for h in found if h is not None]


def _events(facts: Facts, signs: Signs) -> list[Hypothesis]:
    mentions = Mentions.of([r.event for r in facts.correlation.ranked])
    found = []
    for ranked in facts.correlation.ranked:
        event = ranked.event
        parts = (
            *timed(ranked, signs),
            signs.moved_in(ranked),
            *event_parts(ranked, signs, mentions),
        )
        rows = signs.slice_of(ranked.scope.slice)
        share = ranked.contrast.share if ranked.contrast and ranked.scope.columns else None
        kind = INFERRED_KINDS.get(event.kind, event.kind) if event.inferred else event.kind
        where = f" in {_said(rows)}" if rows else ""
        found.append(
            Hypothesis(
                kind,
                f"{event}{where}",
                parts,
                event,
                rows,
                signs.column_of(event),
                share if share is not None and np.isfinite(share) else signs.top_share,
                codes=("ONSET", "EVENT_NEAR_ONSET"),
            )
        )
    return found


def _unlogged(signs: Signs) -> Hypothesis:
    rows = signs.slice_of({})
    where = f" in {_said(rows)}" if rows else ""
    return Hypothesis(
        "none",
        f"none of these: a change that no event explains{where}",
        (_prior("unlogged", "something that nobody logged"), signs.moved),
        slice=rows,
        share=signs.top_share,
        codes=("ONSET",),
    )


def _quiet(signs: Signs) -> Hypothesis:
    parts = (_prior("quiet", "alerts that are nothing"), signs.quiet)
    test = signs.facts.test
    unsure = test is None or test.verdict == "cannot_tell"
    claim = (
        "cannot tell a shift from noise" if unsure else "nothing happened: no shift beyond noise"
    )
    return Hypothesis("none", claim, parts)


def _season(signs: Signs) -> Hypothesis:
    parts = (_prior("season", "alerts at an ordinary low"), signs.season)
    return Hypothesis("season", "an ordinary swing of the day or the week", parts)


def _traffic_mix(signs: Signs) -> Hypothesis | None:
    if signs.mix is None:
        return None
    mixed = signs.facts.search.mix if signs.facts.search else None
    names = " and ".join(mixed.dimensions) if mixed else ""
    said = f"the shares of {names} moved, the rates within them did not"
    parts = (_prior("traffic_mix", "shifts of who asks what"), signs.moved, signs.mix, signs.spread)
    return Hypothesis(
        "traffic_mix",
        said if names else f"{_fewer_or_more(signs)} calls, each as before",
        parts,
        slice=signs.grown,
        column=mixed.dimensions[0] if mixed and mixed.dimensions else None,
        share=mixed.mix_share if mixed else None,
        share_ci=mixed.mix_share_ci if mixed else None,
        codes=("TRAFFIC_MIX",),
    )


def _fewer_or_more(signs: Signs) -> str:
    total = signs.facts.search.total if signs.facts.search else None
    return "fewer" if total is not None and total.shift < 0 else "more"


def _input(signs: Signs) -> Hypothesis | None:
    callers = signs.callers
    if callers is None:
        return None
    parts = (
        _prior("input", "abusive, malformed or runaway callers"),
        signs.moved,
        signs.concentrated,
    )
    return Hypothesis(
        "input",
        f"the traffic of {_said(callers.slice)}",
        parts,
        slice=callers.slice,
        column=callers.column,
        share=callers.share,
        codes=("FEW_CALLERS",),
    )


def _upstream(signs: Signs) -> Hypothesis:
    parts = (
        _prior("upstream", "a provider that told nobody"),
        signs.moved,
        signs.upstream,
    )
    rows = signs.provider or signs.slice_of({})
    return Hypothesis(
        "upstream",
        f"an upstream that no event speaks of: {_said(rows) if rows else 'any provider'}",
        parts,
        slice=rows,
        column=signs.upstream_column,
        share=signs.top_share,
        codes=("ONSET", "SLICE_SHIFT"),
    )


def _data_fault(signs: Signs) -> Hypothesis | None:
    fault = signs.fault
    if fault is None:
        return None
    return Hypothesis(
        "pipeline",
        f"the data of column {fault.column} broke: {fault.text}, with no event that says so",
        (_prior("pipeline", "data that broke and no run to blame"), signs.moved, fault.evidence),
        column=fault.column,
        share=fault.explains,
        codes=("ONSET", fault.code),
    )


def _measurements(signs: Signs) -> list[Hypothesis]:
    found = []
    for broken in signs.facts.broken:
        part = Evidence("measurement", broken.log_odds, broken.finding.claim)
        parts = [_prior("data_quality", "the measurement itself breaks"), part]
        if broken.code == "PRICE_CHANGED":
            parts.append(signs.price)
        # Repeated rows are counted once, so that their fault may leave the metric where it was.
        if broken.code != "DUPLICATED_ROWS" or signs.moved.log_odds > 0:
            parts.append(signs.moved)
        rows = {"model": broken.models[0]} if len(broken.models) == 1 else {}
        found.append(
            Hypothesis(
                "data_quality",
                f"the measurement broke: {broken.finding.claim}",
                tuple(parts),
                slice=rows,
                column=broken.column,
                share=broken.share,
                codes=(broken.code,),
            )
        )
    return found


def _prior(name: str, reason: str) -> Evidence:
    return Evidence("prior", log(PRIORS[name]), reason)


def _said(rows: Mapping[str, Any]) -> str:
    def text(value: Any) -> str:
        return " or ".join(map(str, value)) if isinstance(value, list) else str(value)

    return " & ".join(f"{column}={text(value)}" for column, value in rows.items())
