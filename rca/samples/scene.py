"""Put a service, its traffic, a fault and a history together into one incident."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from rca.errors import BadValueError, UnknownNameError
from rca.samples.clock import HOUR, Clock, draw_clock, iso
from rca.samples.families import FAMILIES
from rca.samples.history import distract, finished
from rca.samples.outcomes import measure, predict
from rca.samples.priors import draw_service
from rca.samples.rollout import OWNER_DIMENSION, Rollout, number_versions, write_versions
from rca.samples.service import LATENTS, FloatArray, Service
from rca.samples.table import to_table
from rca.samples.traffic import arrivals, batches, draw_features, draw_rows, weather
from rca.samples.truth import Cause, Truth
from rca.samples.visibility import error_units, noise_units
from rca.samples.world import Event, Fault, UnsuitableError, World

STRENGTHS = (1.0, 1.5, 2.2)
VISIBLE = 4.0
ATTEMPTS = 200


@dataclass(frozen=True)
class SimulatedIncident:
    """An incident with its truth.

    Attributes
    ----------
    requests
        The request log: an Arrow table with canonical column names and model inputs.
    events
        Events in time order, one dict each, times as ISO text.
    incident
        ``metric``, ``alerted_at`` and ``service``.
    truth
        What was planted.
    """

    requests: pa.Table
    events: list[Event]
    incident: dict[str, str]
    truth: Truth


@dataclass(frozen=True)
class Scene:
    """All draws but those of single calls: from here the log can be written in batches."""

    service: Service
    clock: Clock
    faults: tuple[Fault, ...]
    rollouts: tuple[Rollout, ...]
    first: Mapping[tuple[str, str], int]
    weather: Mapping[str, FloatArray]
    events: list[Event]
    incident: dict[str, str]
    truth: Truth
    n_rows: int
    gaps: tuple[tuple[float, float], ...]
    seed: tuple[int, ...]

    def tables(self, strength: float = 1.0, *, batch_rows: int) -> Iterator[pa.Table]:
        """Yield the log in time order, about ``batch_rows`` calls at a time."""
        rng = np.random.default_rng((*self.seed, 1))
        sky = self.weather["traffic"]
        counts = arrivals(self.service, self.clock, sky, self.n_rows, rng, gaps=self.gaps)
        first_id = 0
        for bins in batches(counts, batch_rows):
            seed = (*self.seed, 2, bins[0])
            table = self._batch(strength, (counts, bins), seed, first_id)
            first_id += len(table)
            yield table

    def _batch(
        self, strength: float, which: tuple[Any, tuple[int, int]], seed: tuple[int, ...], first: int
    ) -> pa.Table:
        rows = draw_rows(self.service, self.clock, *which, seed)
        rng = np.random.default_rng((*seed, 1))
        for fault in self.faults:
            if fault.traffic is not None:
                rows = fault.traffic(rows, self.service, strength, rng)
        write_versions(rows, self.service, self.rollouts, self.first)
        draw_features(rows, self.service, rng)
        latents = predict(rows, self.service, self.weather, self.clock.start, rng)
        for fault in self.faults:
            if fault.latent is not None:
                fault.latent(rows, latents, strength)
        record = measure(rows, latents, self.service, self.clock.end, rng)
        for fault in self.faults:
            if fault.record is not None:
                fault.record(record, strength, rng)
        return to_table(record, self.service, first_id=first, rng=rng)


def simulate(
    family: str,
    *,
    seed: int,
    n_rows: int | None = None,
    style: str | None = None,
    text: bool | None = None,
    lag_scale: float = 1.0,
    clock_error_s: float | None = None,
    n_events: int | None = None,
) -> SimulatedIncident:
    """Draw one incident of a family, with its truth; the same arguments give the same incident.

    The service, its traffic and season, the history of events, the fault, its scope, size, shape
    and delay are drawn from wide priors. The effect is made at least four times the noise of the
    metric in a window of that length (see :mod:`rca.samples.visibility`), so that the truth can be
    known in principle.

    Parameters
    ----------
    family
        A name of :data:`FAMILIES`.
    seed
        Any whole number from 0.
    n_rows
        Number of calls; drawn between 20,000 and 300,000 when None. Runaway callers and
        duplicated exports add to it.
    style
        ``chat``, ``rag``, ``agent`` or ``classifier``; drawn from the family's own when None.
    text
        Whether inputs and outputs are logged; drawn when None.
    lag_scale
        Factor on the delays between events and their effects, to test a ranker whose assumptions
        are wrong.
    clock_error_s
        Standard deviation of the error of event times in seconds; 0, 30 or 150 when None.
    n_events
        How many events without effect are drawn (some are dropped where they would hide the cause,
        nightly runs come on top); 3 to 30 when None.

    Raises
    ------
    UnknownNameError
        There is no such family, or the family cannot befall that style.
    BadValueError
        ``n_rows`` is below 2,000 or ``seed`` below 0.

    Examples
    --------
    >>> drawn = simulate("price_change", seed=7, n_rows=4000)
    >>> drawn.truth.cause.kind, len(drawn.requests) >= 4000
    ('data_quality', True)
    """
    _check(family, seed, n_rows, style)
    for attempt in range(ATTEMPTS):
        try:
            scene = draw_scene(
                family,
                (seed, attempt),
                n_rows,
                style=style,
                text=text,
                lag_scale=lag_scale,
                clock_error_s=clock_error_s,
                n_events=n_events,
            )
        except UnsuitableError:
            continue
        for strength in STRENGTHS:
            table = _visible(scene, strength)
            if table is not None:
                return SimulatedIncident(table, scene.events, scene.incident, scene.truth)
    raise BadValueError(
        f"no visible incident of {family!r} in {ATTEMPTS} attempts with seed {seed} and "
        f"{n_rows} rows. Give more rows or another seed."
    )


def draw_scene(
    family: str,
    seed: Sequence[int],
    n_rows: int | None,
    *,
    style: str | None = None,
    text: bool | None = None,
    lag_scale: float = 1.0,
    clock_error_s: float | None = None,
    n_events: int | None = None,
) -> Scene:
    """Draw service, clock, fault and history; raises `UnsuitableError` when they do not fit."""
    about = FAMILIES[family]
    seeds = (*seed, zlib.crc32(family.encode()))
    rng = np.random.default_rng(seeds)
    n_drawn = int(np.exp(rng.uniform(np.log(20_000), np.log(300_000))))
    n_rows = n_rows or n_drawn
    drawn_style = str(rng.choice(about.styles))
    service = draw_service(rng, style=style or drawn_style, needs=about.needs, text=text)
    clock = draw_clock(rng, n_rows, min_days=about.min_days)
    first = _first_versions(service, rng)
    world = World(rng, service, clock, first, lag_scale)
    planted = about.plant(world)
    faults = planted if isinstance(planted, tuple) else (planted,)
    events, rollouts = distract(world, faults, n_events)
    rollouts += [f.rollout for f in faults if f.rollout is not None]
    number_versions(rollouts, first)
    for fault in faults:
        events += [*fault.companions, *([fault.event] if fault.event else [])]
    slip_s = float(rng.choice([0.0, 30.0, 150.0]))
    texts = finished(events, slip_s if clock_error_s is None else clock_error_s, rng)
    sky = {latent: world.service.noise[latent] for latent in LATENTS}
    sky["traffic"] = (rng.uniform(0.0, 0.2), rng.uniform(0.0, 0.8))
    return Scene(
        service=world.service,
        clock=world.clock,
        faults=faults,
        rollouts=tuple(rollouts),
        first=first,
        weather={k: weather(rng, world.clock.n_hours, *sky[k]) for k in sky},
        events=texts,
        incident={
            "metric": faults[0].metric,
            "alerted_at": iso(world.clock.alerted_at),
            "service": world.service.name,
        },
        truth=Truth(family, tuple(_cause(fault) for fault in faults)),
        n_rows=n_rows,
        gaps=_gaps(world),
        seed=seeds,
    )


def _check(family: str, seed: int, n_rows: int | None, style: str | None) -> None:
    if family not in FAMILIES:
        raise UnknownNameError.of("fault family", family, FAMILIES)
    if style is not None and style not in FAMILIES[family].styles:
        raise UnknownNameError.of(f"style for {family}", style, FAMILIES[family].styles)
    if n_rows is not None and n_rows < 2000:
        raise BadValueError(f"n_rows is {n_rows}; an incident needs at least 2000 calls.")
    if seed < 0:
        raise BadValueError(f"seed is {seed}; give a whole number from 0.")


def _whole(scene: Scene, strength: float) -> pa.Table:
    return next(scene.tables(strength, batch_rows=2**62))


def _visible(scene: Scene, strength: float) -> pa.Table | None:
    """Return the log if each fault by itself can be seen in it, else None."""
    if len(scene.faults) > 1:
        alone = (replace(scene, faults=(fault,)) for fault in scene.faults)
        return (
            None
            if any(_visible(one, strength) is None for one in alone)
            else _whole(scene, strength)
        )
    (fault,) = scene.faults
    table = _whole(scene, strength)
    if fault.visible == "nothing" or fault.onset is None:
        return table
    what = fault.metric if fault.visible == "metric" else fault.visible
    clock = replace(scene.clock, onset=fault.onset)
    if fault.visible == "season":
        return table if abs(error_units(table, fault.metric, clock)) >= VISIBLE else None
    return table if abs(noise_units(table, what, clock)) >= VISIBLE else None


def _first_versions(service: Service, rng: np.random.Generator) -> dict[tuple[str, str], int]:
    first = {("app_version", ""): int(rng.integers(20, 60))}
    for column, dimension in OWNER_DIMENSION.items():
        for owner in service.values[dimension]:
            first[column, owner] = int(rng.integers(1, 12))
    return first


def _gaps(world: World) -> tuple[tuple[float, float], ...]:
    """Draw spells of the baseline in which the log was lost: most often none."""
    clock, n = world.clock, int(world.rng.integers(1, 4)) if world.chance(0.25) else 0
    first = (world.uniform(clock.start + HOUR, clock.onset - 12 * HOUR) for _ in range(n))
    return tuple((at, at + world.uniform(0.5, 6.0) * HOUR) for at in first)


def _cause(fault: Fault) -> Cause:
    texts: dict[str, str | list[str]] = {
        name: value.version if isinstance(value, Rollout) else value
        for name, value in fault.slice.items()
    }
    return Cause(
        kind=fault.kind,
        onset=None if fault.onset is None else iso(fault.onset),
        event_id=None if fault.event is None else str(fault.event["event_id"]),
        column=fault.column,
        slice=texts,
    )
