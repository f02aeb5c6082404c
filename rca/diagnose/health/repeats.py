"""Rows that repeat a request id: an export or a pipeline that writes twice."""

from __future__ import annotations

import numpy as np

from rca.analysis.events.locate import Located
from rca.diagnose.health.broken import Broken, clearest_change
from rca.engine.sql import lit
from rca.model.finding import Finding
from rca.model.logs import Logs
from rca.model.window import at
from rca.stats.changepoint import Series

_LEAST_REPEATS = 0.05
_LOG_ODDS = 6.0


def repeats(logs: Logs, located: Located, alert: float) -> Broken | None:
    """Find a lasting rise of the share of rows that repeat a request id."""
    if logs.repeats is None:
        return None
    line = located.timeline
    index = f"cast(floor({logs.engine.dialect.epoch('ts')} / {lit(line.width_s)}) as bigint)"
    sql = f"select {index} as b_, count(*) as n_ from {logs.repeats} group by {index}"
    answer = logs.engine.table(sql)
    place = answer["b_"].to_numpy().astype(np.int64) - round(line.times[0] / line.width_s)
    inside = (place >= 0) & (place < len(line.times))
    again = np.zeros(len(line.times))
    again[place[inside]] = answer["n_"].to_numpy()[inside]
    change = clearest_change(
        Series.rates(line.times, again, again + line.rows, line.width_s), alert, rising=True
    )
    if change is None or change.after < _LEAST_REPEATS:
        return None
    claim = (
        f"{change.after:.0%} of rows repeat a request_id since {at(change.at):%Y-%m-%d %H:%M} UTC, "
        f"{change.before:.1%} before (n = {change.n_before:,.0f} then {change.n_after:,.0f}); "
        "each is counted once here"
    )
    return Broken(
        "DUPLICATED_ROWS",
        "request_id",
        _LOG_ODDS,
        Finding(
            "DUPLICATED_ROWS",
            claim,
            change.shift,
            change.shift_ci,
            p_value=change.p_value,
            n=int(change.n_before + change.n_after),
            unit="share",
            column="request_id",
            sql=sql,
        ),
        change,
    )
