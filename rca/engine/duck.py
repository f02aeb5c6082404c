"""DuckDB behind the engine seam."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from rca.engine.base import Engine, Form
from rca.engine.dialect import Dialect
from rca.engine.duck_files import scan_sql
from rca.errors import BadValueError, CorruptFileError, InputError

_numbers = itertools.count(1)
_BROKEN_PARQUET = ("No magic bytes", "Footer length", "TProtocolException", "don't have a Parquet")


class DuckEngine(Engine):
    """One DuckDB connection, in memory unless a database file or a connection is given.

    Calls are serialised by a lock: a connection is not safe to share between threads, and a
    widget's callback may run while a cell does.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.dialect = Dialect()
        self.connection = connection or duckdb.connect()
        self._lock = threading.RLock()
        self.n_queries = 0
        for setting in (
            "SET enable_progress_bar=false",
            "SET TimeZone='UTC'",
            "SET preserve_insertion_order=true",
        ):
            self.connection.execute(setting)

    def table(self, sql: str) -> pa.Table:
        """Run a query and collect its answer; the engine's failure becomes one clear line."""
        with self._lock:
            self.n_queries += 1
            try:
                return self.connection.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                raise translated(error) from error

    def register(self, source: Any, *, name: str | None = None) -> str:
        """Make a pandas, polars or Arrow table, or a DuckDB relation, a named relation."""
        name = name or f"rca_frame_{next(_numbers)}"
        with self._lock:
            if isinstance(source, duckdb.DuckDBPyRelation):
                # A relation belongs to the connection that made it: it crosses as Arrow.
                source = source.to_arrow_table()
            if type(source).__name__ == "LazyFrame":
                source = source.collect()
            self.connection.register(name, source)
        return self.dialect.ident(name)

    def open(self, paths: Sequence[str], form: Form) -> str:
        """Return a view over files that DuckDB reads itself."""
        sql = scan_sql(self, paths, form)
        return self.view(f"select * from {sql}")

    def view(self, sql: str) -> str:
        """Name a query without running it."""
        return self._create("TEMP VIEW", "rca_view", sql)

    def materialise(self, sql: str) -> str:
        """Run a query into a temporary table."""
        return self._create("TEMP TABLE", "rca_table", sql)

    def _create(self, what: str, prefix: str, sql: str) -> str:
        name = self.dialect.ident(f"{prefix}_{next(_numbers)}")
        with self._lock:
            self.n_queries += what.endswith("TABLE")
            try:
                self.connection.execute(f"CREATE {what} {name} AS {sql}")
            except duckdb.Error as error:
                raise translated(error) from error
        return name

    def schema(self, relation: str) -> Mapping[str, str]:
        """Return column names and DuckDB types, in order."""
        with self._lock:
            try:
                described = self.connection.sql(f"SELECT * FROM {relation} LIMIT 0")
            except duckdb.Error as error:
                raise translated(error) from error
            return dict(zip(described.columns, map(str, described.types), strict=True))

    def sample(self, relation: str, n_rows: int) -> str:
        """Return a repeatable sample of whole vectors of rows; small relations come whole."""
        total = self.one(f"select count(*) as n_ from {relation}")["n_"]
        if total <= 2 * n_rows:
            return relation
        percent = max(0.01, 100 * n_rows / total)
        return f"{relation} tablesample system({percent:.4f} percent) repeatable (1)"

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self.connection.close()


def translated(error: duckdb.Error) -> InputError:
    """Return the engine's complaint about the input as one line, without its hints on SQL."""
    text = str(error)
    line = next((part for part in text.splitlines() if part.strip()), text)
    if any(sign in text for sign in _BROKEN_PARQUET):
        return CorruptFileError(f"a file could not be read: {line}")
    if isinstance(error, (duckdb.ConversionException, duckdb.InvalidInputException)):
        return BadValueError(f"the input could not be read: {_details(text)}")
    if isinstance(error, (duckdb.IOException, duckdb.SerializationException)):
        return CorruptFileError(f"a file could not be read: {line}")
    return InputError(f"the query engine refused: {line}")


def _details(text: str) -> str:
    lines = [part.strip() for part in text.splitlines() if part.strip()]
    useful = [x for x in lines if x.startswith(("Error when", "CSV Error", "Column"))]
    return "; ".join(dict.fromkeys([lines[0], *useful[:2]])) if lines else text
