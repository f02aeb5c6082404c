"""What is watched after a fix, for how long and how surely: fixed before the first hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rca.model.window import iso, parse_time
from rca.respond.files import checked
from rca.stats.betting import Reach, reach

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
UTCTime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
#: Rows of an hour hang together about this much when no baseline says how much.
USUAL_CLUSTERING = 0.02
#: Part of alpha that pays for a limit which was itself measured.
BASELINE_PART = 0.1


class Frozen(BaseModel):
    """A value read from a file: unknown fields are refused and nothing is coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Objective(Frozen):
    """One hourly share and the limit that it must be shown to keep.

    Attributes
    ----------
    name, metric : str
        What it is called, and the metric as :func:`rca.slice_metric` and others take it.
    worse : {"up", "down"}
        The bad direction.
    limit : float
        The share that must be proved kept for ``recovered``.
    alarm_limit : float or None
        The share that must be proved broken for ``not_recovered``, where it is another one:
        a limit made from a measured baseline is an interval, and each verdict takes its far end.
    threshold : float or None
        Where set, the share is of rows whose value exceeds it (for percentiles).
    rows_per_hour : float
        Rows expected in an hour: says in advance what can be seen.
    clustering : float
        Largest correlation of rows within an hour for which ``recovered`` is proved.
    key : bool
        Whether it decides the verdict; others are shown.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    metric: Annotated[str, Field(min_length=1, max_length=200)]
    worse: Literal["up", "down"]
    limit: Share
    alarm_limit: Share | None = None
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    rows_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    clustering: Share = USUAL_CLUSTERING
    key: bool = True
    note: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Objective:
        if not 0 < self.limit < 1:
            raise ValueError("limit must lie between 0 and 1, or nothing could be proved of it")
        if self.bad(self.limit) > self.bad(self.alarm):
            raise ValueError("alarm_limit must be at least as bad as limit")
        return self

    @property
    def alarm(self) -> float:
        """The share beyond which an alarm is raised."""
        return self.limit if self.alarm_limit is None else self.alarm_limit

    def bad(self, share: float) -> float:
        """Return a share turned so that higher is worse."""
        return share if self.worse == "up" else 1 - share

    def level(self, alpha: float) -> float:
        """Return the part of alpha that is left for the bets."""
        return alpha if self.alarm_limit is None else alpha * (1 - BASELINE_PART)


class VerifyPlan(Frozen):
    """A watch after a fix: when it starts, how long it lasts and what it must show.

    Attributes
    ----------
    start : datetime
        The first hour's start: when the fix was in force everywhere.
    hours : int
        How many hours are watched.
    alpha : float
        The chance of a wrong ``not_recovered``, over all objectives and all looks; and of a wrong
        ``recovered``.
    max_missing : int
        Hours that may stay unseen without ruling ``recovered`` out.
    objectives : tuple of Objective
    """

    start: UTCTime
    hours: Annotated[int, Field(ge=2, le=720)] = 24
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    max_missing: Annotated[int, Field(ge=0)] = 0
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _sound(self) -> VerifyPlan:
        names = [objective.name for objective in self.objectives]
        if len(set(names)) < len(names):
            raise ValueError("two objectives have the same name; give each its own")
        if not any(objective.key for objective in self.objectives):
            raise ValueError("no objective is a key one, so none could decide; mark one key = true")
        if self.max_missing >= self.hours:
            raise ValueError("max_missing must be less than hours")
        return self

    @property
    def end(self) -> datetime:
        """When the last hour ends."""
        return self.start + timedelta(hours=self.hours)

    @property
    def n_key(self) -> int:
        """The number of objectives that decide, over which alpha is split for alarms."""
        return sum(objective.key for objective in self.objectives)

    def reach(self, objective: Objective) -> Reach:
        """Return the smallest effects the watch would see, with higher turned to worse.

        ``below`` is proved recovered and ``above`` raises an alarm, each 8 times in 10.
        """
        tests, alpha = self.n_key if objective.key else 1, objective.level(self.alpha)
        n, rho = round(objective.rows_per_hour), objective.clustering
        proved = reach(objective.bad(objective.limit), n=n, rho=rho, blocks=self.hours, alpha=alpha)
        alarmed = reach(
            objective.bad(objective.alarm), n=n, rho=rho, blocks=self.hours, alpha=alpha,
            tests=tests,
        )  # fmt: skip
        return Reach(proved.below, alarmed.above)

    def advance_notice(self) -> str:
        """Say, before the watch begins, what it could see and what it could not."""
        return "\n".join(self._notice(objective) for objective in self.objectives)

    def _notice(self, objective: Objective) -> str:
        seen = self.reach(objective)

        def share(value: float) -> str:
            return f"{objective.bad(value):.2%}"

        proved = (
            f"proved recovered at {share(seen.below)} or better"
            if seen.below is not None
            else "never proved recovered, whatever happens: too few rows an hour for this limit"
        )
        alarmed = (
            f"an alarm at {share(seen.above)} or worse"
            if seen.above is not None
            else "no alarm, whatever happens"
        )
        return (
            f"{objective.name}: with {objective.rows_per_hour:,.0f} rows an hour for {self.hours} "
            f"hours and a correlation within the hour of up to {objective.clustering:.3g}, "
            f"{proved} and {alarmed} (8 times in 10; limit {objective.limit:.2%})."
        )


def plan_verification(
    objectives: Sequence[Objective],
    *,
    start: datetime | str,
    hours: int = 24,
    alpha: float = 0.05,
    max_missing: int = 0,
) -> VerifyPlan:
    """Return a plan to watch objectives after a fix; see :class:`VerifyPlan` for the fields.

    Parameters
    ----------
    objectives : sequence of Objective
        Made by hand or by :func:`objective_of`.
    start : datetime or str
        When the fix was in force everywhere.
    hours, alpha, max_missing
        As in :class:`VerifyPlan`.

    Raises
    ------
    BadValueError
        A field is out of range; it is named with its value.

    Examples
    --------
    >>> errors = Objective(
    ...     name="errors", metric="error_rate", worse="up", limit=0.02, rows_per_hour=200)
    >>> print(plan_verification([errors], start="2026-03-01T12:00Z").advance_notice())
    errors: with 200 rows an hour for 24 hours and a correlation within the hour of up to 0.02,
    proved recovered at 0.59% or better and an alarm at 3.67% or worse (8 times in 10; limit 2.00%).
    """
    moment = parse_time(start, field="start")
    fields = {
        "start": moment,
        "hours": hours,
        "alpha": alpha,
        "max_missing": max_missing,
        "objectives": tuple(objectives),
    }
    return checked(VerifyPlan, fields, where=f"plan of {iso(moment)}")
