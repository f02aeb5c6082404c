"""How DuckDB opens flat files: types are inferred, but times stay text.

DuckDB would turn "2026-03-01T10:00:00+02:00" and "2026-03-01 10:00" in one column into times and
lose that only one of them had a zone; and it infers a STRUCT from nested JSON that the next file
breaks. So both come as text, and the reader decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rca.engine.base import Engine, Form

_LARGEST_OBJECT = 64 * 2**20


def scan_sql(engine: Engine, paths: Sequence[str], form: Form, *, more: str = "") -> str:
    """Return the table function that reads the files, with ``more`` options of a CSV."""
    files = "[" + ", ".join(map(engine.dialect.string, paths)) + "]"
    if form == "parquet":
        return f"read_parquet({files}, union_by_name=true)"
    if form == "csv":
        options = f"union_by_name=true{more}"
        types = _typed(engine, f"read_csv({files}, {options})", "types")
        return f"read_csv({files}, {options}{types})"
    options = f"union_by_name=true, maximum_object_size={_LARGEST_OBJECT}"
    plain = f"read_json({files}, {options})"
    return f"read_json({files}, {options}{_typed(engine, plain, 'columns')})"


def _typed(engine: Engine, scan: str, option: str) -> str:
    """Return the option that fixes the types: inferred ones, but times and structs as text."""
    inferred = engine.schema(scan)
    fixed = {name: _kept(kind) for name, kind in inferred.items()}
    if option == "types":
        fixed = {name: kind for name, kind in fixed.items() if kind != inferred[name]}
    if not fixed:
        return ""
    string = engine.dialect.string
    pairs = ", ".join(f"{string(name)}: {string(kind)}" for name, kind in fixed.items())
    return f", {option}={{{pairs}}}"


def _kept(kind: str) -> str:
    if kind.startswith(("TIMESTAMP", "DATE", "TIME", "UUID")):
        return "VARCHAR"
    nested = kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]")
    return "JSON" if nested else kind
