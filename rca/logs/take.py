"""What each file is taken for: by its bytes, then by the keys of its first records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rca.errors import BadValueError, InputError, RCAError, listed
from rca.logs.aliases import match_columns
from rca.logs.files.head import YAML, Head, read_head
from rca.logs.intake import FileIntake, Intake, intake
from rca.logs.propose import proposals
from rca.logs.sources.base import Source
from rca.logs.sources.registry import identify
from rca.model.event import EVENT_KINDS
from rca.model.logs import MEASURES

_TABLES = {
    "csv": "CSV",
    "parquet": "Parquet",
    "json-lines": "JSON lines",
    "json-array": "a JSON array",
    "json-document": "a JSON document",
}
_EVENTS_SURE = 0.5
#: A row that names one of our kinds of event, in columns that no tool's reader claims.
_CANONICAL_SURE = 0.8


@dataclass(frozen=True)
class Taken:
    """A file, what it is taken for and why."""

    head: Head
    source: Source | None
    confidence: float
    why: str
    takes: str

    @property
    def title(self) -> str:
        """The format, in words."""
        if self.source:
            return self.source.title
        return f"{_TABLES[self.head.form]} of rows" if self.head.form in _TABLES else "no row data"

    @property
    def kind(self) -> str:
        """What files that can be read together share."""
        return self.source.name if self.source else f"{self.head.form}"

    def file(self, **facts: Any) -> FileIntake:
        """Return its line of the intake report."""
        names = frozenset(name for record in self.head.records for name in record if name)
        return FileIntake(
            self.head.path,
            self.title,
            self.takes,
            self.confidence,
            self.why,
            columns=frozenset() if self.source else names,
            **facts,
        )


def take(path: Path) -> Taken:
    """Return what a file is taken for."""
    try:
        head = read_head(path)
    except RCAError as error:
        return Taken(Head(path, no_rows=str(error)), None, 1.0, str(error), "nothing")
    if head.no_rows:
        return Taken(head, None, 1.0, f"it is {head.no_rows}", "nothing")
    if not head.records:
        return Taken(head, None, 1.0, "no record could be read from its start", "nothing")
    known = max(
        (hit for hit in map(identify, head.records) if hit), key=lambda hit: hit[1], default=None
    )
    if known:
        source, sure = known
        if not source.holds_requests:
            takes = "details" if source.completes else "nothing"
            return Taken(head, source, sure, f"it has no {source.lacks}", takes)
        return Taken(head, source, sure, f"the keys {_keys(head.records[0])}", "requests")
    if head.form in ("framed", "zip"):
        return Taken(head, None, 1.0, "its objects are of no known kind", "nothing")
    return Taken(
        head, None, 0.5, f"no tool's keys, but columns: {_keys(head.records[0])}", "requests"
    )


def readable(takens: Sequence[Taken], source: object) -> list[Taken]:
    """Return the files of the one kind that there is, or say what is mixed.

    Raises
    ------
    BadValueError
        Nothing holds rows.
    InputError
        There are requests of several kinds.
    """
    requests = [taken for taken in takens if taken.takes == "requests"]
    if not requests:
        whys = [f"{taken.head.path.name}: {taken.why}" for taken in takens]
        raise BadValueError(f"{str(source)!r} holds no rows of requests. {listed(whys, 5)}.")
    kinds: dict[str, list[Taken]] = {}
    for taken in requests:
        kinds.setdefault(taken.kind, []).append(taken)
    if len(kinds) > 1:
        said = [
            f"{len(group)} of {group[0].title} (such as {group[0].head.path.name})"
            for group in kinds.values()
        ]
        raise InputError(
            f"files of several forms in {str(source)!r}: {listed(said)}. Read one form at a time."
        )
    return requests


def sniffed(paths: Sequence[Path]) -> Intake:
    """Return what each file is taken for without reading it whole, events and series too."""
    takens = [_or_events(take(path)) for path in paths]
    unknown = [taken for taken in takens if taken.takes == "requests" and taken.source is None]
    records = [record for taken in unknown[:1] for record in taken.head.records]
    return intake(
        [taken.file() for taken in takens],
        proposed=proposals(records),
        call=f"rca.sniff({[str(path) for path in paths]!r})",
    )


def _or_events(taken: Taken) -> Taken:
    """Take an unknown table for events or a series when those readers claim its records."""
    if taken.head.no_rows == YAML:
        return _events(taken, _yaml(taken.head.path))
    if taken.source or taken.takes == "nothing" or not taken.head.records:
        return taken
    record = taken.head.records[0]
    if record.get("status") == "success" and isinstance(record.get("data"), Mapping):
        why = "the keys status and data"
        return Taken(taken.head, _named("Prometheus query"), 0.9, why, "series")
    return _events(taken, record)


def _events(taken: Taken, record: Mapping[str, Any]) -> Taken:
    from rca.logs.events.canonical import roles
    from rca.logs.events.registry import sniff as sniff_events

    source, confidence = sniff_events(record)
    kind = roles(record).get("kind")
    measured = MEASURES.intersection(match_columns(record))
    if source.name == "canonical" and kind and record[kind] in EVENT_KINDS and not measured:
        why = f"its {kind} is {record[kind]!r}"
        return Taken(taken.head, _named("events"), _CANONICAL_SURE, why, "events")
    if confidence < _EVENTS_SURE:
        return taken
    title = f"events ({source.name})"
    return Taken(taken.head, _named(title), confidence, f"the keys {_keys(record)}", "events")


def _yaml(path: Path) -> Mapping[str, Any]:
    """Return the first document of a YAML file, empty where it cannot be read."""
    from rca.logs.events.files import read_records

    try:
        return next((record.value for record in read_records(path, path.name)), {})
    except RCAError:
        return {}


def _named(title: str) -> Source:
    return Source(title, title, lambda _: 0.0, {}, holds_requests=False)


def _keys(record: Mapping[str, Any]) -> str:
    names = [name for name in record if name]
    return listed([str(name)[:40] for name in names], 6)
