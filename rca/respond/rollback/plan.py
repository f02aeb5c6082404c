"""The plan of a rollback: what would change, why, and until when it may be carried out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rca.errors import RefusedError, listed
from rca.model.finding import Finding
from rca.model.window import iso, parse_time
from rca.respond.files import checked_json, read_text, write_whole
from rca.respond.rollback.bundle import VersionStore
from rca.respond.rollback.target import RollbackTarget, serving

#: Findings that say a version is worse than the one before.
REGRESSIONS = (
    "VERSION_REGRESSED",
    "VERSION_SLICE_REGRESSED",
    "EVAL_REGRESSION",
    "VERIFY_NOT_RECOVERED",
)
BUDGET = timedelta(minutes=5)


class RollbackPlan(BaseModel):
    """What a rollback would do; its digest is what a person confirms.

    Attributes
    ----------
    service, target : str
        The service, and what moves its traffic.
    serving, to : str
        The version that has most of the traffic, and the one that is to have all of it.
    before, after : mapping of version to weight
    changed : tuple of str
        The parts of the bundle that go back: model, prompt, index, config.
    because : str
        The finding that asks for it, or the override.
    override : bool
        Whether a person decided it without a finding.
    budget_s : float
        Seconds that it may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    service: str
    target: str
    serving: str
    to: str
    before: dict[str, int]
    after: dict[str, int]
    changed: tuple[str, ...]
    because: Annotated[str, Field(min_length=1)]
    override: bool
    budget_s: Annotated[float, Field(gt=0)]
    created_at: AwareDatetime
    expires_at: AwareDatetime

    @classmethod
    def read(cls, path: str | Path) -> RollbackPlan:
        """Return a plan that was saved.

        Raises
        ------
        MissingFileError, CorruptFileError, BadValueError
            There is none, it is not whole, or a field is wrong; it is named with its value.
        """
        return checked_json(cls, read_text(path, what="plan of a rollback"), where=str(path))

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON, for another to read, confirm and carry out."""
        write_whole(path, self.model_dump_json(indent=1) + "\n")

    @property
    def digest(self) -> str:
        """The first 16 digits of the plan's SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def __str__(self) -> str:
        moved = ", ".join(
            f"{version} {self.before.get(version, 0)} to {weight}"
            for version, weight in self.after.items()
            if weight != self.before.get(version, 0)
        )
        return (
            f"roll {self.service} back from {self.serving} to {self.to} on {self.target} "
            f"(weights: {moved}; goes back: {', '.join(self.changed) or 'nothing'}).\n"
            f"Because: {self.because}.\n"
            f"Confirm with {self.digest}, until {iso(self.expires_at)}."
        )


def plan_rollback(
    store: VersionStore,
    target: RollbackTarget,
    *,
    to: str,
    because: Finding | None = None,
    override: str = "",
    budget: timedelta = BUDGET,
    valid: timedelta = timedelta(minutes=15),
    now: datetime | None = None,
) -> RollbackPlan:
    """Return what giving an earlier version all traffic would change; nothing is written.

    Parameters
    ----------
    store : VersionStore
        The versions of the service; ``to`` must be one of the last three before the serving one.
    target : RollbackTarget
        What moves the traffic.
    to : str
        The version to go back to.
    because : Finding, optional
        A finding that the serving version regressed (see ``REGRESSIONS``).
    override : str
        Where there is none: why a person wants it all the same. It is audited.
    budget, valid : timedelta
        How long it may take, and how long the plan may be carried out.
    now : datetime, optional
        The clock's time unless given.

    Raises
    ------
    RefusedError
        There is no finding of a regression and no override; the version has all traffic, is not
        one of the last three, or could not serve.
    UnknownNameError
        The store does not know a version.

    Examples
    --------
    >>> import json, tempfile
    >>> from rca.respond.rollback import Bundle, FlagFileTarget
    >>> flag = {"state": "ENABLED", "variants": {"v1": "v1", "v2": "v2"}, "defaultVariant": "v2"}
    >>> store = VersionStore(service="chat", versions=tuple(
    ...     Bundle(version=f"v{day}", prompt=64 * str(day),
    ...            released_at=datetime(2026, 3, day, tzinfo=UTC))
    ...     for day in (1, 2)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = FlagFileTarget(Path(folder) / "flags.json", "model")
    ...     _ = target.path.write_text(json.dumps({"flags": {"model": flag}}))
    ...     plan = plan_rollback(store, target, to="v1", override="answers in the wrong language")
    >>> plan.serving, plan.to, plan.changed, plan.after
    ('v2', 'v1', ('prompt',), {'v1': 1, 'v2': 0})
    """
    moment = parse_time(now) if now else datetime.now(UTC)
    reason = _reason(because, override)
    before = target.observe()
    current = serving(before)
    chosen = store.get(to)
    if before.get(to, 0) > 0 and sum(weight > 0 for weight in before.values()) == 1:
        raise RefusedError(f"{to} already has all traffic of {target.name}; nothing to do.")
    recent = store.before(current)
    if chosen not in recent:
        raise RefusedError(
            f"{to} is not one of the last versions before {current}. "
            f"Those are: {listed(b.version for b in recent)}."
        )
    problems = target.problems(to)
    if problems:
        raise RefusedError(f"{to} cannot serve on {target.name}: {'; '.join(problems)}.")
    return RollbackPlan(
        service=store.service,
        target=target.name,
        serving=current,
        to=to,
        before=before,
        after=target.after(to),
        changed=store.get(current).changed(chosen),
        because=reason,
        override=because is None,
        budget_s=budget.total_seconds(),
        created_at=moment,
        expires_at=moment + valid,
    )


def _reason(because: Finding | None, override: str) -> str:
    if because is not None and because.code in REGRESSIONS:
        return f"[{because.code}] {because.claim}"
    if override.strip() and because is None:
        return f"override: {override.strip()}"
    given = f"the finding {because.code}" if because is not None else "neither"
    raise RefusedError(
        f"a rollback needs a finding of a regression ({', '.join(REGRESSIONS)}), or an override "
        f"with its reason; {given} was given."
    )
