"""The visible parts of an event's probability, each with its log-odds and its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np

from rca.analysis.events.contrast import Contrast
from rca.analysis.events.lag import time_bayes_factor
from rca.analysis.events.onset import Onset
from rca.analysis.events.scope import Scope
from rca.model.event import Event
from rca.model.finding import Evidence
from rca.model.metric import Metric

#: How often a kind of event is behind an incident, before anything is seen of it.
KIND_WEIGHTS: dict[str, float] = {
    "deploy": 0.20,
    "release": 0.08,
    "model_version": 0.12,
    "prompt": 0.10,
    "config": 0.12,
    "flag": 0.10,
    "pipeline": 0.14,
    "schema_change": 0.06,
    "data_quality": 0.05,
    "upstream": 0.10,
    "infra": 0.05,
    "price": 0.04,
    "rollback": 0.015,
    "incident": 0.015,
    "annotation": 0.008,
}
_OTHER_WEIGHT = 0.03
_LEAST = -7.0
_RECURRING = ("pipeline", "data_quality")
_FAILED = ("fail", "error", "cancel", "abort", "reject")
_NOT_PRODUCTION = ("stag", "dev", "test", "qa", "sandbox", "preview", "canary-test")


def prior(event: Event, events: Sequence[Event]) -> Evidence:
    """Return the weight of the kind, shared among all events of that kind and target."""
    alike = sum(other.kind == event.kind for other in events)
    weight = KIND_WEIGHTS.get(event.kind, _OTHER_WEIGHT)
    return Evidence("prior", log(weight / max(1, alike)), f"one of {alike} {event.kind} events")


def time(event: Event, onset: Onset, span_s: float) -> Evidence:
    """Return how well the lag from event to onset fits its kind."""
    if onset.change is None or onset.posterior is None:
        return Evidence("time", 0.0, "the metric shows no onset")
    factor = time_bayes_factor(event, onset.posterior, span_s)
    lag_s = onset.change.at - event.ts.timestamp()
    word = "after" if lag_s >= 0 else "before"
    reason = f"onset {duration(abs(lag_s))} {word} the event"
    return Evidence("time", max(_LEAST, log(factor + 1e-12)), reason)


def scope(event_scope: Scope, found: Contrast | None, metric: Metric) -> Evidence:
    """Return whether the shift lives in the rows that the event touches."""
    if not event_scope.columns or found is None:
        return Evidence("scope", 0.0, "the event names no rows")
    if found.n_in == 0:
        return Evidence("scope", -2.5, f"no rows of {event_scope} in the log")
    if found.n_out == 0:
        return Evidence("scope", 0.0, f"{event_scope} is every row since the onset")
    inside = metric.text(found.shift_in, signed=True)
    outside = metric.text(found.shift_out, signed=True)
    reason = (
        f"{event_scope}: {inside} inside (n={found.n_in:,.0f}), {outside} outside "
        f"(n={found.n_out:,.0f})"
    )
    return Evidence("scope", found.log_bayes_factor, reason)


def beside(found: Contrast | None, metric: Metric) -> Evidence | None:
    """Return how the new version does beside the old one at the same times."""
    if found is None or not np.isfinite(found.se_beside) or not np.isfinite(found.beside):
        return None
    needed = found.shift_in
    if not np.isfinite(needed) or needed == 0:
        return None
    slack = 0.35 * abs(needed)
    sd = float(np.hypot(found.se_beside, slack))
    odds = ((found.beside / sd) ** 2 - ((found.beside - needed) / sd) ** 2) / 2
    sign = metric.text(found.beside, signed=True)
    reason = f"{sign} beside the other versions in the same buckets"
    return Evidence("beside", float(np.clip(odds, -5.0, 5.0)), reason)


def status(event: Event) -> Evidence | None:
    """Return what a failed deploy or a failed pipeline run is worth."""
    if not event.status or not any(word in event.status.lower() for word in _FAILED):
        return None
    if event.kind in ("pipeline", "data_quality", "upstream", "infra", "incident"):
        return Evidence("status", 1.5, f"status {event.status}: its data may be stale or missing")
    return Evidence("status", -2.0, f"status {event.status}: it may never have taken effect")


def place(event: Event, service: str | None) -> Evidence | None:
    """Return what another environment or service costs."""
    environment = (event.environment or "").lower()
    if environment and environment.startswith(_NOT_PRODUCTION):
        return Evidence("place", -4.0, f"environment {event.environment}")
    if service and event.service and event.service.lower() != service.lower():
        if event.kind in ("pipeline", "upstream", "infra", "schema_change", "data_quality"):
            return None
        return Evidence("place", -2.0, f"service {event.service}, not {service}")
    return None


def recovery(event: Event, onset: Onset, events: Sequence[Event]) -> Evidence | None:
    """Return what it is worth that the metric came back when this event was rolled back."""
    if onset.ended_at is None:
        return None
    for other in events:
        undoes = other.kind == "rollback" or any(
            word in other.title.lower() for word in ("roll back", "rollback", "revert", "disable")
        )
        lag = onset.ended_at - other.ts.timestamp()
        if undoes and other.ts > event.ts and -1800 <= lag <= 3 * 3600 and _same(event, other):
            return Evidence(
                "recovery", 2.5, f"the metric came back {duration(abs(lag))} from {other.event_id}"
            )
    return None


def unusual(event: Event, events: Sequence[Event]) -> Evidence | None:
    """Return how a run differs from the earlier runs of the same target."""
    earlier = [
        other
        for other in events
        if other.kind == event.kind and other.target == event.target and other.ts < event.ts
    ]
    if event.kind not in _RECURRING or event.target is None or len(earlier) < 3:
        return None
    usual, _ = Counter(str(other.status) for other in earlier).most_common(1)[0]
    if str(event.status) != usual:
        return Evidence("unusual", 2.0, f"status {event.status}, usually {usual}")
    if event.version and earlier[-1].version and event.version != earlier[-1].version:
        return Evidence("unusual", 1.0, f"version {event.version} after {earlier[-1].version}")
    for name, value in event.scope.items():
        numbers = [
            float(other.scope[name])
            for other in earlier
            if isinstance(other.scope.get(name), (int, float))
        ]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and len(numbers) >= 5:
            middle = float(np.median(numbers))
            spread = 1.4826 * float(np.median(np.abs(np.array(numbers) - middle)))
            if abs(value - middle) > 6 * max(spread, 0.02 * abs(middle), 1e-9):
                return Evidence("unusual", 2.0, f"{name} {value:g}, usually {middle:g}")
    return None


def _same(event: Event, other: Event) -> bool:
    """Tell whether a rollback speaks of an event: same target or version, or it names neither."""
    if other.from_version and event.version:
        return other.from_version == event.version
    if other.target and event.target:
        return other.target == event.target
    return True


def duration(seconds: float) -> str:
    """Return a length of time in its largest fitting unit.

    >>> duration(42), duration(600), duration(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
