"""Input data that broke: the drifted column that explains the metric's shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rca.diagnose.facts import Facts
from rca.model.finding import Evidence
from rca.model.logs import MEASURES, OUTCOMES
from rca.model.window import at, iso

_NO_FAULT = frozenset({"", "DISTRIBUTION_SHIFT", "SAMPLING_CHANGE"})


@dataclass(frozen=True)
class DataFault:
    """A column that broke, how, and how well it explains when and what moved."""

    column: str
    code: str
    text: str
    explains: float | None
    evidence: Evidence
    onset: tuple[float, float, float] | None = None

    @property
    def said(self) -> str:
        """The fault in words."""
        return f"{self.column} broke ({self.text or self.code.replace('_', ' ').lower()})"


def data_fault(facts: Facts) -> DataFault | None:
    """Return the broken column of input data that best explains the shift, if any."""
    if facts.drift is None:
        return None
    metric = facts.located.timeline.metric
    found = []
    for row in facts.drift.table.to_dict("records"):
        name = str(row["column"])
        if not row["drifted"] or row["fault"] in _NO_FAULT or name in metric.columns:
            continue
        if name in MEASURES | OUTCOMES or row.get("role") in ("version", "outcome", "label"):
            continue
        found.append(_judged(facts, row))
    return max(found, key=lambda f: f.evidence.log_odds, default=None)


def _judged(facts: Facts, row: dict[Any, Any]) -> DataFault:
    explains = row["explains"]
    known = explains is not None and np.isfinite(explains)
    odds = 2.0 + (float(np.clip(4 * explains - 1, -2.0, 2.5)) if known else 0.0)
    reason = f"{row['column']}: {row['fault_text'] or row['fault']}"
    change, onset = facts.located.onset.change, _onset(row)
    if onset is not None:
        reason += f", since {iso(at(onset[1]))}"
    if onset is not None and change is not None:
        gap = max(0.0, onset[0] - change.high, change.low - onset[2])
        near = gap < 2 * facts.located.timeline.width_s
        odds += 1.5 if near else -1.5
    if known:
        reason += f", explaining {explains:.0%} of the shift"
    return DataFault(
        str(row["column"]),
        str(row["fault"]),
        str(row["fault_text"]),
        float(explains) if known else None,
        Evidence("data", odds, reason),
        onset,
    )


def _onset(row: dict[Any, Any]) -> tuple[float, float, float] | None:
    times = [row[name] for name in ("onset_low", "onset", "onset_high")]
    if any(time is None or time != time for time in times):
        return None
    low, middle, high = (float(time.timestamp()) for time in times)
    return low, middle, high
