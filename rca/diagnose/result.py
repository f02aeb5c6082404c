"""The answer to an incident: what moved, since when, where, and the ranked candidates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rca.model.finding import Candidate, Finding, percent
from rca.model.metric import Metric
from rca.model.result import Result
from rca.model.window import Window, iso
from rca.version import __version__

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from rca.diagnose.facts import Facts

Verdict = Literal["shifted", "not_shifted", "cannot_tell"]


@dataclass(frozen=True)
class Shift:
    """The metric before and since, and whether it moved beyond its season.

    ``smallest`` is the smallest shift that would have been seen with 80 % power.
    """

    metric: Metric
    verdict: Verdict
    baseline: Window
    current: Window
    baseline_value: float
    current_value: float
    shift: float
    ci: tuple[float, float]
    n_baseline: int
    n_current: int
    smallest: float
    onset: tuple[datetime, datetime, datetime] | None = None

    def sentence(self) -> str:
        """Return what moved, by how much and since when."""
        metric, n = self.metric, f"n = {self.n_baseline:,} then {self.n_current:,}"
        low, high = (metric.text(end, signed=True) for end in self.ci)
        values = f"{metric.text(self.baseline_value)} to {metric.text(self.current_value)}"
        moved = f"{metric.title}: {values} ({metric.text(self.shift, signed=True)}, 95 % {low} to "
        head = f"{moved}{high}; {n})"
        if self.verdict == "cannot_tell":
            return f"Cannot tell whether {metric.title} moved. {head}."
        if self.verdict == "not_shifted" or self.onset is None:
            seen = metric.text(self.smallest)
            plain = "did not move beyond its season and noise"
            return f"{metric.title} {plain} (a shift of {seen} would have been seen). {head}."
        low_t, at, high_t = (time.replace(microsecond=0) for time in self.onset)
        return f"{head}, since {iso(at)} ({iso(low_t)} to {iso(high_t)}, 90 %)."


@dataclass(frozen=True, eq=False)
class Diagnosis(Result):
    """Ranked candidates with probabilities; see :func:`rca.diagnose`."""

    columns: ClassVar[Mapping[str, str]] = {
        "rank": "1 is the likeliest",
        "probability": "given all that was looked at; they sum to 1",
        "kind": "what sort of cause it would be",
        "event_id": "the event named, if one is",
        "slice": "the rows that carry the shift",
        "column": "the column concerned",
        "share": "part of the shift explained",
        "claim": "one sentence",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "rank",
        "probability",
        "claim",
        "share",
    )

    candidates: tuple[Candidate, ...] = ()
    found: tuple[Finding, ...] = ()
    shift: Shift | None = None
    facts: Facts | None = field(default=None, repr=False)
    service: str | None = None
    alerted_at: datetime | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)

    def summary(self) -> str:
        """Return what moved and the first candidate."""
        assert self.shift is not None
        first = self.candidates[0]
        second = self.candidates[1] if len(self.candidates) > 1 else None
        lines = [self.shift.sentence(), f"Likeliest: {percent(first.probability)} {first.claim}"]
        if second and second.probability > 0.5 * first.probability:
            lines.append(f"Close behind: {percent(second.probability)} {second.claim}")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the metric over time with its onset, the events and their probabilities."""
        return self.timeline(self.windows)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The baseline and the incident window that were compared; none where they could not be."""
        assert self.facts is not None
        pair = self.facts.comparison
        sides = (pair.baseline, pair.current) if pair is not None else ()
        return tuple(side.window for side in sides if side.window is not None)

    def timeline(self, windows: Sequence[Window]) -> go.Figure:
        """Return the figure of :meth:`plot` with these windows shaded."""
        from rca.analysis.events.figure import onset_figure

        assert self.facts is not None
        table = self.facts.correlation.table.copy()
        by_event = {c.event_id: c.probability for c in self.candidates if c.event_id}
        table["probability"] = [by_event.get(e, 0.0) for e in table["event_id"]]
        return onset_figure(self.facts.located, table, windows=windows)

    def findings(self) -> tuple[Finding, ...]:
        """Return every claim that the candidates rest on."""
        return self.found

    def evidence(self) -> Any:
        """Return the parts of every candidate's log-odds as a pandas table."""
        import pandas as pd

        rows = [
            {
                "rank": candidate.rank,
                "candidate": candidate.event_id or candidate.kind,
                "part": part.part,
                "log_odds": part.log_odds,
                "reason": part.reason,
            }
            for candidate in self.candidates
            for part in candidate.evidence
        ]
        return pd.DataFrame(rows, columns=["rank", "candidate", "part", "log_odds", "reason"])

    def to_dict(self) -> dict[str, Any]:
        """Return the machine-readable diagnosis of the contract."""
        shift = self.shift
        assert shift is not None
        assert self.alerted_at is not None
        onset = shift.onset
        return {
            "rca_version": __version__,
            "incident": {
                "metric": shift.metric.name,
                "unit": shift.metric.unit,
                "service": self.service,
                "alerted_at": iso(self.alerted_at),
                "onset": onset
                and {"at": iso(onset[1]), "low": iso(onset[0]), "high": iso(onset[2])},
                "baseline_window": [iso(shift.baseline.start), iso(shift.baseline.end)],
                "incident_window": [iso(shift.current.start), iso(shift.current.end)],
                "baseline_value": number(shift.baseline_value),
                "current_value": number(shift.current_value),
                "shift": number(shift.shift),
                "shift_ci": interval(shift.ci),
                "n_baseline": shift.n_baseline,
                "n_current": shift.n_current,
                "verdict": shift.verdict,
            },
            "candidates": [
                {
                    "rank": c.rank,
                    "probability": c.probability,
                    "kind": c.kind,
                    "event_id": c.event_id,
                    "slice": dict(c.slice),
                    "column": c.column,
                    "share": number(c.share),
                    "claim": c.claim,
                    "findings": list(c.findings),
                }
                for c in self.candidates
            ],
            "findings": [
                {
                    "id": f.id,
                    "code": f.code,
                    "claim": f.claim,
                    "estimate": number(f.estimate),
                    "ci": interval(f.ci),
                    "p_value": number(f.p_value),
                    "q_value": number(f.q_value),
                    "n": f.n,
                    "call": f.call,
                    "sql": f.sql,
                }
                for f in self.found
            ],
            "caveats": list(self.caveats),
            "timings_s": {step: round(seconds, 3) for step, seconds in self.timings_s.items()},
        }


def number(value: float | None) -> float | None:
    """Return a number that JSON can hold, or None for what is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def interval(ci: tuple[float, float] | None) -> list[float | None] | None:
    """Return an interval that JSON can hold."""
    return None if ci is None else [number(ci[0]), number(ci[1])]
