"""What a log is checked for before it is believed: duplicates, times, empty columns."""

from __future__ import annotations

from dataclasses import replace

from rca.engine.sql import count_if
from rca.errors import BadValueError, MissingColumnError
from rca.logs.aliases import ALIASES
from rca.logs.normal import empty_errors
from rca.logs.times import RELATIVE_CLOCK
from rca.model.logs import Logs

#: Above this many rows, repeats are looked for in one part of the ids first.
_WHOLE = 5_000_000
_PARTS = 16


def checked(logs: Logs) -> Logs:
    """Return the log with repeated requests counted once and what was found said.

    Raises
    ------
    MissingColumnError
        There is no column of times.
    BadValueError
        The column of times is empty.
    """
    if not logs.has("ts"):
        names = ", ".join(["ts", *list(ALIASES["ts"])[:6]])
        why = "".join(f" {c}." for c in logs.caveats if RELATIVE_CLOCK in c)
        raise MissingColumnError(
            f"no timestamp column (looked for {names}, ...).{why} "
            f"The table has: {', '.join(logs.columns)}. "
            'Name it in incident.toml: [mapping] ts = "COLUMN".'
        )
    row = logs.engine.one(
        f"select count(*) as n_, {count_if('ts is null')} as untimed_ from {logs.relation}"
    )
    if row["untimed_"] == row["n_"]:
        raise BadValueError("the timestamp column is empty. Map another column to ts.")
    if row["untimed_"]:
        note = f"{row['untimed_']:,} of {row['n_']:,} rows have no time and were left out"
        logs = replace(logs.where("ts is not null"), caveats=(*logs.caveats, note))
    logs = _without_repeats(logs)
    if n := empty_errors(logs):
        note = (
            f"{n:,} failed calls have zero latency or tokens, which measure nothing: metrics of "
            "latency and tokens leave them out"
        )
        logs = replace(logs, caveats=(*logs.caveats, note))
    return logs


def _without_repeats(logs: Logs) -> Logs:
    """Count a request id once: its first row stays."""
    if not logs.has("request_id") or not _repeats(logs):
        return logs
    names = ", ".join(logs.engine.dialect.ident(name) for name in logs.columns)
    again = (
        f"select request_id from {logs.relation} where request_id is not null "
        "group by request_id having count(*) > 1"
    )
    repeated = logs.engine.materialise(again)
    ranked = (
        f"select {names}, row_number() over (partition by request_id order by ts) as nth_ "
        f"from {logs.relation} where request_id in (select request_id from {repeated})"
    )
    nth = logs.engine.materialise(ranked)
    firsts = logs.engine.view(f"select {names} from {nth} where nth_ = 1")
    repeats = logs.engine.view(f"select ts from {nth} where nth_ > 1")
    once = logs.engine.view(
        f"select {names} from {logs.relation} where request_id is null "
        f"or request_id not in (select request_id from {repeated}) "
        f"union all select {names} from {firsts}"
    )
    kept = replace(logs, relation=once, repeats=repeats)
    dropped = logs.n_rows - kept.n_rows
    note = f"{dropped:,} rows repeat a request_id and were left out (the first by time counts)"
    return replace(kept, caveats=(*logs.caveats, note))


def _repeats(logs: Logs) -> bool:
    part = "request_id is not null"
    if logs.n_rows > _WHOLE:
        part += f" and hash(request_id) % {_PARTS} = 0"
    row = logs.engine.one(
        f"select count(request_id) as n_, count(distinct request_id) as d_ "
        f"from {logs.relation} where {part}"
    )
    return bool(row["n_"] > row["d_"])
