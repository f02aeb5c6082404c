"""Which columns are profiled, how each is read, and what part it plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rca.engine.sql import f64
from rca.model.comparison import Comparison
from rca.model.logs import CLUSTERS, IDENTIFIERS, TEXTS, Logs

Kind = Literal["number", "text", "bool", "time"]
Role = Literal["input", "outcome", "label", "version", "text", "time"]

#: What a call produces; a drift here is a consequence before it is a cause.
OUTCOMES = frozenset(
    {
        "status",
        "error_type",
        "http_status",
        "finish_reason",
        "prediction",
        "score",
        "flagged",
        "retries",
        "latency_ms",
        "ttft_ms",
        "retrieval_ms",
        "output_tokens",
        "reasoning_tokens",
        "cached_input_tokens",
        "cost_usd",
    }
)
LABELS = frozenset({"label", "correct"})
VERSIONS = frozenset({"model", "model_version", "app_version", "prompt_version", "prompt_template"})
#: More distinct texts than this are no categories: their shape is profiled instead.
_WORDY = 80
_NEVER = IDENTIFIERS | {"ts", "weight"}


@dataclass(frozen=True)
class Profiled:
    """One column to profile: its name, its kind, its part, and SQL of its value."""

    name: str
    kind: Kind
    role: Role
    sql: str
    source: str


def role_of(name: str) -> Role:
    """Return the part that a column plays in a call.

    >>> role_of("latency_ms"), role_of("feature_version"), role_of("income_usd")
    ('outcome', 'version', 'input')
    """
    if name in LABELS:
        return "label"
    if name in OUTCOMES:
        return "outcome"
    if name in VERSIONS or name.endswith("_version"):
        return "version"
    return "text" if name in TEXTS else "input"


def profiled(comparison: Comparison, columns: Sequence[str] | None) -> list[Profiled]:
    """Return what to profile: the columns asked for, or all but identifiers and the row's time.

    Free text is read by its length; a time by how far it lies before ``ts``; columns of callers
    (``user_id``, ``session_id``) only when asked for.

    Raises
    ------
    MissingColumnError
        A column asked for is not there.
    """
    logs = comparison.logs
    if columns is not None:
        for name in columns:
            logs.need(name)
        chosen = list(columns)
    else:
        skipped = _NEVER | (set(CLUSTERS) - {"tenant"})
        chosen = [name for name in logs.columns if name not in skipped]
    return [column for name in chosen if (column := _column(logs, name)) is not None]


def _column(logs: Logs, name: str) -> Profiled | None:
    quoted, kind = logs.need(name), logs.columns[name]
    role = role_of(name)
    if kind == "number":
        return Profiled(name, "number", role, f64(quoted), name)
    if kind == "bool":
        return Profiled(name, "bool", role, logs.engine.dialect.text(quoted), name)
    if kind == "time":
        if name == "ts" or not logs.has("ts"):
            return None
        epoch = logs.engine.dialect.epoch
        return Profiled(name, "time", "time", f"{epoch('ts')} - {epoch(quoted)}", name)
    if kind != "text":
        return None
    if is_wordy(logs, name):
        return Profiled(name, "number", role, f64(f"length({quoted})"), name)
    return Profiled(name, "text", role, logs.engine.dialect.text(quoted), name)


def is_wordy(logs: Logs, name: str) -> bool:
    """Tell whether a text column is free text rather than a category."""
    facts = logs.profile[name]
    seen = max(1, facts["n"] - facts["nulls"])
    many = facts["distinct"] > 0.5 * seen and seen > 50
    return name in TEXTS or many or (facts["length"] or 0) > _WORDY
