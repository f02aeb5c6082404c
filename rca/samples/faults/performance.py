"""Faults of time and success: providers, the vector store, flags in a region."""

from __future__ import annotations

from dataclasses import replace

from rca.samples import vocabulary as words
from rca.samples.clock import HOUR
from rca.samples.outcomes import Latents
from rca.samples.traffic import Rows
from rca.samples.world import Event, Fault, UnsuitableError, World


def provider_latency(world: World) -> Fault:
    """Let one provider answer slower, with or without a notice of its status page."""
    metric = world.one_of(("p95_latency", "mean_latency", "p99_latency"))
    return _provider(world, metric, "log_latency", world.uniform(0.4, 1.4))


def provider_errors(world: World) -> Fault:
    """Let one provider time out or refuse calls, with or without a notice."""
    return _provider(world, "error_rate", "error", world.uniform(1.2, 3.2))


def vector_store(world: World) -> Fault:
    """Slow retrieval down after a change of the index or its settings."""
    metric = world.one_of(("mean_latency", "p95_latency"))
    rollout = world.rolled_out(p_instant=0.7)
    size = world.uniform(1.5, 2.8)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add("log_retrieval", rollout.touches(rows), size * strength)

    kind = world.one_of(("config", "deploy", "pipeline"))
    title = {
        "config": "Raise ef_search of the vector index",
        "deploy": "Deploy retriever",
        "pipeline": "Rebuild the vector index",
    }[kind]
    event = world.event(
        kind,
        world.before(kind, rollout.start),
        title,
        target="retriever",
        outputs=["vector_index"] if kind == "pipeline" else None,
        actor="scheduler" if kind == "pipeline" else "ci-bot",
        status="succeeded",
    )
    return Fault(
        kind,
        metric,
        rollout.start,
        event,
        column="retrieval_ms",
        rollout=rollout,
        latent=latent,
    )


def regional_flag(world: World, metric: str | None = None) -> Fault:
    """Let a flag or a setting that reaches one region hurt it."""
    metric = metric or world.one_of(("accuracy", "error_rate", "p95_latency", "mean_latency"))
    name, low, high = {
        "accuracy": ("accuracy", -2.0, -0.8),
        "error_rate": ("error", 1.2, 2.8),
    }.get(metric, ("log_latency", 0.4, 1.2))
    scope = {"region": world.value("region", 0.15, 0.6)}
    rollout = replace(world.rolled_out(by_user=True), scope=scope)
    size = world.uniform(low, high)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add(name, rollout.touches(rows), size * strength)

    kind = world.one_of(("flag", "config"))
    target = world.one_of(words.FLAGS if kind == "flag" else words.SETTINGS)
    event = world.event(
        kind,
        world.before(kind, rollout.start),
        f"Enable {target} in {scope['region']}",
        target=target,
        actor="platform-team",
        **(scope if world.chance(0.8) else {}),
    )
    return Fault(kind, metric, rollout.start, event, dict(scope), rollout=rollout, latent=latent)


def _provider(world: World, metric: str, name: str, size: float) -> Fault:
    if len(world.service.values["provider"]) < 2:
        raise UnsuitableError("one provider cannot be told from the service itself")
    provider = world.value("provider", 0.2, 0.7)
    rollout = replace(world.lasting(p_recovers=0.4), scope={"provider": provider})
    error = int(world.rng.integers(0, 2))

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        hit = rollout.touches(rows)
        latents.add(name, hit, size * strength)
        if name == "error":
            latents.error_type[hit & (rows.luck < 0.85)] = error

    event = _notice(world, provider, metric) if world.chance(0.5) else None
    where = {"provider": provider}
    return Fault("upstream", metric, rollout.start, event, where, rollout=rollout, latent=latent)


def _notice(world: World, provider: str, metric: str) -> Event:
    """Return a notice whose stated start is about right, posted before or after the onset."""
    said = "errors" if metric == "error_rate" else "latency"
    late = world.chance(0.4)
    onset = world.clock.onset
    at = onset + world.uniform(0.02, 0.4) * HOUR if late else world.before("upstream", onset)
    return world.event(
        "upstream",
        min(at, world.clock.alerted_at),
        f"{provider}: elevated {said}",
        target=provider,
        provider=provider,
        status="investigating" if late else "monitoring",
    )
