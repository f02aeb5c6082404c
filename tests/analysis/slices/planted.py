"""Logs with a known cause, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import rca
from rca.engine import Engine

REGIONS = ["eu", "us", "ap"]
KINDS = ["math", "code", "chat", "other"]
TENANTS = [f"t{i:03d}" for i in range(200)]
Plant = Callable[[pd.DataFrame, np.random.Generator], None]


def rows(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw requests in which nothing happened."""
    frame = pd.DataFrame(
        {
            "region": rng.choice(REGIONS, n, p=[0.5, 0.3, 0.2]),
            "query_type": rng.choice(KINDS, n, p=[0.3, 0.3, 0.3, 0.1]),
            "tenant": rng.choice(TENANTS, n),
            "client": rng.choice(["web", "app"], n),
            "model_version": "v1",
        }
    )
    frame["correct"] = (rng.random(n) < 0.9).astype(float)
    frame["latency_ms"] = rng.lognormal(6, 0.8, n)
    frame["output_tokens"] = rng.lognormal(5, 1.2, n).round()
    frame["prediction"] = (rng.random(n) < 0.4).astype(float)
    frame["label"] = np.where(rng.random(n) < 0.85, frame["prediction"], 1 - frame["prediction"])
    return frame


def fail(frame: pd.DataFrame, where: pd.Series, rate: float, rng: np.random.Generator) -> None:
    """Let a share of some rows be wrong."""
    frame.loc[where & (rng.random(len(frame)) < rate), "correct"] = 0.0


def pair(
    metric: str,
    plant: Plant | None = None,
    *,
    seed: int = 0,
    n: tuple[int, int] = (6000, 4000),
    engine: Engine | None = None,
) -> rca.Comparison:
    """Return a comparison of drawn logs, with a cause planted on the current side."""
    rng = np.random.default_rng(seed)
    baseline, current = rows(n[0], rng), rows(n[1], rng)
    if plant is not None:
        plant(current, rng)
    return compared(baseline, current, metric, engine)


def compared(
    baseline: pd.DataFrame, current: pd.DataFrame, metric: str, engine: Engine | None = None
) -> rca.Comparison:
    """Return a comparison of two frames."""
    engine = engine or rca.connect()
    logs = (rca.read_logs(frame, engine=engine) for frame in (baseline, current))
    return rca.Comparison.of(*logs, metric=metric)
