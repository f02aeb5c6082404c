"""Rows as small integers: dictionary codes of columns by SQL, sums per cell by array operations.

Aggregating every pair of a dozen columns in SQL costs ten times what it costs on integer codes, so
the engine only filters, computes the measures and replaces each value by its code; the cells are
summed here. Two scans whatever the number of columns: one for the dictionaries, one for the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rca.engine.base import Engine

#: Unsigned integers, as few bytes as the column's values need.
Codes = NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """Rows of codes and measures.

    Attributes
    ----------
    values : mapping of name to tuple
        What each code of a column stands for; code 0 is null.
    codes : mapping of name to array
        One code per row.
    measures : mapping of name to array
        The numbers asked for, one per row, of the type that their SQL has.
    sql : tuple of str
        The queries that were run.
    """

    values: Mapping[str, tuple[str | None, ...]]
    codes: Mapping[str, Codes]
    measures: Mapping[str, NDArray[Any]]
    sql: tuple[str, ...] = ()


def encode(
    engine: Engine, relation: str, columns: Mapping[str, str], measures: Mapping[str, str]
) -> Encoded:
    """Return the rows of a relation with each column's value replaced by its code.

    Parameters
    ----------
    engine : Engine
        Where the relation is.
    relation : str
        A quoted name or a query in brackets.
    columns : mapping of name to SQL
        Text expressions; NULL gets the code 0, the other values follow in order of their text.
    measures : mapping of name to SQL
        Numeric expressions.
    """
    names = list(columns)
    drawn = ", ".join(f"{sql} as v{i}_" for i, sql in enumerate(columns.values()))
    kept = ", ".join(f"{sql} as m{i}_" for i, sql in enumerate(measures.values()))
    rows = f"(select {', '.join(filter(None, (kept, drawn)))} from {relation} as s_)"
    queries: list[str] = []
    values: dict[str, tuple[str | None, ...]] = {}
    if names:
        distinct = ", ".join(f"array_agg(distinct v{i}_) as d{i}_" for i in range(len(names)))
        queries.append(f"select {distinct} from {rows} as r_")
        found = engine.table(queries[-1])
        for i, name in enumerate(names):
            listed = found.column(i)[0].as_py() or []
            values[name] = (None, *sorted(value for value in listed if value is not None))
    selected = [f"m{i}_" for i in range(len(measures))]
    joins = []
    for i, name in enumerate(names):
        dtype = np.min_scalar_type(len(values[name]))
        known = pa.table(
            {
                "v_": pa.array(values[name][1:], pa.string()),
                "c_": pa.array(np.arange(1, len(values[name])).astype(dtype)),
            }
        )
        joins.append(f" left join {engine.register(known)} as t{i}_ on r_.v{i}_ = t{i}_.v_")
        selected.append(f"t{i}_.c_ as c{i}_")
    queries.append(f"select {', '.join(selected)} from {rows} as r_{''.join(joins)}")
    table = engine.table(queries[-1])
    numbers: dict[str, NDArray[Any]] = {}
    codes: dict[str, Codes] = {}
    for name in measures:
        numbers[name] = table.column(0).to_numpy()
        table = table.remove_column(0)
    for name in names:
        codes[name] = _codes(table.column(0), len(values[name]))
        # The engine's copy goes as soon as ours is made: one column is held twice, not all.
        table = table.remove_column(0)
    return Encoded(values, codes, numbers, tuple(queries))


def _codes(column: pa.ChunkedArray, n_values: int) -> Codes:
    dtype = np.min_scalar_type(n_values)
    out = np.empty(len(column), dtype=dtype)
    at = 0
    for chunk in column.chunks:
        filled = chunk.fill_null(0) if chunk.null_count else chunk
        out[at : at + len(chunk)] = filled.to_numpy(zero_copy_only=False)
        at += len(chunk)
    return out
