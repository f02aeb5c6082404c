"""How an event's own words and kind fit what moved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from rca.analysis.events import RankedEvent
from rca.analysis.events.lag import time_bayes_factor
from rca.analysis.events.parts import duration
from rca.model.event import Event
from rca.model.finding import Evidence
from rca.model.metric import Metric
from rca.stats.changepoint import TimePosterior

if TYPE_CHECKING:
    from rca.diagnose.signs import Signs

DATA_KINDS = ("pipeline", "schema_change", "data_quality")
UPSTREAM_KINDS = ("upstream", "infra", "incident")
#: What kinds of events are known to move, as log-odds against a kind that moves anything.
HABITS: Mapping[str, Mapping[str, float]] = {
    "infra": {"quality": -1.5, "safety": -2.0, "speed": 0.7, "errors": 0.7, "money": -0.7},
    "upstream": {"quality": -0.7, "safety": -0.7, "speed": 0.5, "errors": 0.7, "money": -0.5},
    "prompt": {"quality": 0.4, "safety": 0.6, "speed": -1.0, "errors": -1.5, "money": 0.2},
    "pipeline": {"quality": 0.4, "safety": -0.7, "speed": -0.5, "errors": -0.5, "money": -1.0},
    "schema_change": {"quality": 0.4, "safety": -0.7, "speed": -0.5, "money": -1.0},
    "data_quality": {"quality": 0.4, "safety": -0.7, "speed": -1.0, "errors": -1.0, "money": -1.0},
    "model_version": {"quality": 0.4, "safety": 0.2, "errors": -0.3},
    "price": {"quality": -4.0, "safety": -4.0, "speed": -4.0, "errors": -4.0, "money": 0.0},
}
#: Words of a change that speak of what a family of metrics measures.
TOPICS: Mapping[str, frozenset[str]] = {
    family: frozenset(said.split())
    for family, said in {
        "safety": "safety filter moderation guardrail guard refusal policy toxicity unsafe",
        "speed": "timeout timeouts latency slow cache pool replica replicas autoscale autoscaler "
        "index vector retriever retrieval rerank connection connections batch concurrency",
        "errors": "timeout retry quota certificate certificates auth token tls limit outage",
        "money": "retry retries backoff attempts max_tokens tokens context compact cost price "
        "budget history chunk chunks window",
        "quality": "model models feature features embedding embeddings schema backfill labels "
        "prompt temperature threshold classifier",
    }.items()
}
#: Words of changes that no request runs through.
ELSEWHERE = frozenset({"docs", "documentation", "readme", "website", "blog", "admin-ui"})
#: Kinds of events that touch every provider alike unless they say otherwise.
EVERYWHERE = ("deploy", "release", "config", "flag", "infra", "pipeline", "schema_change")
_TOPIC = 0.8
_ELSEWHERE = -2.0
_LOCAL = -1.5
_MOST_MENTION = 2.5
_LEAST_TIME = -7.0
_PLAIN = frozenset({"true", "false", "none", "null", "ok", "all", "default", "prod", "production"})


def metric_family(metric: Metric) -> str:
    """Return what a metric speaks of: quality, safety, speed, errors, money or volume."""
    columns = set(metric.columns)
    for family, names in (
        ("safety", {"flagged"}),
        ("quality", {"correct", "prediction", "label", "score"}),
        ("speed", {"latency_ms", "ttft_ms", "retrieval_ms"}),
        ("money", {"cost_usd", "input_tokens", "output_tokens", "retries"}),
        ("errors", {"status", "error_type", "http_status"}),
    ):
        if columns & names:
            return family
    return "volume" if metric.family == "per_hour" else "other"


def words(text: Any) -> frozenset[str]:
    """Return the words of a text, whole compounds and their parts, in lower case.

    >>> sorted(words("Backfill features.user_age"))
    ['age', 'backfill', 'features', 'user', 'user_age']
    """
    compounds = re.findall(r"[a-z0-9_\-]+", str(text).lower())
    parts = [part for compound in compounds for part in re.split(r"[_\-]", compound)]
    return frozenset(word for word in (*compounds, *parts) if len(word) > 1)


def event_words(event: Event) -> frozenset[str]:
    """Return every word that an event says."""
    said: list[Any] = [event.title, event.target, *event.inputs, *event.outputs]
    for key, value in event.scope.items():
        said += [key, *value] if isinstance(value, (list, tuple)) else [key, value]
    return frozenset().union(*(words(item) for item in said if item is not None))


@dataclass(frozen=True)
class Mentions:
    """How many events say each word: a word that most say tells nothing."""

    n_events: int
    counts: Counter[str]
    written: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, events: Sequence[Event]) -> Mentions:
        """Count the words of events."""
        counts: Counter[str] = Counter()
        written: dict[str, frozenset[str]] = {}
        for event in events:
            counts.update(event_words(event))
            for job in _jobs(event):
                written[job] = written.get(job, frozenset()) | _columns(event)
        return cls(len(events), counts, written)

    def columns_of(self, event: Event) -> frozenset[str]:
        """Return the columns that an event writes: its own words, or those of the same job."""
        own = _columns(event)
        jobs = (self.written.get(job, frozenset()) for job in _jobs(event))
        return own or frozenset().union(*jobs)

    def worth(self, event: Event, names: Iterable[Any]) -> tuple[float, str]:
        """Return the log-odds of an event's saying one of some names, and which it says."""
        said = event_words(event)
        best = (0.0, "")
        for name in names:
            whole = str(name).lower()
            parts = words(name)
            if whole in _PLAIN or not parts:
                continue
            # Numbers tell versions apart: the parts of gpt-4o are those of others too.
            pieces = frozenset(part for part in parts if part.isalpha())
            spelt_out = len(pieces) > 1 and pieces <= said and not re.search(r"\d", whole)
            if whole in said or spelt_out:
                alike = max(1, self.counts.get(whole, 1))
                odds = min(_MOST_MENTION, log((self.n_events + 2) / (alike + 1)))
                best = max(best, (odds, str(name)))
        return best


def _jobs(event: Event) -> tuple[str, ...]:
    """Return what an event writes to: its tables, else its target."""
    table = event.scope.get("table")
    named = [*event.outputs, *([str(table)] if table else [])] or [event.target or ""]
    return tuple(sorted({name.lower() for name in named if name}))


def _columns(event: Event) -> frozenset[str]:
    named = event.scope.get("column") or event.scope.get("columns")
    many = named if isinstance(named, (list, tuple)) else [named]
    return frozenset(str(column).lower() for column in many if column)


def event_parts(ranked: RankedEvent, signs: Signs, mentions: Mentions) -> list[Evidence]:
    """Return what an event's kind and words add."""
    event = ranked.event
    parts = [
        _habit(event, signs),
        _topic(event, signs),
        _local(ranked, signs),
        _kind(event, signs, mentions),
        _mention(ranked, signs, mentions),
    ]
    return [part for part in parts if part is not None]


def timed(ranked: RankedEvent, signs: Signs) -> tuple[Evidence, ...]:
    """Return an event's evidence; of a run that writes data, timed by the onset of the fault.

    A broken column shows when its data landed more sharply than the metric does.
    """
    fault = signs.fault
    if fault is None or fault.onset is None or ranked.event.kind not in DATA_KINDS:
        return ranked.evidence
    low, middle, high = fault.onset
    change = signs.facts.located.onset.change
    if change is not None and change.high - change.low < high - low:
        return ranked.evidence
    line = signs.facts.located.timeline
    span_s = float(line.times[-1] - line.times[0] + line.width_s)
    width = max(high - low, 60.0)
    edges = np.linspace(low - 0.05 * width, high + 0.05 * width, 21)
    factor = time_bayes_factor(ranked.event, TimePosterior(edges, np.full(20, 0.05)), span_s)
    lag = duration(abs(middle - ranked.event.ts.timestamp()))
    word = "after" if middle >= ranked.event.ts.timestamp() else "before"
    part = Evidence(
        "time",
        max(_LEAST_TIME, log(factor + 1e-12)),
        f"{fault.column} broke {lag} {word} the event",
    )
    return tuple(part if e.part == "time" else e for e in ranked.evidence)


def _habit(event: Event, signs: Signs) -> Evidence | None:
    family = metric_family(signs.facts.located.timeline.metric)
    odds = HABITS.get(event.kind, {}).get(family, 0.0)
    if odds == 0:
        return None
    often = "often" if odds > 0 else "seldom"
    return Evidence("habit", odds, f"{event.kind} events {often} move {family}")


def _topic(event: Event, signs: Signs) -> Evidence | None:
    family = metric_family(signs.facts.located.timeline.metric)
    said = words(event.title) | words(event.target or "")
    elsewhere = sorted(said & ELSEWHERE)
    if elsewhere:
        return Evidence("topic", _ELSEWHERE, f"it is about {', '.join(elsewhere)}")
    named = sorted(said & TOPICS.get(family, frozenset()))
    return Evidence("topic", _TOPIC, f"it is about {', '.join(named)}") if named else None


def _local(ranked: RankedEvent, signs: Signs) -> Evidence | None:
    """Count that a change of everything should not stop at one provider or model."""
    columns = {column for column, _ in ranked.scope.columns}
    if not signs.provider or ranked.event.kind not in EVERYWHERE or columns & set(signs.provider):
        return None
    where = ", ".join(f"{k}={v}" for k, v in signs.provider.items())
    return Evidence("local", _LOCAL, f"the shift stops at {where}, which it does not speak of")


def _kind(event: Event, signs: Signs, mentions: Mentions) -> Evidence | None:
    if event.kind in DATA_KINDS:
        return _data(event, signs, mentions)
    if event.kind == "price":
        return signs.price
    if event.kind in UPSTREAM_KINDS:
        return _provider(event, signs)
    return None


def _data(event: Event, signs: Signs, mentions: Mentions) -> Evidence:
    fault = signs.fault
    if fault is None:
        return Evidence("data", -1.5, "no column of input data broke")
    columns = mentions.columns_of(event)
    odds, _ = mentions.worth(event, [fault.column])
    if fault.column.lower() in columns or odds > 0:
        return Evidence("data", fault.evidence.log_odds + 2.0, f"it writes {fault.said}")
    if columns:
        named = ", ".join(sorted(columns))
        return Evidence("data", -2.5, f"it writes {named}, while {fault.said}")
    reason = f"{fault.said}; which run wrote it is not said"
    return Evidence("data", 0.7 * fault.evidence.log_odds, reason)


def _provider(event: Event, signs: Signs) -> Evidence | None:
    if event.kind != "upstream":
        return None
    said = event_words(event)
    here = {str(v).lower() for v in signs.provider.values()}
    # A model is often named after its provider: aurora-small is aurora's.
    own = {word for word in signs.providers | here if any(word in name for name in here)}
    if own & said:
        return Evidence("upstream", 1.5, f"it speaks of {', '.join(sorted(own & said))}")
    others = sorted((signs.providers & said) - own)
    if here and others:
        reason = f"it speaks of {', '.join(others)}, not of {', '.join(sorted(here))}"
        return Evidence("upstream", -3.0, reason)
    return None


def _mention(ranked: RankedEvent, signs: Signs, mentions: Mentions) -> Evidence | None:
    """Count words of the slice that the event's scope has not been judged by already."""
    judged = {column for column, _ in ranked.scope.columns}
    rows = {k: v for k, v in signs.slice_of({}).items() if k not in judged}
    names: list[Any] = list(rows.values())
    if signs.stage:
        names += [signs.stage.removesuffix("_ms"), "vector", "index"]
    odds, name = mentions.worth(ranked.event, names)
    return Evidence("mention", odds, f"it speaks of {name}") if odds > 0 else None
