"""Faults that come with a new version: of a model, of the application, of a prompt."""

from __future__ import annotations

from dataclasses import replace

from rca.samples import vocabulary as words
from rca.samples.clock import HOUR
from rca.samples.outcomes import Latents
from rca.samples.rollout import Rollout
from rca.samples.traffic import Rows
from rca.samples.world import Fault, World


def model_rollout(world: World) -> Fault:
    """Let a new model version answer some query types worse, wholly or in stages."""
    model = world.value("model", 0.2, 1.0)
    rollout = world.rolled_out(column="model_version", owner=model, scope={"model": model})
    kinds = _query_types(world)
    size = world.uniform(0.7, 2.0)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add("accuracy", rollout.touches(rows) & rows.match(kinds), -size * strength)

    kind = "deploy" if world.chance(0.7) else "model_version"
    event = world.event(
        kind,
        world.before(kind, rollout.start),
        f"Roll out a new version of {model}",
        target=model,
        model_version=rollout,
        ts_end=rollout.times[-1] + 120.0,
        actor="release-bot",
        status="succeeded",
    )
    where = world.logged(model_version=rollout, **kinds)
    return Fault("deploy", "accuracy", rollout.start, event, where, rollout=rollout, latent=latent)


def app_deploy(world: World) -> Fault:
    """Let a new build of the application fail more or answer slower, everywhere or in a scope."""
    metric = world.one_of(("error_rate", "p95_latency", "mean_latency"))
    rollout = world.rolled_out(column="app_version")
    scope = world.scope(("query_type", "client", "region"), p_global=0.5)
    name = "error" if metric == "error_rate" else "log_latency"
    size = world.uniform(1.0, 2.8) if name == "error" else world.uniform(0.3, 1.1)
    error = int(world.rng.integers(0, 4))

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        hit = rollout.touches(rows) & rows.match(scope)
        latents.add(name, hit, size * strength)
        if name == "error":
            latents.error_type[hit & (rows.luck < 0.8)] = error

    event = world.event(
        "deploy",
        world.before("deploy", rollout.start),
        f"Deploy {world.service.name}",
        target=world.service.name,
        app_version=rollout,
        ts_end=rollout.times[-1] + 60.0,
        actor="ci-bot",
        status="succeeded",
    )
    where = world.logged(app_version=rollout, **scope)
    return Fault("deploy", metric, rollout.start, event, where, rollout=rollout, latent=latent)


def canary_rolled_back(world: World) -> Fault:
    """Let a bad canary reach a part of the calls until it is rolled back around the alert."""
    clock = world.clock
    share = world.uniform(0.3, 0.7)
    back = world.uniform(clock.alerted_at, clock.end) if clock.end > clock.alerted_at else clock.end
    back = min(back, clock.onset + 24 * HOUR)
    rollout = Rollout([clock.onset, back], [share, 0.0], column="app_version")
    metric = world.one_of(("error_rate", "mean_latency"))
    name = "error" if metric == "error_rate" else "log_latency"
    size = world.uniform(1.5, 3.0) if name == "error" else world.uniform(0.5, 1.3)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add(name, rollout.touches(rows), size * strength)

    event = world.event(
        "deploy",
        world.before("deploy", rollout.start),
        f"Canary of {world.service.name}",
        target=world.service.name,
        app_version=rollout,
        actor="release-bot",
        status="canary",
    )
    undone = world.event(
        "rollback",
        back,
        f"Roll back {world.service.name}",
        target=world.service.name,
        actor="on-call",
        status="succeeded",
    )
    where = world.logged(app_version=rollout)
    companions = (undone,) if back < clock.end else ()
    return Fault(
        "deploy",
        metric,
        rollout.start,
        event,
        where,
        companions=companions,
        rollout=rollout,
        latent=latent,
    )


def prompt_quality(world: World) -> Fault:
    """Let an edited prompt template give worse answers."""
    return _prompt(world, "accuracy", "accuracy", -world.uniform(0.6, 1.8))


def prompt_unsafe(world: World) -> Fault:
    """Let an edited prompt template let unsafe answers through."""
    return _prompt(world, "flagged_rate", "flagged", world.uniform(1.0, 2.6))


def safety_filter(world: World) -> Fault:
    """Let a switched or re-tuned safety filter flag more answers, or block good calls."""
    blocks = world.chance(0.3)
    metric, name = ("error_rate", "error") if blocks else ("flagged_rate", "flagged")
    scope = world.scope(("region", "query_type", "client"), p_global=0.6)
    rollout = replace(world.rolled_out(p_instant=0.7, by_user=True), scope=scope)
    size = world.uniform(1.0, 2.6)
    filtered = words.ERROR_TYPES.index("content_filter")

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        hit = rollout.touches(rows)
        latents.add(name, hit, size * strength)
        if blocks:
            latents.error_type[hit & (rows.luck < 0.9)] = filtered

    kind = world.one_of(("flag", "config"))
    event = world.event(
        kind,
        world.before(kind, rollout.start),
        f"{'Switch' if kind == 'flag' else 'Re-tune'} the output safety filter",
        target="safety_filter",
        from_version="on",
        version="strict" if blocks else "relaxed",
        actor="platform-team",
        **(scope if world.chance(0.7) else {}),
    )
    where = world.logged(**scope)
    return Fault(kind, metric, rollout.start, event, where, rollout=rollout, latent=latent)


def _prompt(world: World, metric: str, name: str, size: float) -> Fault:
    template = world.value("prompt_template", 0.2, 1.0)
    scope = {"prompt_template": template}
    rollout = world.rolled_out(
        p_instant=0.8, column="prompt_version", owner=template, scope=scope, by_user=True
    )

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add(name, rollout.touches(rows), size * strength)

    event = world.event(
        "prompt",
        world.before("prompt", rollout.start),
        f"Edit the {template} prompt",
        target=template,
        prompt_template=template,
        prompt_version=rollout,
        actor="ml-team",
    )
    where = world.logged(prompt_version=rollout, prompt_template=template)
    return Fault("prompt", metric, rollout.start, event, where, rollout=rollout, latent=latent)


def _query_types(world: World) -> dict[str, list[str]]:
    given = world.service.values["query_type"]
    n = int(world.rng.integers(1, max(2, len(given) // 2 + 1)))
    if world.chance(0.15) or not world.service.logs("query_type"):
        return {}
    first = world.value("query_type", 0.15, 0.8)
    others = [q for q in given if q != first]
    return {"query_type": [first, *others[: n - 1]]}
