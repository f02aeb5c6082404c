"""Which versions a log holds."""

from __future__ import annotations

from rca.model.comparison import VERSION_COLUMNS
from rca.model.logs import Logs

_MOST = 200


def known_versions(logs: Logs) -> dict[str, tuple[str, ...]]:
    """Return the values of each version column that has at least two, the oldest first.

    Without times the most frequent come first. At most 200 of a column, the most frequent.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> frame = pd.DataFrame({"model_version": ["v2", "v1", "v1"], "app_version": ["a"] * 3})
    >>> known_versions(rca.read_logs(frame))
    {'model_version': ('v1', 'v2')}
    """
    found = {}
    for column in VERSION_COLUMNS:
        if not logs.has(column):
            continue
        text = logs.engine.dialect.text(logs.need(column))
        first = logs.engine.dialect.epoch("min(ts)") if logs.has("ts") else "0e0"
        rows = logs.engine.rows(
            f"select {text} as v_, count(*) as n_, {first} as first_ from {logs.relation} "
            f"where {text} is not null group by {text} order by n_ desc, v_ limit {_MOST}"
        )
        if len(rows) > 1:
            ordered = sorted(rows, key=lambda row: row["first_"] or 0.0)
            found[column] = tuple(str(row["v_"]) for row in ordered)
    return found
