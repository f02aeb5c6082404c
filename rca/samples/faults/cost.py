"""Faults of tokens and money: long contexts, retries, runaway and hostile callers, prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rca.samples.outcomes import Latents
from rca.samples.service import IntArray, Service
from rca.samples.traffic import Rows
from rca.samples.world import Fault, UnsuitableError, World


def long_context(world: World) -> Fault:
    """Send longer contexts after a change of a setting, a prompt or the application."""
    metric = world.one_of(("input_tokens", "cost_per_request", "mean_latency"))
    kind = world.one_of(("config", "prompt", "deploy"))
    scope = {"prompt_template": world.value("prompt_template", 0.2, 1.0)}
    scope = {} if kind == "deploy" else scope
    line = {"prompt": "prompt_version", "deploy": "app_version"}.get(kind)
    owner = scope.get("prompt_template", "") if kind == "prompt" else ""
    rollout = world.rolled_out(scope=scope, column=line, owner=owner)
    size = world.uniform(0.3, 1.2)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add("log_in", rollout.touches(rows), size * strength)

    title = {
        "config": "Raise retriever top_k and history length",
        "prompt": f"Add examples to the {owner} prompt",
        "deploy": f"Deploy {world.service.name} with conversation memory",
    }[kind]
    event = world.event(
        kind,
        world.before(kind, rollout.start),
        title,
        target={"config": "context", "prompt": owner}.get(kind, world.service.name),
        actor="ml-team",
        **({line: rollout} if line else {}),
        **(scope if world.chance(0.7) else {}),
    )
    where = world.logged(**scope, **({line: rollout} if line else {}))
    return Fault(
        kind,
        metric,
        rollout.start,
        event,
        where,
        column="input_tokens",
        rollout=rollout,
        latent=latent,
    )


def retry_loop(world: World) -> Fault:
    """Retry calls again and again after a change of the retry policy or a bad build."""
    kind = world.one_of(("config", "deploy"))
    line = "app_version" if kind == "deploy" else None
    scope = world.scope(("client", "region"), p_global=0.5)
    rollout = world.rolled_out(column=line)
    size = world.uniform(2.5, 4.0)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        hit = rollout.touches(rows) & rows.match(scope)
        latents.add("retry", hit, size + np.log(strength))

    event = world.event(
        kind,
        world.before(kind, rollout.start),
        "Raise max_retries and drop the back-off" if line is None else "Deploy new client library",
        target="retry_policy" if line is None else world.service.name,
        actor="platform-team",
        **({line: rollout} if line else {}),
        **(scope if world.chance(0.5) else {}),
    )
    where = world.logged(**scope, **({line: rollout} if line else {}))
    return Fault(
        kind,
        "cost_per_request",
        rollout.start,
        event,
        where,
        column="retries",
        rollout=rollout,
        latent=latent,
    )


def runaway_caller(world: World) -> Fault:
    """Let one caller loop and send many times its calls: the bill grows, each call costs alike."""
    user = int(world.rng.integers(20, min(200, len(world.service.users))))
    extra = world.uniform(0.4, 2.0)
    onset, until = world.clock.onset, world.clock.end

    def traffic(rows: Rows, service: Service, strength: float, rng: np.random.Generator) -> Rows:
        return _more_calls(rows, service, [user], extra * strength, (onset, until), rng)

    tenant = world.service.values["tenant"][world.service.users.tenant[user]]
    where = world.logged(user_id=f"u{user:05d}", tenant=tenant)
    if not where:
        raise UnsuitableError("no column tells callers apart")
    return Fault("input", "cost", onset, slice=where, traffic=traffic)


def token_flood(world: World) -> Fault:
    """Let a few callers send huge malformed or hostile inputs."""
    users = world.service.users
    tenant = int(users.tenant[int(world.rng.integers(20, 200))])
    members = np.flatnonzero(users.tenant == tenant)
    picked = world.rng.permutation(members)[: int(world.rng.integers(1, 6))].tolist()
    extra = world.uniform(0.03, 0.12)
    size = world.uniform(2.2, 3.6)
    onset, until = world.clock.onset, world.clock.end
    fails = world.chance(0.4)

    def traffic(rows: Rows, service: Service, strength: float, rng: np.random.Generator) -> Rows:
        return _more_calls(rows, service, picked, extra * strength, (onset, until), rng, odd=True)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        del strength
        latents.add("log_in", rows.odd, size)
        if fails:
            latents.add("error", rows.odd, 1.5)

    ids = [f"u{user:05d}" for user in sorted(picked)]
    where = world.logged(user_id=ids, tenant=world.service.values["tenant"][tenant])
    if not where:
        raise UnsuitableError("no column tells callers apart")
    return Fault(
        "input",
        world.one_of(("input_tokens", "cost_per_request")),
        onset,
        slice=where,
        column="input_tokens",
        traffic=traffic,
        latent=latent,
    )


def price_change(world: World) -> Fault:
    """Change what a model costs: tokens stay, money moves; the price list may have an entry."""
    model = world.value("model", 0.2, 1.0)
    rollout = replace(world.lasting(), scope={"model": model})
    size = world.uniform(0.2, 1.0)

    def latent(rows: Rows, latents: Latents, strength: float) -> None:
        latents.add("log_price", rollout.touches(rows), size * strength)

    listed = world.event(
        "price",
        world.before("price", rollout.start),
        f"New price of {model}",
        target=model,
        model=model,
        actor="platform-team",
    )
    return Fault(
        "data_quality",
        "cost_per_request",
        rollout.start,
        listed if world.chance(0.6) else None,
        world.logged(model=model),
        column="cost_usd",
        rollout=rollout,
        latent=latent,
    )


def _more_calls(
    rows: Rows,
    service: Service,
    callers: list[int],
    share: float,
    window: tuple[float, float],
    rng: np.random.Generator,
    *,
    odd: bool = False,
) -> Rows:
    """Add calls of some callers: ``share`` times the calls that stand in the window."""
    inside: IntArray = np.flatnonzero(rows.between(*window))
    more = rows.take(
        np.sort(rng.choice(inside, rng.poisson(share * len(inside)))) if len(inside) else inside
    )
    more.user = rng.choice(np.array(callers, dtype=np.int64), len(more))
    more.luck = rng.random(len(more))
    for name in ("tenant", "region", "client"):
        more.codes[name] = getattr(service.users, name)[more.user]
    more.ts = np.clip(more.ts + rng.normal(0, 20, len(more)), window[0], window[1] - 1e-3)
    more.odd = np.full(len(more), odd)
    return rows.joined(more)
