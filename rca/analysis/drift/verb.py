"""Which columns' distributions moved between two sets of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.columns import profiled
from rca.analysis.drift.faults.kinds import Fault, Moved
from rca.analysis.drift.faults.numbers import number_fault
from rca.analysis.drift.faults.texts import text_fault
from rca.analysis.drift.impact import NOTHING, explained, measure
from rca.analysis.drift.result import DriftProfile
from rca.analysis.drift.scan import Counted, Scan, scan
from rca.analysis.drift.season import Match, match
from rca.errors import BadValueError
from rca.model.comparison import Comparison
from rca.stats import distance
from rca.stats.drift_onset import Onset, onset
from rca.stats.drift_test import DriftTest, drift_test
from rca.stats.histogram import middles
from rca.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_TOGETHER = 0.3
_SEED = 20_240_501


def profile_drift(
    comparison: Comparison,
    *,
    columns: Sequence[str] | None = None,
    min_effect: float = 0.1,
    level: float = 0.05,
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
    chosen = profiled(comparison, columns)
    if not chosen:
        raise BadValueError(
            "there is no column to profile but identifiers and times. Name some: columns=[...]."
        )
    found = scan(comparison, chosen)
    matched = match(found.blocks)
    shares = {name: _shares(c, found, matched) for name, c in found.columns.items()}
    tests = {name: _test(c, found, matched, *shares[name]) for name, c in found.columns.items()}
    table = _table(found, matched, shares, tests, min_effect, level)
    drifted = [str(name) for name in table.loc[table["drifted"], "column"]]
    faults = {name: _fault(found.columns[name], *shares[name], matched) for name in drifted}
    onsets = {name: _onset(found, matched, name, shares[name][1], tests[name]) for name in drifted}
    impact, impact_sql = _impact(comparison, found, drifted)
    _describe(table, faults, onsets, impact)
    return DriftProfile(
        table,
        caveats=tuple(_caveats(comparison, found, matched, table)),
        call=f"rca.profile_drift(comparison{'' if columns is None else f', columns={columns!r}'})",
        sql=(*found.sql, *impact_sql),
        comparison=comparison,
        faults=faults,
        scan=found,
        match=matched,
    )


def _shares(counted: Counted, found: Scan, matched: Match) -> tuple[Array, Array]:
    baseline = matched.baseline(counted.counts, found.blocks)
    return baseline, distance.shares(counted.side(found.blocks, 1))


def _test(counted: Counted, found: Scan, matched: Match, p0: Array, p1: Array) -> DriftTest:
    days = matched.days(counted.counts, found.blocks)
    return drift_test(
        p0, p1, n=matched.n, clusters=matched.clusters, days=days, ordered=counted.numeric
    )


def _table(
    found: Scan,
    matched: Match,
    shares: Mapping[str, tuple[Array, Array]],
    tests: Mapping[str, DriftTest],
    min_effect: float,
    level: float,
) -> pd.DataFrame:
    import pandas as pd

    n0 = int(found.blocks.n[found.blocks.side == 0].sum())
    n1 = int(matched.n[1])
    rows = []
    for name, counted in found.columns.items():
        (p0, p1), test = shares[name], tests[name]
        rows.append(
            {
                "column": name,
                "role": counted.column.role,
                "kind": counted.column.kind,
                "n_baseline": n0,
                "n_current": n1,
                "nulls_baseline": float(p0[0]),
                "nulls_current": float(p1[0]),
                "psi": distance.psi(p0, p1),
                "js": distance.jensen_shannon(p0, p1),
                "tv": distance.total_variation(p0, p1),
                **_ordered(counted, p0, p1),
                "effect_size": distance.effect_w(p0, p1),
                "noise": test.noise,
                "design_effect": test.design_effect,
                "p_value": test.p_value,
            }
        )
    table = pd.DataFrame(rows)
    table["q_value"] = benjamini_hochberg(table["p_value"])
    least = np.maximum(table["noise"], min_effect)
    table["drifted"] = (table["q_value"] <= level) & (table["effect_size"] > least)
    order = ["drifted", "effect_size"]
    return table.sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def _ordered(counted: Counted, p0: Array, p1: Array) -> dict[str, float]:
    """Return the distances that need an order of cells, over finite values."""
    if not counted.numeric:
        return {"ks": np.nan, "wasserstein": np.nan}
    a, b, at = p0[2:], p1[2:], middles(counted.edges)
    if not a.sum() or not b.sum():
        return {"ks": np.nan, "wasserstein": np.nan}
    a = distance.shares(a)
    sd = float(np.sqrt(a @ (at - a @ at) ** 2))
    moved = distance.wasserstein(a, b, at)
    return {"ks": distance.ks(a, b), "wasserstein": moved / sd if sd else np.nan}


def _fault(counted: Counted, p0: Array, p1: Array, matched: Match) -> Fault:
    moved = Moved(counted, p0, p1, matched.n)
    return number_fault(moved) if counted.numeric else text_fault(moved)


def _onset(found: Scan, matched: Match, name: str, since: Array, test: DriftTest) -> Onset:
    """Return since when: over the baseline and the current window in the order of time."""
    blocks, counts = found.blocks, found.columns[name].counts
    if not blocks.timed or matched.share.sum() <= 0:
        return Onset(np.nan, np.nan, np.nan, False)
    order = np.argsort(blocks.start, kind="stable")
    expected = matched.expected(counts, blocks)
    return onset(
        blocks.start[order],
        blocks.width_s,
        counts[order],
        expected[order],
        since,
        design=test.design_effect,
    )


def _impact(
    comparison: Comparison, found: Scan, drifted: Sequence[str]
) -> tuple[dict[str, tuple[float, tuple[float, float]]], tuple[str, ...]]:
    """Return what part of the shift goes with each drifted column."""
    metric = comparison.metric
    own = set(metric.columns)
    asked = [name for name in drifted if found.columns[name].column.source not in own][:40]
    if not asked or metric.family == "per_hour":
        return {}, ()
    if metric.family == "quantile":
        assert metric.q is not None
        dialect = comparison.logs.engine.dialect
        row = comparison.logs.engine.one(
            f"select {dialect.quantile(metric.numerator, metric.q)} as v_ "
            f"from {comparison.logs.relation} where {comparison.baseline.predicate}"
        )
        if row["v_"] is None:
            return {}, ()
        comparison = comparison.measuring(metric.exceeding(float(row["v_"])))
    columns = [found.columns[name].column for name in asked]
    cells, sql = measure(comparison, columns, [found.cells[name] for name in asked])
    rng = np.random.default_rng(_SEED)
    return {name: explained(cells[name], rng) for name in asked}, (sql,)


def _describe(
    table: pd.DataFrame,
    faults: Mapping[str, Fault],
    onsets: Mapping[str, Onset],
    impact: Mapping[str, tuple[float, tuple[float, float]]],
) -> None:
    """Add to the table what was found about drifted columns."""
    import pandas as pd

    names = [str(name) for name in table["column"]]
    table["fault"] = [faults[n].code if n in faults else "" for n in names]
    table["fault_text"] = [faults[n].text if n in faults else "" for n in names]
    table["share_touched"] = [faults[n].share if n in faults else np.nan for n in names]

    def time(name: str, part: str) -> Any:
        found = onsets.get(name)
        if found is None or not found.found:
            return pd.NaT
        return pd.Timestamp(getattr(found, part), unit="s", tz="UTC")

    for column, part in (("onset", "at"), ("onset_low", "low"), ("onset_high", "high")):
        times = pd.Series([time(n, part) for n in names], dtype="datetime64[ns, UTC]")
        table[column] = times
    table["explains"] = [impact.get(n, NOTHING)[0] for n in names]
    table["explains_ci"] = [impact.get(n, NOTHING)[1] for n in names]


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
