"""Which metric moved, when nobody said which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rca.analysis.events.onset import find_onset
from rca.analysis.events.timeline import bucket_width, timelines
from rca.errors import MissingColumnError, WindowError
from rca.model.catalogue import available
from rca.model.incident import Incident
from rca.model.metric import Metric
from rca.model.window import at, iso
from rca.stats.multiplicity import holm

#: Metrics that a metric is made of come after it: spend follows tokens, tokens follow retries.
_FIRST = ("accuracy", "flagged_rate", "error_rate")


@dataclass(frozen=True)
class Tried:
    """A metric that was scanned: its p-value corrected for all scanned, and its size."""

    metric: Metric
    p_value: float
    z: float
    when: str


def choose_metric(incident: Incident) -> tuple[Metric, tuple[Tried, ...]]:
    """Return the metric of the catalogue that moved most clearly by the alert, and all tried.

    All metrics that the log has the columns for are read in one pass; changes in a bad direction
    count, corrected for the number of metrics (Holm). When none moved, the first of the catalogue.

    Raises
    ------
    MissingColumnError
        The log has the columns of no metric.
    WindowError
        The log has no times.
    """
    logs = incident.logs
    metrics = [m for m in available(logs).values() if m.name != "requests"]
    if not metrics:
        raise MissingColumnError(
            "no metric of the catalogue can be measured on this log. "
            "Give one: metric='mean:COLUMN', say."
        )
    if logs.span is None:
        raise WindowError("the log has no times, so no metric can be seen to move. Map one to ts.")
    alert = incident.alerted_at.timestamp()
    lines = timelines(logs, metrics, width_s=bucket_width(logs, logs.span))
    found = []
    for metric, line in zip(metrics, lines, strict=True):
        change = find_onset(line, alert, metric).change if len(line.times) else None
        worse = change is not None and metric.is_worse(change.shift)
        found.append(
            Tried(
                metric,
                change.p_value if change is not None and worse else 1.0,
                abs(change.z) if change is not None and worse else 0.0,
                iso(at(change.at)) if change is not None and worse else "",
            )
        )
    adjusted = holm([t.p_value for t in found])
    tried = tuple(
        Tried(t.metric, float(p), t.z, t.when) for t, p in zip(found, adjusted, strict=True)
    )
    best = max(range(len(tried)), key=lambda i: (_worth(tried[i]), -i))
    return tried[best].metric, tried


def _worth(tried: Tried) -> float:
    if tried.p_value > 0.05:
        return 0.0
    return float(np.log1p(tried.z)) + (0.5 if tried.metric.name in _FIRST else 0.0)
