"""The interface that analyses see of a query engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from rca.engine.dialect import Dialect

#: Forms of flat files.
Form = Literal["parquet", "csv", "json"]


class Engine(ABC):
    """Runs SQL where the logs are and returns small Arrow tables.

    Every query made through one engine is counted in :attr:`n_queries`, so that a test can hold
    the number of passes over the data.
    """

    dialect: Dialect
    n_queries: int = 0

    @abstractmethod
    def table(self, sql: str) -> pa.Table:
        """Run a query and collect its answer."""

    @abstractmethod
    def register(self, source: Any, *, name: str | None = None) -> str:
        """Make a frame or an Arrow table a relation and return its quoted name."""

    @abstractmethod
    def open(self, paths: Sequence[str], form: Form) -> str:
        """Return a relation over files of one form; times stay as they are written."""

    @abstractmethod
    def view(self, sql: str) -> str:
        """Make a query a named relation that nothing has run yet; return its quoted name."""

    @abstractmethod
    def materialise(self, sql: str) -> str:
        """Run a query once and keep its rows where later queries find them; return the name."""

    @abstractmethod
    def schema(self, relation: str) -> Mapping[str, str]:
        """Return the columns of a relation and their types in the engine's words, in order."""

    @abstractmethod
    def sample(self, relation: str, n_rows: int) -> str:
        """Return a relation of about ``n_rows`` rows spread over the whole, the same each time."""

    @abstractmethod
    def close(self) -> None:
        """Release the engine; its relations are gone."""

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run a query and return its (few) rows as dictionaries."""
        return list(self.table(sql).to_pylist())

    def one(self, sql: str) -> dict[str, Any]:
        """Run a query that answers one row and return it."""
        rows = self.rows(sql)
        assert len(rows) == 1, f"expected one row, got {len(rows)}: {sql}"
        return rows[0]
