"""Alerts that no event explains: moved traffic, seasons, quiet, and changes nobody logged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rca.samples.clock import DAY, HOUR
from rca.samples.faults.performance import provider_latency, regional_flag
from rca.samples.faults.versions import model_rollout, prompt_quality
from rca.samples.outcomes import Latents
from rca.samples.service import Season, Service
from rca.samples.traffic import Rows
from rca.samples.world import Fault, UnsuitableError, World

MIXES = (
    ("accuracy", None, "accuracy", "query_type", -1.3),
    ("accuracy", None, "accuracy", "client", -1.3),
    ("mean_latency", "latency_ms", "log_out", "query_type", 0.9),
    ("input_tokens", "input_tokens", "log_in", "prompt_template", 0.9),
    ("flagged_rate", "flagged", "flagged", "query_type", 1.6),
)


def traffic_mix(world: World) -> Fault:
    """Let more calls come of a kind that was always hard: the total moves, no slice does."""
    logs = world.service.logs
    fitting = [m for m in MIXES if logs(m[3]) and (m[1] is None or logs(m[1]))]
    metric, _, latent, dimension, size = fitting[int(world.rng.integers(len(fitting)))]
    value = world.value(dimension, 0.05, 0.35)
    world.set_effect(latent, dimension, value, size * world.uniform(0.8, 1.4))
    rollout = world.rolled_out(p_instant=0.5)
    share = world.uniform(0.2, 0.6)
    code = world.service.code(dimension, value)

    def traffic(rows: Rows, service: Service, strength: float, rng: np.random.Generator) -> Rows:
        del service
        moved = rollout.touches(rows) & (rng.random(len(rows)) < min(share * strength, 0.85))
        rows.codes[dimension] = np.where(moved, code, rows.codes[dimension])
        return rows

    where = {dimension: value}
    return Fault("traffic_mix", metric, rollout.start, slice=where, traffic=traffic)


def seasonal_dip(world: World) -> Fault:
    """Alert at the ordinary low of the day or of the weekend."""
    metric, latent, low, high = (
        ("accuracy", "accuracy", -0.9, -0.4),
        ("mean_latency", "log_latency", 0.35, 0.8),
        ("error_rate", "error", 0.8, 1.5),
    )[int(world.rng.integers(3))]
    size = world.uniform(low, high)
    clock = world.clock
    weekly = world.chance(0.25) and clock.onset - clock.start > 15 * DAY
    if weekly:
        to_saturday = -((clock.onset - 2 * DAY) % (7 * DAY))
        clock = clock.moved(to_saturday).lasting(world.uniform(20, 44) * HOUR)
        season = Season(0.05 * size, 12.0, size)
    else:
        clock = clock.lasting(world.uniform(3, 8) * HOUR)
        middle = (clock.onset + clock.alerted_at) / 2
        season = Season(size, (middle / HOUR) % 24, 0.0)
    if clock.onset - clock.start < (15 if weekly else 5) * DAY:
        raise UnsuitableError("the season has not been seen often enough")
    world.clock = clock
    world.set_season(latent, season)
    return Fault("season", metric, clock.onset, visible="season")


def quiet(world: World) -> Fault:
    """Alert although nothing happened."""
    metric = world.one_of(("accuracy", "error_rate", "mean_latency", "p95_latency"))
    return Fault("none", metric, None, visible="nothing")


def unlogged_change(world: World) -> Fault:
    """Let something really break that nobody wrote down."""
    metric, latent, size = (
        ("accuracy", "accuracy", -world.uniform(0.6, 1.8)),
        ("error_rate", "error", world.uniform(1.0, 2.6)),
        ("mean_latency", "log_latency", world.uniform(0.3, 1.0)),
    )[int(world.rng.integers(3))]
    scope = world.scope(("query_type", "region", "client"), p_global=0.3)
    rollout = replace(world.rolled_out(), scope=scope)

    def hook(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add(latent, rollout.touches(rows), size * strength)

    return Fault("none", metric, rollout.start, slice=dict(scope), rollout=rollout, latent=hook)


def two_faults(world: World) -> tuple[Fault, Fault]:
    """Plant two faults that move the same metric, the second soon after the first."""
    clock = world.clock
    slow = world.chance(0.4)
    first = provider_latency(world) if slow else model_rollout(world)
    later = world.uniform(0.0, 0.3) * (clock.alerted_at - clock.onset)
    world.clock = replace(clock, onset=clock.onset + later)
    second = (
        regional_flag(world, first.metric) if slow or world.chance(0.5) else prompt_quality(world)
    )
    world.clock = clock
    return first, second
