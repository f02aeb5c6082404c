"""When things happen in a simulated incident, in seconds since 1970 (UTC)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True)
class Clock:
    """The first row, the onset of the fault, the alert and the last row.

    Examples
    --------
    >>> clock = Clock(0.0, 3 * DAY, 3 * DAY + 2 * HOUR, 3 * DAY + 3 * HOUR)
    >>> clock.n_hours, iso(clock.onset)
    (75, '1970-01-04T00:00:00Z')
    """

    start: float
    onset: float
    alerted_at: float
    end: float

    @property
    def n_hours(self) -> int:
        """Hours that the log touches."""
        return int(np.ceil((self.end - self.start) / HOUR))

    def moved(self, seconds: float) -> Clock:
        """Return the same clock, later by ``seconds``."""
        return Clock(*(t + seconds for t in (self.start, self.onset, self.alerted_at, self.end)))

    def lasting(self, seconds: float) -> Clock:
        """Return the clock with the alert ``seconds`` after the onset, where the log then ends."""
        return replace(self, alerted_at=self.onset + seconds, end=self.onset + seconds)


def draw_clock(
    rng: np.random.Generator, n_rows: int, *, min_days: float = 3.0, min_rows: int = 600
) -> Clock:
    """Draw a baseline of 3 to 21 days and an incident of 1 to 48 hours.

    The incident is lengthened until about ``min_rows`` rows fall into it, so that its effect can be
    seen at all; it is never more than a third of the log.
    """
    baseline = np.exp(rng.uniform(np.log(min_days), np.log(21.0))) * DAY
    duration = np.exp(rng.uniform(np.log(1.0), np.log(48.0))) * HOUR
    duration = min(max(duration, min_rows / n_rows * baseline), baseline / 2)
    start = datetime(2025, 9, 1, tzinfo=UTC).timestamp() + rng.integers(0, 270 * 24) * HOUR
    onset = float(start + baseline)
    end = float(onset + duration)
    alerted_at = end if rng.random() < 0.4 else onset + duration * rng.uniform(0.5, 0.95)
    return Clock(float(start), onset, float(alerted_at), end)


def iso(seconds: float) -> str:
    """Return ISO 8601 with Z, to the second."""
    return datetime.fromtimestamp(round(seconds), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> float:
    """Return seconds since 1970 of an ISO 8601 text (no zone: UTC)."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
