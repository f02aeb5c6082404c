"""Faults of upstream data: a pipeline run writes a model input wrongly, and accuracy falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rca.samples.clock import DAY, HOUR
from rca.samples.outcomes import Latents, Record
from rca.samples.service import BoolArray, Feature
from rca.samples.traffic import Rows
from rca.samples.world import Event, Fault, UnsuitableError, World

Damage = Callable[[Record, BoolArray], None]


def nulls(world: World) -> Fault:
    """Leave a feature empty in most rows."""
    feature = _feature(world, numeric=None)
    return _written_wrongly(world, feature, lambda r, hit: r.lose(feature.name, hit))


def units(world: World) -> Fault:
    """Write a feature in another unit: cents for dollars, grams for kilograms, or 1000 times."""
    feature = _feature(world, numeric=True)
    factor = float(world.rng.choice([0.001, 0.01, 100.0, 1000.0]))

    def damage(record: Record, hit: BoolArray) -> None:
        values = record.values[feature.name]
        record.values[feature.name] = np.where(hit, np.round(values * factor, 3), values)

    return _written_wrongly(world, feature, damage)


def rename(world: World) -> Fault:
    """Rename a category, so that the model sees a value it never learned."""
    feature = _feature(world, numeric=False)
    old = int(world.rng.integers(len(feature.values)))
    new = feature.values[old].lower() + "_2" if world.chance(0.5) else feature.values[old].title()
    new = f"{new}*" if new in feature.values else new

    def damage(record: Record, hit: BoolArray) -> None:
        record.values[feature.name] = np.where(
            hit, len(feature.values), record.values[feature.name]
        )
        record.words[feature.name] = (*feature.values, new)

    return _written_wrongly(world, feature, damage, only=old)


def stale(world: World) -> Fault:
    """Serve an old partition: the same few values again and again."""
    feature = _feature(world, numeric=True)
    old = np.round(
        feature.median * np.exp(feature.sigma * world.rng.standard_normal(6)), feature.decimals
    )

    def damage(record: Record, hit: BoolArray) -> None:
        values = record.values[feature.name]
        record.values[feature.name] = np.where(hit, old[record.rows.user % len(old)], values)

    return _written_wrongly(world, feature, damage)


def defaults(world: World) -> Fault:
    """Fill a feature with its default value."""
    feature = _feature(world, numeric=True)
    default = float(world.rng.choice([0.0, -1.0, 999.0]))

    def damage(record: Record, hit: BoolArray) -> None:
        values = record.values[feature.name]
        record.values[feature.name] = np.where(hit, default, values)

    return _written_wrongly(world, feature, damage)


def _feature(world: World, *, numeric: bool | None) -> Feature:
    fitting = [f for f in world.service.features if numeric is None or numeric == (not f.values)]
    if not fitting:
        raise UnsuitableError("no feature of that type")
    return fitting[int(world.rng.integers(len(fitting)))]


def _written_wrongly(
    world: World, feature: Feature, damage: Damage, *, only: int | None = None
) -> Fault:
    scope = world.scope(("region", "client"), p_global=0.6)
    rollout = replace(world.lasting(world.uniform(0.5, 1.0)), scope=scope)
    size = world.uniform(0.6, 1.8)

    def touched(rows: Rows) -> BoolArray:
        hit = rollout.touches(rows)
        return hit if only is None else hit & (rows.features[feature.name] == only)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add("accuracy", touched(rows), -size * strength)

    def record(record: Record, strength: float, rng: np.random.Generator) -> None:
        del strength, rng
        damage(record, touched(record.rows))

    run = _run(world, feature, world.before("pipeline", rollout.start))
    days_before = [run["ts"] - DAY * i for i in range(1, 4)]
    earlier = tuple(_run(world, feature, at) for at in days_before if at > world.clock.start)
    return Fault(
        "pipeline",
        "accuracy",
        rollout.start,
        run,
        dict(scope),
        column=feature.name,
        companions=earlier,
        rollout=rollout,
        latent=latent,
        record=record,
    )


def _run(world: World, feature: Feature, at: float) -> Event:
    names_column = world.chance(0.3)
    return world.event(
        "pipeline",
        at,
        f"Load {feature.table}",
        target=feature.table.split(".")[-1],
        table=feature.table,
        inputs=["raw." + feature.table.split(".")[-1]],
        outputs=[feature.table],
        column=feature.name if names_column else None,
        ts_end=at + world.uniform(0.05, 0.5) * HOUR,
        actor="scheduler",
        status="succeeded",
    )
