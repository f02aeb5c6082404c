"""The verb: everything that was found, weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rca.diagnose.choose import Tried, choose_metric
from rca.diagnose.combine import candidates_of, numbered
from rca.diagnose.facts import Clock, Facts, gather
from rca.diagnose.hypotheses import hypotheses
from rca.diagnose.result import Diagnosis, Shift
from rca.model.finding import Candidate, Finding
from rca.model.incident import Incident
from rca.model.window import at

_LEAD = "candidates are leads: only a person confirms a cause"


def diagnose(incident: Incident, *, progress: Callable[[str], None] = lambda _: None) -> Diagnosis:
    """Rank what may have caused an incident, with probabilities that sum to one.

    A plain function over the four verbs: it finds when and where the metric moved
    (:func:`rca.correlate_events`), which slices carry it (:func:`rca.find_slices`), which columns
    drifted (:func:`rca.profile_drift`) and whether the measurement itself broke; then it weighs
    events, upstreams, callers, traffic, data faults, season, and "none of these" against each
    other by the sum of visible log-odds (``diagnosis.evidence()``).

    Parameters
    ----------
    incident : Incident
        From :func:`rca.read_incident`. Without a metric the catalogue is scanned for one.
    progress : callable, optional
        Told the name of each step as it starts.

    Returns
    -------
    Diagnosis
        ``candidates``, ``findings()``, ``caveats``, ``summary()``, ``plot()``, ``to_dict()``.

    Raises
    ------
    RCAError
        The log cannot answer: no time column, no rows, no metric.
    """
    clock = Clock(progress)
    tried: tuple[Tried, ...] = ()
    if incident.metric is None:
        clock.step("which metric moved")
        metric, tried = choose_metric(incident)
        incident = incident.measuring(metric)
    facts = gather(incident, clock)
    clock.step("weighing the candidates")
    found = numbered(_findings(facts), call=_call(incident))
    candidates = candidates_of(hypotheses(facts), found)
    clock.stop()
    return _diagnosis(facts, found, candidates, tried, clock.seconds)


def _call(incident: Incident) -> str:
    assert incident.metric is not None
    return f"rca.diagnose(incident.measuring({incident.metric.name!r}))"


def _findings(facts: Facts) -> list[Finding]:
    found = list(facts.correlation.findings())
    for result in (facts.search, facts.drift, facts.cost):
        if result is not None:
            found += result.findings()
    if facts.callers is not None:
        found.append(facts.callers.finding)
    return [*found, *(broken.finding for broken in facts.broken)]


def _diagnosis(
    facts: Facts,
    found: tuple[Finding, ...],
    candidates: tuple[Candidate, ...],
    tried: Sequence[Tried],
    seconds: dict[str, float],
) -> Diagnosis:
    import pandas as pd

    incident = facts.incident
    table = pd.DataFrame(
        [{name: getattr(c, name) for name in Diagnosis.columns} for c in candidates],
        columns=list(Diagnosis.columns),
    )
    sql = [*facts.correlation.sql]
    for result in (facts.search, facts.drift, facts.cost):
        sql += result.sql if result is not None else ()
    assert incident.metric is not None
    return Diagnosis(
        table,
        tuple(dict.fromkeys([*_scanned(tried), *_caveats(facts, candidates)])),
        _call(incident),
        tuple(sql),
        candidates,
        found,
        _shift(facts),
        facts,
        incident.service,
        incident.alerted_at,
        seconds,
    )


def _shift(facts: Facts) -> Shift:
    """Return the shift in the metric's own unit, and the verdict over its season."""
    located, metric = facts.located, facts.incident.metric
    assert metric is not None
    onset, total = located.onset, facts.search.total if facts.search else None
    change = onset.change
    sums = located.timeline.sums
    before, now = (sums[mask].total() for mask in onset.masks(located.timeline))
    test = facts.test
    if change is not None and located.p_value < 0.01:
        verdict = "shifted"
    elif test is None or float(now.n) == 0:
        verdict = "cannot_tell"
    else:
        verdict = "not_shifted" if change is None and test.verdict == "shifted" else test.verdict
    if total is not None:
        # Calls come in bursts: of sums per hour the buckets tell the noise, and not the calls.
        burst = test if metric.family == "per_hour" else None
        around = total.shift - burst.shift if burst else 0.0
        ci = (burst.ci[0] + around, burst.ci[1] + around) if burst else total.ci
        values = (total.baseline_value, total.current_value, total.shift, ci)
        n = (total.n_baseline, total.n_current)
    else:
        shift = float(now.value - before.value)
        values = (float(before.value), float(now.value), shift, (-np.inf, np.inf))
        n = (int(before.n), int(now.n))
    compared = facts.comparison
    return Shift(
        metric,
        verdict,  # type: ignore[arg-type]
        (compared.baseline.window if compared else None) or onset.baseline,
        (compared.current.window if compared else None) or onset.current,
        *values,
        *n,
        test.smallest_detectable if test else float("nan"),
        (at(change.low), at(change.at), at(change.high)) if change else None,
    )


def _scanned(tried: Sequence[Tried]) -> list[str]:
    if not tried:
        return []
    moved = [t for t in tried if t.p_value <= 0.05]
    names = ", ".join(f"{t.metric.name} ({t.z:.1f} standard errors)" for t in moved) or "none"
    return [
        f"no metric was given: {len(tried)} were scanned "
        f"({', '.join(t.metric.name for t in tried)}); moved: {names}"
    ]


def _caveats(facts: Facts, candidates: Sequence[Candidate]) -> list[str]:
    incident = facts.incident
    found = [*incident.caveats, *incident.logs.caveats, *facts.caveats]
    for result in (facts.correlation, facts.search, facts.drift, facts.cost):
        found += result.caveats if result is not None else ()
    tied = [c for c in candidates if c.probability > 0.2]
    if len(tied) > 1:
        names = " and ".join(c.event_id or c.kind for c in tied)
        found.append(f"the data cannot part {names}: {_what_parts(tied)}")
    return [*found, _LEAD]


def _what_parts(tied: Sequence[Candidate]) -> str:
    """Say what would tell candidates apart."""
    undoable = [c for c in tied if c.event_id]
    if len(undoable) > 1:
        return f"roll back {undoable[0].event_id} alone in one region and see whether it recovers"
    if undoable:
        return f"roll back {undoable[0].event_id}, or wait for more rows"
    return "wait for more rows, or look at one more column"
