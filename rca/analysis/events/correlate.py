"""The verb: which events explain when and where a metric moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rca.analysis.events import parts
from rca.analysis.events.contrast import Contrast, contrast
from rca.analysis.events.figure import onset_figure
from rca.analysis.events.inferred import Value, infer_events, version_values
from rca.analysis.events.locate import Located, locate
from rca.analysis.events.onset import Onset
from rca.analysis.events.scope import ALL_ROWS, MOST_SCOPES, Scope, scope_cube, scope_of
from rca.errors import WindowError
from rca.model.event import Event
from rca.model.finding import Evidence, Finding
from rca.model.incident import Incident
from rca.model.logs import Logs
from rca.model.result import Result
from rca.model.window import at, iso

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Weight of "something that nobody logged", beside the kinds of events.
UNLOGGED_WEIGHT = 0.16
#: An event under this probability makes no finding.
LEAST_SHOWN = 0.05
_AFTER_S = 2 * 3600
_SAME_VERSION_S = 48 * 3600


@dataclass(frozen=True)
class RankedEvent:
    """An event, the rows it touches and every part of its log-odds."""

    event: Event
    scope: Scope
    contrast: Contrast | None
    evidence: tuple[Evidence, ...]

    @property
    def log_odds(self) -> float:
        """The sum of the parts."""
        return sum(part.log_odds for part in self.evidence)


@dataclass(frozen=True, eq=False)
class EventCorrelation(Result):
    """Events ranked by how well they explain the onset; see :func:`correlate_events`."""

    columns: ClassVar[Mapping[str, str]] = {
        "event_id": "the event; null for none of these",
        "ts": "when it was logged, UTC",
        "kind": "its kind",
        "title": "what it says of itself",
        "probability": "given that one of these, or none, moved the metric",
        "lag_h": "hours from the event to the onset",
        "scope": "the rows it names",
        "share": "part of the shift that lives in these rows",
        "evidence": "the parts of the log-odds",
    }
    shown: ClassVar[tuple[str, ...]] = (
        "event_id",
        "ts",
        "kind",
        "title",
        "probability",
        "lag_h",
        "scope",
        "share",
    )

    located: Located | None = None
    ranked: tuple[RankedEvent, ...] = ()
    p_none: float = 1.0

    def summary(self) -> str:
        """Return the onset and the first of the ranking."""
        assert self.located is not None
        metric, change = self.located.timeline.metric, self.located.onset.change
        if change is None:
            return f"{metric.title} shows no lasting change; no event stands out."
        when = f"{iso(at(change.at))} ({iso(at(change.low))} to {iso(at(change.high))}, 90 %)"
        where = f" in {self.located.seen_in}" if self.located.seen_in.columns else ""
        moved = f"{metric.title} moved{where} by {metric.text(change.shift, signed=True)} at {when}"
        first = self.table.iloc[0]
        n = int(change.n_before), int(change.n_after)
        return (
            f"{moved}, n {n[0]:,} then {n[1]:,}; first of {len(self.ranked)} events: "
            f"{first['event_id'] or 'none of these'} ({first['probability']:.0%})."
        )

    @property
    def onset(self) -> datetime | None:
        """When the metric moved, UTC; None where it shows no lasting change."""
        assert self.located is not None
        change = self.located.onset.change
        return at(change.at) if change else None

    def plot(self) -> go.Figure:
        """Return the metric over time with its changes and the events."""
        assert self.located is not None
        return onset_figure(self.located, self.table)

    def findings(self) -> tuple[Finding, ...]:
        """Return the onset and each event that stands out."""
        assert self.located is not None
        metric, change = self.located.timeline.metric, self.located.onset.change
        if change is None:
            return ()
        sql = self.located.searched.sql
        found = [
            Finding(
                "ONSET",
                f"{metric.title} moved in {self.located.seen_in} by "
                f"{metric.text(change.shift, signed=True)} ({change.shape}) between "
                f"{iso(at(change.low))} and {iso(at(change.high))}",
                change.shift,
                change.shift_ci,
                p_value=change.p_value,
                n=int(change.n_before + change.n_after),
                unit=metric.unit,
                call=self.call,
                slice=self.located.seen_in.slice,
                sql=sql,
            )
        ]
        for row in self.table.to_dict("records"):
            if row["event_id"] and row["probability"] >= LEAST_SHOWN:
                found.append(
                    Finding(
                        "EVENT_NEAR_ONSET",
                        f"{row['kind']} {row['event_id']} ({row['title']}) fits: {row['evidence']}",
                        row["probability"],
                        n=int(change.n_before + change.n_after),
                        event_id=row["event_id"],
                        call=self.call,
                        sql=sql,
                    )
                )
        return tuple(found)


def correlate_events(incident: Incident) -> EventCorrelation:
    """Rank the events of an incident by how well they explain its onset.

    For every event e the log-odds are a sum of visible parts,

        log w(kind) / N(kind) + log BF_time + log BF_scope + log BF_beside + ...

    where BF_time is the posterior of the onset weighed with the kind's prior of lags, BF_scope
    asks whether the shift lives in the rows that the event names, and BF_beside compares a new
    version with the old one at the same times. "None of these" has the weight of an event that
    nobody logged. First rows of new versions in the log are events too (``inferred``).

    Parameters
    ----------
    incident : Incident
        With a metric.

    Returns
    -------
    EventCorrelation
        Its ``table`` has one row an event and one for "none of these", likeliest first.

    Raises
    ------
    WindowError
        The incident has no metric, or its log has no times.
    """
    if incident.metric is None:
        raise WindowError("the incident has no metric. Give one: incident.measuring('accuracy').")
    logs = incident.logs
    if logs.span is None:
        raise WindowError(
            "the log has no times, so nothing can come after an event. Map one to ts."
        )
    located = locate(incident)
    values = version_values(logs)
    events = _candidates(incident, values, located.onset)
    scopes = {event.event_id: scope_of(event, logs, values) for event in events}
    named = [scope for scope in dict.fromkeys(scopes.values()) if scope.columns]
    contrasts, sql = _contrasts(logs, located, named)
    ranked = _ranked(incident, located, contrasts, events, scopes, values)
    return _result(incident, located, ranked, sql)


def _candidates(incident: Incident, values: Sequence[Value], onset: Onset) -> tuple[Event, ...]:
    """Return given events, and inferred ones that no given event stands for."""
    latest = incident.alerted_at.timestamp()
    if onset.change is not None:
        latest = max(latest, onset.change.high)
    given = [event for event in incident.events if event.ts.timestamp() <= latest + _AFTER_S]
    inferred = [
        event
        for event in infer_events(incident.logs, tuple(values))
        if not any(_stands_for(other, event) for other in given)
    ]
    return tuple(given + inferred)


def _stands_for(given: Event, inferred: Event) -> bool:
    near = abs((given.ts - inferred.ts).total_seconds()) < _SAME_VERSION_S
    ((column, value),) = inferred.scope.items()
    named = str(given.scope.get(column, "")).lower() == str(value).lower()
    version = (given.version or "").lower().removeprefix("v")
    return near and (named or version == str(value).lower().removeprefix("v"))


def _contrasts(
    logs: Logs, located: Located, scopes: Sequence[Scope]
) -> tuple[dict[Scope, Contrast], tuple[str, ...]]:
    """Return the shift inside and outside each scope.

    Where the shift lives in a slice, its rows are compared among themselves, so that rows which
    never moved do not blur the contrast; a scope over the same columns needs all rows.
    """
    timeline, onset = located.timeline, located.onset
    baseline, current = onset.masks(timeline)
    if not (baseline.any() and current.any()):
        return {}, ()
    long_run = onset.changes.long_run
    inflation = max(1.0, long_run) if np.isfinite(long_run) else 1.0
    slice_columns = {column for column, _ in located.scope.columns}
    found: dict[Scope, Contrast] = {}
    sql = []
    passes = [scopes[i : i + MOST_SCOPES] for i in range(0, len(scopes), MOST_SCOPES)]
    for within, some in product(dict.fromkeys((ALL_ROWS, located.scope)), passes):
        cube = scope_cube(logs, timeline, some, within=within)
        sql.append(cube.sql)
        for scope in cube.scopes:
            if within is ALL_ROWS or not slice_columns & {c for c, _ in scope.columns}:
                seen = contrast(cube, scope, baseline, current, inflation=inflation)
                if seen is not None and (within is ALL_ROWS or seen.n_in > 0):
                    found[scope] = seen
    return found, tuple(sql)


def _ranked(
    incident: Incident,
    located: Located,
    contrasts: Mapping[Scope, Contrast],
    events: Sequence[Event],
    scopes: Mapping[str, Scope],
    values: Sequence[Value],
) -> tuple[RankedEvent, ...]:
    timeline, onset = located.timeline, located.onset
    span_s = float(timeline.times[-1] - timeline.times[0] + timeline.width_s)
    ranked = []
    for event in events:
        scope = scopes[event.event_id]
        seen = contrasts.get(scope)
        acting = _as_acting(event, scope, values)
        evidence = [
            parts.prior(event, events),
            parts.time(acting, onset, span_s),
            parts.scope(scope, seen, timeline.metric),
            parts.beside(seen, timeline.metric),
            parts.status(event),
            parts.place(event, incident.service),
            parts.recovery(event, onset, events),
            parts.unusual(event, events),
        ]
        kept = tuple(part for part in evidence if part is not None)
        ranked.append(RankedEvent(event, scope, seen, kept))
    return tuple(sorted(ranked, key=lambda r: -r.log_odds))


def _as_acting(event: Event, scope: Scope, values: Sequence[Value]) -> Event:
    """Return the event at the time of the first row of its version, when the log shows one."""
    from dataclasses import replace

    for column, named in scope.columns:
        for value in values:
            same = value.column == column and value.value.lower() in {n.lower() for n in named}
            late = (value.first - event.ts).total_seconds()
            if same and 0 < late < _SAME_VERSION_S:
                return replace(event, ts=value.first, ts_end=None)
    return event


def _result(
    incident: Incident,
    located: Located,
    ranked: tuple[RankedEvent, ...],
    scope_sql: tuple[str, ...],
) -> EventCorrelation:
    import pandas as pd

    timeline, onset = located.timeline, located.onset

    odds = np.array([r.log_odds for r in ranked] + [np.log(UNLOGGED_WEIGHT)])
    probability = np.exp(odds - odds.max())
    probability /= probability.sum()
    start = onset.change.at if onset.change else None
    rows = [
        {
            "event_id": r.event.event_id,
            "ts": r.event.ts,
            "kind": r.event.kind,
            "title": r.event.title,
            "probability": float(p),
            "lag_h": (start - r.event.ts.timestamp()) / 3600 if start else np.nan,
            "scope": str(r.scope),
            "share": r.contrast.share if r.contrast else np.nan,
            "evidence": "; ".join(f"{e.part} {e.log_odds:+.1f} ({e.reason})" for e in r.evidence),
        }
        for r, p in zip(ranked, probability[:-1], strict=True)
    ]
    rows.append(
        dict.fromkeys(EventCorrelation.columns)
        | {"kind": "none", "title": "none of these", "probability": float(probability[-1])}
    )
    table = pd.DataFrame(rows, columns=list(EventCorrelation.columns))
    table = table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
    caveats = [*onset.changes.caveats, "an event that fits in time and place is a lead, no proof"]
    if onset.change is None:
        caveats.insert(0, "no lasting change was found, so no event can be placed against one")
    assert incident.metric is not None
    return EventCorrelation(
        table,
        tuple(caveats),
        f"rca.correlate_events(incident.measuring({incident.metric.name!r}))",
        (timeline.sql, *scope_sql),
        located,
        ranked,
        float(probability[-1]),
    )
