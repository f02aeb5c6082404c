"""Open an engine by its address."""

from __future__ import annotations

from pathlib import Path

from rca.engine.base import Engine
from rca.errors import MissingFileError


def connect(address: str = ":memory:") -> Engine:
    """Return the engine at an address.

    Parameters
    ----------
    address : str
        ``":memory:"`` (default) for DuckDB in this process, or the path of a DuckDB database.

    Raises
    ------
    MissingFileError
        The database file does not exist.

    Examples
    --------
    >>> connect().one("select 1 + 1 as two")
    {'two': 2}
    """
    import duckdb

    from rca.engine.duck import DuckEngine

    if address != ":memory:" and not Path(address).exists():
        raise MissingFileError(f"no DuckDB database at {address!r}. Give the path of one.")
    read_only = address != ":memory:"
    return DuckEngine(duckdb.connect(address, read_only=read_only))
