"""The intake report of a log that was read, and the log's rows without the bookkeeping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rca.engine import Engine
from rca.engine.sql import count_if
from rca.logs.aliases import CANONICAL, match_columns
from rca.logs.intake import FileIntake, Intake, intake
from rca.logs.propose import proposals
from rca.logs.sources.base import FILE, LEFT_OUT, UNREAD, Source
from rca.logs.take import Taken
from rca.logs.times import RELATIVE_CLOCK
from rca.model.logs import Kind, Logs

#: Above this many rows, repeated ids are looked for only when an incident is opened.
_QUICK = 5_000_000
#: A row that is not whole is left out even where steps are kept as requests.
_BROKEN = "('not whole JSON', 'a span without a time')"


def bookkept(engine: Engine, relation: str) -> str:
    """Return the rows that are kept, without the columns of the bookkeeping."""
    schema = engine.schema(relation)
    own = [name for name in schema if name not in (FILE, LEFT_OUT, UNREAD)]
    if len(own) == len(schema):
        return relation
    names = ", ".join(map(engine.dialect.ident, own))
    return engine.view(f"select {names} from {relation} where {LEFT_OUT} is null")


def of_flat(
    engine: Engine,
    relation: str,
    logs: Logs,
    takens: Sequence[Taken],
    mapping: Mapping[str, str],
) -> Intake:
    """Return the report of flat files, and what their columns may be."""
    parsed = LEFT_OUT in engine.schema(relation)
    if parsed:
        facts = _facts(engine, relation, None)
        for path, (low, high) in _spans(engine, relation, logs, takens).items():
            facts[path] |= {"first": low, "last": high}
    else:
        facts = {str(taken.head.path): _parquet(taken, mapping) for taken in takens}
    given = {*mapping, *mapping.values()}
    records = [r for taken in takens if taken.takes == "requests" for r in taken.head.records]
    proposed = [
        guess
        for guess in proposals(records[:20])
        if not guess.applied and guess.name not in {*logs.columns, *given}
    ]
    repeated = _repeated(logs) if parsed else None
    lines = _lines(takens, facts)
    relative = any(RELATIVE_CLOCK in caveat for caveat in logs.caveats)
    return intake(
        lines,
        proposed=proposed,
        n_repeated=repeated,
        times="absolute" if logs.has("ts") else "relative" if relative else "none",
        call=_call(takens),
    )


def of_converted(
    engine: Engine, relation: str, source: Source, takens: Sequence[Taken]
) -> tuple[Intake, str, dict[str, Kind]]:
    """Return the report of a known source's rows, the rows kept, and the columns with values."""
    notes = list(source.caveats)
    kept = f"{LEFT_OUT} is null"
    if source.call_only and not engine.rows(
        f"select 1 as one_ from {relation} where {kept} limit 1"
    ):
        kept = f"({LEFT_OUT} is null or {LEFT_OUT} not in {_BROKEN})"
        n = engine.one(f"select {count_if(kept)} as n_ from {relation}")["n_"]
        if n:
            notes.append(f"no row is a call of a model: all {n:,} steps were kept as requests")
    columns = _filled(engine, relation, kept)
    names = ", ".join(map(engine.dialect.ident, columns)) or "1 as none_"
    rows = engine.view(f"select {names} from {relation} where {kept}")
    unread = engine.rows(
        f"select {UNREAD} as name_, count(*) as n_ from {relation} "
        f"where {UNREAD} is not null and {kept} group by {UNREAD} order by n_ desc, name_"
    )
    logs = Logs(engine, rows, columns)
    report = intake(
        _lines(takens, _facts(engine, relation, kept)),
        n_repeated=_repeated(logs) if columns else None,
        times="absolute" if "ts" in columns else "none",
        unread={row["name_"]: row["n_"] for row in unread},
        call=_call(takens),
        notes=notes,
    )
    return report, rows, columns


def _filled(engine: Engine, relation: str, kept: str) -> dict[str, Kind]:
    """Return the columns that hold a value in some row kept, canonical ones first."""
    schema = engine.schema(relation)
    own = [name for name in schema if name not in (FILE, LEFT_OUT, UNREAD)]
    counts = ", ".join(
        f"count({engine.dialect.ident(name)}) as c{i}_" for i, name in enumerate(own)
    )
    row = engine.one(f"select {counts} from {relation} where {kept}")
    found = [name for i, name in enumerate(own) if row[f"c{i}_"]]
    order = {name: place for place, name in enumerate(CANONICAL)}
    found.sort(key=lambda name: order.get(name, len(order)))
    return {name: _kind(schema[name]) for name in found}


def _kind(kind: str) -> Kind:
    if kind.startswith("TIMESTAMP"):
        return "time"
    return "number" if kind in ("DOUBLE", "BIGINT", "HUGEINT") else "text"


def _facts(engine: Engine, relation: str, kept: str | None) -> dict[str, dict[str, Any]]:
    """Return, per file, its rows, those left out by reason, and the times of those kept."""
    here = kept or f"{LEFT_OUT} is null"
    timed = dict(engine.schema(relation)).get("ts", "").startswith("TIMESTAMP")
    time = f"case when {here} then ts end" if timed else "cast(null as timestamp)"
    rows = engine.rows(
        f"select {FILE} as path_, case when not ({here}) then {LEFT_OUT} end as why_, "
        f"count(*) as n_, min({time}) as first_, max({time}) as last_ from {relation} group by 1, 2"
    )
    facts: dict[str, dict[str, Any]] = {}
    for row in rows:
        file = facts.setdefault(row["path_"], {"n_rows": 0, "left_out": {}})
        file["n_rows"] += row["n_"]
        if row["why_"] is not None:
            file["left_out"][row["why_"]] = row["n_"]
        else:
            file |= {"first": row["first_"], "last": row["last_"]}
    return facts


def _parquet(taken: Taken, mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return the rows of a Parquet file and the times it covers, by its footer alone."""
    import pyarrow.parquet as pq

    if taken.head.form != "parquet" or taken.takes == "nothing":
        return {}
    footer = pq.read_metadata(taken.head.path)
    facts: dict[str, Any] = {"n_rows": footer.num_rows}
    names = footer.schema.to_arrow_schema().names
    column = mapping.get("ts") or match_columns(names).get("ts", ("", 1.0))[0]
    if column not in names:
        return facts
    place = names.index(column)
    groups = [footer.row_group(i).column(place) for i in range(footer.num_row_groups)]
    ends = [group.statistics for group in groups if group.path_in_schema == column]
    if ends and all(end and end.has_min_max and isinstance(end.min, datetime) for end in ends):
        facts |= {
            "first": min(_naive(end.min) for end in ends),
            "last": max(_naive(end.max) for end in ends),
        }
    return facts


def _naive(time: datetime) -> datetime:
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _spans(
    engine: Engine, relation: str, logs: Logs, takens: Sequence[Taken]
) -> dict[str, tuple[Any, Any]]:
    """Return the times that each flat file covers."""
    read = [taken for taken in takens if taken.takes == "requests"]
    if "ts" not in logs.columns:
        return {}
    if len(read) == 1:
        ends = logs.engine.one(f"select min(ts) as low_, max(ts) as high_ from {logs.relation}")
        return {str(read[0].head.path): (ends["low_"], ends["high_"])}
    # Both relations keep the order of the rows, so that they can be laid side by side.
    rows = engine.rows(
        f"select f.{FILE} as path_, min(l.ts) as low_, max(l.ts) as high_ from "
        f"(select {FILE} from {relation} where {LEFT_OUT} is null) as f "
        f"positional join (select ts from {logs.relation}) as l group by 1"
    )
    return {row["path_"]: (row["low_"], row["high_"]) for row in rows}


def _repeated(logs: Logs) -> int | None:
    """Return how many rows have the id of another, where that is quickly known."""
    if not logs.has("request_id") or logs.n_rows > _QUICK:
        return None
    row = logs.engine.one(
        "select count(request_id) - count(distinct request_id) as n_ from " + logs.relation
    )
    return int(row["n_"])


def _lines(takens: Sequence[Taken], facts: Mapping[str, Mapping[str, Any]]) -> list[FileIntake]:
    lines = []
    for taken in takens:
        known = facts.get(str(taken.head.path), {})
        if taken.takes == "requests" and not known:
            known = {"n_rows": 0}
        lines.append(taken.file(**known))
    return lines


def _call(takens: Sequence[Taken]) -> str:
    paths = [str(taken.head.path) for taken in takens]
    return f"rca.read_logs({paths[0] if len(paths) == 1 else paths!r}).intake"
