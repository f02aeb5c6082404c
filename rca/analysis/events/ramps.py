"""How versions took over the traffic: the share of rows of each, over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rca.analysis.events.inferred import KINDS
from rca.engine.sql import lit
from rca.errors import MissingColumnError
from rca.model.finding import Finding
from rca.model.logs import Logs
from rca.model.result import Result
from rca.stats.ratio import wilson

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_BUCKETS = 96
_MOST_VERSIONS = 8
REST = "(other versions)"


@dataclass(frozen=True, eq=False)
class VersionRamps(Result):
    """The share of the rows that each version answered, over time; see :func:`version_ramps`."""

    columns: ClassVar[Mapping[str, str]] = {
        "ts": "start of the bucket, UTC",
        "version": "value of the version column; '(other versions)' pools the rarest",
        "n": "rows of the version in the bucket",
        "n_rows": "rows of the bucket that have a version",
        "share": "n / n_rows",
        "ci": "95 % interval of the share (Wilson)",
    }

    column: str = ""
    width_s: float = 0.0

    def summary(self) -> str:
        """Return how many versions there are and which one has the most rows at the end."""
        last = self.table[self.table["ts"] == self.table["ts"].max()]
        top = last.loc[last["share"].idxmax()]
        return (
            f"{self.table['version'].nunique()} values of {self.column} over "
            f"{int(self.table['n'].sum()):,} rows; {top['version']} answered {top['share']:.0%} of "
            f"the last {int(top['n_rows']):,}."
        )

    def plot(self) -> go.Figure:
        """Return the shares over time, one line a version."""
        from rca.plots.events import ramps_figure

        return ramps_figure(self.table, title=f"Share of rows by {self.column}")

    def findings(self) -> tuple[Finding, ...]:
        """Return nothing: a rollout is an event, and its effect is judged by other verbs."""
        return ()


def version_ramps(logs: Logs, *, column: str | None = None) -> VersionRamps:
    """Show how versions took over: the share of rows that each answered, over time.

    Parameters
    ----------
    logs : Logs
        With times.
    column : str, optional
        The version column; by default the first of model_version, model, app_version,
        prompt_version and provider that changes. Rows without a version are left out; versions
        beyond the eight most frequent are pooled.

    Returns
    -------
    VersionRamps

    Raises
    ------
    MissingColumnError
        No such column, no times, or no version column holds two values.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> times = pd.date_range("2026-03-01", periods=4, freq="12h", tz="UTC")
    >>> logs = rca.read_logs(pd.DataFrame({"ts": times, "model_version": ["a", "a", "b", "b"]}))
    >>> version_ramps(logs).table.groupby("version")["n"].sum().to_dict()
    {'a': 2, 'b': 2}
    """
    logs.need("ts")
    chosen = column or _changing(logs)
    text = logs.engine.dialect.text(logs.need(chosen))
    span = logs.span
    assert span is not None
    width = max(1.0, span.duration.total_seconds() / _BUCKETS)
    start = span.start.timestamp()
    bucket = (
        f"cast(floor(({logs.engine.dialect.epoch('ts')} - {lit(start)}) / {lit(width)}) as bigint)"
    )
    sql = (
        f"select {bucket} as b_, {text} as v_, count(*) as n_ from {logs.relation} "
        f"where ts is not null and {text} is not null group by {bucket}, {text}"
    )
    found = logs.engine.table(sql).to_pandas()
    named = "" if column is None else f", column={column!r}"
    return VersionRamps(
        _table(found, start, width),
        logs.caveats,
        f"rca.version_ramps(logs{named})",
        (sql,),
        chosen,
        width,
    )


def _changing(logs: Logs) -> str:
    present = [name for name in KINDS if logs.has(name) and logs.columns[name] == "text"]
    for name in present:
        if logs.profile[name]["distinct"] > 1:
            return name
    raise MissingColumnError(
        f"no version column holds two values (looked at: {', '.join(present) or 'none'}). "
        "Name one: column='...'."
    )


def _table(found: pd.DataFrame, start: float, width: float) -> pd.DataFrame:
    import pandas as pd

    totals = found.groupby("v_")["n_"].sum().sort_values(ascending=False, kind="stable")
    kept = list(totals.index[:_MOST_VERSIONS])
    names = found["v_"].where(found["v_"].isin(kept), REST)
    counts = found.assign(v_=names).pivot_table(
        index="b_", columns="v_", values="n_", aggfunc="sum", fill_value=0
    )
    order = [name for name in (*kept, REST) if name in counts.columns]
    rows = counts.sum(axis=1)
    ts = pd.to_datetime(np.round(1e3 * (start + counts.index * width)), unit="ms", utc=True)
    records = [
        {
            "ts": time,
            "version": name,
            "n": int(n),
            "n_rows": int(total),
            "share": n / total,
            "ci": wilson(float(n), float(total)),
        }
        for name in order
        for time, n, total in zip(ts, counts[name], rows, strict=True)
    ]
    return pd.DataFrame(records, columns=list(VersionRamps.columns))
