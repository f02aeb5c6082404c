"""Find the few slices that moved apart from the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.cells import MOST_VALUES, Axis, axes_of
from rca.analysis.slices.clusters import clustering
from rca.analysis.slices.found import SliceSearch
from rca.analysis.slices.mix import find_mix, held_measures
from rca.analysis.slices.parts import Rule, Spread, rule_text
from rca.analysis.slices.place import placed, spread_of, total_of
from rca.analysis.slices.quantiles import with_quantiles
from rca.analysis.slices.rows import Rows, dimensions_of, load
from rca.analysis.slices.scan import Scan, Setting, alike, best, scan
from rca.analysis.slices.shifts import tested
from rca.analysis.slices.tails import cut_tail
from rca.errors import UnknownNameError
from rca.model.comparison import Comparison
from rca.stats.search_cells import Measures


def find_slices(
    comparison: Comparison,
    *,
    dimensions: Sequence[str] | None = None,
    depth: int = 2,
    min_rows: int = 20,
    min_share: float = 0.02,
    max_slices: int = 6,
    fdr: float = 0.05,
) -> SliceSearch:
    """Find the few slices that carry the shift of a metric, or say that none does.

    Every value of every column, and every pair of values, is contrasted with all other rows: a
    slice carries the shift when it moved more than the rest, on every scale on which the rest could
    be said to have moved alike. The best one is taken, its rows are set aside, and the search is
    repeated on the others: so a parent is not shown when one child carries its shift, nor a child
    when its parent does.

    Before that the mix is looked at. Where the shift, or a part of it, vanishes when the shares of
    one or two columns' values are held at the baseline's, the rest of the search holds them there.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    dimensions : sequence of str, optional
        Columns; by default the log's dimensions and a few numeric features, cut at the baseline's
        octiles, without those that the metric is made of.
    depth : {1, 2, 3}
        How many columns a slice may be made of.
    min_rows : int
        A slice needs as many measured rows on each side (a new version: on the current side).
    min_share : float
        A slice that explains a smaller part of the shift is left out.
    max_slices : int
        Stop after as many.
    fdr : float
        The false discovery rate, over all slices looked at (Benjamini-Hochberg, with weights that
        give each depth and each column or pair the same part).

    Returns
    -------
    SliceSearch

    Raises
    ------
    MissingColumnError, UnknownNameError, EmptyLogError
        No such column; it cannot be sliced by; the metric is null on one side.

    Notes
    -----
    Variances are inflated by the design effect of callers' rows, and by how much wider than chance
    the middle of all contrasts is once the slice in question is set aside (Devlin and Roeder 1999).
    Contrasts of means and sums are of values cut at the 99.5th percentile, so that one enormous row
    makes no slice; where such rows carry the shift themselves they are named.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> engine = rca.connect()
    >>> def log(eu):
    ...     rows = {"region": ["eu", "us"] * 200, "correct": [eu, 1.0] * 100 + [1.0, 0.0] * 100}
    ...     return rca.read_logs(pd.DataFrame(rows), engine=engine)
    >>> found = find_slices(rca.Comparison.of(log(1.0), log(0.0), metric="accuracy"))
    >>> found.table[["rule", "shift", "share"]].values.tolist()
    [['region=eu', -0.5, 1.0]]
    """
    if depth not in MOST_VALUES:
        raise UnknownNameError(f"depth {depth!r} is not searched. Give 1, 2 or 3.")
    names = dimensions_of(comparison, dimensions)
    rows = load(comparison, names)
    clusters = clustering(rows)
    inflation = clusters.inflation
    test = tested(*rows.whole, hours=rows.hours, inflation=inflation)
    axes, crosses = axes_of(rows, names, min_rows=min_rows, depth=depth)
    shifted = test.p_value <= 0.05 and test.shift != 0
    setting = Setting(min_rows, min_share, fdr, inflation, test.shift, shifted)
    mix = find_mix(rows, axes, test, inflation)
    held = held_measures(rows, axes, mix)
    cut, tail = cut_tail(rows, held)
    rules, spread, looked_at = _search(rows, axes, crosses, cut, setting, max_slices)
    total = total_of(rows, test)
    rules, quantile_sql = with_quantiles(rows, placed(rows, rules, total, inflation))
    asked = f"dimensions={list(dimensions)!r}, " if dimensions is not None else ""
    return SliceSearch.of(
        rows,
        rules,
        total,
        mix,
        spread,
        looked_at=looked_at,
        dimensions=tuple(dict.fromkeys(a.name for a in axes)),
        clusters=clusters,
        tail=tail,
        call=f"rca.find_slices(comparison, {asked}depth={depth}, min_rows={min_rows})",
        sql=(*rows.sql, *clusters.sql, *(tail.sql if tail else ()), *quantile_sql),
    )


def _search(
    rows: Rows,
    axes: Sequence[Axis],
    crosses: Sequence[tuple[int, ...]],
    measures: Measures,
    setting: Setting,
    max_slices: int,
) -> tuple[list[Rule], Spread, int]:
    """Take the best slice, set its rows aside and look again, until none stands out."""
    left = np.ones(rows.n_rows, dtype=bool)
    look = scan(axes, crosses, measures, rows, setting)
    looked_at = look.n_tested if look else 0
    held = measures
    rules: list[Rule] = []
    while look is not None and len(rules) < max_slices:
        chosen = best(look, rows, setting)
        if chosen is None:
            break
        inside = look.table.mask(chosen)
        fewer, rest = [a.take(~inside) for a in axes], measures.take(~inside)
        after = scan(fewer, crosses, rest, rows, setting)
        # What moved widens the contrasts of all cells that it overlaps: the noise is read without.
        wide = after.wide if after else look.wide
        mask = np.zeros(rows.n_rows, dtype=bool)
        mask[left] = inside
        rule = _rule(rows, look, chosen, wide, mask)
        if not rule.q_value <= setting.fdr:
            break
        rules.append(rule)
        left &= ~mask
        axes, measures, look = fewer, rest, after
    return rules, spread_of(rows, look, measures, held, setting), looked_at


def _rule(rows: Rows, look: Scan, chosen: int, wide: float, mask: NDArray[np.bool_]) -> Rule:
    table = look.table
    return Rule(
        slice=table.values(chosen),
        predicate=rows.predicate(table.values(chosen)),
        gain=float(look.z(wide)[chosen] ** 2 / 2),
        p_value=float(look.p_values(wide)[chosen]),
        q_value=float(look.q_values(wide)[chosen]),
        outside=float(look.found.outside[chosen]),
        mask=mask,
        new=bool(table.own.n[chosen] == 0),
        baseline=table.baseline[chosen],
        also=tuple(rule_text(values) for values in alike(look, chosen)),
    )
