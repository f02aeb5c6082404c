"""Any relation of rows as a relation in canonical columns.

Strict where a wrong guess would be silent (times, numbers): a value that is not what its column
needs is an error that names the column and the value. All other columns are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rca.engine import Engine
from rca.engine.sql import count_if, f64, lit
from rca.errors import BadValueError, EmptyLogError, MissingColumnError
from rca.logs.aliases import CANONICAL, match_columns, normal
from rca.logs.times import RELATIVE_CLOCK, batched, counts_from_zero, times
from rca.model.logs import Kind, Logs

_NUMERIC = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "BIGINT", "UBIG", "UINT", "REAL")
_SHOWN = 3
#: A call that takes no unit in its name is in seconds when half of all calls take under this.
_SECONDS_BELOW = 120.0
#: A column called "id" names requests when at least this share of its values are different.
_UNIQUE = 0.5
_SAMPLE = 200_000
_INDEX = re.compile(r"Unnamed: \d+(\.\d+)*|column0+|__index_level_\d+__|_c0|index")


@dataclass(frozen=True)
class Draft:
    """A canonical column on its way: where it comes from, its type there, its SQL here."""

    name: str
    source: str
    type: str
    quoted: str
    factor: float


def canonical(
    engine: Engine, relation: str, *, mapping: Mapping[str, str] | None = None, source: str = ""
) -> Logs:
    """Return a relation's rows as logs in canonical columns.

    Parameters
    ----------
    engine, relation
        Where the rows are.
    mapping : mapping of canonical name to column name, optional
        Wins over the known aliases.
    source : str
        What to call the rows in messages.

    Raises
    ------
    MissingColumnError
        The mapping names a column that is not there.
    EmptyLogError
        There are no rows.
    BadValueError
        A time cannot be read, zoned and zoneless times are mixed, or a number is none.
    """
    schema = engine.schema(relation)
    if not engine.rows(f"select 1 as one_ from {relation} limit 1"):
        raise EmptyLogError(f"{source or 'the log'} has no rows. Give a log with at least one.")
    caveats: list[str] = []
    schema = _without_indexes(schema, mapping or {}, caveats)
    matched = _matched(schema, mapping or {})
    _keep_unsure_id(engine, relation, matched, mapping or {}, caveats)
    _keep_relative_clock(engine, relation, schema, matched, mapping or {}, caveats)
    drafts = [
        Draft(name, column, schema[column], engine.dialect.ident(column), factor)
        for name, (column, factor) in matched.items()
    ]
    expressions: dict[str, tuple[str, Kind]] = {}
    for draft in drafts:
        convert = {"time": _time, "number": _number, "flag": _flag, "status": _status}.get(
            CANONICAL[draft.name], _text
        )
        expressions[draft.name] = convert(engine, relation, draft, caveats)
    taken = {column for column, _ in matched.values()}
    for column, kind in schema.items():
        if column not in taken:
            name = column if column not in expressions else f"{column}_"
            expressions[name] = (engine.dialect.ident(column), _kind(kind))
    if "status" not in expressions and "http_status" in expressions:
        expressions["status"] = (_from_http(expressions["http_status"][0]), "text")
    ident = engine.dialect.ident
    parts = ", ".join(f"{sql} as {ident(name)}" for name, (sql, _) in expressions.items())
    view = engine.view(f"select {parts} from {relation}")
    if "ts" in expressions:
        caveats.extend(batched(engine, view))
    kinds = {name: kind for name, (_, kind) in expressions.items()}
    return Logs(engine, view, kinds, source, tuple(caveats))


def _matched(schema: Mapping[str, str], mapping: Mapping[str, str]) -> dict[str, tuple[str, float]]:
    for canonical_name, column in mapping.items():
        if canonical_name not in CANONICAL:
            raise MissingColumnError.of(canonical_name, CANONICAL)
        if column not in schema:
            raise MissingColumnError.of(column, schema)
    given = {name: (column, 1.0) for name, column in mapping.items()}
    rest = [column for column in schema if column not in mapping.values()]
    found = {name: hit for name, hit in match_columns(rest).items() if name not in given}
    return given | found


def _without_indexes(
    schema: Mapping[str, str], mapping: Mapping[str, str], caveats: list[str]
) -> Mapping[str, str]:
    """Leave out the unnamed row numbers that pandas writes before a table."""
    indexes = [
        name
        for name, kind in schema.items()
        if _INDEX.fullmatch(name) and kind.startswith(_NUMERIC) and name not in mapping.values()
    ]
    if not indexes or len(indexes) == len(schema):
        return schema
    caveats.append(f"unnamed row numbers were left out: {', '.join(map(repr, indexes))}")
    return {name: kind for name, kind in schema.items() if name not in indexes}


def _keep_unsure_id(
    engine: Engine,
    relation: str,
    matched: dict[str, tuple[str, float]],
    mapping: Mapping[str, str],
    caveats: list[str],
) -> None:
    """Keep a column that is merely called ``id`` as it is when it names several rows at a time."""
    column = matched.get("request_id", ("", 1.0))[0]
    if normal(column) != "id" or "request_id" in mapping:
        return
    sample = engine.sample(relation, _SAMPLE)
    ident = engine.dialect.ident(column)
    row = engine.one(f"select count({ident}) as n_, count(distinct {ident}) as d_ from {sample}")
    if row["d_"] >= _UNIQUE * row["n_"]:
        return
    del matched["request_id"]
    caveats.append(
        f"{column!r} has {row['d_']:,} values in {row['n_']:,} rows, so it names no single "
        "request: it was kept as it is"
    )


def _keep_relative_clock(
    engine: Engine,
    relation: str,
    schema: Mapping[str, str],
    matched: dict[str, tuple[str, float]],
    mapping: Mapping[str, str],
    caveats: list[str],
) -> None:
    """Keep a clock that starts at zero as a number: it has no place on a calendar."""
    column = matched.get("ts", ("", 1.0))[0]
    if not column or "ts" in mapping:
        return
    high = counts_from_zero(engine, relation, column, schema[column])
    if high is None:
        return
    del matched["ts"]
    caveats.append(
        f"{column!r} is a {RELATIVE_CLOCK} (it counts to {high:g}): it cannot be put beside "
        "events, so it was kept as a number and the rows have no time"
    )


def _is_numeric(kind: str) -> bool:
    return kind.startswith(_NUMERIC) or kind in ("BOOLEAN",)


def _kind(kind: str) -> Kind:
    if kind == "BOOLEAN":
        return "bool"
    if kind.startswith(("TIMESTAMP", "DATE", "TIME")):
        return "time"
    if kind.startswith(_NUMERIC):
        return "number"
    return "text" if kind.startswith(("VARCHAR", "ENUM", "UUID")) else "other"


def _time(engine: Engine, relation: str, draft: Draft, caveats: list[str]) -> tuple[str, Kind]:
    read = times(engine, relation, draft.source, draft.type)
    if read is None:
        _reject(
            engine, relation, draft, f"try_cast({draft.quoted} as timestamptz) is null", "a time"
        )
        raise AssertionError("some value was no time")
    caveats.extend(read.caveats)
    return read.sql, "time"


def _number(engine: Engine, relation: str, draft: Draft, caveats: list[str]) -> tuple[str, Kind]:
    column = draft.quoted
    if not _is_numeric(draft.type):
        if not draft.type.startswith("VARCHAR"):
            raise BadValueError(
                f"column {draft.source!r} holds {draft.type}, but {draft.name} is a number. "
                "Map another column to it."
            )
        text = f"nullif(trim({column}), '')"
        _reject(engine, relation, draft, f"try_cast({text} as double) is null", "a number")
        column = text
    factor = draft.factor
    if draft.source.lower() in ("latency", "duration", "response_time"):
        row = engine.one(f"select median({f64(column)}) as m_ from {relation}")
        seconds = row["m_"] is not None and row["m_"] < _SECONDS_BELOW
        factor = 1000.0 if seconds else 1.0
        unit = "seconds" if seconds else "milliseconds"
        caveats.append(f"{draft.source!r} names no unit and was read as {unit}, by its median")
    return (f64(column) if factor == 1.0 else f"{f64(column)} * {lit(factor)}"), "number"


def _flag(engine: Engine, relation: str, draft: Draft, _: list[str]) -> tuple[str, Kind]:
    column = draft.quoted
    if _is_numeric(draft.type):
        return f64(column), "number"
    word = f"lower(trim({column}))"
    yes, no = ("true", "t", "1", "1.0", "yes", "y"), ("false", "f", "0", "0.0", "no", "n")
    said = " ".join([*(f"when '{w}' then 1e0" for w in yes), *(f"when '{w}' then 0e0" for w in no)])
    known = f"case {word} {said} end"
    _reject(engine, relation, draft, f"({known}) is null and {word} <> ''", "true or false")
    return known, "number"


_STATUS_WORDS = {
    "ok": ("ok", "success", "succeeded", "completed", "complete", "done", "unset", "finished"),
    "error": ("error", "failure", "failed", "fail", "exception", "status_code_error"),
    "timeout": ("timeout", "timed_out", "timedout", "deadline_exceeded"),
    "rate_limited": ("rate_limited", "rate_limit", "ratelimited", "throttled", "429"),
    "blocked": ("blocked", "content_filter", "filtered", "refused_by_filter"),
    "unfinished": ("unfinished", "running", "in_progress", "pending", "cancelled", "canceled"),
}


def _status(engine: Engine, _relation: str, draft: Draft, _: list[str]) -> tuple[str, Kind]:
    if _is_numeric(draft.type):
        return _from_http(draft.quoted), "text"
    word = f"lower(trim({engine.dialect.text(draft.quoted)}))"
    code = f"try_cast({word} as double)"
    # Not "word in (...)": lists become joins that every later query pays, also without the status.
    cases = " ".join(
        f"when {engine.dialect.string(known)} then '{status}'"
        for status, words in _STATUS_WORDS.items()
        for known in words
    )
    http = _from_http(code)
    rest = f"case when {code} >= 100e0 then {http} else nullif({word}, '') end"
    return f"case {word} {cases} else {rest} end", "text"


def _from_http(code: str) -> str:
    return (
        f"case when {code} is null then null when {code} < 400 then 'ok' when {code} = 429 "
        f"then 'rate_limited' when {code} in (408, 504) then 'timeout' else 'error' end"
    )


def _text(engine: Engine, _relation: str, draft: Draft, _: list[str]) -> tuple[str, Kind]:
    kind = _kind(draft.type)
    if draft.name in ("prediction", "label") and kind in ("number", "bool"):
        return draft.quoted, kind
    return engine.dialect.text(draft.quoted), "text"


def _reject(engine: Engine, relation: str, draft: Draft, bad: str, wanted: str) -> None:
    """Raise when rows of a column are not what it needs, showing the first few values."""
    column = draft.quoted
    rule = f"({bad}) and {column} is not null"
    if CANONICAL[draft.name] == "number":
        rule += f" and trim({column}) <> ''"
    rows = engine.rows(f"select {column} as v_ from {relation} where {rule} limit {_SHOWN}")
    if not rows:
        return
    n = engine.one(f"select {count_if(rule)} as n_ from {relation}")["n_"]
    shown = ", ".join(repr(str(row["v_"])[:40]) for row in rows)
    raise BadValueError(
        f"column {draft.source!r} ({draft.name}) mixes types: {n:,} values are not {wanted}, "
        f"such as {shown}. Correct them, or map another column to {draft.name}."
    )
