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
#: Signs that would end a path or a template.
_ODD = set('"{}|')
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
    if not source.extras:
        return {}
    rows = source.rows(documents) if source.rows else f"select file_, doc_ as row_ from {documents}"
    objects = ", ".join(
        f"{_object(source, container)} as o{i}_" for i, container in enumerate(source.extras)
    )
    sample = reader.materialise(f"select {objects} from ({rows}) as rows_ limit {_SAMPLED}")
    found: dict[str, tuple[str, str]] = {}
    known = {*source.columns, *CANONICAL, *FURTHER}
    for i, container in enumerate(source.extras):
        for field, kind in _fields(reader, sample, f"o{i}_", _used(source)):
            taken = known | {other.lower() for other in found}
            if {normal(field), field.lower()} & taken or len(found) >= _MOST:
                continue
            token = f'{{{container}|"{field}"}}' if container else f'{{"{field}"}}'
            found[field] = (token, kind)
    return found


def _object(source: Source, container: str) -> str:
    """Return the SQL of the text of an object of a row, if it is one or is written as one."""
    if container in source.parts:
        text = f"cast({container} as varchar)"
    elif container:
        text = f"json_extract_string(row_, '$.{container}')"
    else:
        text = "cast(row_ as varchar)"
    return f"case when json_valid({text}) and json_type({text}) = 'OBJECT' then {text} end"


def _fields(reader: Parser, sample: str, column: str, used: set[str]) -> list[tuple[str, str]]:
    """Return the fields of an object that no column is made of, the most frequent first."""
    keys = [
        row["key_"]
        for row in reader.rows(
            f"select key_, count(*) as n_ from (select unnest(json_keys({column})) as key_ "
            f"from {sample}) as k_ group by key_ order by n_ desc, key_ limit {8 * _MOST}"
        )
    ]
    keys = [key for key in keys if key not in used and not _ODD & set(key) and len(key) < 100]
    keys = keys[: 2 * _MOST]
    if not keys:
        return []
    paths = ", ".join(reader.dialect.string(f'$."{key}"') for key in keys)
    facts = ", ".join(
        f"avg(length(v_[{i}])) as l{i}_, list(distinct t_[{i}]) as t{i}_"
        for i in range(1, len(keys) + 1)
    )
    row = reader.one(
        f"select {facts} from (select json_extract_string({column}, [{paths}]) as v_, "
        f"json_type({column}, [{paths}]) as t_ from {sample}) as f_"
    )
    kept = []
    for i, key in enumerate(keys, start=1):
        kinds = set(row[f"t{i}_"] or ()) - {None, "NULL"}
        if kinds and kinds <= _SCALARS and (row[f"l{i}_"] or 0) <= _LONGEST:
            kept.append((key, "number" if kinds <= _NUMBERS else "text"))
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
