"""What to do next: the step that would tell the likeliest candidates apart, and its call."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rca.diagnose import Diagnosis
    from rca.model.finding import Candidate
    from rca.model.incident import Incident
    from rca.model.logs import Logs

#: Candidates from this probability on get a step.
LEAST = 0.1
_MOST = 3
_UNDO = (
    "Undo {event} for a part of the traffic ({where}) and leave the rest. If {metric} recovers "
    "there and only there, it was the cause; a recovery everywhere is no proof."
)
_UPSTREAM = (
    "Ask the provider, and send a part of the traffic ({where}) elsewhere: {metric} must recover "
    "in that part at once."
)
#: One step for each kind of candidate.
STEPS: Mapping[str, str] = {
    "deploy": _UNDO,
    "release": _UNDO,
    "rollback": _UNDO,
    "model_version": _UNDO,
    "config": _UNDO,
    "flag": _UNDO,
    "prompt": _UNDO,
    "infra": _UNDO,
    "price": "Check the price table of {event} against the invoice before believing {metric}.",
    "pipeline": (
        "Ask the owner of {event} what was written to {column}, and run it again on the data of "
        "the baseline: the values must come out as they were."
    ),
    "schema_change": (
        "Read what {event} changed in {column}, and whether its readers know of it: units, types "
        "and missing values."
    ),
    "upstream": _UPSTREAM,
    "incident": _UPSTREAM,
    "input": (
        "Read requests of {where}, and limit these callers for an hour: {metric} of all others "
        "must not change."
    ),
    "traffic_mix": (
        "Nothing went worse within a slice. Ask who sends more of {where}, and watch {metric} at "
        "a fixed mix from now on."
    ),
    "data_quality": (
        "Mend the measurement before the service: {column} is not what it was, and {metric} "
        "cannot be read until it is."
    ),
    "season": "Compare with the same hours of the days before; alert on that, not on a fixed line.",
    "none": (
        "Add what is not in events.*: flags, prices, pipelines, infrastructure, providers. Ask "
        "what was done near the onset, and wait for more rows if nothing moved."
    ),
}


@dataclass(frozen=True)
class Step:
    """One thing to do, for which candidate, and the call that looks closer."""

    candidate: str
    text: str
    call: str

    def __str__(self) -> str:
        return f"{self.candidate}: {self.text}\n  {self.call}"


@dataclass(frozen=True)
class NextSteps:
    """What to do next; see :func:`next_steps`."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join(f"{i}. {step}" for i, step in enumerate(self.steps, start=1))

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{html.escape(step.candidate)}</b>: {html.escape(step.text)}"
            f"<br><code>{html.escape(step.call)}</code></li>"
            for step in self.steps
        )
        return f"<ol>{items}</ol>"


def next_steps(diagnosis: Diagnosis) -> NextSteps:
    """Return one step for each candidate that is likely enough to be acted on.

    Parameters
    ----------
    diagnosis : Diagnosis
        Up to three candidates of 10 % and more are taken, and always the first.

    Examples
    --------
    >>> print(next_steps(diagnosis))  # doctest: +SKIP
    1. chg-580 (71%): Undo chg-580 for a part of the traffic ...
    """
    chosen = [c for c in diagnosis.candidates[:_MOST] if c.rank == 1 or c.probability >= LEAST]
    return NextSteps(tuple(_step(candidate, diagnosis) for candidate in chosen))


def _step(candidate: Candidate, diagnosis: Diagnosis) -> Step:
    assert diagnosis.facts is not None
    incident = diagnosis.facts.incident
    assert incident.metric is not None
    name = candidate.event_id or candidate.kind
    where = " & ".join(f"{column}={_said(value)}" for column, value in candidate.slice.items())
    text = STEPS.get(candidate.kind, _UNDO).format(
        event=candidate.event_id or "it",
        where=where or "one region, say",
        metric=incident.metric.title,
        column=candidate.column or "the columns it writes",
    )
    return Step(f"{name} ({candidate.probability:.0%})", text, _call(candidate, incident))


def _call(candidate: Candidate, incident: Incident) -> str:
    """Return the call that shows what the candidate is about."""
    logs = incident.logs
    conditions = [
        _condition(column, value, logs)
        for column, value in candidate.slice.items()
        if logs.columns.get(column) in ("text", "bool")
    ]
    if conditions:
        return f"incident.logs.where({' and '.join(conditions)!r}).head(20)"
    if candidate.column and logs.has(candidate.column):
        return f"rca.profile_drift(diagnosis.facts.comparison, columns=[{candidate.column!r}])"
    if candidate.event_id:
        return f"incident.events.get({candidate.event_id!r})"
    return "rca.find_slices(diagnosis.facts.comparison).table"


def _condition(column: str, value: Any, logs: Logs) -> str:
    dialect = logs.engine.dialect
    name = column if column.isidentifier() else dialect.ident(column)
    if isinstance(value, (list, tuple)):
        return f"{name} in ({', '.join(dialect.string(str(one)) for one in value)})"
    return f"{name} = {dialect.string(str(value))}"


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
