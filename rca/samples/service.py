"""A service that does not exist: what it logs, who calls it, how good and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rca.samples.clock import DAY, HOUR

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

LATENTS = (
    "accuracy",
    "error",
    "flagged",
    "log_in",
    "log_out",
    "log_retrieval",
    "log_latency",
    "retry",
    "log_price",
    "label",
)


@dataclass(frozen=True)
class Season:
    """A daily cosine and a weekend offset of one latent quantity, on its link scale.

    Examples
    --------
    >>> Season(0.5, 12.0, 0.1).at(np.array([12 * HOUR, 0.0])).round(2).tolist()
    [0.5, -0.5]
    """

    amplitude: float
    peak_hour: float
    weekend: float

    def at(self, ts: FloatArray) -> FloatArray:
        """Return the offset at each time; 1970-01-01 was a Thursday."""
        angle = 2 * np.pi * (ts / HOUR - self.peak_hour) / 24
        weekend = (ts // DAY + 3) % 7 >= 5
        return self.amplitude * np.cos(angle) + self.weekend * weekend


@dataclass(frozen=True)
class Feature:
    """A model input: log-normal with ``median`` and ``sigma``, or one of ``values``."""

    name: str
    table: str
    median: float = 0.0
    sigma: float = 0.0
    decimals: int = 0
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Users:
    """Callers: their share of traffic (cumulated), home and own effects (clustered errors)."""

    cumulated: FloatArray
    tenant: IntArray
    region: IntArray
    client: IntArray
    effect: FloatArray

    def __len__(self) -> int:
        return len(self.effect)


@dataclass(frozen=True)
class Service:
    """All that is constant in a simulated service; drawn by ``rca.samples.priors``.

    ``levels``, ``effects`` and ``seasons`` are on link scales: logits of ``accuracy``, ``error``,
    ``flagged`` and ``label``; logarithms of tokens, milliseconds, retries and price.
    """

    name: str
    style: str
    values: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, FloatArray]
    provider_of_model: IntArray
    users: Users
    traffic: Season
    mix: FloatArray
    levels: Mapping[str, float]
    effects: Mapping[str, Mapping[str, FloatArray]]
    seasons: Mapping[str, Season]
    noise: Mapping[str, tuple[float, float]]
    spread: Mapping[str, float]
    price_per_mtok: tuple[FloatArray, FloatArray]
    label_delay_hours: float
    features: tuple[Feature, ...]
    columns: frozenset[str]
    null_rates: Mapping[str, float]
    duplicate_rate: float
    failures_logged_as_zero: bool
    text: bool

    @property
    def classifies(self) -> bool:
        """Whether it predicts classes with labels and scores instead of writing text."""
        return self.style == "classifier"

    def logs(self, column: str) -> bool:
        """Whether the request log holds a column."""
        return column in self.columns

    def code(self, dimension: str, value: str) -> int:
        """Return the integer that stands for a value of a dimension."""
        return self.values[dimension].index(value)

    @cached_property
    def mean_load(self) -> float:
        """Mean of the traffic season over a week."""
        week = np.arange(0.0, 7 * DAY, HOUR)
        return float(np.exp(self.traffic.at(week)).mean())
