"""What a reader of one kind of export takes and gives.

A source is a pure projection: records of an export in, :class:`Draft` rows in the words of the
canonical columns out. Times, kinds and ids are then settled in one place for all sources
(:mod:`rca.logs.events.build`), so that a zone or a repeated id is treated alike everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rca.logs.events.values import get


@dataclass(frozen=True)
class Record:
    """One JSON object or table row of an export, and where it stood (``events.csv, line 3``)."""

    value: Mapping[str, Any]
    where: str


@dataclass(frozen=True)
class Draft:
    """An event as its export tells it: the fields of ``Event``, with times and kind still raw."""

    where: str
    ts: Any
    kind: Any = None
    event_id: Any = None
    title: Any = None
    ts_end: Any = None
    service: Any = None
    target: Any = None
    from_version: Any = None
    version: Any = None
    environment: Any = None
    status: Any = None
    actor: Any = None
    inputs: Any = ()
    outputs: Any = ()
    url: Any = None
    inferred: Any = False
    scope: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A row of an export that is no event of its own, and why; it is counted in a caveat."""

    where: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """A limit of an export that the reader of its events must know; it becomes a caveat."""

    text: str


Parsed = Iterable[Draft | LeftOut | Remark]


def children(record: Record, path: str) -> list[Record]:
    """Return the items of a list inside a record as records that say where they stood.

    What is no object becomes an empty record, so that it is left out by name and not lost.

    >>> [child.where for child in children(Record({"items": [{}, 3]}, "e.json"), "items")]
    ['e.json, items 1', 'e.json, items 2']
    """
    value = get(record.value, path)
    name = path.rpartition(".")[2]
    return [
        Record(item if isinstance(item, Mapping) else {}, f"{record.where}, {name} {number}")
        for number, item in enumerate(value if isinstance(value, list | tuple) else (), start=1)
    ]


@dataclass(frozen=True)
class Source:
    """The reader of one kind of export.

    Attributes
    ----------
    name : str
        What the sniffer calls it.
    sniff : callable
        Takes one record and returns from 0 (not mine) to 1 (surely mine), by its keys alone.
    parse : callable
        Takes all records that were found to be its own, of all files of one call, and yields a
        draft for each event, a ``LeftOut`` for each row that is none, and remarks.
    strict : bool
        Whether a row without a readable time is an error (a file written for this purpose)
        or is left out and counted (an export that was not).
    """

    name: str
    sniff: Callable[[Mapping[str, Any]], float]
    parse: Callable[[Sequence[Record]], Parsed]
    strict: bool = False
