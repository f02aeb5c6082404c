"""A half-open span of time, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rca.engine.dialect import Dialect
from rca.errors import BadValueError, WindowError


def parse_time(value: datetime | str, *, field: str = "time") -> datetime:
    """Return an aware UTC time; text is ISO 8601, and one without a zone is taken as UTC.

    >>> parse_time("2026-03-01T12:00:00+02:00")
    datetime.datetime(2026, 3, 1, 10, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise BadValueError(
                f"{field} = {value!r} is not a time. Write it as 2026-03-01T12:00:00Z."
            ) from error
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def iso(time: datetime) -> str:
    """Return a UTC time as ISO 8601 with Z, to the second or finer when it has a fraction.

    >>> iso(parse_time("2026-03-01 12:00"))
    '2026-03-01T12:00:00Z'
    """
    return parse_time(time).isoformat().replace("+00:00", "Z")


def at(seconds: float) -> datetime:
    """Return the UTC time of seconds since 1970, rounded to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), tz=UTC)


@dataclass(frozen=True)
class Window:
    """The times from ``start`` (included) to ``end`` (excluded), in UTC.

    >>> Window.of("2026-03-01", "2026-03-02").hours
    24.0
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", parse_time(self.start, field="start"))
        object.__setattr__(self, "end", parse_time(self.end, field="end"))
        if not self.start < self.end:
            raise WindowError(
                f"a window must start before it ends: {iso(self.start)} to {iso(self.end)} given."
            )

    @classmethod
    def of(cls, start: datetime | str, end: datetime | str) -> Window:
        """Make a window from times or ISO 8601 text."""
        return cls(parse_time(start, field="start"), parse_time(end, field="end"))

    @property
    def duration(self) -> timedelta:
        """The length of the window."""
        return self.end - self.start

    @property
    def hours(self) -> float:
        """The length of the window in hours."""
        return self.duration.total_seconds() / 3600

    def predicate(self, dialect: Dialect, column: str = "ts") -> str:
        """Return the SQL condition that a row lies in the window."""
        low, high = (dialect.timestamp(_naive(t)) for t in (self.start, self.end))
        name = dialect.ident(column)
        return f"{name} >= {low} and {name} < {high}"

    def __str__(self) -> str:
        return f"{iso(self.start)} to {iso(self.end)}"


def _naive(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(sep=" ")
