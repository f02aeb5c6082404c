from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import polars as pl
import pytest
from rca.samples import SimulatedIncident, simulate


class Drawn:
    """A simulated incident with its log as polars, split at the true onset."""

    def __init__(self, incident: SimulatedIncident) -> None:
        self.incident = incident
        self.cause = incident.truth.cause
        self.metric = incident.incident["metric"]
        self.log = pl.DataFrame(incident.requests)
        self.alerted_at = _time(incident.incident["alerted_at"])
        if self.cause.onset is not None:
            onset = _time(self.cause.onset)
            self.before = self.log.filter(pl.col("ts") < onset)
            self.during = self.log.filter(pl.col("ts").is_between(onset, self.alerted_at))


def _time(text: str) -> pl.Expr:
    return pl.lit(text).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Drawn]:
    @lru_cache(maxsize=80)
    def draw(family: str, seed: int, n_rows: int = 20_000, style: str | None = None) -> Drawn:
        return Drawn(simulate(family, seed=seed, n_rows=n_rows, style=style))

    return draw
