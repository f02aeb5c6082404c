"""What differs between engines in the SQL subset that the fragments use."""

from __future__ import annotations

from collections.abc import Sequence


class Dialect:
    """DuckDB's spelling of the few things that engines spell differently."""

    name = "duckdb"

    def ident(self, name: str) -> str:
        """Quote an identifier.

        >>> print(Dialect().ident('a "b" c'))
        "a ""b"" c"
        """
        return '"' + name.replace('"', '""') + '"'

    def string(self, value: str) -> str:
        """Quote a text literal.

        >>> Dialect().string("it's")
        "'it''s'"
        """
        return "'" + value.replace("'", "''") + "'"

    def timestamp(self, value: str) -> str:
        """Return the literal of a naive UTC time written as ISO 8601 text."""
        return f"TIMESTAMP '{value}'"

    def quantile(self, x: str, q: float) -> str:
        """Return the exact quantile, linearly interpolated."""
        return f"quantile_cont({x}, {q!r})"

    def quantiles(self, x: str, qs: Sequence[float]) -> str:
        """Return many exact quantiles of one column as one list, in one pass."""
        return f"quantile_cont({x}, [{', '.join(map(repr, qs))}])"

    def scan(self, path: str) -> str:
        """Return a relation that reads Parquet files."""
        return f"read_parquet({self.string(path)})"

    def utc(self, x: str) -> str:
        """Return a zoned time as a naive UTC time."""
        return f"({x} AT TIME ZONE 'UTC')"

    def epoch(self, x: str) -> str:
        """Return a naive UTC time as seconds since 1970, as a double."""
        return f"(cast(epoch_us({x}) as double) / 1e6)"

    def scattered(self, relation: str, share: float) -> str:
        """Return about a share of a relation's rows, each picked by itself, the same each time."""
        percent = min(100.0, max(1e-4, 100 * share))
        return f"{relation} tablesample bernoulli({percent:.6f} percent) repeatable (1)"

    def text(self, x: str) -> str:
        """Return any value as text."""
        return f"cast({x} as varchar)"
