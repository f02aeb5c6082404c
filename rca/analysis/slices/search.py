"""Find the few slices that moved apart from the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.cells import Axis, Cells, axis, cells, crosses_of
from rca.analysis.slices.found import Mix, Rule, SliceSearch, Spread, Total
from rca.analysis.slices.mix import find_mix, held_factor
from rca.analysis.slices.rows import Rows, cluster_inflation, dimensions_of, load
from rca.analysis.slices.shifts import tested
from rca.errors import UnknownNameError
from rca.model.comparison import Comparison
from rca.stats.decompose import split
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.ratio import SUMS, Sums
from rca.stats.search import Contrasts, contrasts, overdispersion

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST_VALUES = {1: 4_000, 2: 60, 3: 16}
#: A cell whose rows are this much the rows of another says the same thing.
_SAME = 0.9


@dataclass(frozen=True)
class _Setting:
    min_rows: int
    min_share: float
    fdr: float
    inflation: float
    delta: float
    shifted: bool


def find_slices(
    comparison: Comparison,
    *,
    dimensions: Sequence[str] | None = None,
    depth: int = 2,
    min_rows: int = 50,
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
    depth : int
        1 for single columns, 2 for pairs too.
    min_rows : int
        A slice needs as many measured rows on each side (a new version: on the current side).
    min_share : float
        A slice that explains a smaller part of the shift is left out.
    max_slices : int
        Stop after as many.
    fdr : float
        The false discovery rate, over all slices looked at (Benjamini-Hochberg).

    Returns
    -------
    SliceSearch

    Raises
    ------
    MissingColumnError, UnknownNameError, EmptyLogError
        No such column; it cannot be sliced by; the metric is null on one side.
    """
    if depth not in (1, 2):
        raise UnknownNameError(f"depth {depth!r} is not searched. Give 1 or 2.")
    names = dimensions_of(comparison, dimensions)
    rows = load(comparison, names)
    inflation, cluster, cluster_sql = cluster_inflation(rows)
    whole = rows.sums()
    test = tested(whole[0][0], whole[1][0], hours=rows.hours, inflation=inflation)
    axes = _axes(rows, names, min_rows, depth)
    setting = _Setting(min_rows, min_share, fdr, inflation, test.shift, bool(test.p_value <= 0.05))
    mix = find_mix(rows, axes, test, inflation)
    factor = held_factor(rows, axes, mix)
    rules, spread, looked_at = _search(rows, axes, depth, factor, setting, max_slices)
    total = _total(rows, test)
    rules = _measured(rows, rules, total, setting)
    arguments = f"dimensions={list(dimensions)!r}, " if dimensions is not None else ""
    return SliceSearch.of(
        rows,
        rules,
        total,
        mix,
        spread,
        looked_at=looked_at,
        dimensions=tuple(a.name for a in axes),
        inflation=inflation,
        cluster=cluster,
        call=f"rca.find_slices(comparison, {arguments}depth={depth}, min_rows={min_rows})",
        sql=(*rows.sql, *((cluster_sql,) if cluster_sql else ())),
    )


def _axes(rows: Rows, names: Sequence[str], min_rows: int, depth: int) -> list[Axis]:
    found = [axis(rows, name, min_rows=min_rows, most=_MOST_VALUES[depth]) for name in names]
    return [a for a in found if a is not None]


def _search(
    rows: Rows,
    axes: Sequence[Axis],
    depth: int,
    factor: Array | None,
    setting: _Setting,
    max_slices: int,
) -> tuple[list[Rule], Spread, int]:
    keep = np.ones(len(rows.side), dtype=bool)
    rules: list[Rule] = []
    looked_at = 0
    spread = None
    crosses = crosses_of(axes, depth)
    while True:
        left = rows.sums(rows=keep, factor=factor)
        if min(float(s.n[0]) for s in left) < setting.min_rows or not crosses:
            break
        whole = tuple(s[0] for s in left)
        table = cells(rows, axes, crosses, keep=keep, factor=factor)
        scan = contrasts(
            table.baseline,
            table.current,
            whole[0],
            whole[1],
            hours=rows.hours,
            share=rows.share,
            inflation=setting.inflation,
        )
        eligible = table.named() & (
            np.minimum(table.baseline.n, table.current.n) >= setting.min_rows
        )
        wide = overdispersion(scan.z[eligible])
        z = scan.z / np.sqrt(wide)
        p = np.where(eligible, scan.p_value, np.nan)
        p = np.where(eligible, _p_again(scan, wide, table), p)
        q = benjamini_hochberg(p)
        looked_at = max(looked_at, int(eligible.sum()))
        if spread is None or rules:
            spread = _spread(whole, rows, setting, p, looked_at, share_of=left)
        chosen = _best(table, scan, z, p, q, rows, setting)
        if chosen is None or len(rules) == max_slices:
            break
        rules.append(_rule(table, chosen, scan, z, p, q, keep))
        keep = keep & ~rules[-1].mask
    return rules, spread or Spread.unknown(), looked_at


def _p_again(scan: Contrasts, wide: float, table: Cells) -> Array:
    from scipy import stats

    n = np.maximum(np.minimum(table.baseline.n, table.current.n) - 1, 1)
    found: Array = 2 * stats.t.sf(np.abs(scan.z) / np.sqrt(wide), n)
    return found


def _best(
    table: Cells,
    scan: Contrasts,
    z: Array,
    p: Array,
    q: Array,
    rows: Rows,
    setting: _Setting,
) -> int | None:
    """Return the cell that says most, less what its depth lets it say by chance."""
    carries = (np.nan_to_num(q, nan=1.0) <= setting.fdr) & (np.sign(z) == np.sign(scan.inside))
    if setting.shifted and setting.delta != 0:
        part = _part(table, scan, rows) / setting.delta
        carries &= np.abs(part) >= setting.min_share
    if not carries.any():
        return None
    depth = table.depth()
    cost = np.zeros(len(depth))
    for k in np.unique(depth):
        cost[depth == k] = np.log(max(2, int(((depth == k) & ~np.isnan(p)).sum())))
    score = np.where(carries, z**2 / 2 - cost, -np.inf)
    best = int(np.argmax(score))
    same = np.flatnonzero((score >= score[best] - 1e-9) & carries)
    return int(min(same, key=lambda i: (depth[i], sorted(table.values(int(i)).items()))))


def _part(table: Cells, scan: Contrasts, rows: Rows) -> Array:
    if rows.hours is not None:
        return scan.inside
    weight = float(rows.sums()[1].x[0])
    found: Array = table.current.x / weight * (scan.inside - np.nan_to_num(scan.outside))
    return found


def _rule(
    table: Cells, chosen: int, scan: Contrasts, z: Array, p: Array, q: Array, keep: Bools
) -> Rule:
    mask = table.mask(chosen) & keep
    return Rule(
        slice=table.values(chosen),
        gain=float(z[chosen] ** 2 / 2),
        p_value=float(p[chosen]),
        q_value=float(q[chosen]),
        inside=float(scan.inside[chosen]),
        outside=float(scan.outside[chosen]),
        mask=mask,
        new=bool(table.own.n[chosen] == 0),
        n_own=int(table.own.n[chosen]),
        baseline=table.baseline[chosen],
        current=table.current[chosen],
        also=_also(table, chosen),
    )


def _also(table: Cells, chosen: int) -> tuple[str, ...]:
    """Return the single values that hold nearly the same rows as the chosen cell."""
    inside = table.current[chosen]
    single = table.depth() == 1
    alike = single.copy()
    for name in ("n", "y"):
        values, wanted = getattr(table.current, name), float(getattr(inside, name))
        alike &= np.abs(values - wanted) <= (1 - _SAME) * abs(wanted)
    rows = table.mask(chosen)
    found = []
    for i in np.flatnonzero(alike & table.named()):
        if i == chosen:
            continue
        other = table.mask(int(i))
        if (rows & other).sum() >= _SAME * (rows | other).sum():
            found.append(rule_text(table.values(int(i))))
    return tuple(sorted(found))


def rule_text(values: dict[str, str]) -> str:
    """Return a slice as one reads it: ``query_type=math & region=eu``."""
    return " & ".join(f"{name}={value}" for name, value in values.items())


def _spread(
    whole: tuple[Sums, ...],
    rows: Rows,
    setting: _Setting,
    p: Array,
    looked_at: int,
    share_of: tuple[Sums, Sums],
) -> Spread:
    test = tested(whole[0], whole[1], hours=rows.hours, inflation=setting.inflation)
    everywhere = rows.sums()[1]
    weight = float(share_of[1].x[0] / everywhere.x[0]) if rows.hours is None else 1.0
    part = weight * test.shift
    known = p[~np.isnan(p)]
    return Spread(
        outside_shift=test.shift,
        outside_ci=test.ci,
        outside_p_value=test.p_value,
        outside_part=part,
        outside_share=part / setting.delta if setting.delta else float("nan"),
        n_baseline=int(whole[0].n),
        n_current=int(whole[1].n),
        heterogeneity_p_value=float(min(1.0, known.min() * looked_at)) if known.size else 1.0,
    )


def _total(rows: Rows, test: object) -> Total:
    from rca.stats.ratio import Difference

    assert isinstance(test, Difference)
    baseline, current = rows.sums()
    metric = rows.comparison.metric
    hours = rows.hours or (1.0, 1.0)
    scale = 1.0
    if rows.quantiles is not None:
        values = rows.quantiles
        moved = values[1] - values[0]
        scale = moved / test.shift if test.shift and moved * test.shift > 0 else float("nan")
    elif rows.hours is not None:
        values = (float(baseline.y[0]) / hours[0], float(current.y[0]) / hours[1])
    else:
        values = (float(baseline.value[0]), float(current.value[0]))
    return Total(
        metric=metric.name,
        unit=metric.unit,
        baseline_value=values[0],
        current_value=values[1],
        shift=values[1] - values[0],
        ci=tuple(sorted((test.ci[0] * scale, test.ci[1] * scale))) if scale == scale else test.ci,
        p_value=test.p_value,
        n_baseline=int(baseline.n[0]),
        n_current=int(current.n[0]),
        stand_in=test.shift,
        scale=scale,
    )


def _measured(rows: Rows, rules: list[Rule], total: Total, setting: _Setting) -> list[Rule]:
    """Give every rule its part of the shift: disjoint cells, and all other rows as the last."""
    if not rules:
        return rules
    codes = np.zeros(len(rows.side), dtype=np.uint8)
    for i, rule in enumerate(rules):
        codes[rule.mask] = i + 1
    own, current = rows.sums([codes], [len(rules) + 1])
    baseline = _replaced(own, [rule.baseline for rule in rules], [rule.new for rule in rules])
    parts = split(baseline, current, hours=rows.hours, inflation=setting.inflation)
    out = []
    for i, rule in enumerate(rules, start=1):
        test = tested(baseline[i], current[i], hours=rows.hours, inflation=setting.inflation)
        out.append(
            rule.placed(
                own=own[i],
                baseline=baseline[i],
                current=current[i],
                test=test,
                hours=rows.hours,
                rate=float(parts.rate[i]),
                mix=float(parts.mix[i]),
                share=float(parts.share[i]),
                share_ci=(float(parts.share_low[i]), float(parts.share_high[i])),
                scale=total.scale,
            )
        )
    return out


def _replaced(own: Sums, baselines: list[Sums], new: list[bool]) -> Sums:
    """Give new versions the baseline rows that they replaced, out of those of the rest."""
    fields = {name: getattr(own, name).copy() for name in SUMS}
    for i, (baseline, is_new) in enumerate(zip(baselines, new, strict=True), start=1):
        if is_new:
            for name in SUMS:
                fields[name][i] += getattr(baseline, name)
                fields[name][0] = max(0.0, fields[name][0] - getattr(baseline, name))
    return Sums(**fields)


__all__ = ["Mix", "find_slices", "rule_text"]
