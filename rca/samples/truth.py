"""What was really planted, and how it is written down."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rca.errors import BadValueError

KIND_OF_EVENT = {
    "model_version": "deploy",
    "release": "deploy",
    "rollback": "deploy",
    "infra": "config",
    "schema_change": "pipeline",
    "price": "data_quality",
}


def plain_kind(kind: str) -> str:
    """Return the kind of candidate that a kind of event counts as.

    >>> plain_kind("model_version"), plain_kind("flag")
    ('deploy', 'flag')
    """
    return KIND_OF_EVENT.get(kind, kind)


@dataclass(frozen=True)
class Cause:
    """One planted cause.

    Attributes
    ----------
    kind
        A kind of candidate: ``deploy``, ``config``, ``flag``, ``prompt``, ``pipeline``,
        ``upstream``, ``input``, ``traffic_mix``, ``data_quality``, ``season`` or ``none``.
    onset
        ISO 8601 with Z; None when nothing began.
    event_id
        The event that explains it; None when no logged event does.
    column
        The column that moved with it or was damaged.
    slice
        Values of columns that the touched rows have; a list holds alternatives.
    """

    kind: str
    onset: str | None = None
    event_id: str | None = None
    column: str | None = None
    slice: Mapping[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """The causes of one incident: most often one, the main one first."""

    family: str
    causes: tuple[Cause, ...]

    @property
    def cause(self) -> Cause:
        """The main cause."""
        return self.causes[0]

    def to_toml(self) -> str:
        """Return the text of ``truth.toml``.

        >>> print(Truth("quiet", (Cause("none"),)).to_toml())
        family = "quiet"
        <BLANKLINE>
        [cause]
        kind = "none"
        <BLANKLINE>
        [cause.slice]
        <BLANKLINE>
        """
        lines = [f"family = {_quoted(self.family)}", ""]
        for i, cause in enumerate(self.causes):
            name = "cause" if i == 0 else "also"
            lines.append(f"[{name}]" if i == 0 else f"[[{name}]]")
            for key in ("kind", "event_id", "column", "onset"):
                value = getattr(cause, key)
                if value is not None:
                    lines.append(f"{key} = {_quoted(value)}")
            lines += ["", f"[{name}.slice]"]
            lines += [f"{_quoted(k)} = {_quoted(v)}" for k, v in cause.slice.items()]
            lines.append("")
        return "\n".join(lines)

    @classmethod
    def from_toml(cls, text: str) -> Truth:
        """Read the text of ``truth.toml``; raises `BadValueError` when it is not one."""
        try:
            given = tomllib.loads(text)
            tables: list[dict[str, Any]] = [given["cause"], *given.get("also", [])]
            causes = tuple(Cause(**table) for table in tables)
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise BadValueError(
                f"this is not the truth of an incident: {error}. "
                "It needs a table [cause] with kind, event_id, column, onset and slice."
            ) from error
        return cls(str(given.get("family", "unknown")), causes)


def _quoted(value: str | list[str]) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(v) for v in value) + "]"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
