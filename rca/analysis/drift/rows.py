"""What happened to the rows themselves: too few, too many, twice.

Rows per block are held against the baseline's at the same hours of day; the baseline's days say
how much that varies. Repeated rows are counted in whole moments (all rows of some milliseconds),
so that both of a pair are looked at and the work is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.analysis.drift.columns import Profiled
from rca.analysis.drift.counted import Blocks
from rca.analysis.drift.faults.kinds import percent
from rca.analysis.drift.season import Match
from rca.engine.sql import count_if
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.stats.proportions import two_proportions_p
from rca.stats.ratio import newcombe

Array = NDArray[np.float64]

_DAY = 86_400.0
_LEAST_FACTOR = 1.3
_LARGEST_P = 0.01
_LOOKED_AT = 150_000
_LEAST_REPEATS = 0.01
#: Columns that say whether a row repeats another; without an id, enough to tell rows apart.
_KEYS, _KEYS_WITHOUT_ID = 30, 10


def volume(blocks: Blocks, matched: Match, windows: tuple[float, float] | None) -> Finding | None:
    """Return rows per hour that fell or rose by more than days differ.

    With r_d the rows of a baseline day over what its hours have on average, ln r of the current
    window is held against the days' mean and spread (t with a day fewer degrees of freedom, the
    spread no smaller than Poisson's).

    Parameters
    ----------
    windows : (float, float) or None
        Start and end of the current window in seconds; None compares nothing.
    """
    if not blocks.timed or windows is None:
        return None
    own = (blocks.side == 0) & (matched.share[matched.slot] > 0)
    if not own.any():
        return None
    slots = len(matched.share)
    n = np.bincount(matched.slot[own], blocks.n[own], minlength=slots)
    per_slot = n / np.maximum(np.bincount(matched.slot[own], minlength=slots), 1)
    now = blocks.side == 1
    whole = _covered(blocks.start[now], blocks.width_s, windows) * per_slot[matched.slot[now]]
    expected, seen = float(whole.sum()), float(blocks.n[now].sum())
    _, day = np.unique(matched.day[own], return_inverse=True)
    days = np.bincount(day, blocks.n[own])
    usual = np.bincount(day, per_slot[matched.slot[own]])
    full = usual >= 0.5 * np.median(usual)
    if expected < 30 or seen < 1 or full.sum() < 3:
        return None
    logs = np.log(days[full] / usual[full])
    poisson = 1 / np.minimum(expected, usual[full]).mean() + 1 / expected
    spread = max(float(logs.var(ddof=1)), poisson)
    k = len(logs)
    se = float(np.sqrt(spread * (1 + 1 / k)))
    change = float(np.log(seen / expected) - logs.mean())
    p = float(2 * stats.t.sf(abs(change) / se, k - 1))
    if p > _LARGEST_P or abs(change) < np.log(_LEAST_FACTOR):
        return None
    half = float(stats.t.isf(0.025, k - 1)) * se
    low, high = float(np.exp(change - half)), float(np.exp(change + half))
    factor = float(np.exp(change))
    return Finding(
        "SAMPLING_CHANGE",
        f"rows per hour are {factor:.3g} times those of the baseline's like hours "
        f"(95 % {low:.3g} to {high:.3g}; {seen:,.0f} rows, {expected:,.0f} expected from "
        f"{k} days).",
        estimate=factor,
        ci=(low, high),
        p_value=p,
        n=int(seen + n.sum()),
        unit="times",
        details={"expected": expected, "seen": seen, "days": k},
    )


def _covered(start: Array, width: float, window: tuple[float, float]) -> Array:
    """Return the part of each block that lies in the window."""
    ends = np.minimum(start + width, window[1]) - np.maximum(start, window[0])
    return np.asarray(np.clip(ends / width, 0.0, 1.0))


def repeated(
    comparison: Comparison, columns: Sequence[Profiled], n_rows: float
) -> tuple[list[Finding], tuple[str, ...]]:
    """Return rows that are there twice, and ids that have several different rows."""
    logs = comparison.logs
    if logs.repeats is not None:
        return _left_out(comparison)
    ident = logs.engine.dialect.ident
    keys = [name for name in ("ts", "request_id") if logs.has(name)]
    if not keys:
        return [], ()
    also = [c.source for c in columns if c.source not in keys][
        : _KEYS if "request_id" in keys else _KEYS_WITHOUT_ID
    ]
    named = ", ".join(map(ident, dict.fromkeys([*keys, *also])))
    part = _moments(comparison, n_rows)
    once = (
        f"select side_, {named}, count(*) as m_ from (select {comparison.side_sql} as side_, "
        f"{named} from {logs.relation} where (({comparison.baseline.predicate}) or "
        f"({comparison.current.predicate})) and {part}) as r_ group by side_, {named}"
    )
    sql = [
        f"select side_, cast(sum(m_) as bigint) as n_, cast(sum(m_) - count(*) as bigint) as k_ "
        f"from ({once}) as o_ group by side_"
    ]
    found = [_repeats_finding(comparison, logs.engine.rows(sql[0]), "DUPLICATED_ROWS", sql[0])]
    if "request_id" in keys:
        sql.append(
            "select side_, count(*) as n_, "
            f"{count_if('v_ > 1')} as k_ from (select side_, request_id, count(*) as v_ "
            f"from ({once}) as o_ where request_id is not null group by side_, request_id) as i_ "
            "group by side_"
        )
        rows = logs.engine.rows(sql[1])
        found.append(_repeats_finding(comparison, rows, "JOIN_FANOUT", sql[1]))
    return [f for f in found if f is not None], tuple(sql)


def _moments(comparison: Comparison, n_rows: float) -> str:
    """Return the condition of whole milliseconds that hold about 150,000 rows."""
    every = int(n_rows // _LOOKED_AT) + 1
    if every == 1 or not comparison.logs.has("ts"):
        return "true"
    epoch = comparison.logs.engine.dialect.epoch("ts")
    every += 1 - every % 2
    return f"cast(floor({epoch} * 1e3) as bigint) % {every} = 0"


def _left_out(comparison: Comparison) -> tuple[list[Finding], tuple[str, ...]]:
    """Count the repeats that reading the log left out."""
    logs, windows = comparison.logs, (comparison.baseline.window, comparison.current.window)
    if None in windows:
        return [], ()
    sql = (
        f"select side_, cast(sum(n_) as bigint) as n_, cast(sum(k_) as bigint) as k_ from ("
        f"select {comparison.side_sql} as side_, count(*) as n_, 0 as k_ from {logs.relation} "
        f"group by 1 union all select {comparison.side_sql} as side_, count(*) as n_, "
        f"count(*) as k_ from {logs.repeats} group by 1) as r_ where side_ is not null "
        "group by side_"
    )
    found = _repeats_finding(comparison, logs.engine.rows(sql), "DUPLICATED_ROWS", sql)
    return ([found] if found else []), (sql,)


def _repeats_finding(
    comparison: Comparison, rows: Sequence[dict[str, int]], code: str, sql: str
) -> Finding | None:
    counts = {row["side_"]: (row["k_"], row["n_"]) for row in rows}
    (k0, n0), (k1, n1) = counts.get(0, (0, 0)), counts.get(1, (0, 0))
    if not n0 or not n1 or k1 / n1 - k0 / n0 < _LEAST_REPEATS:
        return None
    p = two_proportions_p((k0, k1), (n0, n1))
    if p > _LARGEST_P:
        return None
    what = {
        "DUPLICATED_ROWS": "rows repeat another row",
        "JOIN_FANOUT": "request ids have several different rows",
    }[code]
    return Finding(
        code,
        f"{percent(k1 / n1)} of {what}, {percent(k0 / n0)} before (n = {n0:,} then {n1:,}).",
        estimate=k1 / n1 - k0 / n0,
        ci=newcombe((k0, k1), (n0, n1)),
        p_value=p,
        n=n0 + n1,
        unit="share",
        column="request_id" if comparison.logs.has("request_id") else None,
        sql=sql,
        details={"before": k0 / n0, "after": k1 / n1},
    )
