"""A small log with a step at a known time, and the incident around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import rca
from rca.model.event import Event, Events
from rca.model.incident import Incident

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 96.0
ONSET = START + timedelta(hours=72)
Plant = Callable[[pd.DataFrame, np.random.Generator], None]


def after(hours: float) -> datetime:
    """Return the time some hours after the log starts."""
    return START + timedelta(hours=hours)


def rows(n: int = 6000, *, seed: int = 0, plant: Plant | None = None) -> pd.DataFrame:
    """Draw requests in which nothing happened, then plant."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, HOURS * 3600, n))
    frame = pd.DataFrame(
        {
            "ts": START + pd.to_timedelta(seconds, unit="s"),
            "region": rng.choice(["eu", "us"], n, p=[0.3, 0.7]),
            "model_version": "v1",
            "user_id": rng.choice([f"u{i}" for i in range(200)], n),
            "correct": (rng.random(n) < 0.9).astype(float),
        }
    )
    if plant is not None:
        plant(frame, rng)
    return frame


def fails(where: pd.Series, rate: float, frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Let a share of some rows be wrong."""
    frame.loc[where & (rng.random(len(frame)) < rate), "correct"] = 0.0


def everywhere(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """From the onset on, a quarter of all rows is wrong."""
    fails(frame["ts"] >= ONSET, 0.25, frame, rng)


def in_eu(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """From the onset on, most rows of one region are wrong."""
    fails((frame["ts"] >= ONSET) & (frame["region"] == "eu"), 0.6, frame, rng)


def new_version(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """From the onset on, half of the rows are served by a version that is worse."""
    fresh = (frame["ts"] >= ONSET) & (rng.random(len(frame)) < 0.5)
    frame.loc[fresh, "model_version"] = "v2"
    fails(fresh, 0.5, frame, rng)


def incident(
    frame: pd.DataFrame, events: Sequence[Event] = (), *, metric: str | None = "accuracy"
) -> Incident:
    """Return the incident of a log, alerted at its end."""
    logs = rca.read_logs(frame)
    found = Incident(logs, Events(tuple(events)), logs.span.end if logs.span else START)
    return found if metric is None else found.measuring(metric)
