"""From a file of any kind to records: told by its first bytes, never by its name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rca.errors import BadValueError, CorruptFileError, MissingFileError
from rca.logs.events.canonical import plain_name
from rca.logs.events.source import Record

MAX_BYTES = 256 * 1024 * 1024
_HEAD = 65_536
_JSON_SPACE = " \t\r\n\ufeff"
_BINARY = {
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"WHY1": "a whylogs profile",
    b"PK\x03\x04": "a zip archive: unpack it",
    b"SQLite format 3": "a SQLite database: export its table",
    b"Obj\x01": "an Avro file: convert it to Parquet",
    b"\x28\xb5\x2f\xfd": "zstd-compressed: unpack it",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
}


def read_records(path: Path, label: str) -> list[Record]:
    """Return the records of one file: Parquet, JSON, JSONL, YAML or CSV, plain or gzipped.

    Raises
    ------
    MissingFileError
        If the file does not exist or may not be read.
    CorruptFileError
        If it is broken (the line is named), too large, too deeply nested or not row data.
    """
    data = _load(path, label)
    if data[:4] == b"PAR1":
        return rows_of(_parquet(data, label), label)
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise CorruptFileError(f"{label} is {what}; rows of events are needed.")
    plain = _decoded(data, label)
    start = plain.lstrip(_JSON_SPACE)[:1]
    if not start:
        return []
    if start in "{[":
        return list(_json_records(plain, label))
    if _is_yaml(plain):
        from rca.logs.events.yaml_text import yaml_records

        return yaml_records(plain, label)
    return list(_csv_records(plain, label))


def rows_of(rows: Iterable[Any], label: str, unit: str = "row") -> list[Record]:
    """Number the objects of a list as records; anything but an object is an error."""
    records = []
    for number, row in enumerate(rows, start=1):
        where = f"{label}, {unit} {number}"
        if not isinstance(row, Mapping):
            raise BadValueError(
                f"{where} is a {type(row).__name__}: {str(row)[:60]!r}. An event is an object"
                ' with named fields, as {"ts": "2026-03-01T12:00:00Z", "kind": "deploy"}.'
            )
        records.append(Record(row, where))
    return records


def holds_rows(path: Path, times: Iterable[str]) -> bool:
    """Tell by the first bytes of a file whether it may hold rows that have a time.

    A CSV does when its header has one of the names ``times``; so prose beside the data is told
    from a broken table of it.
    """
    try:
        with path.open("rb") as raw:
            head = raw.read(_HEAD)
    except OSError:
        return True
    if head.startswith((b"PAR1", b"\x1f\x8b")):
        return True
    utf_16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    plain = head.decode("utf-16" if utf_16 else "utf-8-sig", "replace").lstrip(_JSON_SPACE)
    if plain[:1] in tuple("{[") or not plain or _is_yaml(plain):
        return True
    header = re.split(r"[,;\t|]", plain.partition("\n")[0])
    return not {plain_name(cell.strip('" \r')) for cell in header}.isdisjoint(times)


def _load(path: Path, label: str) -> bytes:
    try:
        with path.open("rb") as raw:
            magic = raw.read(2)
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if magic == b"\x1f\x8b" else raw
            data: bytes = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise MissingFileError(f"no file {label}.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptFileError(f"{label} is a gzip file cut short or broken: {error}.") from error
    except OSError as error:
        raise MissingFileError(f"{label} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise MissingFileError(f"{label!r} is no path: {error}.") from error
    if len(data) > MAX_BYTES:
        raise CorruptFileError(
            f"{label} holds more than {MAX_BYTES >> 20} MB of events. Split it, or export"
            " only the days around the incident."
        )
    return data


def _decoded(data: bytes, label: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorruptFileError(
            f"{label}, line {line} is not {encoding.removesuffix('-sig')} text."
            " Give CSV, JSON, JSONL, YAML or Parquet."
        ) from error


def _parquet(data: bytes, label: str) -> list[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Any] = pq.read_table(io.BytesIO(data)).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptFileError(f"{label} is a Parquet file that cannot be read: {error}") from error
    return rows


def _json_records(plain: str, label: str) -> Iterator[Record]:
    """Yield the objects of a JSON text: one object, an array, or values one after another."""
    values = list(_json_values(plain, label))
    if len(values) == 1:
        value = values[0][1]
        if isinstance(value, list):
            yield from rows_of(value, label)
        else:
            yield Record(value, label)
        return
    for line, value in values:
        where = f"{label}, line {line}"
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, Mapping):
                raise BadValueError(f"{where} is not an object with named fields: {item!r:.60}.")
            yield Record(item, where)


def _json_values(plain: str, label: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON value of a text with the number of the line it starts on."""
    decoder = json.JSONDecoder()
    position, line, counted = 0, 1, 0
    while True:
        while position < len(plain) and plain[position] in _JSON_SPACE:
            position += 1
        if position == len(plain):
            return
        line += plain.count("\n", counted, position)
        counted = position
        try:
            value, position = decoder.raw_decode(plain, position)
        except json.JSONDecodeError as error:
            found = "" if error.lineno == line else f" (found on line {error.lineno})"
            raise CorruptFileError(
                f"{label}, line {line} is not whole JSON: {error.msg}{found},"
                f" column {error.colno}. Mend or remove the line."
            ) from error
        except RecursionError as error:
            raise CorruptFileError(f"{label}, line {line} is nested too deeply.") from error
        except ValueError as error:
            raise CorruptFileError(f"{label}, line {line}: {error}.") from error
        yield line, value


def _is_yaml(plain: str) -> bool:
    """Tell a Kubernetes-style YAML document by a line that starts with ``apiVersion:``."""
    head = plain[:_HEAD].splitlines()
    return any(line.startswith("apiVersion:") for line in head)


def _csv_records(plain: str, label: str) -> Iterator[Record]:
    """Yield the rows of a CSV by their header; the delimiter is the one its header has most."""
    header_line = plain.lstrip("\ufeff\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header_line.count)
    reader = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter)
    header: list[str] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = [cell.strip() for cell in row]
                _need_unique(header, label, reader.line_num)
                continue
            where = f"{label}, line {reader.line_num}"
            if len(row) != len(header):
                raise CorruptFileError(
                    f"{where} has {len(row)} cells where the header has {len(header)}."
                    " Mend or remove the line; quote a cell that holds a comma."
                )
            yield Record(dict(zip(header, row, strict=True)), where)
    except csv.Error as error:
        raise CorruptFileError(f"{label}, line {reader.line_num}: {error}.") from error


def _need_unique(header: list[str], label: str, line: int) -> None:
    """Refuse a header that names a column twice: one of the two would be lost."""
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise CorruptFileError(
            f"{label}, line {line}: the header names {', '.join(twice)} more than once."
            " Rename one of them."
        )
