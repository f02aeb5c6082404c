"""A claim with its numbers, and the candidates that claims are gathered into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One claim, its numbers and the call that recomputes it.

    Attributes
    ----------
    code : str
        What kind of claim it is; stable, so that documents and programs may rely on it.
    claim : str
        One sentence, with number, unit and n.
    estimate, ci, n
        The number claimed, its interval (95 %) and the rows behind it.
    p_value, q_value
        The chance of a number as large with nothing behind it, alone and after correction for
        everything that was looked at.
    slice, column, event_id
        What the claim is about, where it is about one.
    details : mapping
        Further numbers, by name.
    """

    code: str
    claim: str
    estimate: float | None = None
    ci: tuple[float, float] | None = None
    p_value: float | None = None
    q_value: float | None = None
    n: int | None = None
    unit: str = ""
    slice: Mapping[str, Any] = field(default_factory=dict)
    column: str | None = None
    event_id: str | None = None
    call: str = ""
    sql: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    def __str__(self) -> str:
        return f"[{self.id or self.code}] {self.claim}"


@dataclass(frozen=True)
class Evidence:
    """One visible part of a candidate's probability: what was seen and its log-odds."""

    part: str
    log_odds: float
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A ranked suspect; only a person, in the postmortem, calls one a cause."""

    rank: int
    probability: float
    kind: str
    claim: str
    event_id: str | None = None
    slice: Mapping[str, Any] = field(default_factory=dict)
    column: str | None = None
    share: float | None = None
    share_ci: tuple[float, float] | None = None
    findings: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    def __str__(self) -> str:
        kind = "" if self.claim.startswith(self.kind) else f"{self.kind}: "
        return f"{self.rank}. {percent(self.probability)} {kind}{self.claim}"


def percent(probability: float) -> str:
    """Return a probability as a percentage that never claims certainty.

    >>> percent(0.412), percent(0.9999), percent(0.0002)
    ('41%', '>99%', '<1%')
    """
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"
