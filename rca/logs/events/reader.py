"""The one door for events: files, folders, tables and lists of dicts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from rca.errors import BadValueError, InputError, MissingFileError
from rca.logs.events.build import Tally, build, settle_ids
from rca.logs.events.canonical import ALIASES, CANONICAL, plain_name
from rca.logs.events.files import holds_rows, read_records, rows_of
from rca.logs.events.registry import SOURCES, sniff
from rca.logs.events.source import Record, children
from rca.model.event import Event, Events

#: Columns that only a log of calls or predictions has: such a file in a folder holds no events.
_LOG_COLUMNS = frozenset(
    (
        *("request_id", "trace_id", "span_id", "latency_ms", "latency", "ttft_ms", "prompt_tokens"),
        *("input_tokens", "output_tokens", "completion_tokens", "cost_usd", "prediction", "label"),
    )
)
#: Names under which an object may wrap the list of its rows.
_WRAPPERS = ("events", "items", "results", "rows", "records", "data")


def read_events(source: Any) -> Events:
    """Read what was done and when: deploys, prompt edits, pipeline runs, flags, incidents.

    Each record is told by its fields, never by the name of its file, so that the export of a
    tool can be given as it is. A row in the canonical columns, or in common other names of them
    (``id``, ``timestamp``, ``created_at``, ``type``, ``name``, ...), needs no more than a time.
    Fields that are no canonical column become the scope of their event.

    Parameters
    ----------
    source : path, list of paths, mapping, list of mappings, or table
        A file (JSONL, JSON, CSV, YAML or Parquet, plain or gzipped), a folder of them, a glob,
        a pandas, polars or Arrow table, a DuckDB relation, or a list of any of these.

    Returns
    -------
    Events
        In order of time. Times are UTC; one without a zone is taken as UTC and said in
        ``caveats``, as is every row left out, every kind mapped from another word and every
        id that had to be made unique. An empty file gives no events and a caveat.

    Raises
    ------
    MissingFileError
        If a path does not exist.
    CorruptFileError
        If a file cannot be read to its end; the broken line is named by its number.
    MissingColumnError
        If no column holds a time.
    BadValueError
        If a time cannot be read; the row is named.

    Examples
    --------
    >>> events = read_events([{"time": "2026-03-01T12:00:00Z", "type": "deploy", "version": "7"}])
    >>> print(events.items[0].ts, events.items[0])
    2026-03-01 12:00:00+00:00 deploy deploy-1: 7
    """
    tally = Tally()
    notes: list[str] = []
    records = [record for part in _parts(source, notes) for record in part]
    events, id_notes = settle_ids(list(_events(records, tally)))
    if not events and not notes and not tally.left_out:
        notes.append(f"no events in {_label(source)}")
    return Events(events, _label(source), (*notes, *tally.caveats(), *id_notes))


def _events(records: Iterable[Record], tally: Tally) -> Iterator[Event]:
    """Yield the events of all records, each source reading its own ones at once."""
    by_source: dict[str, list[Record]] = {}
    for record in chain.from_iterable(map(_opened, records)):
        found, confidence = sniff(record.value)
        name = found.name if confidence else CANONICAL.name
        by_source.setdefault(name, []).append(record)
    for source in SOURCES:
        if source.name in by_source:
            drafts = source.parse(by_source[source.name])
            yield from build(drafts, tally, strict=source.strict)


def _opened(record: Record) -> list[Record]:
    """Return the rows of an object that only wraps a list of them, as ``{"events": [...]}``."""
    if sniff(record.value)[1]:
        return [record]
    rows = [child for name in _WRAPPERS for child in children(record, name)]
    return rows if any(child.value for child in rows) else [record]


def _parts(source: Any, notes: list[str]) -> Iterator[list[Record]]:
    """Yield the records of each file or table of a source; ``notes`` takes what was left out."""
    if isinstance(source, Events):
        raise BadValueError("read_events was given Events: they are read already.")
    if isinstance(source, str) and not source.strip():
        raise MissingFileError("no path given. Name a file or a folder, as incident/events.jsonl.")
    if isinstance(source, str | os.PathLike):
        yield from _path(Path(os.fspath(source)).expanduser(), notes)
    elif isinstance(source, Mapping):
        yield [Record(source, "row 1")]
    elif isinstance(source, list | tuple):
        plain = [item for item in source if isinstance(item, Mapping)]
        if len(plain) == len(source):
            yield rows_of(source, "events")
        else:
            for item in source:
                yield from _parts(item, notes)
    else:
        yield rows_of(_table_rows(source), "events")


def _path(path: Path, notes: list[str]) -> Iterator[list[Record]]:
    label = str(path)
    if path.is_dir():
        yield from _folder(path, notes)
    elif path.exists() or not any(sign in label for sign in "*?["):
        records = read_records(path, label)
        if not records:
            notes.append(f"{label} is empty")
        yield records
    else:
        found = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
        if not found:
            raise MissingFileError(f"no file matches {label}.")
        for item in found:
            yield from _path(item, notes)


def _folder(folder: Path, notes: list[str]) -> Iterator[list[Record]]:
    """Yield the event files of a folder; what holds no events is named and left out."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    if not files:
        raise MissingFileError(f"the folder {folder} holds no files.")
    for path in files:
        if not holds_rows(path, ALIASES["ts"]):
            notes.append(f"left out {path}: no JSON, YAML or Parquet, and no table with a time")
            continue
        records = read_records(path, str(path))
        reason = _no_events(records)
        if reason:
            notes.append(f"left out {path}: {reason}")
        else:
            yield records


def _no_events(records: list[Record]) -> str | None:
    """Return why the records of a file are no events, or None."""
    if not records:
        return "it is empty"
    value = _opened(records[0])[0].value
    found, confidence = sniff(value)
    if not confidence:
        return "no known export of events, and no column for a time"
    measured = _LOG_COLUMNS.intersection(map(plain_name, value))
    if found is CANONICAL and measured:
        return f"a log of requests, not of events (it has {', '.join(sorted(measured))})"
    return None


def _table_rows(table: Any) -> list[Any]:
    """Return the rows of a table of any library as dicts."""
    if hasattr(table, "to_dict") and hasattr(table, "iloc"):
        rows: list[Any] = table.to_dict("records")
        return rows
    if hasattr(table, "collect") and hasattr(table, "lazy"):
        table = table.collect()
    if hasattr(table, "__arrow_c_stream__"):
        import pyarrow as pa

        try:
            arrow_rows: list[Any] = pa.table(table).to_pylist()
        except pa.ArrowException as error:
            raise InputError(f"the table cannot be read as Arrow: {error}") from error
        return arrow_rows
    raise BadValueError(
        f"events cannot be read from a {type(table).__name__}. Give a path, a list of dicts,"
        " or a pandas, polars or Arrow table."
    )


def _label(source: Any) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source) if isinstance(source, str) else str(source)
    if isinstance(source, list | tuple):
        paths = [str(item) for item in source if isinstance(item, str | os.PathLike)]
        return "; ".join(paths) if paths else f"a list of {len(source)}"
    return f"a {type(source).__name__}"
