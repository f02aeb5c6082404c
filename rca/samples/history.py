"""What else happened: events that explain nothing, some of them close to the onset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rca.samples import vocabulary as words
from rca.samples.clock import DAY, HOUR, iso
from rca.samples.rollout import Rollout
from rca.samples.world import Event, Fault, World

KINDS = {
    "deploy": 0.26,
    "flag": 0.12,
    "config": 0.12,
    "pipeline": 0.1,
    "prompt": 0.08,
    "infra": 0.08,
    "annotation": 0.07,
    "release": 0.05,
    "upstream": 0.05,
    "data_quality": 0.03,
    "model_version": 0.02,
    "schema_change": 0.01,
    "price": 0.01,
}
RIVALS = frozenset(
    {"deploy", "flag", "config", "pipeline", "prompt", "upstream", "model_version", "price"}
)
PREFIXES = {"deploy": "dep", "rollback": "dep", "pipeline": "run", "upstream": "inc"}
Draw = tuple[Event, Rollout | None]


def distract(
    world: World, faults: Sequence[Fault], n_events: int | None = None
) -> tuple[list[Event], list[Rollout]]:
    """Draw events without effect (3 to 30), a good part of them within 12 hours of the onset.

    An event that the data could not tell from the cause (a change of the same service, just before
    the onset, with no mark that excludes it) would make the truth unknowable: such a one is moved
    to another time, or marked as staging, as failed or as another service's.
    """
    rng, clock = world.rng, world.clock
    events: list[Event] = []
    rollouts: list[Rollout] = []
    taken = {(f.rollout.column, f.rollout.owner) for f in faults if f.rollout}
    near = rng.uniform(0.25, 0.6)
    kinds, weights = tuple(KINDS), np.array(list(KINDS.values()))
    n_drawn = int(rng.integers(3, 31))
    n_events = n_drawn if n_events is None else n_events
    for kind in rng.choice(kinds, n_events, p=weights / weights.sum()):
        at = _time(world, near)
        unsafe = kind in RIVALS and _confusable(at, faults)
        if unsafe and world.chance(0.5):
            at, unsafe = _elsewhere(world, faults), False
        event, rollout = DRAWS[str(kind)](world, at)
        if unsafe:
            event, rollout = _excluded(world, event), None
        if rollout is not None:
            if (rollout.column, rollout.owner) in taken and at > clock.onset - 0.1 * DAY:
                continue
            rollouts.append(rollout)
        events.append(event)
    return events + _daily_run(world, faults), rollouts


def finished(
    events: Sequence[Event], clock_error_s: float, rng: np.random.Generator
) -> list[Event]:
    """Return events in time order with ids, ISO times (off by a clock error) and version texts.

    Ids are numbered in time order per prefix, so that they tell nothing. The events given are
    changed in one thing only: each gets its ``event_id``.
    """
    done, numbers = [], Counter[str]()
    start = {prefix: int(rng.integers(100, 900)) for prefix in ("chg", *PREFIXES.values())}
    for event in sorted(events, key=lambda e: (e["ts"], e["title"])):
        prefix = PREFIXES.get(event["kind"], "chg")
        numbers[prefix] += 1
        event["event_id"] = f"{prefix}-{start[prefix] + numbers[prefix]}"
        slip = rng.normal(0, clock_error_s) if clock_error_s else 0.0
        texts: Event = {"event_id": event["event_id"]}
        for name, value in event.items():
            if name in {"ts", "ts_end"}:
                texts[name] = iso(value + slip)
            elif isinstance(value, Rollout):
                texts[name] = value.version
                texts["from_version"], texts["version"] = value.from_version, value.version
            else:
                texts[name] = value
        done.append(texts)
    return sorted(done, key=lambda e: str(e["ts"]))


def _time(world: World, near: float) -> float:
    clock = world.clock
    if world.chance(near):
        at = clock.onset + world.uniform(-12, 12) * HOUR
    else:
        at = world.uniform(clock.start, clock.end)
    return float(np.clip(at, clock.start + 60, clock.end - 60))


def _confusable(at: float, faults: Sequence[Fault]) -> bool:
    """Whether a change at that time could be the cause as far as the data can tell."""
    for fault in faults:
        if fault.onset is None or fault.kind in {"season", "traffic_mix", "data_quality"}:
            continue
        low = fault.onset - 3 * HOUR if fault.event is None else fault.event["ts"] - 0.75 * HOUR
        if low <= at <= fault.onset + 0.3 * HOUR:
            return True
    return False


def _elsewhere(world: World, faults: Sequence[Fault]) -> float:
    for _ in range(100):
        at = world.uniform(world.clock.start + 60, world.clock.end - 60)
        if not _confusable(at, faults):
            return at
    return world.clock.start + 60


def _excluded(world: World, event: Event) -> Event:
    marks: tuple[dict[str, Any], ...] = (
        {"environment": "staging"},
        {"service": world.one_of(words.OTHER_SERVICES)},
        {"status": "failed" if event["kind"] != "upstream" else "scheduled"},
    )
    mark = marks[int(world.rng.integers(len(marks)))]
    plain = {k: v for k, v in event.items() if not isinstance(v, Rollout)}
    return {**plain, **mark}


def _deploy(world: World, at: float) -> Draw:
    if world.chance(0.5):
        target = world.one_of((*words.COMPONENTS, "new client library"))
        event = world.event("deploy", at, f"Deploy {target}", target=target, actor="ci-bot")
        return {
            **event,
            "status": "succeeded",
            "version": f"2.{int(world.rng.integers(90))}.0",
        }, None
    rollout = _harmless(world, at, "app_version", "")
    name = world.service.name
    return world.event(
        "deploy",
        at,
        f"Deploy {name}",
        target=name,
        app_version=rollout,
        ts_end=rollout.times[-1] + 60.0,
        actor="ci-bot",
        status="succeeded",
    ), rollout


def _model_version(world: World, at: float) -> Draw:
    model = world.one_of(world.service.values["model"])
    rollout = _harmless(world, at, "model_version", model, model=model)
    title = f"Roll out a new version of {model}"
    return world.event(
        "model_version", at, title, target=model, model_version=rollout, actor="release-bot"
    ), rollout


def _prompt(world: World, at: float) -> Draw:
    template = world.one_of(world.service.values["prompt_template"])
    rollout = _harmless(world, at, "prompt_version", template, prompt_template=template)
    title = f"Edit the {template} prompt"
    event = world.event("prompt", at, title, target=template, actor="ml-team")
    return {**event, "prompt_template": template, "prompt_version": rollout}, rollout


def _flag(world: World, at: float) -> Draw:
    flag = world.one_of(words.FLAGS)
    region = world.one_of(world.service.values["region"]) if world.chance(0.4) else None
    title = f"{world.one_of(('Enable', 'Disable', 'Extend'))} {flag}"
    return world.event("flag", at, title, target=flag, region=region, actor="platform-team"), None


def _config(world: World, at: float) -> Draw:
    if world.chance(0.4):
        title, target = words.DECOYS[int(world.rng.integers(len(words.DECOYS)))]
        return world.event("config", at, title, target=target, actor="platform-team"), None
    setting = world.one_of(words.SETTINGS)
    old = int(world.rng.integers(2, 40))
    event = world.event("config", at, f"Change {setting}", target=setting, actor="platform-team")
    return {**event, "from_version": str(old), "version": str(old * 2)}, None


def _pipeline(world: World, at: float) -> Draw:
    table = world.one_of((*words.TABLES, "reports.weekly", "exports.partner_feed"))
    return world.event(
        "pipeline",
        at,
        f"Load {table}",
        target=table.split(".")[-1],
        table=table,
        inputs=["raw." + table.split(".")[-1]],
        outputs=[table],
        ts_end=at + world.uniform(0.1, 1.0) * HOUR,
        actor="scheduler",
        status=world.one_of(("succeeded", "succeeded", "failed")),
    ), None


def _upstream(world: World, at: float) -> Draw:
    provider = world.one_of((*words.PROVIDERS, "object storage", "e-mail gateway"))
    return world.event(
        "upstream",
        at,
        f"{provider}: {world.one_of(words.NOTICES)}",
        target=provider,
        ts_end=at + world.uniform(0.2, 3.0) * HOUR,
        status="resolved",
    ), None


def _plain(kind: str, titles: tuple[str, ...]) -> Callable[[World, float], Draw]:
    def draw(world: World, at: float) -> Draw:
        return world.event(kind, at, world.one_of(titles), actor=world.one_of(words.ROLES)), None

    return draw


DRAWS: dict[str, Callable[[World, float], Draw]] = {
    "deploy": _deploy,
    "model_version": _model_version,
    "prompt": _prompt,
    "flag": _flag,
    "config": _config,
    "pipeline": _pipeline,
    "upstream": _upstream,
    "infra": _plain("infra", ("Replace a node", "Rotate certificates", "Scale out by one node")),
    "annotation": _plain(
        "annotation",
        ("Marketing mail sent", "Load test on staging", "Team review", "Public holiday"),
    ),
    "release": _plain("release", ("Publish mobile app", "Publish client library", "Publish docs")),
    "data_quality": _plain("data_quality", ("Freshness check passed", "Row count check warned")),
    "schema_change": _plain("schema_change", ("Add an unused column", "Widen a text column")),
    "price": _plain("price", ("New price of storage", "New price of embeddings")),
}


def _harmless(world: World, at: float, column: str, owner: str, **scope: str) -> Rollout:
    length = world.uniform(0.05, 0.5) * HOUR if world.chance(0.5) else 0.0
    times, shares = ([at, at + length], [0.3, 1.0]) if length else ([at], [1.0])
    return Rollout(times, shares, scope=scope, column=column, owner=owner)


def _daily_run(world: World, faults: Sequence[Fault]) -> list[Event]:
    """Return the runs of a nightly pipeline of another table, or none at all."""
    if world.chance(0.5):
        return []
    written = {f.event.get("table") for f in faults if f.event}
    table = next(t for t in reversed(words.TABLES) if t not in written)
    first = world.clock.start + world.uniform(0, 1) * DAY
    times = np.arange(first, world.clock.end, DAY)
    feeds_the_fault = any(fault.kind == "pipeline" for fault in faults)
    return [
        world.event(
            "pipeline",
            float(at),
            f"Load {table}",
            target=table.split(".")[-1],
            table=table,
            inputs=["raw." + table.split(".")[-1]],
            outputs=[table],
            ts_end=float(at) + 0.3 * HOUR,
            actor="scheduler",
            status="succeeded",
        )
        for at in times
        if not (feeds_the_fault and _confusable(float(at), faults))
    ]
