"""Faults of the measurement itself: labels, metering, duplicated rows. Nothing else breaks."""

from __future__ import annotations

import numpy as np

from rca.samples.clock import HOUR
from rca.samples.outcomes import CACHE_DISCOUNT, Record
from rca.samples.world import Fault, World


def labels_stopped(world: World) -> Fault:
    """Stop most labels; what still arrives is often complaints, so that accuracy looks low."""
    rollout = world.lasting()
    left = world.uniform(0.0, 0.25)
    complaints = world.uniform(2.0, 4.0) if world.chance(0.6) else 1.0

    def record(record: Record, strength: float, rng: np.random.Generator) -> None:
        del strength
        kept = np.minimum(np.where(_is_correct(record), left, left * complaints), 1.0)
        missing = rng.random(len(record.rows)) >= kept
        record.lose(_label(record), rollout.touches(record.rows) & missing)

    return Fault(
        "data_quality",
        "accuracy",
        rollout.start,
        column="label" if world.service.classifies else "correct",
        rollout=rollout,
        record=record,
        visible="labels",
    )


def labels_late(world: World) -> Fault:
    """Let labels come many hours later, those of mistakes sooner than the others."""
    rollout = world.lasting()
    window_hours = (world.clock.end - world.clock.onset) / HOUR
    delay = window_hours * world.uniform(0.8, 4.0) * HOUR
    sooner = world.uniform(0.2, 1.0)
    end = world.clock.end

    def record(record: Record, strength: float, rng: np.random.Generator) -> None:
        del strength
        mean = np.where(_is_correct(record), delay, delay * sooner)
        pending = record.rows.ts + rng.exponential(mean) > end
        record.lose(_label(record), rollout.touches(record.rows) & pending)

    return Fault(
        "data_quality",
        "accuracy",
        rollout.start,
        column="label" if world.service.classifies else "correct",
        rollout=rollout,
        record=record,
        visible="labels",
    )


def metering_double(world: World) -> Fault:
    """Add cached tokens to the input tokens a second time, and bill them."""
    rollout = world.lasting()
    metric = world.one_of(("input_tokens", "cost_per_request"))
    price, _ = world.service.price_per_mtok

    def record(record: Record, strength: float, rng: np.random.Generator) -> None:
        del strength, rng
        values = record.values
        twice = values["cached_input_tokens"] * rollout.touches(record.rows)
        values["input_tokens"] = values["input_tokens"] + twice
        billed = twice * price[values["model"]] * (1 + CACHE_DISCOUNT) * 1e-6
        values["cost_usd"] = np.round(values["cost_usd"] + billed, 7)

    return Fault(
        "data_quality",
        metric,
        rollout.start,
        column="input_tokens",
        rollout=rollout,
        record=record,
    )


def duplicated_rows(world: World) -> Fault:
    """Export many rows twice, under the same request ids: sums grow, calls do not."""
    rollout = world.lasting()
    share = world.uniform(0.4, 1.0)

    def record(record: Record, strength: float, rng: np.random.Generator) -> None:
        del strength
        again = rollout.touches(record.rows) & (rng.random(len(record.rows)) < share)
        record.copies = record.copies + again

    return Fault(
        "data_quality",
        "cost",
        rollout.start,
        column="request_id",
        rollout=rollout,
        record=record,
        visible="copies",
    )


def _label(record: Record) -> str:
    return "label" if "label" in record.values else "correct"


def _is_correct(record: Record) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    values = record.values
    if "label" in values:
        return np.asarray(values["label"] == values["prediction"])
    return np.asarray(values["correct"])
