"""The workshop in which a fault is planted: a drawn service, a clock, and helpers to draw from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rca.samples.clock import HOUR, Clock
from rca.samples.outcomes import Latents, Record
from rca.samples.rollout import Rollout, staged
from rca.samples.service import Season, Service
from rca.samples.traffic import Rows

Event = dict[str, Any]
SliceValue = str | list[str] | Rollout

LAG_HOURS = {
    "deploy": (0.08, 0.9),
    "model_version": (0.08, 0.9),
    "prompt": (0.05, 0.9),
    "flag": (0.05, 0.9),
    "config": (0.08, 1.0),
    "pipeline": (0.8, 0.9),
    "price": (0.1, 0.8),
    "upstream": (0.1, 0.8),
}


class UnsuitableError(Exception):
    """The drawn service or clock cannot carry this fault: draw again."""


@dataclass(frozen=True)
class Fault:
    """One planted cause: what is true of it, and the hooks that carry it into the log.

    ``latent``, ``traffic`` and ``record`` take a strength (1 as drawn) by which their size grows
    until the effect can be seen. ``visible`` says in what: the ``metric``, the share of ``labels``,
    the number of ``copies``, the ``season`` alone, or ``nothing`` (no effect is planted).
    """

    kind: str
    metric: str
    onset: float | None
    event: Event | None = None
    slice: Mapping[str, SliceValue] = field(default_factory=dict)
    column: str | None = None
    companions: Sequence[Event] = ()
    rollout: Rollout | None = None
    traffic: Callable[[Rows, Service, float, np.random.Generator], Rows] | None = None
    latent: Callable[[Rows, Latents, float], None] | None = None
    record: Callable[[Record, float, np.random.Generator], None] | None = None
    visible: str = "metric"


@dataclass
class World:
    """A drawn service and clock with the generator that all further draws come from."""

    rng: np.random.Generator
    service: Service
    clock: Clock
    first: dict[tuple[str, str], int]
    lag_scale: float = 1.0

    def chance(self, p: float) -> bool:
        """Return True with probability ``p``."""
        return bool(self.rng.random() < p)

    def uniform(self, low: float, high: float) -> float:
        """Draw a number between two others."""
        return float(self.rng.uniform(low, high))

    def one_of(self, of: Sequence[str]) -> str:
        """Draw one text."""
        return str(of[int(self.rng.integers(len(of)))])

    def value(self, dimension: str, low: float = 0.12, high: float = 0.7) -> str:
        """Draw a value of a dimension whose share of traffic lies between two bounds."""
        if not self.service.logs(dimension):
            raise UnsuitableError(f"{dimension} is not logged")
        pairs = zip(
            self.service.values[dimension], self.service.shares[dimension].tolist(), strict=True
        )
        fitting = [value for value, share in pairs if low <= share <= high]
        if not fitting:
            raise UnsuitableError(f"no value of {dimension} has a share in [{low}, {high}]")
        return self.one_of(fitting)

    def scope(self, dimensions: Sequence[str], p_global: float) -> dict[str, str]:
        """Draw one dimension and a value of it, or no restriction."""
        if self.chance(p_global):
            return {}
        dimension = self.one_of(dimensions)
        return {dimension: self.value(dimension)}

    def event(self, kind: str, at: float, title: str, **fields: Any) -> Event:
        """Return an event; times are seconds and become text when the incident is done."""
        event = {"kind": kind, "ts": at, "title": title, "service": self.service.name, **fields}
        return {key: value for key, value in event.items() if value is not None}

    def before(self, kind: str, onset: float) -> float:
        """Draw the time of the event whose effect begins at ``onset``, by the lag of its kind."""
        median, sigma = LAG_HOURS[kind]
        lag = np.exp(np.log(median * self.lag_scale) + sigma * self.rng.normal()) * HOUR
        return max(onset - float(lag), self.clock.start + HOUR)

    def rolled_out(self, *, p_instant: float = 0.6, **fields: Any) -> Rollout:
        """Draw a rollout that begins at the onset: at once, in stages or straight up."""
        instant = self.chance(p_instant)
        window = self.clock.alerted_at - self.clock.onset
        linear = self.chance(0.3)
        times, shares = staged(self.rng, self.clock.onset, instant=instant, linear=linear)
        length = times[-1] - times[0]
        if length > 0.5 * window:
            times = [times[0] + (t - times[0]) * 0.5 * window / length for t in times]
        return Rollout(times, shares, linear=linear and not instant, **fields)

    def lasting(self, share: float = 1.0, p_recovers: float = 0.0) -> Rollout:
        """Draw a change that the log does not show: it lasts, or ends before the log does."""
        onset, alerted_at = self.clock.onset, self.clock.alerted_at
        if self.chance(p_recovers) and self.clock.end > alerted_at:
            return Rollout([onset, self.uniform(alerted_at, self.clock.end)], [share, 0.0])
        return Rollout([onset], [share])

    def set_season(self, latent: str, season: Season) -> None:
        """Replace one season of the service."""
        seasons = {**self.service.seasons, latent: season}
        self.service = replace(self.service, seasons=seasons)

    def set_effect(self, latent: str, dimension: str, value: str, amount: float) -> None:
        """Give one value of a dimension its own level, the others of that dimension none."""
        n = len(self.service.values[dimension])
        effect = np.zeros(n)
        effect[self.service.code(dimension, value)] = amount
        effects = {k: dict(v) for k, v in self.service.effects.items()}
        effects[latent][dimension] = effect
        self.service = replace(self.service, effects=effects)

    def logged(self, **wanted: SliceValue) -> dict[str, SliceValue]:
        """Return those parts of a slice whose columns the service logs."""
        return {name: value for name, value in wanted.items() if self.service.logs(name)}
