"""The state of a watch in one JSON file, so that an hourly job may stop and go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rca.errors import BadValueError
from rca.model.window import parse_time
from rca.respond.files import checked_json, locked, read_text, write_whole
from rca.respond.verify.hours import Hour
from rca.respond.verify.judge import verify
from rca.respond.verify.plan import Frozen, VerifyPlan
from rca.respond.verify.result import Verification

FORMAT: Literal["rca.verify/1"] = "rca.verify/1"


class WatchState(Frozen):
    """A plan and the hours seen so far, in the order they were first seen.

    ``revised`` counts the hours whose numbers were replaced by later ones.
    """

    format: Literal["rca.verify/1"]
    plan: VerifyPlan
    hours: tuple[Hour, ...] = ()
    revised: Annotated[int, Field(ge=0)] = 0

    def seeing(self, hours: Sequence[Hour]) -> WatchState:
        """Return the state after some hours: known ones change nothing, other numbers replace."""
        seen = {hour.start: hour for hour in self.hours}
        revised = self.revised
        for hour in hours:
            known = seen.get(hour.start)
            if known is not None and known.values == hour.values:
                continue
            revised += known is not None
            seen[hour.start] = hour
        return self.model_copy(update={"hours": tuple(seen.values()), "revised": revised})


def read_state(path: str | Path) -> WatchState:
    """Return the state of a watch.

    Raises
    ------
    MissingFileError, CorruptFileError, BadValueError
        There is none, it is not whole, or a field is wrong; it is named with its value.
    """
    text = read_text(path, what="state of a watch")
    return checked_json(WatchState, text, where=str(path))


def watch(
    path: str | Path,
    hours: Sequence[Hour] = (),
    *,
    plan: VerifyPlan | None = None,
    now: datetime | None = None,
) -> Verification:
    """Add hours to a watch that is kept in a file, and return the verdict so far.

    Each hour counts once, however often it is given, so a job may run again after a crash. The
    file is replaced in one step under a lock.

    Parameters
    ----------
    path : str or path
        The JSON file; made when it does not exist and a plan is given.
    hours : sequence of Hour
        New hours, or all of them again.
    plan : VerifyPlan, optional
        Needed the first time; later it must be the one in the file.
    now : datetime, optional
        The time of this look; the clock's unless given.

    Raises
    ------
    BadValueError
        The plan is not the one that the watch began with, or an hour is none of the plan's.
    MissingFileError, CorruptFileError
        There is no such file and no plan to begin with, or it is not whole.

    Examples
    --------
    >>> import tempfile
    >>> from rca.respond.verify import Measured, Objective, plan_verification
    >>> plan = plan_verification(
    ...     [Objective(name="errors", metric="error_rate", worse="up", limit=0.02,
    ...                rows_per_hour=500)], start="2026-03-01T00:00Z")
    >>> hour = Hour(start=plan.start, values={"errors": Measured(n=500, value=0.9)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(watch(f"{folder}/watch.json", [hour, hour], plan=plan, now=plan.start).status)
    ...     len(read_state(f"{folder}/watch.json").hours)
    not_recovered
    1
    """
    path = Path(path)
    now = parse_time(now, field="now") if now else datetime.now(UTC)
    with locked(path):
        state = _state(path, plan)
        stamped = [h if h.seen_at else h.model_copy(update={"seen_at": now}) for h in hours]
        state = state.seeing(stamped)
        verdict = verify(state.plan, state.hours, now=now, revised=state.revised)
        write_whole(path, state.model_dump_json(indent=1) + "\n")
    return verdict


def _state(path: Path, plan: VerifyPlan | None) -> WatchState:
    if not path.exists() and plan is not None:
        return WatchState(format=FORMAT, plan=plan)
    state = read_state(path)
    if plan is not None and plan != state.plan:
        raise BadValueError(
            f"{path} belongs to another plan (from {state.plan.start.isoformat()}). A plan is "
            "fixed before its first hour: give that one, or begin a new file."
        )
    return state
