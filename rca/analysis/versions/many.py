"""More than two versions in one table, each against the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rca.analysis.versions.pairing import Pairing
from rca.analysis.versions.result import VersionDiff
from rca.analysis.versions.verb import diff_versions
from rca.errors import MissingColumnError, UnknownNameError, WindowError
from rca.model.catalogue import resolve
from rca.model.comparison import VERSION_COLUMNS
from rca.model.finding import Finding
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.result import Result
from rca.stats.multiplicity import holm
from rca.stats.noninferiority import MarginTest, Verdict, verdict

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: Versions compared when none are named.
MOST_VERSIONS = 12


@dataclass(frozen=True, eq=False, kw_only=True)
class VersionTable(Result):
    """Every version against the baseline, with Holm's correction over the versions."""

    columns: ClassVar = {
        "version": "the version; the baseline comes first",
        "n": "rows of it",
        "first_seen": "time of its first row, where the log has times",
        "value": "the metric's value over its rows",
        "shift": "value - baseline's, over pairs where rows are paired",
        "low": "lower end of the 95 % interval of the shift",
        "high": "upper end of it",
        "p_value": "two-sided p-value of no change",
        "p_holm": "the same, corrected for all versions",
        "verdict": "regressed, improved, no_regression or cannot_tell",
        "pairs": "pairs behind the shift; 0 when unpaired",
    }

    metric: Metric
    baseline: str
    diffs: tuple[VersionDiff, ...]

    def summary(self) -> str:
        """Return how many versions moved, and the worst of them."""
        others = self.table.iloc[1:]
        counts = others["verdict"].value_counts()
        said = ", ".join(f"{n} {str(name).replace('_', ' ')}" for name, n in counts.items())
        worst = others.iloc[int(self._badness(others).argmax())]
        return (
            f"{len(others)} versions against {self.baseline} on {self.metric.title}: {said}; "
            f"furthest for the worse {worst['version']} at "
            f"{self.metric.text(float(worst['shift']), signed=True)} (n={int(worst['n']):,})."
        )

    def plot(self) -> go.Figure:
        """Return the shift of each version with its interval."""
        from rca.plots.versions import forest

        table = self.table.iloc[1:]
        return forest(
            table.assign(label=table["version"]),
            title=f"{self.metric.title}: shift against {self.baseline}",
            unit=self.metric.unit,
            worse=self.metric.worse,
            margin=self.diffs[0].overall.margin,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding of each version that surely moved after correction."""
        moved = self.table.set_index("version")["verdict"].isin(("regressed", "improved"))
        return tuple(d.findings()[0] for d in self.diffs if moved[d.units.comparison.current.name])

    def _badness(self, rows: pd.DataFrame) -> pd.Series[float]:
        sign = {"up": 1.0, "down": -1.0}.get(self.metric.worse)
        return rows["shift"].abs() if sign is None else sign * rows["shift"]


def compare_versions(
    logs: Logs,
    *,
    metric: str | Metric,
    versions: Sequence[str] | None = None,
    column: str | None = None,
    pairing: Pairing = "auto",
    pair_by: str | Sequence[str] | None = None,
    cluster: str | None = "auto",
    margin: float | None = None,
) -> VersionTable:
    """Put every version beside the first of them.

    Parameters
    ----------
    logs : Logs
        Rows of all versions.
    metric : str or Metric
        What is measured.
    versions : sequence of str, optional
        Which ones; the first is the baseline. By default the twelve with the most rows, in order
        of their first row (of their name, without times).
    column : str, optional
        The version column; by default the first of model_version, app_version, prompt_version
        and model with two values or more.
    pairing, pair_by, cluster, margin
        As of :func:`diff_versions`. Each version is paired with the baseline by itself.

    Raises
    ------
    UnknownNameError, MissingColumnError, WindowError
        A version, metric or column is not there, or there is only one version.

    Notes
    -----
    p-values are corrected by Holm over the versions; the verdict uses the corrected ones.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> logs = rca.read_logs(pd.DataFrame({
    ...     "model_version": ["v1"] * 9 + ["v2"] * 9 + ["v3"] * 9,
    ...     "correct": [1] * 9 + [1] * 8 + [0] * 10}))
    >>> compare_versions(logs, metric="accuracy").table["verdict"].tolist()
    ['', 'cannot_tell', 'regressed']
    """
    column = column or _version_column(logs)
    seen = _versions(logs, column, resolve(metric, logs))
    names = list(versions) if versions is not None else _default(seen)
    unknown = [name for name in names if name not in seen]
    if unknown:
        raise UnknownNameError.of("version", unknown[0], seen)
    if len(names) < 2:
        raise WindowError(
            f"only {len(names)} version in {column!r}: {', '.join(names)}. Two are needed."
        )
    diffs = tuple(
        diff_versions(
            logs,
            baseline=names[0],
            current=name,
            metric=metric,
            column=column,
            pairing=pairing,
            pair_by=pair_by,
            cluster=cluster,
            margin=margin,
        )
        for name in names[1:]
    )
    bound = diffs[0].metric
    caveats = list(dict.fromkeys(note for d in diffs for note in d.caveats))
    left = len(seen) - len(names)
    if versions is None and left:
        caveats.append(f"{left} versions with fewer rows were left out")
    return VersionTable(
        table=_table(names, seen, diffs),
        caveats=tuple(caveats),
        call=f"rca.compare_versions(logs, metric={bound.name!r}, versions={names!r}, "
        f"column={column!r})",
        sql=tuple(sql for d in diffs for sql in d.sql),
        metric=bound,
        baseline=names[0],
        diffs=diffs,
    )


def _version_column(logs: Logs) -> str:
    for name in VERSION_COLUMNS:
        if logs.has(name) and logs.profile[name]["distinct"] >= 2:
            return name
    raise MissingColumnError(
        f"no version column with two values (looked for {', '.join(VERSION_COLUMNS)}). "
        "Name one: column='COLUMN'."
    )


def _versions(logs: Logs, column: str, metric: Metric) -> dict[str, dict[str, Any]]:
    """Return rows, value and first time of each version, in order of its first row."""
    text = logs.engine.dialect.text(logs.need(column))
    first, order = ("min(ts)", f"min(ts), {text}") if logs.has("ts") else ("null", text)
    value = (
        logs.engine.dialect.quantile(f"case when {metric.measured} then {metric.y} end", metric.q)
        if metric.q is not None
        else f"sum({metric.y}) / nullif(sum({metric.x}), 0e0)"
    )
    rows = logs.engine.rows(
        f"select {text} as v_, count(*) as n, {value} as value, {first} as first_seen "
        f"from {logs.relation} where {text} is not null group by {text} order by {order}"
    )
    return {row.pop("v_"): row for row in rows}


def _default(seen: dict[str, dict[str, Any]]) -> list[str]:
    largest = sorted(seen, key=lambda name: -seen[name]["n"])[:MOST_VERSIONS]
    return [name for name in seen if name in largest]


def _table(
    names: Sequence[str], seen: dict[str, dict[str, Any]], diffs: Sequence[VersionDiff]
) -> pd.DataFrame:
    import pandas as pd

    main = [d.overall if d.adjusted is None else d.adjusted.estimate for d in diffs]
    adjusted = holm([e.p_value for e in main]).tolist()
    nothing = float("nan")
    rows: list[dict[str, Any]] = [
        {"shift": 0.0, "low": nothing, "high": nothing, "verdict": "", "pairs": 0}
    ]
    for d, e, p in zip(diffs, main, adjusted, strict=True):
        said: Verdict = verdict(MarginTest(e.shift, p, e.p_margin), d.metric.worse)
        rows.append(
            {
                "shift": e.shift,
                "low": e.ci[0],
                "high": e.ci[1],
                "p_value": e.p_value,
                "p_holm": p,
                "verdict": said,
                "pairs": e.cell.pairs,
            }
        )
    table = [{"version": name, **seen[name], **row} for name, row in zip(names, rows, strict=True)]
    return pd.DataFrame(table, columns=list(VersionTable.columns))
