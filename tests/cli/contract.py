"""The layout of ``--json``, written down a second time."""

from __future__ import annotations

import math
import re
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
KINDS = {
    *("deploy", "rollback", "release", "config", "flag", "model_version", "prompt", "price"),
    *("pipeline", "data_quality", "schema_change", "infra", "upstream", "incident", "annotation"),
    *("input", "traffic_mix", "season", "none"),
}


def is_number(value: Any) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value)


def is_time(value: Any) -> bool:
    return isinstance(value, str) and TIME.fullmatch(value) is not None


def or_null(check: Any) -> Any:
    return lambda value: value is None or check(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_chance(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def pair_of(check: Any) -> Any:
    return lambda value: isinstance(value, list) and len(value) == 2 and all(map(check, value))


INCIDENT = {
    "metric": is_text,
    "unit": lambda value: isinstance(value, str),
    "service": or_null(is_text),
    "alerted_at": is_time,
    "onset": or_null(lambda v: set(v) == {"at", "low", "high"} and all(map(is_time, v.values()))),
    "baseline_window": pair_of(is_time),
    "incident_window": pair_of(is_time),
    "baseline_value": or_null(is_number),
    "current_value": or_null(is_number),
    "shift": or_null(is_number),
    "shift_ci": or_null(pair_of(or_null(is_number))),
    "n_baseline": is_count,
    "n_current": is_count,
    "verdict": {"shifted", "not_shifted", "cannot_tell"}.__contains__,
}
CANDIDATE = {
    "rank": is_count,
    "probability": is_chance,
    "kind": KINDS.__contains__,
    "event_id": or_null(is_text),
    "slice": lambda value: isinstance(value, dict),
    "column": or_null(is_text),
    "share": or_null(is_number),
    "claim": is_text,
    "findings": lambda value: isinstance(value, list) and all(map(is_text, value)),
}
FINDING = {
    "id": is_text,
    "code": re.compile(r"[A-Z][A-Z_0-9]+").fullmatch,
    "claim": is_text,
    "estimate": or_null(is_number),
    "ci": or_null(pair_of(or_null(is_number))),
    "p_value": or_null(is_chance),
    "q_value": or_null(is_chance),
    "n": or_null(is_count),
    "call": is_text,
    "sql": lambda value: isinstance(value, str),
}


def broken(answer: dict[str, Any]) -> list[str]:
    """Return what of an answer is not as the contract says; nothing when all is."""
    keys = ["rca_version", "incident", "candidates", "findings", "caveats", "timings_s"]
    wrong = [] if list(answer) == keys else [f"keys are {list(answer)}"]
    wrong += _record("incident", answer["incident"], INCIDENT)
    for part, fields in (("candidates", CANDIDATE), ("findings", FINDING)):
        for i, record in enumerate(answer[part]):
            wrong += _record(f"{part}[{i}]", record, fields)
    wrong += _ranking(answer["candidates"], {finding["id"] for finding in answer["findings"]})
    if not all(map(is_text, answer["caveats"])):
        wrong.append("a caveat is no text")
    if not all(is_number(seconds) and seconds >= 0 for seconds in answer["timings_s"].values()):
        wrong.append("a time is no number of seconds")
    return wrong


def _record(name: str, record: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    if list(record) != list(fields):
        return [f"{name} has {list(record)}"]
    return [f"{name}.{k} is {record[k]!r}" for k, check in fields.items() if not check(record[k])]


def _ranking(candidates: list[dict[str, Any]], ids: set[str]) -> list[str]:
    wrong = []
    if [c["rank"] for c in candidates] != list(range(1, len(candidates) + 1)):
        wrong.append("ranks do not count from 1")
    chances = [c["probability"] for c in candidates]
    if abs(sum(chances) - 1) > 1e-6 or chances != sorted(chances, reverse=True):
        wrong.append(f"probabilities {chances} do not sum to 1 from the largest down")
    if unknown := {f for c in candidates for f in c["findings"]} - ids:
        wrong.append(f"candidates cite findings {unknown} that are not there")
    return wrong
