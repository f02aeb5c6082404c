"""What differs between two versions, paired where they answered the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rca.analysis.versions.estimate import Estimate, corrected, estimate
from rca.analysis.versions.mix import adjustable, adjusted
from rca.analysis.versions.moments import Cell, cells
from rca.analysis.versions.notes import call_text, mix_notes, pairing_notes, quantile_notes
from rca.analysis.versions.pairing import Pairing, choose
from rca.analysis.versions.quantiles import quantile_estimates
from rca.analysis.versions.result import VersionDiff, table_of
from rca.analysis.versions.units import Units, cluster_of, make_units
from rca.errors import UnknownNameError
from rca.model.catalogue import resolve
from rca.model.comparison import Comparison
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.stats.multiplicity import holm
from rca.stats.noninferiority import MarginTest, verdict

if TYPE_CHECKING:
    import pandas as pd

REST = "(rest)"
#: More slices of one dimension than this are pooled, the smallest first.
MOST_SLICES = 200


def diff_versions(
    logs: Logs,
    *,
    baseline: str,
    current: str,
    metric: str | Metric,
    by: str | Sequence[str] | None = None,
    also: Sequence[str | Metric] = (),
    column: str | None = None,
    pairing: Pairing = "auto",
    pair_by: str | Sequence[str] | None = None,
    cluster: str | None = "auto",
    adjust: str | Sequence[str] | None = "auto",
    margin: float | None = None,
    min_rows: int = 10,
) -> VersionDiff:
    """Tell whether one version is worse than another, by how much, and in which slices.

    Rows of the two versions that answer the same question are paired; otherwise the sides are
    compared as independent samples. The result says which was done.

    Parameters
    ----------
    logs : Logs
        Rows of both versions.
    baseline, current : str
        Two values of a version column.
    metric : str or Metric
        What is measured; see :func:`rca.model.catalogue.resolve`. No counts per hour.
    by : str or sequence of str, optional
        Columns whose values are looked at one by one, with a false discovery rate of 5 %.
    also : sequence of str or Metric
        Further metrics, in ``.metrics`` with Holm's correction over all of them.
    column : str, optional
        The version column; by default the first of model_version, app_version, prompt_version
        and model that holds both.
    pairing : {"auto", "paired", "unpaired"}
        ``auto`` pairs when half of the smaller side's keys are on both sides.
    pair_by : str or sequence of str, optional
        What names a question; by default a request or question id, or the text of the input
        where a side has it three times at most (more is traffic that repeats itself).
    cluster : str or None
        Column whose rows hang together; ``auto`` takes user_id or session_id where it has 20
        values and repeats; None takes units as independent.
    adjust : str or sequence of str, optional
        Columns whose mix is held fixed when rows are not paired; ``auto`` takes up to three
        dimensions whose mix moves the metric; None takes the sides as they are. Quantiles are
        not adjusted.
    margin : float, optional
        The largest loss that passes as no regression, in the metric's unit; by default 0.02 of a
        share and 5 % of the baseline's value of anything else.
    min_rows : int
        Slices with fewer units than this are pooled as "(rest)".

    Returns
    -------
    VersionDiff
        ``table`` has a row for all rows and one for each slice.

    Raises
    ------
    PairingError
        Pairs were asked for and the keys mostly do not match; the figures are given.
    UnknownNameError, MissingColumnError, WindowError
        A version, metric or column is not there, or a side has no rows.

    Notes
    -----
    Rows without a value on either side take no part; they are counted in ``caveats``. Repeated
    rows of one question and version are averaged first.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> logs = rca.read_logs(pd.DataFrame({
    ...     "model_version": ["v1"] * 6 + ["v2"] * 6,
    ...     "question_id": [1, 2, 3, 4, 5, 6] * 2,
    ...     "correct": [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1]}))
    >>> found = diff_versions(logs, baseline="v1", current="v2", metric="accuracy")
    >>> found.discordance, found.mcnemar.p_exact
    ((1, 4, 1, 0), 0.375)
    >>> found.verdict
    'cannot_tell'
    """
    comparison = Comparison.by_version(
        logs, baseline=baseline, current=current, metric=metric, column=column
    )
    given = {
        "by": by,
        "also": list(also),
        "column": column,
        "pairing": pairing,
        "pair_by": pair_by,
        "cluster": cluster,
        "adjust": adjust,
        "margin": margin,
        "min_rows": min_rows,
    }
    return diff(
        comparison,
        by=_names(by),
        also=also,
        pairing=pairing,
        pair_by=_names(pair_by),
        cluster=cluster,
        adjust=adjust,
        margin=margin,
        min_rows=min_rows,
        call=call_text(comparison, given),
    )


def diff(
    comparison: Comparison,
    *,
    by: Sequence[str] = (),
    also: Sequence[str | Metric] = (),
    pairing: Pairing = "auto",
    pair_by: Sequence[str] = (),
    cluster: str | None = "auto",
    adjust: str | Sequence[str] | None = "auto",
    margin: float | None = None,
    min_rows: int = 10,
    call: str = "",
) -> VersionDiff:
    """Do :func:`diff_versions` on any comparison: two versions, windows, arms or tables."""
    metrics = (comparison.metric, *(resolve(name, comparison.logs) for name in also))
    for metric in metrics:
        _refuse_per_hour(metric)
    match, looked_at = choose(comparison, pairing=pairing, pair_by=pair_by)
    clusters = cluster_of(comparison, cluster, match)
    mix = _mix_columns(comparison, adjust) if match is None else ()
    columns = tuple(dict.fromkeys((*by, *mix)))
    units = make_units(comparison, metrics=metrics, by=columns, match=match, clusters=clusters)
    estimates, sql = _overall(units, margin)
    slices: list[Estimate] = []
    for dimension in range(len(by)):
        found, queries = _slices(units, dimension, margin, min_rows)
        slices += found
        sql += queries
    slices = corrected(slices, metrics[0])
    at_mix = (
        adjusted(units, mix, overall=estimates[0], chosen=adjust != "auto", margin=margin)
        if mix
        else None
    )
    caveats = [
        *comparison.logs.caveats,
        *pairing_notes(units, match, looked_at, estimates[0]),
        *([clusters.note] if clusters.note else []),
        *quantile_notes(units, estimates[0]),
        *mix_notes(units, at_mix),
    ]
    return VersionDiff(
        table=table_of(estimates[0], at_mix, slices, paired=units.paired),
        caveats=tuple(caveats),
        call=call or f"rca.analysis.versions.diff({comparison.call})",
        sql=(units.sql, *sql, *([at_mix.sql] if at_mix else [])),
        units=units,
        overall=estimates[0],
        adjusted=at_mix,
        slices=tuple(slices),
        metrics=_metrics_table(metrics, estimates),
    )


def _mix_columns(comparison: Comparison, adjust: str | Sequence[str] | None) -> tuple[str, ...]:
    if comparison.metric.family == "quantile" or adjust is None:
        return ()
    if adjust == "auto":
        return adjustable(comparison)
    return _names(adjust)


def _overall(units: Units, margin: float | None) -> tuple[list[Estimate], list[str]]:
    estimates, sql = [], []
    for i, metric in enumerate(units.metrics):
        given = margin if i == 0 else None
        if metric.family == "quantile":
            (found,), queries = quantile_estimates(
                units, i, dimension=None, names=(), rest=REST, margin=given
            )
        else:
            (cell,), query = cells(units, i)
            found, queries = _estimate(units, cell, metric, given), [query]
        estimates.append(found)
        sql += queries
    return estimates, sql


def _slices(
    units: Units, dimension: int, margin: float | None, min_rows: int
) -> tuple[list[Estimate], list[str]]:
    metric = units.metrics[0]
    found, query = cells(units, 0, dimension)
    pooled = _pooled(found, min_rows)
    if metric.family != "quantile":
        return [_estimate(units, cell, metric, margin) for cell in pooled], [query]
    names = [cell.value for cell in pooled]
    order = {name: place for place, name in enumerate(names)}
    kept = [name for name in names if name != REST]
    estimates, queries = quantile_estimates(
        units, 0, dimension=dimension, names=kept, rest=REST, margin=margin
    )
    return sorted(estimates, key=lambda e: order[e.cell.value]), [query, *queries]


def _estimate(units: Units, cell: Cell, metric: Metric, margin: float | None) -> Estimate:
    return estimate(
        cell, metric, paired=units.paired, clustered=units.cluster is not None, margin=margin
    )


def _pooled(found: Sequence[Cell], min_rows: int) -> list[Cell]:
    """Return the slices, thin ones (and those beyond the limit) pooled as the rest."""
    kept = [c for c in found if min(c.units) >= min_rows][:MOST_SLICES]
    names = {c.value for c in kept}
    rest = [c for c in found if c.value not in names]
    if len(rest) == 1:
        return [*kept, rest[0]]
    pooled: Cell | None = None
    for cell in rest:
        pooled = cell if pooled is None else pooled.plus(cell, REST)
    return kept if pooled is None else [*kept, pooled]


def _refuse_per_hour(metric: Metric) -> None:
    if metric.family == "per_hour":
        raise UnknownNameError(
            f"{metric.name} is a sum per hour, and versions share the traffic of their hours. "
            "Compare a value per request: cost_per_request, or mean:COLUMN."
        )


def _metrics_table(metrics: Sequence[Metric], estimates: Sequence[Estimate]) -> pd.DataFrame:
    import pandas as pd

    adjusted = holm([e.p_value for e in estimates]).tolist()
    verdicts = [
        verdict(MarginTest(e.shift, p, e.p_margin), metric.worse)
        for metric, e, p in zip(metrics, estimates, adjusted, strict=True)
    ]
    return pd.DataFrame(
        [
            {
                "metric": metric.name,
                "unit": metric.unit,
                "n": int(e.cell.sums.n),
                "baseline": e.baseline,
                "current": e.current,
                "shift": e.shift,
                "low": e.ci[0],
                "high": e.ci[1],
                "p_value": e.p_value,
                "p_holm": adjusted[i],
                "verdict": verdicts[i],
            }
            for i, (metric, e) in enumerate(zip(metrics, estimates, strict=True))
        ]
    )


def _names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
