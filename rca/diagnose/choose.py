"""Which metric moved, when nobody said which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rca.analysis.events.onset import find_onset
from rca.analysis.events.timeline import Timeline, bucket_width, timelines
from rca.errors import MissingColumnError, WindowError
from rca.model.catalogue import available
from rca.model.incident import Incident
from rca.model.metric import Metric
from rca.stats.multiplicity import holm

#: What users notice comes first, and what other metrics are made of last.
_WEIGHT = {"accuracy": 0.5, "flagged_rate": 0.5, "error_rate": 0.5} | dict.fromkeys(
    ("retries", "input_tokens", "output_tokens", "retrieval_latency", "ttft", "p95_ttft"), -1.5
)
_NEWEST_S = 3 * 3600
_ALPHA = 0.05


@dataclass(frozen=True)
class Tried:
    """A metric that was scanned: its p-value corrected for all scanned, and its size.

    ``newest_z`` is how much worse the newest hours are than all before, season or not.
    """

    metric: Metric
    p_value: float
    z: float
    newest_z: float


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
                _newest(line, metric),
            )
        )
    adjusted = holm([t.p_value for t in found])
    tried = tuple(
        Tried(t.metric, float(p), t.z, t.newest_z) for t, p in zip(found, adjusted, strict=True)
    )
    best = max(range(len(tried)), key=lambda i: (_worth(tried[i]), -i))
    return tried[best].metric, tried


def _newest(line: Timeline, metric: Metric) -> float:
    now = line.times >= line.times[-1] + line.width_s - _NEWEST_S if len(line.times) else None
    if now is None or now.all():
        return 0.0
    before, newest = line.sums[~now].total(), line.sums[now].total()
    variance = float(before.variance + newest.variance)
    if not np.isfinite(variance) or variance <= 0:
        return 0.0
    z = float(newest.value - before.value) / float(np.sqrt(variance))
    return {"up": z, "down": -z, "both": abs(z)}[metric.worse]


def _worth(tried: Tried) -> float:
    """Return how well a metric is chosen: those that moved first, then those at their worst."""
    weight = _WEIGHT.get(tried.metric.name, 0.0)
    if tried.p_value > _ALPHA:
        return min(tried.newest_z, 50.0) / 1e3 + weight / 1e4
    return 10.0 + float(np.log1p(tried.z)) + weight
