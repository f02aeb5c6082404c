"""A column of times of any kind as naive UTC timestamps, and what can be said of its quality.

A wrong guess about a time is silent, so every guess is said: no zone, a day that could be a
month, times that whole batches of rows share.
"""

from __future__ import annotations

from dataclasses import dataclass

from rca.engine import Engine
from rca.engine.sql import count_if, f64, lit
from rca.errors import BadValueError

_ZONED = "'(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$'"
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
_CLOCKS = ("", " %H:%M:%S", ", %H:%M:%S", " %H:%M", ", %H:%M", " %H:%M:%S.%f", ", %H:%M:%S.%f")
_HALF_DAYS = tuple(
    clock.replace("%H", "%I") + mark for clock in _CLOCKS if clock for mark in (" %p", "%p")
)
_NAMED_MONTHS = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%d %b %Y %H:%M:%S",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y, %I:%M:%S %p",
)
#: What a clock is called that starts at zero.
RELATIVE_CLOCK = "relative clock"
#: Fewer different times than this share of the rows means that rows were stamped together.
_BATCHED = 0.2
_BATCH_ROWS = 50
_SAMPLE = 200_000
#: Seconds since 1970 are larger than this from 1973 on; a number below counts from elsewhere.
_FIRST_EPOCH = 1e8


@dataclass(frozen=True)
class Times:
    """The SQL of a column as naive UTC times, and what a reader must know of it."""

    sql: str
    caveats: tuple[str, ...] = ()


def times(engine: Engine, relation: str, column: str, kind: str) -> Times | None:
    """Return how to read a column as times, or None when some values are no times.

    Parameters
    ----------
    column : str
        Its name in the table.
    kind : str
        Its type in the engine's words.

    Raises
    ------
    BadValueError
        Zoned and zoneless times are mixed, or numbers count from another start than 1970.
    """
    quoted = engine.dialect.ident(column)
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return Times(engine.dialect.utc(quoted))
    if kind.startswith(("TIMESTAMP", "DATE")):
        return Times(f"cast({quoted} as timestamp)")
    if not kind.startswith("VARCHAR"):
        return Times(_epoch(engine, relation, column, quoted))
    facts = engine.one(
        f"select {count_if(f'try_cast({quoted} as timestamptz) is null')} as bad_, "
        f"{count_if(f'regexp_matches(trim({quoted}), {_ZONED})')} as zoned_, count(*) as n_, "
        f"{count_if(f'try_cast({quoted} as double) is null')} as words_ "
        f"from {relation} where nullif(trim({quoted}), '') is not null"
    )
    if not facts["n_"]:
        return Times("cast(null as timestamp)")
    if facts["bad_"] == facts["n_"] and not facts["words_"]:
        return Times(_epoch(engine, relation, column, quoted))
    if facts["bad_"]:
        return _written(engine, relation, column, quoted)
    if 0 < facts["zoned_"] < facts["n_"]:
        raise BadValueError(
            f"column {column!r} mixes times with a zone ({facts['zoned_']:,} rows) and "
            f"without one ({facts['n_'] - facts['zoned_']:,} rows). Write all in UTC with Z."
        )
    sql = engine.dialect.utc(f"cast(nullif(trim({quoted}), '') as timestamptz)")
    return Times(sql, () if facts["zoned_"] else (_zoneless(column),))


def counts_from_zero(engine: Engine, relation: str, column: str, kind: str) -> float | None:
    """Return how far a clock counts that starts at zero, or None where times are absolute."""
    quoted = engine.dialect.ident(column)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return None
    row = engine.one(
        f"select max(try_cast({quoted} as double)) as high_, "
        f"{count_if(f'try_cast({quoted} as double) is null and {quoted} is not null')} as words_ "
        f"from {relation}"
    )
    high = row["high_"]
    return None if row["words_"] or high is None or high >= _FIRST_EPOCH else float(high)


def batched(engine: Engine, relation: str) -> tuple[str, ...]:
    """Return what must be said when rows share their times: stamped per batch, not per request."""
    sample = engine.sample(relation, _SAMPLE)
    row = engine.one(f"select count(ts) as n_, count(distinct ts) as d_ from {sample}")
    if row["n_"] < _BATCH_ROWS or row["d_"] >= _BATCHED * row["n_"]:
        return ()
    return (
        f"only {row['d_']:,} different times in {row['n_']:,} rows: they were rounded or written "
        "per batch, not per request, so an onset is no sharper than that",
    )


def _zoneless(column: str) -> str:
    return f"times in {column!r} have no zone and were read as UTC"


def _written(engine: Engine, relation: str, column: str, quoted: str) -> Times | None:
    """Return a way to read dates that are not ISO 8601: the one that fits every row."""
    families = {
        "month": [date + clock for date in _MONTH_FIRST for clock in _CLOCKS + _HALF_DAYS],
        "day": [date + clock for date in _DAY_FIRST for clock in _CLOCKS + _HALF_DAYS],
        "named": list(_NAMED_MONTHS),
    }
    reads = {
        name: f"try_strptime(trim({quoted}), [{', '.join(map(engine.dialect.string, formats))}])"
        for name, formats in families.items()
    }
    filled = f"nullif(trim({quoted}), '') is not null"
    failed = ", ".join(
        f"{count_if(f'{read} is null and {filled}')} as {name}_" for name, read in reads.items()
    )
    row = engine.one(f"select {failed} from {relation}")
    fitting = [name for name in reads if not row[f"{name}_"]]
    if not fitting:
        return None
    chosen = fitting[0]
    sql = f"cast({reads[chosen]} as timestamp)"
    if chosen == "named":
        return Times(sql, (_zoneless(column),))
    order = "month first (12/31/2026)" if chosen == "month" else "day first (31/12/2026)"
    doubt = (
        f"dates in {column!r} fit both day first and month first and were read {order}: "
        "write them as 2026-12-31 to be sure"
    )
    said = (
        doubt if len(fitting) > 1 else f"dates in {column!r} were read {order}: nothing else fits"
    )
    return Times(sql, (said, _zoneless(column)))


def _epoch(engine: Engine, relation: str, column: str, quoted: str) -> str:
    """Return the time of a number of seconds, milli-, micro- or nanoseconds since 1970."""
    row = engine.one(f"select max({f64(quoted)}) as high_ from {relation}")
    high = row["high_"] or 0.0
    scale = next((s for s in (1.0, 1e3, 1e6, 1e9) if _FIRST_EPOCH * s <= high < 1e11 * s), None)
    if scale is None:
        raise BadValueError(
            f"column {column!r} counts up to {high:g}, which is no time since 1970. "
            "A clock that starts at zero cannot be put beside events: map a column of times to ts."
        )
    micros = f"floor({f64(quoted)} * {lit(1e6 / scale)})"
    return f"make_timestamp(cast({micros} as bigint))"
