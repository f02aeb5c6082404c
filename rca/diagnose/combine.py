"""From hypotheses to ranked candidates: one softmax, then claims with their findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rca.diagnose.hypotheses import Hypothesis
from rca.model.finding import Candidate, Finding

#: Log-odds are divided by this: the parts are not as independent as their sum takes them to be.
TEMPERATURE = 1.25
#: Candidates under this probability are gathered in the last one, with "none of these".
_LEAST = 1e-4
_MOST = 25


def candidates_of(
    hypotheses: Sequence[Hypothesis], findings: Sequence[Finding]
) -> tuple[Candidate, ...]:
    """Return the hypotheses as candidates, likeliest first; probabilities sum to 1.

    ``none`` is always there; what is too unlikely to be shown is added to it.
    """
    odds = np.array([h.log_odds for h in hypotheses]) / TEMPERATURE
    p = np.exp(odds - odds.max())
    p /= p.sum()
    nones = [i for i, h in enumerate(hypotheses) if h.kind == "none"]
    kept_none = max(nones, key=lambda i: p[i])
    shown = [i for i in np.argsort(-p, kind="stable") if p[i] >= _LEAST][:_MOST]
    if kept_none not in shown:
        shown.append(kept_none)
    shown = [int(i) for i in shown if i == kept_none or hypotheses[i].kind != "none"]
    shares = {i: float(p[i]) for i in shown}
    shares[kept_none] += 1.0 - sum(shares.values())
    ranked = sorted(shown, key=lambda i: (-shares[i], i))
    return tuple(
        _candidate(rank, shares[i], hypotheses[i], findings)
        for rank, i in enumerate(ranked, start=1)
    )


def numbered(findings: Sequence[Finding], *, call: str) -> tuple[Finding, ...]:
    """Give findings ids, in order, and this call where no verb has made them."""
    return tuple(
        replace(f, id=f"F{i}", call=f.call or call) for i, f in enumerate(findings, start=1)
    )


def _candidate(
    rank: int, probability: float, hypothesis: Hypothesis, findings: Sequence[Finding]
) -> Candidate:
    named = hypothesis.event is not None and not hypothesis.event.inferred
    return Candidate(
        rank,
        probability,
        hypothesis.kind,
        hypothesis.claim,
        hypothesis.event.event_id if hypothesis.event is not None and named else None,
        dict(hypothesis.slice),
        hypothesis.column,
        hypothesis.share,
        hypothesis.share_ci,
        tuple(f.id for f in findings if _concerns(f, hypothesis)),
        tuple(sorted(hypothesis.evidence, key=lambda part: -abs(part.log_odds))),
    )


def _concerns(finding: Finding, hypothesis: Hypothesis) -> bool:
    if finding.event_id is not None:
        return hypothesis.event is not None and finding.event_id == hypothesis.event.event_id
    if finding.code in hypothesis.codes:
        return finding.column in (None, hypothesis.column) or finding.code != "SLICE_SHIFT"
    same_rows = bool(finding.slice) and finding.slice.items() <= dict(hypothesis.slice).items()
    return same_rows or (finding.column is not None and finding.column == hypothesis.column)
