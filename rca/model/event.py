"""Something done at a time: a deploy, a prompt edit, a pipeline run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd

EventKind = Literal[
    "deploy",
    "rollback",
    "release",
    "config",
    "flag",
    "model_version",
    "prompt",
    "price",
    "pipeline",
    "data_quality",
    "schema_change",
    "infra",
    "upstream",
    "incident",
    "annotation",
]
EVENT_KINDS: tuple[str, ...] = get_args(EventKind)


@dataclass(frozen=True)
class Event:
    """One event, in the canonical columns; what is not known is None.

    ``scope`` holds every further field of the export. A field named like a log column
    (``model_version``, ``region``, ``column``, ``table``) says what the event touches.
    """

    event_id: str
    ts: datetime
    kind: str
    title: str = ""
    ts_end: datetime | None = None
    service: str | None = None
    target: str | None = None
    from_version: str | None = None
    version: str | None = None
    environment: str | None = None
    status: str | None = None
    actor: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    url: str | None = None
    inferred: bool = False
    scope: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        version = f" {self.version}" if self.version and self.version not in self.title else ""
        what = (self.title or self.target or "") + version
        return f"{self.kind} {self.event_id}: {what}".rstrip(": ")


#: The columns of :attr:`Events.table`, which are those of a canonical events file.
EVENT_COLUMNS: tuple[str, ...] = tuple(
    name for name in Event.__dataclass_fields__ if name != "scope"
)


@dataclass(frozen=True)
class Events:
    """Events in order of time, with what their reader had to say."""

    items: tuple[Event, ...] = ()
    source: str = ""
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.items, key=lambda event: (event.ts, event.event_id)))
        object.__setattr__(self, "items", ordered)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __add__(self, other: Events) -> Events:
        return Events(
            self.items + other.items,
            "; ".join(filter(None, (self.source, other.source))),
            self.caveats + other.caveats,
        )

    def get(self, event_id: str) -> Event | None:
        """Return the event of an id, or None."""
        return next((event for event in self.items if event.event_id == event_id), None)

    @property
    def table(self) -> pd.DataFrame:
        """One row an event, in the canonical columns and then the scope fields."""
        import pandas as pd

        rows = [
            {name: getattr(event, name) for name in EVENT_COLUMNS} | dict(event.scope)
            for event in self.items
        ]
        return pd.DataFrame(rows, columns=None if rows else list(EVENT_COLUMNS))

    def _repr_html_(self) -> str:
        from rca.model.render import table_html

        return table_html(self.table.dropna(axis=1, how="all"), caption=f"{len(self)} events")
