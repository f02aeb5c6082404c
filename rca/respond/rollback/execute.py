"""Carrying out a plan: checked again, switched, probed, undone when the proof is missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rca.errors import BadValueError, RCAError, RefusedError
from rca.model.window import iso, parse_time
from rca.respond.audit import AuditLog
from rca.respond.rollback.plan import RollbackPlan
from rca.respond.rollback.probe import Probe, ProbeFailed
from rca.respond.rollback.report import RollbackReport
from rca.respond.rollback.target import RollbackTarget

if TYPE_CHECKING:
    import pandas as pd

_PAUSE_S = 0.05
#: Probes after an undo say what is served now; they need not be as many.
_AFTER_UNDO = 3


@dataclass
class _Steps:
    """The steps so far, each timed by the same clock."""

    clock: Callable[[], float]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self, step: str, doing: Callable[[], tuple[bool, str]]) -> bool:
        start = self.clock()
        try:
            ok, detail = doing()
        except RCAError as error:
            ok, detail = False, str(error)
        self.rows.append(
            {"step": step, "seconds": self.clock() - start, "ok": ok, "detail": detail}
        )
        return ok

    @property
    def seconds(self) -> float:
        return float(sum(row["seconds"] for row in self.rows))

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(RollbackReport.columns))


def execute(
    plan: RollbackPlan,
    target: RollbackTarget,
    *,
    probe: Probe,
    audit: AuditLog,
    actor: str,
    reason: str,
    apply: bool = False,
    confirm: str = "",
    on_probe_failure: Literal["undo", "hold"] = "undo",
    n_probes: int = 20,
    probe_s: float = 30.0,
    drain_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    now: datetime | None = None,
) -> RollbackReport:
    """Carry out a rollback, or by default only check that it could be.

    The steps: *check* that the plan still holds; *switch*; *probe* until the service itself has
    answered ``n_probes`` times in a row with the version wanted; without that proof *undo* (the
    traffic of before, which names the bad version again) or hold; *persist* over a restart; *drain*
    the old version. Each is timed. An entry goes to the audit before the switch and after the last
    step.

    Parameters
    ----------
    plan : RollbackPlan
        From :func:`plan_rollback`.
    target : RollbackTarget
        The one it was made for.
    probe : callable
        Returns the version that answers, such as :class:`HttpProbe`.
    audit : AuditLog
    actor, reason : str
        Who does it, and why.
    apply : bool
        Whether anything is written; False is a dry run.
    confirm : str
        The plan's digest, which shows that the plan was read; needed with ``apply``.
    on_probe_failure : {"undo", "hold"}
        What to do when the service does not answer with the version wanted.
    n_probes : int
        Answers in a row that are proof, 1 to 1000.
    probe_s, drain_s : float
        Longest wait for the proof and for the old version's calls to end.
    clock, now
        Seconds, and the time of day, for tests.

    Raises
    ------
    RefusedError
        The plan has expired, is of another target or is not confirmed; the traffic has changed
        since; or the version could not serve. Nothing was touched.
    BadValueError
        The actor or the reason is blank, or a number is out of range.
    CorruptFileError
        The audit's chain is broken. Nothing was touched.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from rca.respond.rollback import Bundle, FlagFileTarget, VersionStore, plan_rollback
    >>> flag = {"state": "ENABLED", "variants": {"v1": "v1", "v2": "v2"}, "defaultVariant": "v2"}
    >>> store = VersionStore(service="chat", versions=tuple(
    ...     Bundle(version=f"v{day}", prompt=64 * str(day),
    ...            released_at=datetime(2026, 3, day, tzinfo=UTC))
    ...     for day in (1, 2)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = FlagFileTarget(Path(folder) / "flags.json", "model")
    ...     _ = target.path.write_text(json.dumps({"flags": {"model": flag}}))
    ...     audit = AuditLog(Path(folder) / "audit.jsonl")
    ...     plan = plan_rollback(store, target, to="v1", override="answers in the wrong language")
    ...     done = execute(plan, target, probe=lambda: "v1", audit=audit, actor="ann",
    ...                    reason="INC-7", apply=True, confirm=plan.digest)
    ...     done.status, done.traffic, [entry.action for entry in audit.entries()]
    ('done', {'v1': 1, 'v2': 0}, ['rollback_started', 'rollback_done'])
    """
    if not actor.strip() or not reason.strip():
        raise BadValueError(f"actor = {actor!r}, reason = {reason!r}: a rollback needs both.")
    if not 1 <= n_probes <= 1000:
        raise BadValueError(f"n_probes = {n_probes}. Give 1 to 1000.")
    if on_probe_failure not in ("undo", "hold"):
        raise BadValueError(f"on_probe_failure = {on_probe_failure!r}. Give 'undo' or 'hold'.")
    moment = parse_time(now) if now else datetime.now(UTC)
    steps = _Steps(clock)
    problem = ""

    def check() -> tuple[bool, str]:
        nonlocal problem
        problem = _problem(plan, target, moment, apply=apply, confirm=confirm)
        return not problem, problem or "the plan still holds"

    if not steps.run("check", check):
        raise RefusedError(problem or steps.rows[0]["detail"])
    if not apply:
        return _report(plan, target, steps, "dry_run", ("a dry run: nothing was changed.",))
    note = {"plan": plan.digest, "service": plan.service, "target": plan.target,
            "from": plan.serving, "to": plan.to, "because": plan.because,
            "override": plan.override, "before": plan.before}  # fmt: skip
    audit.append("rollback_started", actor=actor, reason=reason, details=note)
    try:
        status = _switch(plan, target, steps, probe, on_probe_failure, n_probes, probe_s)
    except BaseException as error:
        # A caller's probe may raise anything, and a person may interrupt: traffic is not left
        # on a version that nothing has confirmed.
        undone = on_probe_failure == "undo" and steps.run("undo", _move(target, plan.before))
        ended = {**note, "error": type(error).__name__, "undone": undone, "steps": steps.rows}
        audit.append("rollback_abandoned", actor=actor, reason=reason, details=ended)
        raise
    if status in ("done", "held"):
        steps.run("persist", lambda: (True, target.persist()))
    if status == "done":
        steps.run("drain", lambda: _drain(plan, target, drain_s, clock))
    report = _report(plan, target, steps, status, ())
    caveats = list(_caveats(report))
    ended = {**note, "status": status, "seconds": round(report.seconds, 3),
             "within_budget": report.within_budget, "steps": steps.rows}  # fmt: skip
    try:
        audit.append(f"rollback_{status}", actor=actor, reason=reason, details=ended)
    except RCAError as error:
        caveats.append(f"the end was not audited: {error}")
    return _report(plan, target, steps, status, tuple(caveats))


def _problem(
    plan: RollbackPlan, target: RollbackTarget, now: datetime, *, apply: bool, confirm: str
) -> str:
    if plan.target != target.name:
        return f"the plan is for {plan.target}, not for {target.name}. Plan again."
    if apply and confirm != plan.digest:
        return (
            f"confirm = {confirm!r} is not the plan's digest. Read the plan and pass the digest "
            "that it shows."
        )
    if now >= plan.expires_at:
        return f"the plan expired at {iso(plan.expires_at)}. Plan again."
    seen = target.observe()
    if seen != plan.before:
        return f"the traffic changed since the plan: {plan.before} then, {seen} now. Plan again."
    if target.after(plan.to) != plan.after:
        return f"{plan.after} is not what gives {plan.to} all traffic. Plan again."
    problems = target.problems(plan.to)
    return f"{plan.to} cannot serve now: {'; '.join(problems)}." if problems else ""


def _switch(
    plan: RollbackPlan,
    target: RollbackTarget,
    steps: _Steps,
    probe: Probe,
    on_probe_failure: str,
    n_probes: int,
    probe_s: float,
) -> Literal["done", "undone", "held", "failed"]:
    def proof(version: str, n: int) -> Callable[[], tuple[bool, str]]:
        left = max(0.1, min(probe_s, plan.budget_s - steps.seconds))
        return lambda: _proof(probe, version, n, left, steps.clock)

    switched = steps.run("switch", _move(target, plan.after))
    if switched and steps.run("probe", proof(plan.to, n_probes)):
        return "done"
    if switched and on_probe_failure == "hold":
        return "held"
    # A switch that failed may have been taken in part, so it is undone as well.
    undone = steps.run("undo", _move(target, plan.before))
    if undone and sum(weight > 0 for weight in plan.before.values()) == 1:
        steps.run("probe_after_undo", proof(plan.serving, _AFTER_UNDO))
    return "undone" if switched and undone else "failed"


def _move(target: RollbackTarget, traffic: dict[str, int]) -> Callable[[], tuple[bool, str]]:
    def moving() -> tuple[bool, str]:
        target.apply(traffic)
        return True, f"weights set to {traffic}"

    return moving


def _proof(
    probe: Probe, version: str, n: int, seconds: float, clock: Callable[[], float]
) -> tuple[bool, str]:
    """Probe until ``n`` answers in a row name the version, or the time is over."""
    seen: Counter[str] = Counter()
    end, row, tried = clock() + seconds, 0, 0
    most = n + int(seconds / _PAUSE_S) + 1
    while row < n and tried < most:
        tried += 1
        try:
            answer = probe()
        except (ProbeFailed, OSError) as error:
            answer = f"no version ({error})"
        seen[answer] += 1
        row = row + 1 if answer == version else 0
        if row < n and clock() >= end:
            break
        if not row:
            time.sleep(_PAUSE_S)
    told = ", ".join(f"{count} {name}" for name, count in seen.most_common(4))
    return row >= n, f"{row} of {n} answers in a row by {version}; in all: {told}"


def _drain(
    plan: RollbackPlan, target: RollbackTarget, seconds: float, clock: Callable[[], float]
) -> tuple[bool, str]:
    end, most = clock() + seconds, int(seconds / _PAUSE_S) + 1
    for _ in range(most):
        state = target.drained(plan.serving)
        if state is None:
            return True, "the target cannot tell which calls are in flight"
        if state:
            return True, f"{plan.serving} has no call in flight"
        if clock() >= end:
            break
        time.sleep(_PAUSE_S)
    return False, f"{plan.serving} still answers calls that began before: they end there"


def _report(
    plan: RollbackPlan,
    target: RollbackTarget,
    steps: _Steps,
    status: str,
    caveats: tuple[str, ...],
) -> RollbackReport:
    try:
        traffic: dict[str, int] | None = target.observe()
    except RCAError:
        traffic = None
    return RollbackReport(
        table=steps.table(),
        caveats=caveats,
        call="rca.respond.rollback.execute(plan, target, ...)",
        status=status,
        plan=plan,
        traffic=traffic,
        seconds=steps.seconds,
    )


def _caveats(report: RollbackReport) -> tuple[str, ...]:
    plan, said = report.plan, []
    for row in report.table.to_dict("records"):
        if not row["ok"] or str(row["detail"]).startswith("not saved"):
            said.append(f"{row['step']}: {row['detail']}.")
    if report.status in ("undone", "failed"):
        said.append(f"traffic is meant to be as before, mostly on {plan.serving}, the bad version.")
    if report.status == "held":
        said.append(f"traffic is meant to be on {plan.to}, which no probe has confirmed.")
    if not report.within_budget:
        said.append(
            f"it took {report.seconds:.0f} s, more than the {plan.budget_s:.0f} s budgeted."
        )
    if report.status == "done":
        said.append("a rollback undoes a release; it does not cure drift upstream or a bad index.")
    return tuple(said)
