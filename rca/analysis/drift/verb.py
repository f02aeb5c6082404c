"""Which columns' distributions moved between two sets of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rca.analysis.drift.columns import Profiled, profiled
from rca.analysis.drift.counted import Counted, Scan
from rca.analysis.drift.faults.kinds import Moved
from rca.analysis.drift.faults.numbers import rounded
from rca.analysis.drift.faults.tell import tell
from rca.analysis.drift.impact import drift_impact
from rca.analysis.drift.onsets import onsets
from rca.analysis.drift.result import DriftProfile
from rca.analysis.drift.rows import repeated, volume
from rca.analysis.drift.saved import Saved, load
from rca.analysis.drift.scan import scan
from rca.analysis.drift.season import Match, match
from rca.analysis.drift.table import Judged, describe, drift_table
from rca.errors import BadValueError
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.stats import distance
from rca.stats.drift_onset import Onset
from rca.stats.drift_test import drift_test

if TYPE_CHECKING:
    import pandas as pd

_TOGETHER = 0.3
_LEAST_SAMPLE = 30
#: A block counts as since an onset when more of it than this is.
_WITHIN = 0.9


def profile_drift(
    comparison: Comparison,
    *,
    columns: Sequence[str] | None = None,
    baseline: str | Path | None = None,
    min_effect: float = 0.1,
    level: float = 0.02,
) -> DriftProfile:
    """Find which columns' distributions moved, what kind of fault it looks like, and since when.

    Each column is cut into shared cells (bins of a number, categories, and null as a cell of its
    own), counted exactly on both sides and in blocks of time. The baseline is weighted to the
    hours of day of the current side; how its days differ from each other is the noise against
    which a drift is judged, so that a million rows do not make everything drift.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    columns : sequence of str, optional
        Default: all but identifiers, callers' ids and the row's time.
    baseline : path, optional
        Folder of :meth:`DriftProfile.save_baseline`: only the current side is read.
    min_effect : float
        Least effect size (Cohen's w) of interest.
    level : float
        Largest q-value (false discovery rate over the columns) of a drift.

    Returns
    -------
    DriftProfile
        One row per column, drifted ones first, by effect size.

    Raises
    ------
    MissingColumnError
        A column asked for is not there.
    BadValueError
        There is nothing to profile.
    MissingFileError, CorruptFileError
        There is no saved baseline, or it cannot be read.

    Notes
    -----
    Rao and Scott (1981) for the test, Benjamini and Hochberg (1995) for its correction. A version
    that was rolled out drifts too: its ``role`` is ``version`` and it is no data fault.

    Examples
    --------
    >>> import numpy as np, pandas as pd, rca
    >>> engine, rng = rca.connect(), np.random.default_rng(0)
    >>> def log(factor):
    ...     frame = pd.DataFrame({"age": rng.normal(40, 9, 800) * factor, "correct": 1})
    ...     return rca.read_logs(frame, engine=engine)
    >>> pair = rca.Comparison.of(log(1), log(1000), metric="accuracy")
    >>> drift = profile_drift(pair, columns=["age"])
    >>> drift.table[["column", "fault", "fault_text"]].values.tolist()
    [['age', 'UNIT_CHANGE', 'x1000']]
    """
    saved = load(baseline) if baseline is not None else None
    asked = profiled(comparison, columns)
    chosen = [column for column in asked if saved is None or saved.knows(column)]
    if not chosen:
        raise BadValueError(
            "there is no column to profile but identifiers and times. Name some: columns=[...]."
        )
    found = scan(comparison, chosen, saved)
    matched = match(found.blocks)
    judged = {name: _judged(counted, found, matched) for name, counted in found.columns.items()}
    n0 = int(found.blocks.n[found.blocks.side == 0].sum())
    table = drift_table(judged, (n0, int(matched.n[1])), min_effect, level)
    drifted = [str(name) for name in table.loc[table["drifted"], "column"]]
    placed, onset_sql = onsets(comparison, found, matched, judged, drifted)
    moved = {name: _since(judged[name].moved, found, matched, placed[name]) for name in drifted}
    faults = tell(moved, found.blocks)
    impact, impact_sql = drift_impact(comparison, found, drifted)
    describe(table, faults, placed, impact)
    of_rows, rows_sql = _of_rows(comparison, found, matched)
    given = "" if columns is None else f", columns={list(columns)!r}"
    given += "" if baseline is None else f", baseline={str(baseline)!r}"
    return DriftProfile(
        table,
        caveats=(*_of_saved(saved, asked), *_caveats(comparison, found, matched, table)),
        call=f"rca.profile_drift(comparison{given})",
        sql=(*found.sql, *onset_sql, *impact_sql, *rows_sql),
        comparison=comparison,
        faults=faults,
        of_rows=of_rows,
        scan=found,
        match=matched,
    )


def _of_saved(saved: Saved | None, asked: Sequence[Profiled]) -> list[str]:
    if saved is None:
        return []
    new = [column.name for column in asked if not saved.knows(column)]
    left_out = f"; it does not have {', '.join(new)}" if new else ""
    return [f"The baseline was saved before ({saved.of}){left_out}."]


def _judged(counted: Counted, found: Scan, matched: Match) -> Judged:
    p0 = matched.baseline(counted.counts, found.blocks)
    p1 = distance.shares(counted.side(found.blocks, 1))
    test = drift_test(
        p0,
        p1,
        n=matched.n,
        clusters=matched.clusters,
        days=matched.days(counted.counts, found.blocks),
        ordered=counted.numeric,
    )
    moved = Moved(counted, p0, p1, matched.n)
    return Judged(moved, test, rounded(moved) if counted.column.role == "input" else None)


def _since(moved: Moved, found: Scan, matched: Match, onset: Onset) -> Moved:
    """Return what a column looks like since its onset, against the baseline's like hours.

    Rows of the current side from before the onset are left out, so that a fault that touched all
    rows since does not look like one that touched some.
    """
    blocks, counted = found.blocks, moved.counted
    start = onset.at if onset.found else float("-inf")
    late = matched.since(blocks, start)
    if late is None or not blocks.timed:
        return moved
    now = (blocks.side == 1) & (blocks.after(start) > _WITHIN)
    since = counted.times[1] >= start
    alike = late.alike(counted.times[0])
    if since.sum() < _LEAST_SAMPLE or alike.sum() < _LEAST_SAMPLE:
        return moved
    return Moved(
        counted.during((alike, since)),
        late.baseline(counted.counts, blocks),
        distance.shares(counted.counts[now].sum(axis=0)),
        late.n,
        part=late.n[1] / matched.n[1],
    )


def _of_rows(
    comparison: Comparison, found: Scan, matched: Match
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the faults of the rows as a whole."""
    window = comparison.current.window
    ends = (window.start.timestamp(), window.end.timestamp()) if window else None
    told = [volume(found.blocks, matched, ends)]
    columns = [counted.column for counted in found.columns.values()]
    again, sql = repeated(comparison, columns, float(found.blocks.n.sum()))
    return tuple(f for f in (*told, *again) if f is not None), sql


def _caveats(comparison: Comparison, found: Scan, matched: Match, table: pd.DataFrame) -> list[str]:
    said = ["A column that drifted may only move with the cause."] if table["drifted"].any() else []
    if not found.blocks.timed:
        said.append("The log has no times: drift is judged against chance only, not against days.")
    elif not matched.matched:
        said.append("The baseline does not cover the current hours of day: season is not removed.")
    explaining = table[(table["explains"] > _TOGETHER) & (table["role"] != "outcome")]
    if len(explaining) > 1:
        names = ", ".join(map(str, explaining["column"].head(6)))
        said.append(f"{names} moved together: the data do not tell their parts in the shift apart.")
    if comparison.logs.has("weight"):
        said.append("Distributions count rows, not their weights.")
    return [*said, *comparison.logs.caveats]
