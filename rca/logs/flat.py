"""Tables that no tool is known for: CSV, JSON lines and Parquet, as a relation of their columns.

Text is parsed once; what cannot be parsed is kept as a row that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rca.engine import Engine
from rca.engine.duck_files import scan_sql
from rca.engine.sql import count_if
from rca.errors import CorruptFileError, EmptyLogError
from rca.logs import cache
from rca.logs.files.head import Head
from rca.logs.parse import Parser, packed_bytes, parser
from rca.logs.progress import Progress
from rca.logs.sources.base import FILE, LEFT_OUT

_SAMPLED = 20_480
_NUMBERS = {"BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "NULL"}


def flat(
    engine: Engine,
    heads: Sequence[Head],
    *,
    small: int,
    cached: bool = True,
    progress: Progress | None = None,
) -> str:
    """Return the relation of all rows of flat files of one form.

    Beside their own columns it has the file of each row and why it is left out; Parquet files
    stay where they are and have neither.
    """
    if heads[0].form == "parquet":
        return engine.open([str(head.path) for head in heads], "parquet")
    if sum(map(packed_bytes, heads)) <= small:
        with parser() as reader:
            return engine.register(reader.retried(lambda: reader.table(_sql(reader, heads))))

    def write(path: Path) -> None:
        with parser() as reader:
            reader.retried(lambda: reader.write(_sql(reader, heads), path, "reading", progress))

    name = cache.key([head.path for head in heads], "flat")
    return engine.open([str(cache.stored(name, write, keep=cached))], "parquet")


def _sql(reader: Parser, heads: Sequence[Head]) -> str:
    if heads[0].form == "csv":
        return " union all by name ".join(_csv(reader, group) for group in reader.alike(heads))
    return _json(reader, reader.documents(heads))


def _csv(reader: Parser, heads: Sequence[Head]) -> str:
    paths, names = reader.readable(heads)
    more = f", filename='{FILE}', compression='{heads[0].packing}'"
    scan = scan_sql(reader, paths, "csv", more=more)
    return (
        f"select * exclude ({FILE}), {names} as {FILE}, cast(null as varchar) as {LEFT_OUT} "
        f"from {scan}"
    )


def _json(reader: Parser, documents: str) -> str:
    """Return JSON objects as columns: numbers and flags where all values are, else text."""
    whole = reader.one(f"select count(*) as n_ from {documents} where doc_ is not null")["n_"]
    if not whole:
        raise CorruptFileError("no line is a JSON object. Give rows with named fields.")
    sample = f"select doc_ from {documents} where doc_ is not null"
    if whole > _SAMPLED * 10:
        sample += f" limit {_SAMPLED}"
    path = "'$.\"' || key_ || '\"'"
    found = reader.rows(
        f"select key_, list(distinct json_type(doc_, {path})) as types_, min(nth_) as first_ "
        "from (select doc_, unnest(json_keys(doc_)) as key_, "
        f"generate_subscripts(json_keys(doc_), 1) as nth_ from ({sample}) as s_) as k_ "
        "where not contains(key_, '\"') group by key_ order by first_, key_"
    )
    if not found:
        raise EmptyLogError("the objects have no fields. Give rows with named fields.")
    string, ident = reader.dialect.string, reader.dialect.ident
    paths = ", ".join(string(f'$."{row["key_"]}"') for row in found)
    columns = ", ".join(
        f"{_typed(f'v_[{index}]', set(row['types_']))} as {ident(_free(row['key_']))}"
        for index, row in enumerate(found, start=1)
    )
    return (
        f"select {columns}, {FILE}, case when doc_ is null then 'not whole JSON' end as {LEFT_OUT} "
        f"from (select {FILE}, doc_, json_extract_string(doc_, [{paths}]) as v_ "
        f"from {documents}) as values_"
    )


def _typed(value: str, kinds: set[str]) -> str:
    if kinds <= {"BOOLEAN", "NULL"} and "BOOLEAN" in kinds:
        return f"try_cast({value} as boolean)"
    if kinds <= {"BIGINT", "UBIGINT", "NULL"} and kinds != {"NULL"}:
        return f"coalesce(try_cast({value} as bigint), try_cast({value} as double))"
    if kinds <= _NUMBERS and kinds != {"NULL"}:
        return f"try_cast({value} as double)"
    return value


def _free(name: str) -> str:
    return f"{name}_" if name in (FILE, LEFT_OUT) else name


def left_out(engine: Engine, relation: str) -> dict[str, int]:
    """Return how many rows of a relation are left out, by reason."""
    rows = engine.rows(
        f"select {LEFT_OUT} as why_, {count_if('true')} as n_ from {relation} "
        f"where {LEFT_OUT} is not null group by {LEFT_OUT} order by n_ desc, why_"
    )
    return {row["why_"]: row["n_"] for row in rows}
