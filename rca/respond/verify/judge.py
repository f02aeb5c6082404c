"""The verdict on the hours seen so far: a pure function of the plan and the hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from scipy import stats

from rca.errors import BadValueError
from rca.model.window import parse_time
from rca.respond.verify.hours import Hour, hour_start
from rca.respond.verify.plan import Objective, VerifyPlan
from rca.respond.verify.result import Verification, hours_table, verdict_table
from rca.stats.betting import (
    block_kappa,
    clustering,
    log_wealth_above,
    log_wealth_below,
    mean_sequence,
)

Status = Literal["recovered", "not_recovered", "inconclusive", "waiting"]
#: Hours vary more than planned for when a chi-square as large has this small a chance.
_TOO_VARIED = 0.001
#: An hour that is read this long after its end is late.
LATE = timedelta(hours=1)


@dataclass(frozen=True)
class Judged:
    """One objective: its verdict and the numbers behind it."""

    objective: Objective
    status: Status
    value: float | None
    interval: tuple[float, float]
    n_rows: float
    n_hours: int
    e_alarm: float
    e_proof: float
    alarmed_at: datetime | None
    clustering: float
    varied: bool


def verify(
    plan: VerifyPlan,
    hours: Sequence[Hour],
    *,
    now: datetime | None = None,
    revised: int = 0,
    sql: tuple[str, ...] = (),
) -> Verification:
    """Return whether a fix has held, from the hours seen so far; ask it as often as you like.

    For each objective two bets run over the hours, in the order they were seen
    (:mod:`rca.stats.betting`). ``not_recovered`` as soon as the wealth against "the limit is kept"
    reaches n_key / alpha at any hour. ``recovered`` when the watch is over, no more than
    ``max_missing`` hours are missing, no objective has raised an alarm, and for every key objective
    the wealth against "the limit is broken" stands at 1 / alpha or more. ``inconclusive`` when the
    watch is over without either; until then ``waiting``.

    Proof of recovery holds for rows whose correlation within an hour is no more than the
    objective's ``clustering``; when the hours vary more than that allows, it is not given.

    Parameters
    ----------
    plan : VerifyPlan
    hours : sequence of Hour
        In the order they were seen. An hour without rows counts as missing.
    now : datetime, optional
        The end of the last hour seen, unless given.
    revised : int
        Hours whose numbers were replaced by later ones; said in the caveats.
    sql : tuple of str
        The queries that read the hours.

    Raises
    ------
    BadValueError
        An hour is none of the plan's, comes twice, or names an objective that the plan lacks.

    Examples
    --------
    >>> from rca.respond.verify import Hour, Measured, Objective, plan_verification
    >>> plan = plan_verification(
    ...     [Objective(name="errors", metric="error_rate", worse="up", limit=0.02,
    ...                rows_per_hour=500)], start="2026-03-01T00:00Z")
    >>> hours = [Hour(start=plan.start + timedelta(hours=i),
    ...               values={"errors": Measured(n=500, value=0.002)}) for i in range(24)]
    >>> verify(plan, hours).status, verify(plan, hours[:18]).status
    ('recovered', 'waiting')
    """
    places = _places(plan, hours)
    last = max((h.start + timedelta(hours=1) for h in hours), default=plan.start)
    now = parse_time(now, field="now") if now else last
    ended = now >= plan.end or len(places) == plan.hours
    judged = tuple(_judge(plan, o, hours, ended) for o in plan.objectives)
    expected = plan.hours if ended else int((now - plan.start).total_seconds() // 3600)
    missing = max(0, expected - min(one.n_hours for one in judged if one.objective.key))
    status = _overall(plan, judged, ended, missing)
    late = sum(h.seen_at is not None and h.seen_at > h.start + 2 * LATE for h in hours)
    return Verification(
        table=verdict_table(plan, judged, max(0, expected)),
        caveats=_caveats(plan, judged, status, missing, late, revised),
        call="rca.respond.verify.verify(plan, hours)",
        sql=sql,
        status=status,
        plan=plan,
        hours=hours_table(plan, hours),
        n_missing=missing,
        n_late=late,
        n_revised=revised,
    )


def _places(plan: VerifyPlan, hours: Sequence[Hour]) -> set[int]:
    known = {objective.name for objective in plan.objectives}
    places: set[int] = set()
    for hour in hours:
        place = hour_start(plan, hour)
        if place in places:
            raise BadValueError(f"the hour {hour.start.isoformat()} comes twice. Keep one of them.")
        if set(hour.values) - known:
            other = sorted(set(hour.values) - known)[0]
            raise BadValueError(
                f"the hour {hour.start.isoformat()} has {other!r}, which is no objective of the "
                f"plan. It has: {', '.join(sorted(known))}."
            )
        places.add(place)
    return places


def _judge(plan: VerifyPlan, objective: Objective, hours: Sequence[Hour], ended: bool) -> Judged:
    seen = [
        (hour.start, measured.n, objective.bad(measured.value))
        for hour in hours
        if (measured := hour.values.get(objective.name)) and measured.value is not None
    ]
    n, x = np.array([row[1] for row in seen]), np.array([row[2] for row in seen])
    kappa = block_kappa(n, objective.clustering)
    alpha = objective.level(plan.alpha)
    tests = plan.n_key if objective.key else 1
    alarm = log_wealth_above(x, objective.bad(objective.alarm))
    proof = log_wealth_below(x, objective.bad(objective.limit), kappa)
    crossed = np.flatnonzero(alarm >= np.log(tests / alpha))
    varied = _varied(x, kappa)
    proved = bool(len(x)) and proof[-1] >= np.log(1 / alpha) and not varied
    status: Status = "inconclusive" if ended else "waiting"
    if len(crossed):
        status = "not_recovered"
    elif ended and proved and plan.hours - len(x) <= plan.max_missing:
        status = "recovered"
    low, high = mean_sequence(x, kappa, alpha=plan.alpha)
    return Judged(
        objective=objective,
        status=status,
        value=objective.bad(float(x.mean())) if len(x) else None,
        interval=tuple(sorted((objective.bad(low), objective.bad(high)))),  # type: ignore[arg-type]
        n_rows=float(n.sum()),
        n_hours=len(x),
        e_alarm=float(np.exp(min(700.0, alarm.max(initial=0.0)))),
        e_proof=float(np.exp(min(700.0, proof[-1]))) if len(x) else 1.0,
        alarmed_at=seen[crossed[0]][0] if len(crossed) else None,
        clustering=clustering(x, n),
        varied=varied,
    )


def _varied(x: np.ndarray[tuple[int], np.dtype[np.float64]], kappa: object) -> bool:
    """Tell whether hours vary more than the planned clustering allows."""
    if len(x) < 3 or not 0 < x.mean() < 1:
        return False
    expected = np.asarray(kappa) * x.mean() * (1 - x.mean())
    squares = float(np.sum((x - x.mean()) ** 2 / expected))
    return bool(stats.chi2.sf(squares, len(x) - 1) < _TOO_VARIED)


def _overall(plan: VerifyPlan, judged: Sequence[Judged], ended: bool, missing: int) -> Status:
    key = [one.status for one in judged if one.objective.key]
    if "not_recovered" in key:
        return "not_recovered"
    if not ended:
        return "waiting"
    if missing <= plan.max_missing and all(status == "recovered" for status in key):
        return "recovered"
    return "inconclusive"


def _caveats(
    plan: VerifyPlan,
    judged: Sequence[Judged],
    status: Status,
    missing: int,
    late: int,
    revised: int,
) -> tuple[str, ...]:
    said = []
    if missing:
        barred = (
            f"; more than {plan.max_missing} missing rule out recovered"
            if missing > plan.max_missing
            else ""
        )
        said.append(f"{missing} hours have no rows or were not seen{barred}.")
    if late:
        said.append(f"{late} hours were read more than an hour after they ended.")
    if revised:
        said.append(f"{revised} hours were replaced by later numbers; the verdict is of the last.")
    for one in judged:
        if one.varied:
            said.append(
                f"{one.objective.name}: hours vary more than the plan allows (correlation within "
                f"the hour {one.clustering:.3f}, planned for {one.objective.clustering:.3g}), so "
                "recovered cannot be proved."
            )
        if one.objective.alarm_limit is not None:
            said.append(f"{one.objective.name}: the limit was measured ({one.objective.note}).")
    if status in ("inconclusive", "waiting"):
        said += plan.advance_notice().splitlines()
    return tuple(said)
