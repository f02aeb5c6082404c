"""Rules that people use to name a cause, and change points of peers in front of the same ranking.

Every rule answers like a diagnosis: candidates, likeliest first, each with a probability. A rule
knows no probabilities, so that it is sure of its first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from changepoints import complete, peers
from rca.analysis.events import EventCorrelation
from rca.analysis.events.correlate import _candidates, _contrasts, _ranked, _result
from rca.analysis.events.inferred import version_values
from rca.analysis.events.locate import Located
from rca.analysis.events.onset import Onset
from rca.analysis.events.scope import ALL_ROWS, scope_of
from rca.diagnose import Diagnosis
from rca.diagnose.affinity import event_words
from rca.diagnose.callers import CALLERS
from rca.engine.sql import f64, lit
from rca.model.event import Event
from rca.model.incident import Incident
from rca.model.metric import Metric
from rca.model.window import Window, at
from rca.stats.changepoint import ChangePoint, Series, TimePosterior
from rca.stats.ratio import SUMS, Sums, difference
from scipy import stats

Answer = list[dict[str, Any]]
_NEWEST_S = 6 * 3600
_P_VALUE = 1e-5
_LEAST_ROWS = 50
_UPSTREAMS = ("provider", "model")


# ------------------------------------------------------------------ rules


def latest_before_alert(incident: Incident, _: Diagnosis) -> Answer:
    """Blame the newest event before the alert."""
    before = [event for event in incident.events if event.ts <= incident.alerted_at]
    return _sure(sorted(before, key=lambda event: event.ts, reverse=True))


def nearest_to_onset(incident: Incident, diagnosis: Diagnosis) -> Answer:
    """Blame the event nearest to the onset that rca found; to the alert where it found none."""
    onset = diagnosis.shift.onset if diagnosis.shift else None
    when = onset[1] if onset else incident.alerted_at
    return _sure(sorted(incident.events, key=lambda event: abs(event.ts - when)))


def largest_ratio(incident: Incident, diagnosis: Diagnosis) -> Answer:
    """Blame what fits the slice whose metric rose most, by ratio, in the hours before the alert.

    The newest event before the alert that names the slice; else its provider or caller; else the
    newest event. Slices that pass no z test at 1e-5 are left out.
    """
    found = _slice_by_ratio(incident)
    newest = latest_before_alert(incident, diagnosis)
    if found is None:
        return newest
    column, value = found
    said = [e for e in incident.events if value.lower() in event_words(e)]
    named = {e.event_id for e in said if e.ts <= incident.alerted_at}
    first = [c for c in newest if c["event_id"] in named]
    kind = "upstream" if column in _UPSTREAMS else "input" if column in CALLERS else None
    own = [] if kind is None else [{"kind": kind, "event_id": None, "slice": {column: value}}]
    rest = [c for c in newest if c["event_id"] not in named]
    return _ranked_answer([*first, *own, *rest])


RULES: Mapping[str, Callable[[Incident, Diagnosis], Answer]] = {
    "latest event before the alert": latest_before_alert,
    "event nearest to the onset": nearest_to_onset,
    "slice of the largest ratio": largest_ratio,
}


def _sure(events: Sequence[Event]) -> Answer:
    if not events:
        return _ranked_answer([{"kind": "none", "event_id": None, "slice": {}}])
    return _ranked_answer([{"kind": e.kind, "event_id": e.event_id, "slice": {}} for e in events])


def _ranked_answer(candidates: Sequence[dict[str, Any]]) -> Answer:
    """Number candidates; the first is sure."""
    return [
        {**candidate, "rank": rank, "probability": float(rank == 1)}
        for rank, candidate in enumerate(candidates, start=1)
    ]


def _slice_by_ratio(incident: Incident) -> tuple[str, str] | None:
    """Return the slice whose metric is the most times as bad since the newest hours began."""
    logs, metric = incident.logs, incident.metric
    assert metric is not None and logs.span is not None
    start, end = logs.span.start.timestamp(), logs.span.end.timestamp()
    split = max(incident.alerted_at.timestamp() - _NEWEST_S, start + 0.1 * (end - start))
    hours = ((split - start) / 3600, (end - split) / 3600)
    columns = (*logs.dimensions, *(c for c in CALLERS if c in logs.columns))
    best: tuple[float, str, str] | None = None
    for name in dict.fromkeys(columns):
        if name in metric.columns or logs.profile[name]["distinct"] < 2:
            continue
        for value, pair in _sides(incident, name, split).items():
            score = _ratio(pair, hours, metric) if len(pair) == 2 else None
            if score is not None and (best is None or score > best[0]):
                best = (score, name, value)
    return None if best is None else best[1:]


def _sides(incident: Incident, name: str, split: float) -> dict[str, dict[int, Sums]]:
    logs, metric = incident.logs, incident.metric
    assert metric is not None
    dialect = logs.engine.dialect
    rows = logs.engine.rows(
        f"select k_, s_, count(*) as n, sum(x_) as x, sum(y_) as y, sum(x_ * x_) as xx, "
        f"sum(x_ * y_) as xy, sum(y_ * y_) as yy from (select {dialect.text(logs.need(name))} "
        f"as k_, cast({dialect.epoch('ts')} >= {lit(split)} as integer) as s_, "
        f"{f64(metric.y)} as y_, {f64(metric.x)} as x_ from {logs.relation} "
        f"where ts is not null and {metric.measured}) as r_ where k_ is not null "
        f"group by k_, s_ having count(*) >= {_LEAST_ROWS} order by k_, s_"
    )
    found: dict[str, dict[int, Sums]] = {}
    for row in rows:
        sums = Sums(*(np.asarray(float(row[part])) for part in SUMS))
        found.setdefault(row["k_"], {})[row["s_"]] = sums
    return found


def _ratio(pair: Mapping[int, Sums], hours: tuple[float, float], metric: Metric) -> float | None:
    """Return the log of how many times as bad; None where a z test sees no difference."""
    if metric.family == "per_hour":
        before, after = float(pair[0].y) / hours[0], float(pair[1].y) / hours[1]
        return float(np.log(after / before)) if after > before > 0 else None
    found = difference(pair[0], pair[1])
    if found.p_value > _P_VALUE or not metric.is_worse(found.shift):
        return None
    before, after = float(pair[0].value), float(pair[1].value)
    if metric.worse == "down" and metric.binary:
        before, after = 1 - before, 1 - after
    return float(abs(np.log(max(after, 1e-9) / max(before, 1e-9))))


# ------------------------------------------------------------------ peers' change points


def event_rankings(incident: Incident, diagnosis: Diagnosis) -> dict[str, Answer]:
    """Return the ranking of events behind each finder of change points, in the metric of all rows.

    The parts of the evidence, their priors and "none of these" are the same for all.
    """
    assert diagnosis.facts is not None
    own = diagnosis.facts.correlation
    assert own.located is not None
    found = {"rca": _answer(own), "rca, all rows": _answer(_correlated(incident, own, None))}
    series = own.located.timeline.series
    if len(series.present()) < 3:
        return found
    values = complete(series)
    for name, peer in peers().items():
        if peer is not None:
            found[name] = _answer(_correlated(incident, own, peer(values)))
    return found


def _correlated(
    incident: Incident, own: EventCorrelation, starts: Sequence[int] | None
) -> EventCorrelation:
    """Rank the events against change points given as bucket numbers; None for those of rca."""
    located = own.located
    assert located is not None and incident.metric is not None
    onset = located.whole
    if starts is not None:
        onset = _onset(located, incident, starts)
    line = located.timeline
    place = replace(located, searched=line, whole=onset, onset=onset, seen_in=ALL_ROWS,
                    scope=ALL_ROWS)  # fmt: skip
    values = version_values(incident.logs)
    events = _candidates(incident, values, onset)
    scopes = {event.event_id: scope_of(event, incident.logs, values) for event in events}
    named = [scope for scope in dict.fromkeys(scopes.values()) if scope.columns]
    contrasts, sql = _contrasts(incident.logs, place, named)
    ranked = _ranked(incident, place, contrasts, events, scopes, values)
    return _result(incident, place, ranked, sql)


def _onset(located: Located, incident: Incident, starts: Sequence[int]) -> Onset:
    """Return the newest change point before the alert, for the worse if there is one."""
    line, metric = located.timeline, located.timeline.metric
    edges = [0, *sorted(i for i in starts if 0 < i < len(line.times)), len(line.times)]
    alert = incident.alerted_at.timestamp()
    changes = [
        _change(line.series, line.sums[edges[i - 1] : edges[i]].total(),
                line.sums[edges[i] : edges[i + 1]].total(), line.times[edges[i]])
        for i in range(1, len(edges) - 1)
        if line.times[edges[i]] <= alert
    ]  # fmt: skip
    worse = [change for change in changes if metric.is_worse(change.shift)] or changes
    if not worse:
        return replace(located.whole, change=None)
    change = worse[-1]
    start, end = float(line.times[0]), float(line.times[-1]) + line.width_s
    baseline, current = Window(at(start), at(change.at)), Window(at(change.at), at(end))
    return Onset(change, located.whole.changes, baseline, current)


def _change(series: Series, before: Sums, after: Sums, start: float) -> ChangePoint:
    """Return a change point of a peer: within a bucket of where it says, evenly."""
    low, high = float(start - series.width_s), float(start + series.width_s)
    shift = float(after.value - before.value) if float(after.x) and float(before.x) else 0.0
    if not float(after.x):
        shift = float(after.y / max(1.0, after.n) - before.y / max(1.0, before.n))
    error = float(np.sqrt(before.variance + after.variance))
    z = shift / error if error > 0 else 0.0
    return ChangePoint(
        at=float(start), low=low, high=high, shape="step", ramp_end=float(start), p_ramp=0.0,
        before=float(before.value), after=float(after.value), shift=shift,
        shift_ci=(shift - 1.96 * error, shift + 1.96 * error), effect=z, z=z,
        p_value=float(2 * stats.norm.sf(abs(z))), n_before=float(before.n),
        n_after=float(after.n),
        time_posterior=TimePosterior(np.array([low, high]), np.array([1.0])),
    )  # fmt: skip


def _answer(found: EventCorrelation) -> Answer:
    rows = found.table.to_dict("records")
    return [
        {
            "rank": rank,
            "probability": row["probability"],
            "kind": row["kind"],
            "event_id": row["event_id"] if isinstance(row["event_id"], str) else None,
            "slice": {},
        }
        for rank, row in enumerate(rows, start=1)
    ]
