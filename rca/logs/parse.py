"""The engine that parses: bounded memory, any form of file as a relation of JSON documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb

from rca.engine.duck import DuckEngine, translated
from rca.errors import CorruptFileError, InputError
from rca.logs.files.archive import samples
from rca.logs.files.framed import frames
from rca.logs.files.head import Head, unpacked
from rca.logs.progress import Progress, watched

_OBJECT, _LARGEST_OBJECT = 16 * 2**20, 512 * 2**20
_MEMORY = "1500MB"
#: What the engine says of a row that does not fit; another try is made with more room.
_TOO_LARGE = ("maximum_object_size", "Out of Memory")
_T = TypeVar("_T")


class Parser(DuckEngine):
    """One DuckDB in memory, apart from the caller's, that goes when its work is done."""

    def __init__(self, folder: Path) -> None:
        super().__init__(duckdb.connect())
        self.folder = folder
        self.largest_object = _OBJECT
        self._copies = count()
        for setting in (
            f"SET memory_limit='{_MEMORY}'",
            f"SET temp_directory={self.dialect.string(str(folder))}",
        ):
            self.connection.execute(setting)

    def documents(self, heads: Sequence[Head]) -> str:
        """Return a view of ``file_`` and ``doc_``: JSON objects, null where a line is broken."""
        return self.view(" union all ".join(self._scan(group) for group in self.alike(heads)))

    def alike(self, heads: Sequence[Head]) -> list[list[Head]]:
        """Return the files in groups that one scan can read."""

        def kind(head: Head) -> tuple[str, str, bool]:
            return head.form or "", head.packing, head.recoded

        return [list(group) for _, group in groupby(sorted(heads, key=kind), key=kind)]

    def readable(self, heads: Sequence[Head]) -> tuple[list[str], str]:
        """Return paths that DuckDB reads as they are, and the SQL of the file each stands for."""
        if not (heads[0].form in ("framed", "zip") or heads[0].recoded):
            return [str(head.path) for head in heads], "file_"
        string = self.dialect.string
        paths = [str(self._recoded(head)) for head in heads]
        names = " ".join(
            f"when {string(path)} then {string(str(head.path))}"
            for path, head in zip(paths, heads, strict=True)
        )
        return paths, f"case file_ {names} end"

    def retried(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work again with room for larger rows when one did not fit."""
        try:
            return work()
        except InputError as error:
            if not any(sign in str(error) for sign in _TOO_LARGE) or not self._larger():
                raise
            return work()

    def _larger(self) -> bool:
        """Allow larger rows, on fewer threads; tell whether that was still possible."""
        if self.largest_object == _LARGEST_OBJECT:
            return False
        self.largest_object = _LARGEST_OBJECT
        self.connection.execute("SET threads=1")
        self.connection.execute("SET memory_limit='4GB'")
        return True

    def write(self, sql: str, path: Path, title: str, progress: Progress | None) -> None:
        """Run a query into a Parquet file, in any order of rows, reporting how far it is."""
        string = self.dialect.string(str(path))
        self.connection.execute("SET preserve_insertion_order=false")
        self.connection.execute("SET enable_progress_bar=true")
        self.connection.execute("SET enable_progress_bar_print=false")
        with watched(self.connection.query_progress, title, progress):
            try:
                self.connection.execute(f"COPY ({sql}) TO {string} (FORMAT parquet, CODEC zstd)")
            except duckdb.Error as error:
                raise translated(error) from error

    def _scan(self, heads: list[Head]) -> str:
        head = heads[0]
        paths, names = self.readable(heads)
        form = "json-lines" if head.form in ("framed", "zip") else head.form or "csv"
        plain = self._plain(paths, form, "none" if head.recoded else head.packing)
        return f"select {names} as file_, doc_ from ({plain}) as scan_"

    def _plain(self, paths: Iterable[str], form: str, packing: str) -> str:
        files = "[" + ", ".join(map(self.dialect.string, paths)) + "]"
        if form == "parquet":
            return _as_json(f"read_parquet({files}, union_by_name=true, filename='file_')")
        packed = f"filename='file_', compression='{packing}'"
        if form == "csv":
            return _as_json(f"read_csv({files}, all_varchar=true, union_by_name=true, {packed})")
        sized = f"maximum_object_size={self.largest_object}, {packed}"
        # Only lines can be skipped one by one: an array or a document is whole or broken.
        shape = {
            "json-lines": "format='newline_delimited', ignore_errors=true",
            "json-array": "format='array'",
            "json-document": "format='unstructured'",
        }[form]
        scan = f"read_json_objects({files}, {shape}, {sized})"
        # A line may be whole JSON and yet no object: it holds no row.
        return (
            f"select file_, case when json_type(json) = 'OBJECT' then json end as doc_ from {scan}"
        )

    def _recoded(self, head: Head) -> Path:
        """Write a copy that DuckDB can read: without framing, archive or byte order mark."""
        path = self.folder / f"{next(self._copies)}-{head.form}"
        if head.form in ("framed", "zip"):
            with path.open("wb") as out:
                for line in _lines(head):
                    out.write(line + b"\n")
            return path
        with head.path.open("rb") as file, path.open("w", encoding="utf-8") as text:
            for piece in unpacked(file, head.packing):
                text.write(piece)
        return path


def packed_bytes(head: Head) -> int:
    """Return about how many bytes of text a file holds."""
    packed = head.packing != "none" or head.form in ("framed", "zip", "parquet")
    return head.path.stat().st_size * (5 if packed else 1)


def _as_json(scan: str) -> str:
    return f"select file_, to_json(r_) as doc_ from (select file_, r_ from {scan} as r_) as s_"


def _lines(head: Head) -> Iterator[bytes]:
    if head.form == "zip":
        for sample in samples(head.path):
            yield json.dumps(sample).encode()
        return
    for frame in frames(head.path):
        yield frame if b"\n" not in frame else json.dumps(json.loads(frame)).encode()


@contextmanager
def parser() -> Iterator[Parser]:
    """Open a parser whose copies and spill go with it."""
    with TemporaryDirectory(prefix="rca-") as folder:
        engine = Parser(Path(folder))
        try:
            yield engine
        except InputError as error:
            raise _clearer(error) from error
        finally:
            engine.close()


def _clearer(error: InputError) -> InputError:
    text = str(error)
    if any(sign in text for sign in _TOO_LARGE):
        return CorruptFileError(
            f"a row is larger than {_LARGEST_OBJECT >> 20} MB, which is more than is read. "
            "Export it without the texts."
        )
    if "JSON" in text:
        return CorruptFileError(f"{text}. The file is cut or is not whole JSON: export it again.")
    return error
