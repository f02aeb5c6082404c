"""From files of one known source to a relation in canonical columns, in one pass.

Small exports are parsed into memory; large ones into a Parquet file of the cache, by an engine of
their own with bounded memory, whose rows the caller's engine then reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rca.engine import Engine
from rca.logs import cache
from rca.logs.aliases import CANONICAL, normal
from rca.logs.files.head import Head
from rca.logs.parse import Parser, packed_bytes, parser
from rca.logs.progress import Progress
from rca.logs.sources.base import FURTHER, Extraction, Source, compiled

#: Above this many bytes (packed ones count fivefold) an export goes through the cache.
SMALL = 32 * 2**20
_MOST, _SAMPLED, _LONGEST = 40, 20_000, 120
_NUMBERS = {"BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"}
_SCALARS = {*_NUMBERS, "VARCHAR", "BOOLEAN"}


def convert(
    engine: Engine,
    source: Source,
    heads: Sequence[Head],
    *,
    cached: bool = True,
    progress: Progress | None = None,
) -> str:
    """Parse files of one source and return the relation of all their rows in an engine.

    The bookkeeping columns say of each row which file it stood in, why it is no request and
    which of its values could not be read.

    Raises
    ------
    CorruptFileError
        A file is cut, or holds a row larger than is read.
    """
    if sum(map(packed_bytes, heads)) <= SMALL:
        with parser() as reader:
            return engine.register(
                reader.retried(lambda: reader.table(_sql(reader, source, heads)))
            )

    def write(path: Path) -> None:
        with parser() as reader:
            title = f"reading {source.title}"
            reader.retried(lambda: reader.write(_sql(reader, source, heads), path, title, progress))

    name = cache.key([head.path for head in heads], source.name)
    return engine.open([str(cache.stored(name, write, keep=cached))], "parquet")


def _sql(reader: Parser, source: Source, heads: Sequence[Head]) -> str:
    documents = reader.documents(heads)
    return compiled(source, documents, _extras(reader, source, documents))


def _extras(reader: Parser, source: Source, documents: str) -> dict[str, tuple[str, str]]:
    """Return further fields of a source's rows: short scalars, by their number in a sample."""
    found: dict[str, tuple[str, str]] = {}
    for container in source.extras:
        for field, kind in _fields(reader, source, documents, container):
            token = f'{{{container}|"{field}"}}' if container else f'{{"{field}"}}'
            taken = {*source.columns, *CANONICAL, *FURTHER, *(other.lower() for other in found)}
            if normal(field) in taken or field.lower() in taken or len(found) >= _MOST:
                continue
            found[field] = (token, kind)
    return found


def _fields(
    reader: Parser, source: Source, documents: str, container: str
) -> list[tuple[str, str]]:
    rows = source.rows(documents) if source.rows else f"select file_, doc_ as row_ from {documents}"
    if container in source.parts:
        place = container
    elif container:
        # As text: it may be an object, or one written as a string.
        place = f"json_extract_string(row_, '$.{container}')"
    else:
        place = "cast(row_ as varchar)"
    used = _used(source)
    sql = (
        "select key_, count(*) as n_, avg(length(value_)) as length_, "
        "list(distinct type_) as types_ from (select key_, "
        "json_extract_string(object_, path_) as value_, json_type(object_, path_) as type_ "
        "from (select object_, key_, '$.\"' || key_ || '\"' as path_ from ("
        "select object_, unnest(json_keys(object_)) as key_ from ("
        f"select cast({place} as varchar) as object_ from ({rows}) as rows_ limit {_SAMPLED}"
        ") as o_ where json_valid(object_) and json_type(object_) = 'OBJECT') as k_ "
        "where not contains(key_, '\"') and not contains(key_, '{') and not contains(key_, '|') "
        "and not contains(key_, '}') and length(key_) < 100) as p_) as v_ "
        "where type_ <> 'NULL' group by key_ order by n_ desc, key_"
    )
    kept = []
    for row in reader.rows(sql):
        kinds = set(row["types_"])
        if row["key_"] in used or not kinds <= _SCALARS or row["length_"] > _LONGEST:
            continue
        kept.append((row["key_"], "number" if kinds <= _NUMBERS else "text"))
    return kept


def _used(source: Source) -> set[str]:
    """Return the fields that a source's columns are made of."""
    taken = Extraction(source.parts)
    for template in source.columns.values():
        taken.sql(template)
    paths = {path for found in taken.groups.values() for path in found}
    for container in filter(None, source.extras):
        paths |= {path.removeprefix(f"{container}.") for path in set(paths)}
    return {path.strip('"') for path in paths} | source.ignored
