"""The first records of a file, whatever packs it: enough to tell what wrote it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from rca.errors import CorruptFileError, MissingFileError
from rca.logs.aliases import match_columns
from rca.logs.files.magic import Magic, magic

Form = Literal["parquet", "csv", "json-lines", "json-array", "json-document", "framed", "zip"]

_HEAD = 256 * 1024
_LARGEST_HEAD = 8 * 1024 * 1024
_RECORDS = 5
_SPACE = " \t\r\n"
_DEEPEST = 200
_WIDE = (b"\xff\xfe", b"\xfe\xff")
#: Why a YAML document is no log; it may still hold events.
YAML = "YAML, which holds no requests"


@dataclass(frozen=True)
class Head:
    """What a file is and its first records.

    Attributes
    ----------
    form
        How its records stand in it, or None when it holds no rows; ``no_rows`` then says why.
    recoded
        Whether DuckDB must be given a copy: a byte order mark, UTF-16, a framing, an archive.
    """

    path: Path
    form: Form | None = None
    packing: str = "none"
    records: tuple[Mapping[str, Any], ...] = ()
    no_rows: str = ""
    recoded: bool = False


def read_head(path: Path) -> Head:
    """Return the first records of a file.

    Raises
    ------
    MissingFileError
        The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
            if not start.strip():
                return Head(path, no_rows="empty" if not start else "blank")
            kind = magic(start)
            if kind.no_rows:
                return Head(path, no_rows=kind.no_rows)
            file.seek(0)
            return _records(path, file, kind)
    except OSError as error:
        raise MissingFileError(f"{path}: {error.strerror or error}.") from error


def _records(path: Path, file: IO[bytes], kind: Magic) -> Head:
    if kind.container == "parquet":
        return _parquet(path)
    if kind.container == "zip":
        from rca.logs.files.archive import zip_head

        return zip_head(path)
    if kind.container == "framed":
        from rca.logs.files.framed import frames

        first = next(iter(frames(path)), b"")
        return _json(path, first.decode("utf-8", "replace"), whole=True, form="framed")
    for size in (_HEAD, _LARGEST_HEAD):
        file.seek(0)
        data, whole = _unpacked(file, kind.packing, size)
        head = _text(path, data, whole)
        if head.records or whole or head.no_rows:
            break
    return Head(path, head.form, kind.packing, head.records, head.no_rows, head.recoded)


def _stream(file: IO[bytes], packing: str) -> Any:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)
    if packing == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
    return file


def _unpacked(file: IO[bytes], packing: str, size: int) -> tuple[bytes, bool]:
    """Return the first bytes of the text and whether they are all of it."""
    stream = _stream(file, packing)
    parts: list[bytes] = []
    held = 0
    try:
        while held <= size and (part := stream.read(min(65_536, size + 1 - held))):
            parts.append(part)
            held += len(part)
    except (EOFError, zlib.error, OSError):
        # Cut short: what came before the cut still tells what the file is.
        return b"".join(parts), False
    return b"".join(parts)[:size], held <= size


def unpacked(file: IO[bytes], packing: str) -> Iterator[str]:
    """Yield the text of a file piece by piece, without its byte order mark.

    Raises
    ------
    CorruptFileError
        The packing is cut.
    """
    start = file.read(2) if packing == "none" else b""
    file.seek(0)
    encoding = "utf-16" if start in _WIDE else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    stream = _stream(file, packing)
    try:
        while part := stream.read(1 << 20):
            yield decoder.decode(part)
    except (EOFError, zlib.error, OSError) as error:
        raise CorruptFileError(f"the file is cut: {error}. Export it again.") from error
    yield decoder.decode(b"", final=True)


def _text(path: Path, data: bytes, whole: bool) -> Head:
    wide = data[:2] in _WIDE
    if b"\x00" in data[:4096] and not wide:
        return Head(path, no_rows="binary, not row data: export it as JSON, CSV or Parquet")
    text = data.decode("utf-16" if wide else "utf-8-sig", "replace")
    recoded = wide or data[:3] == b"\xef\xbb\xbf"
    start = text.lstrip(_SPACE)
    if not start:
        return Head(path, no_rows="blank" if whole else "cut short or blank")
    if start[0] in "{[":
        head = _json(path, text, whole)
    elif "apiVersion:" in text[:4096] and "\n" in text:
        return Head(path, no_rows=YAML)
    else:
        head = _csv(path, text)
    return Head(path, head.form, "none", head.records, head.no_rows, recoded)


def _json(path: Path, text: str, whole: bool, form: Form | None = None) -> Head:
    """Tell lines, one array and one document apart by parsing, and return the first objects."""
    start = text.lstrip(_SPACE)
    first_line, _, rest = start.partition("\n")
    if form is None and start[0] == "[" and not (rest.strip() and _parsed(first_line)):
        return Head(path, "json-array", records=tuple(_elements(start)))
    value = _parsed(first_line)
    if isinstance(value, Mapping) and rest.strip():
        lines = (_parsed(line) for line in start.splitlines()[: 4 * _RECORDS])
        found = [line for line in lines if isinstance(line, Mapping)][:_RECORDS]
        return Head(path, form or "json-lines", records=tuple(found))
    if isinstance(value, Mapping):
        lines_form: Form = "json-lines"
        return Head(path, form or lines_form, records=(value,))
    documents = list(_values(start))
    if documents:
        return Head(path, form or "json-document", records=tuple(documents))
    if whole and not rest.strip():
        return Head(path, form or "json-lines")
    partial = _closed(start)
    return Head(path, form or "json-document", records=(partial,) if partial else ())


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _values(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the whole objects that a text starts with."""
    decoder, position = json.JSONDecoder(), 0
    for _ in range(_RECORDS):
        while position < len(text) and text[position] in _SPACE:
            position += 1
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        if isinstance(value, Mapping):
            yield value


def _elements(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the first objects of an array that may be cut."""
    decoder, position = json.JSONDecoder(), 1
    for _ in range(_RECORDS):
        while position < len(text) and text[position] in _SPACE + ",":
            position += 1
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        if isinstance(value, Mapping):
            yield value


def _closed(text: str) -> Mapping[str, Any] | None:
    """Return a document that is cut off as the object it is up to there."""
    stack: list[str] = []
    inside = escaped = False
    cut, pending = 0, ""
    for position, char in enumerate(text):
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
            continue
        if char == '"':
            inside = True
        elif char in "{[":
            if len(stack) >= _DEEPEST:
                break
            stack.append("}" if char == "{" else "]")
        elif char in "}]":
            if not stack:
                break
            stack.pop()
            cut, pending = position + 1, "".join(reversed(stack))
        elif char == ",":
            cut, pending = position, "".join(reversed(stack))
    value = _parsed(text[:cut] + pending)
    return value if isinstance(value, Mapping) else None


def _csv(path: Path, text: str) -> Head:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[Mapping[str, Any]] = []
    misfits = 0
    try:
        for row in reader:
            misfits += None in row
            rows.append({key: value for key, value in row.items() if key is not None})
            if len(rows) == _RECORDS:
                break
    except csv.Error:
        pass
    names = [name for name in reader.fieldnames or [] if name is not None]
    ragged = sum(None in row.values() for row in rows) + misfits
    if (len(names) < 2 and not match_columns(names)) or 2 * ragged > max(1, len(rows)):
        return Head(path, no_rows="text that is no table")
    return Head(path, "csv", records=tuple(rows) or (dict.fromkeys(names),))


def _parquet(path: Path) -> Head:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(batch_size=_RECORDS), None)
        rows = batch.to_pylist() if batch is not None else []
    except (pa.ArrowException, OSError, ValueError) as error:
        line = str(error).splitlines()[0] if str(error) else "not Parquet"
        raise CorruptFileError(f"{path.name} is broken Parquet: {line}") from error
    return Head(path, "parquet", records=tuple(rows) or (dict.fromkeys(file.schema_arrow.names),))
