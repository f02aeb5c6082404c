"""What the reader of one kind of export is made of, and the SQL that it compiles to.

A source is a declaration: how to know its records, which rows they hold, and where each
canonical column stands in a row. The compiler turns it into one SQL query over JSON, in which
each row is parsed once however many fields are taken; no row comes into Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rca.logs.aliases import CANONICAL

Record = Mapping[str, Any]

#: Columns that a source may give beside the canonical ones.
FURTHER: Mapping[str, str] = {
    "cache_write_tokens": "number",
    "total_tokens": "number",
    "error_message": "text",
    "fallback_from": "text",
    "score_name": "text",
    "parent_id": "text",
    "name": "text",
}
#: Columns of the bookkeeping: never shown as columns of the log.
LEFT_OUT, UNREAD, FILE, RULE = "left_out_", "unread_", "file_", "token_rule_"

_TOKEN = re.compile(r"\{(?:([A-Za-z_][\w.]*)\|)?([^{}|]+)\}")


@dataclass(frozen=True)
class Source:
    """The reader of one kind of export.

    Attributes
    ----------
    name, title
        What the sniffer calls it, in code and in words.
    sniff : callable
        Takes one record and returns from 0 (not its own) to 1 (surely its own), by keys alone.
    columns : mapping of column to SQL
        In the SQL, ``{a.b}`` stands for the text at a JSON path of the row, and ``{c|a.b}`` for
        one inside the column or field ``c``, which may be an object or JSON written as a string.
    rows : callable, optional
        Takes the relation of documents (``file_``, ``doc_``) and returns the query of its rows:
        ``file_``, ``row_`` and the columns of ``parts``.
    left_out : str, optional
        SQL in the same words for why a row is no request (null when it is one).
    call_only : bool
        Whether to keep all rows when ``left_out`` would leave none.
    token_rule : str
        How the source counts cached tokens: ``inclusive`` (in the input), ``exclusive`` or
        ``unknown``.
    extras : tuple of str
        JSON objects of the row whose other fields are kept as columns; "" is the row itself.
    gives, lacks : str
        For the table of sources: what an export of it holds, and what it does not.
    completes : frozenset of str
        Sources whose rows its own complete, by trace_id, when both are read together.
    seen : str
        What the reader was checked on: ``real`` files or the published ``fields``.
    """

    name: str
    title: str
    sniff: Callable[[Record], float]
    columns: Mapping[str, str]
    rows: Callable[[str], str] | None = None
    parts: tuple[str, ...] = ()
    left_out: str | None = None
    call_only: bool = False
    token_rule: str = "unknown"
    extras: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    gives: str = ""
    lacks: str = ""
    seen: str = "fields"
    caveats: tuple[str, ...] = ()
    holds_requests: bool = True
    completes: frozenset[str] = frozenset()


@dataclass
class Extraction:
    """Collects the paths of templates, so that each JSON value is parsed once."""

    parts: tuple[str, ...]
    groups: dict[str, list[str]] = field(default_factory=dict)

    def sql(self, template: str) -> str:
        """Return a template with each path replaced by its place in the extracted lists."""
        return _TOKEN.sub(lambda hit: self._take(hit[1] or "row_", hit[2]), template)

    def _take(self, container: str, path: str) -> str:
        if container != "row_" and container not in self.parts:
            self._place("row_", container)
        return self._place(container, path)

    def _place(self, container: str, path: str) -> str:
        paths = self.groups.setdefault(container, [])
        if path not in paths:
            paths.append(path)
        return f"{self._list(container)}[{paths.index(path) + 1}]"

    def _list(self, container: str) -> str:
        return f"l{list(self.groups).index(container)}_"

    def over(self, rows: str, kept: tuple[str, ...]) -> str:
        """Return the query that extracts all lists from a relation of rows, inner ones last."""
        direct = [name for name in self.groups if name == "row_" or name in self.parts]
        inner = [name for name in self.groups if name not in direct]
        names = ", ".join((*kept, *self.parts))
        lists = "".join(f", {self._extract(name, name)}" for name in direct)
        sql = f"select {names}{lists} from {rows}"
        if not inner:
            return sql
        nested = "".join(f", {self._extract(name, self._place('row_', name))}" for name in inner)
        return f"select *{nested} from ({sql}) as direct_"

    def _extract(self, container: str, value: str) -> str:
        paths = ", ".join("'$." + path.replace("'", "''") + "'" for path in self.groups[container])
        whole = value if container == "row_" else f"case when json_valid({value}) then {value} end"
        return f"json_extract_string({whole}, [{paths}]) as {self._list(container)}"


def compiled(source: Source, documents: str, extras: Mapping[str, tuple[str, str]]) -> str:
    """Return the query of a source's rows in canonical columns, typed and with bookkeeping.

    Parameters
    ----------
    documents : str
        A relation of ``file_`` and ``doc_`` (JSON).
    extras : mapping of column to (template, kind)
        Further fields to keep.
    """
    rows = source.rows(documents) if source.rows else f"select file_, doc_ as row_ from {documents}"
    taken = Extraction(source.parts)
    raw = {name: taken.sql(template) for name, template in source.columns.items()}
    kinds = {name: CANONICAL.get(name) or FURTHER[name] for name in source.columns}
    for name, (template, kind) in extras.items():
        raw[name], kinds[name] = taken.sql(template), kind
    reason = taken.sql(source.left_out) if source.left_out else "cast(null as varchar)"
    if not taken.groups:
        taken.sql("{_}")
    extracted = taken.over(f"({rows}) as rows_", (FILE, "row_"))
    texts = ", ".join(f'{sql} as "{name}"' for name, sql in raw.items())
    broken = "case when row_ is null then 'not whole JSON' else ({}) end"
    drafted = (
        f"select {FILE}, {broken.format(reason)} as {LEFT_OUT}, {texts} "
        f"from ({extracted}) as extracted_"
    )
    typed = {name: _typed(name, kind) for name, kind in kinds.items()}
    unread = " ".join(
        f"when {_said(name)} and {value} is null then '{name}'"
        for name, value in typed.items()
        if kinds[name] in ("time", "number", "flag")
    )
    values = ", ".join(f'{value} as "{name}"' for name, value in typed.items())
    sure = f"case {unread} end" if unread else "cast(null as varchar)"
    return f"select {FILE}, {LEFT_OUT}, {sure} as {UNREAD}, {values} from ({drafted}) as drafted_"


def _said(name: str) -> str:
    return f"""nullif(trim("{name}"), '') is not null and lower("{name}") not in ('nan', 'null')"""


def _typed(name: str, kind: str) -> str:
    column = f'"{name}"'
    if kind == "number":
        number = f"try_cast({column} as double)"
        return f"case when isfinite({number}) then {number} end"
    if kind == "flag":
        word = f"lower(trim({column}))"
        return (
            f"case when {word} in ('true', '1', '1.0', 'yes') then 1e0 "
            f"when {word} in ('false', '0', '0.0', 'no') then 0e0 end"
        )
    if kind == "time":
        return when(column)
    return f"nullif(trim({column}), '')" if name not in ("input", "output") else column


def when(x: str) -> str:
    """Return the naive UTC time of a text: ISO 8601, or a number since 1970 in any unit.

    Whole numbers stay whole, so that nanoseconds lose nothing above the microsecond; a number
    too small for a time since 1970 is none.
    """
    whole = f"try_cast(trim({x}) as hugeint)"
    part = f"try_cast(trim({x}) as double)"
    micros = (
        f"case when {whole} >= 100000000000000000 then {whole} // 1000 "
        f"when {whole} >= 100000000000000 then {whole} "
        f"when {part} >= 1e11 then cast({part} * 1e3 as hugeint) "
        f"when {part} >= 1e8 then cast({part} * 1e6 as hugeint) end"
    )
    return (
        f"case when {part} is null then try_cast(trim({x}) as timestamptz) at time zone 'UTC' "
        f"when {part} < 1e19 then make_timestamp(cast(({micros}) as bigint)) end"
    )


def between_ms(start: str, end: str) -> str:
    """Return the milliseconds from one written time to another, as text."""
    return f"cast(date_diff('microsecond', {when(start)}, {when(end)}) / 1e3 as varchar)"


def first(*texts: str) -> str:
    """Return the first of some texts that is not empty."""
    return f"coalesce({', '.join(f'''nullif({text}, '')''' for text in texts)})"


def times(x: str, factor: float) -> str:
    """Return a written number times a factor, as text."""
    return f"cast(try_cast({x} as double) * {factor!r} as varchar)"


def words(x: str, meanings: Mapping[str, str], otherwise: str = "null") -> str:
    """Return what the words of a source mean, lower case compared; else ``otherwise``."""
    cases = " ".join(f"when '{word}' then '{means}'" for word, means in meanings.items())
    return f"case lower({x}) {cases} else {otherwise} end"


def has(record: Record, *keys: str) -> bool:
    """Tell whether a record has all of these keys."""
    return all(key in record for key in keys)
