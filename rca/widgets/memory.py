"""What a reader chose, kept for when the cell is run again.

Only choices are kept, never answers: a cell run twice computes twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rca.model.logs import Logs

_CHOICES: dict[tuple[str, ...], dict[str, Any]] = {}


def place(widget: str, logs: Logs, *parts: object) -> tuple[str, ...]:
    """Return the key of a widget over a log: the same for the same cell run again."""
    return (widget, logs.source, *map(str, parts))


def remembered(key: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the choices made before."""
    return dict(_CHOICES.get(key, {}))


def remember(key: tuple[str, ...], **choices: Any) -> None:
    """Keep choices."""
    _CHOICES.setdefault(key, {}).update(choices)


def forget() -> None:
    """Forget all choices of this session."""
    _CHOICES.clear()
