"""How much of a shift is a change of who asks what: shares moved, values did not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.analysis.slices.cells import Axis
from rca.analysis.slices.parts import Mix
from rca.analysis.slices.rows import Rows, is_version
from rca.model.logs import CLUSTERS
from rca.stats.decompose import fieller, mix_variance, split
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.ratio import Difference, Sums
from rca.stats.search_cells import Measures, sum_cells, sum_crosses

Array = NDArray[np.float64]

#: The mix is held still in the search for slices when it explains this part of the shift.
_MATTERS = 0.15
_MOST_CELLS = 400


def find_mix(rows: Rows, axes: Sequence[Axis], whole: Difference, inflation: float) -> Mix:
    """Return the columns whose shares explain most of the shift, and how much.

    Single columns first; a pair is taken when it explains more than its better half by two
    standard errors.
    """
    if rows.hours is not None:
        return _volume(rows, whole, inflation)
    # Who calls, and what a call measures, is no mix of traffic: callers and features stay out.
    kinds = rows.comparison.logs.dimensions
    usable = [
        a
        for a in axes
        if a.name in kinds
        and not is_version(a.name)
        and a.name not in CLUSTERS
        and a.size <= _MOST_CELLS
    ]
    if not usable:
        return Mix.none(whole)
    sums = sum_crosses(
        [a.codes for a in usable],
        [a.size for a in usable],
        [(i,) for i in range(len(usable))],
        rows.measures,
    )
    singles = [_mixed(*sides, inflation) for sides in sums]
    p = [2 * stats.norm.sf(abs(m / se)) if se > 0 else 1.0 for m, se in singles]
    q = benjamini_hochberg(p)
    direction = np.sign(whole.shift) or 1.0
    real = [i for i in range(len(usable)) if q[i] <= 0.05]
    if not real:
        best = int(np.argmin(q))
        return _stated((usable[best].name,), *singles[best], whole, float(p[best]), float(q[best]))
    best = max(real, key=lambda i: (direction * singles[i][0], usable[i].name))
    names: tuple[str, ...] = (usable[best].name,)
    found = singles[best]
    for other in usable:
        if other.name in names or other.size * usable[best].size > _MOST_CELLS:
            continue
        pair = _mix_of(rows, (usable[best], other), inflation)
        if direction * (pair[0] - found[0]) > 2 * max(pair[1], found[1]):
            names, found = (usable[best].name, other.name), pair
    return _stated(names, *found, whole, float(p[best]), float(q[best]))


def _first(axes: Sequence[Axis]) -> list[Axis]:
    """Return each column once, with its fewest values."""
    return list({a.name: a for a in axes}.values())


def _mix_of(rows: Rows, axes: Sequence[Axis], inflation: float) -> tuple[float, float]:
    sides = sum_cells([a.codes for a in axes], [a.size for a in axes], rows.measures)
    return _mixed(*sides, inflation)


def _mixed(baseline: Sums, current: Sums, inflation: float) -> tuple[float, float]:
    """Return the summed mix effects of cells, and their standard error."""
    there = (baseline.n > 0) | (current.n > 0)
    baseline, current = baseline[there], current[there]
    parts = split(baseline, current)
    return float(parts.mix.sum()), float(np.sqrt(inflation * mix_variance(baseline, current)))


def _stated(
    names: tuple[str, ...], mix: float, se: float, whole: Difference, p: float, q: float
) -> Mix:
    z = float(stats.norm.isf(0.025))
    delta = whole.shift
    share = mix / delta if delta else float("nan")
    own, of_whole = np.array([se**2]), np.array(max(whole.standard_error, se) ** 2)
    low, high = fieller(np.array([mix]), delta, own, own, of_whole, level=0.95)
    return Mix(
        dimensions=names,
        rate_shift=delta - mix,
        mix_shift=mix,
        mix_ci=(mix - z * se, mix + z * se),
        mix_share=share,
        mix_share_ci=(float(low[0]), float(high[0])),
        p_value=p,
        q_value=q,
    )


def _volume(rows: Rows, whole: Difference, inflation: float) -> Mix:
    baseline, current = (s[None] for s in rows.whole)
    parts = split(baseline, current, hours=rows.hours, inflation=inflation)
    assert rows.hours is not None
    h0, h1 = rows.hours
    value = float(np.nanmean([baseline.value[0], current.value[0]]))
    se = value * float(np.sqrt(inflation * (baseline.xx[0] / h0**2 + current.xx[0] / h1**2)))
    mix = float(parts.mix[0])
    p = float(2 * stats.norm.sf(abs(mix / se))) if se > 0 else 1.0
    return _stated((), mix, se, whole, p, p)


def held_measures(rows: Rows, axes: Sequence[Axis], mix: Mix) -> Measures:
    """Return the measures with the current rows weighted so that the mix is the baseline's.

    They come as they are when there is no mix to hold.
    """
    if rows.hours is not None or not mix.matters(_MATTERS):
        return rows.measures
    chosen = [a for a in _first(axes) if a.name in mix.dimensions]
    sizes = [a.size for a in chosen]
    baseline, current = sum_cells([a.codes for a in chosen], sizes, rows.measures)
    factor = _ratio(baseline, current)[_index(chosen)]
    return rows.measures.weighted(np.where(rows.measures.side == 1, factor, 1.0))


def _ratio(baseline: Sums, current: Sums) -> Array:
    w0, w1 = baseline.x / baseline.x.sum(), current.x / current.x.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        # A value that only one side has cannot be held: it keeps its rows.
        return np.where((w0 > 0) & (w1 > 0), np.minimum(w0 / w1, 20.0), 1.0)


def _index(axes: Sequence[Axis]) -> NDArray[np.int64]:
    index = np.zeros(len(axes[0].codes), dtype=np.int64)
    for a in axes:
        index = index * a.size + a.codes
    return index
