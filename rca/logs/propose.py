"""What the columns of an unknown table may be: proposals with a confidence, by name and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from rca.logs.aliases import ALIASES, CANONICAL, match_columns, normal

#: At or above this a proposal is applied; below, it is only shown.
SURE = 0.9
_WORTH_SAYING = 0.45
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_WORDS = {
    "latency_ms": ("latency", "duration", "elapsed", "took", "ms", "millis"),
    "input_tokens": ("input", "prompt", "request", "context", "token", "tokens"),
    "output_tokens": ("output", "completion", "response", "generated", "token", "tokens"),
    "cost_usd": ("cost", "price", "usd", "spend", "charge"),
    "ts": ("time", "date", "when", "at", "timestamp"),
    "user_id": ("user", "customer", "account", "caller"),
    "model": ("model", "engine", "llm"),
    "status": ("status", "outcome", "result", "state"),
    "score": ("score", "prob", "probability", "confidence"),
    "label": ("label", "truth", "actual", "target"),
    "prediction": ("prediction", "predicted", "pred"),
    "session_id": ("session", "conversation", "thread", "chat"),
}


@dataclass(frozen=True)
class Proposal:
    """A canonical column, the column that may be it, how sure that is (0 to 1) and why."""

    name: str
    column: str
    confidence: float
    why: str

    @property
    def applied(self) -> bool:
        """Whether the reader takes it without being told to."""
        return self.confidence >= SURE

    def __str__(self) -> str:
        done = "applied" if self.applied else "not applied"
        return f"{self.name} = {self.column!r} ({self.confidence:.0%}, {done}: {self.why})"


def proposals(records: Sequence[Mapping[str, Any]]) -> tuple[Proposal, ...]:
    """Return what the columns of a table may be, the surest first; one column is proposed once.

    Known names are applied; everything else is a guess from parts of the name and the look of
    the first values, which the reader only shows.

    >>> for p in proposals([{"timestamp": "2026-03-01T00:00:00Z", "took_millis": 12.5}]):
    ...     print(p)
    ts = 'timestamp' (100%, applied: a known name)
    latency_ms = 'took_millis' (79%, not applied: its name has 'took', 'millis'; numbers)
    """
    columns = list(dict.fromkeys(name for record in records for name in record))
    sure = {name: column for name, (column, _) in match_columns(columns).items()}
    found = [Proposal(name, column, 1.0, "a known name") for name, column in sure.items()]
    taken = set(sure.values())
    guesses = [
        guess
        for column in columns
        if column not in taken
        for guess in _guesses(column, [record.get(column) for record in records], set(sure))
    ]
    for guess in sorted(guesses, key=lambda guess: -guess.confidence):
        if guess.column not in taken and guess.name not in {other.name for other in found}:
            found.append(guess)
            taken.add(guess.column)
    return tuple(sorted(found, key=lambda guess: -guess.confidence))


def _guesses(column: str, values: Iterable[Any], known: set[str]) -> list[Proposal]:
    seen = [value for value in values if value not in (None, "")]
    found = []
    for name in CANONICAL:
        if name in known:
            continue
        by_name, why = _by_name(column, name)
        by_value, look = _by_values(seen, name)
        confidence = min(0.85, 0.65 * by_name + 0.35 * by_value) if by_value >= 0 else 0.0
        if name == "ts" and by_value > 0:
            confidence = max(confidence, 0.6 * by_value)
        if confidence >= _WORTH_SAYING:
            said = "; ".join(part for part in (why, look) if part)
            found.append(Proposal(name, column, round(confidence, 2), said))
    return found


def _by_name(column: str, name: str) -> tuple[float, str]:
    spelt = normal(column)
    near = max(
        SequenceMatcher(None, spelt, other).ratio() for other in (name, *ALIASES.get(name, {}))
    )
    if near >= 0.85:
        return near, "its name is close to a known one"
    parts = [part for part in spelt.split("_") if part in _WORDS.get(name, ())]
    if not parts:
        return 0.0, ""
    return min(1.0, 0.45 + 0.25 * len(parts)), f"its name has {', '.join(map(repr, parts))}"


def _by_values(values: Sequence[Any], name: str) -> tuple[float, str]:
    """Return how well values suit a column: -1 when they cannot be it."""
    if not values:
        return 0.0, ""
    kind = CANONICAL[name]
    numbers = [number for number in map(_number, values) if number is not None]
    if kind == "time":
        dated = all(_ISO.match(str(value)) or hasattr(value, "isoformat") for value in values)
        since = len(numbers) == len(values) and all(1e9 <= x < 2.1e18 for x in numbers)
        return (1.0, "ISO times") if dated else (0.8, "times since 1970") if since else (-1.0, "")
    if kind == "number":
        if len(numbers) < len(values):
            return -1.0, ""
        if name.endswith("tokens"):
            whole = all(x == int(x) and 0 <= x < 1e7 for x in numbers if abs(x) < 1e15)
            return (0.7, "whole numbers") if whole else (-1.0, "")
        if name == "score":
            return (0.8, "from 0 to 1") if all(0 <= x <= 1 for x in numbers) else (0.0, "")
        return 0.5, "numbers"
    if name in ("user_id", "session_id", "model", "status", "environment") and len(numbers) == len(
        values
    ):
        return -1.0, ""
    if name.endswith("_id") and all(_UUID.fullmatch(str(value)) for value in values):
        return 0.8, "UUIDs"
    return 0.3, ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
