"""One look at every slice: how far each stands out from the rest, corrected for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.analysis.slices.cells import Axis, Cells, cells
from rca.analysis.slices.rows import Rows
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.ratio import Sums
from rca.stats.search import Contrasts, contrasts, overdispersion, weights
from rca.stats.search_cells import Measures

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: A cell whose rows are this much the rows of another says the same thing.
_SAME = 0.9
_MOST_ALIKE = 12


@dataclass(frozen=True)
class Setting:
    """What a search was asked for, and the whole shift that it explains."""

    min_rows: int
    min_share: float
    fdr: float
    inflation: float
    shift: float
    shifted: bool


@dataclass(frozen=True)
class Scan:
    """The contrasts of all cells over the rows that are left."""

    table: Cells
    found: Contrasts
    tested: Bools
    thinner: Array
    weight: Array
    baseline: Sums
    current: Sums
    wide: float

    @property
    def n_tested(self) -> int:
        """How many cells were contrasted."""
        return int(self.tested.sum())

    def z(self, wide: float) -> Array:
        """Return the contrasts in standard errors ``wide`` times the variance."""
        return np.asarray(self.found.z / np.sqrt(wide))

    def p_values(self, wide: float) -> Array:
        """Return two-sided p-values; NaN where a cell was not tested."""
        p = 2 * stats.t.sf(np.abs(self.z(wide)), np.maximum(self.thinner - 1, 1))
        return np.where(self.tested, p, np.nan)

    def q_values(self, wide: float) -> Array:
        """Return p-values corrected for all cells by their weights."""
        share = np.where(self.tested, self.weight * self.n_tested, np.nan)
        return benjamini_hochberg(self.p_values(wide) / share)

    def heterogeneity(self) -> float:
        """Return the corrected chance of the largest contrast when all cells moved alike."""
        if not self.tested.any():
            return 1.0
        return float(min(1.0, np.nanmin(self.p_values(self.wide) / self.weight)))


def scan(
    axes: Sequence[Axis],
    crosses: Sequence[tuple[int, ...]],
    measures: Measures,
    rows: Rows,
    setting: Setting,
) -> Scan | None:
    """Contrast every cell with the other rows that are left; None when there are too few."""
    sides = np.bincount(measures.side, minlength=2)
    if not crosses or sides.min() < 2 * setting.min_rows:
        return None
    table = cells(axes, crosses, measures)
    baseline, current = table.whole
    # Counts per hour have a baseline of none too: a caller who came is compared with that.
    enough = np.minimum if rows.hours is None else np.maximum
    thinner = enough(table.baseline.n, table.current.n)
    others = np.minimum(baseline.n - table.baseline.n, current.n - table.current.n)
    tested = table.named() & (thinner >= setting.min_rows) & (others >= setting.min_rows)
    found = contrasts(
        table.baseline,
        table.current,
        baseline,
        current,
        hours=rows.hours,
        share=rows.share,
        inflation=setting.inflation,
    )
    weight = weights(table.cross, table.depth(), tested)
    wide = overdispersion(found.z[tested])
    return Scan(table, found, tested, thinner, weight, baseline, current, wide)


def best(look: Scan, rows: Rows, setting: Setting) -> int | None:
    """Return the cell that explains most, less what its weight lets it explain by chance.

    Only cells that moved with the contrast (not those that stayed while the rest moved), and that
    explain a material part of the shift where there is one.
    """
    z, inside = look.found.z, look.found.inside
    carries = look.tested & (np.sign(z) == np.sign(inside)) & (z != 0)
    if setting.shifted:
        part = _part(look, rows) / setting.shift
        carries &= np.nan_to_num(part) >= setting.min_share
    if not carries.any():
        return None
    with np.errstate(divide="ignore"):
        score = np.where(carries, z**2 / 2 + np.log(look.weight), -np.inf)
    near = np.flatnonzero(score >= score.max() - 1e-9)
    depth = look.table.depth()
    return int(min(near, key=lambda i: (depth[i], sorted(look.table.values(int(i)).items()))))


def _part(look: Scan, rows: Rows) -> Array:
    """Return what each cell's moving apart adds to the whole shift."""
    apart = look.found.inside - np.nan_to_num(look.found.outside)
    if rows.hours is not None:
        return np.asarray(look.found.inside)
    return np.asarray(look.table.current.x / float(rows.whole[1].x) * apart)


def alike(look: Scan, chosen: int) -> tuple[dict[str, str], ...]:
    """Return the single values that hold nearly the same rows as the chosen cell."""
    table, single = look.table, look.table.depth() == 1
    near = single & table.named()
    near[chosen] = False
    for name in ("n", "x", "y"):
        values, wanted = getattr(table.current, name), float(getattr(table.current, name)[chosen])
        near &= np.abs(values - wanted) <= (1 - _SAME) * abs(wanted)
    rows = table.mask(chosen)
    found = []
    for i in np.flatnonzero(near)[:_MOST_ALIKE]:
        other = table.mask(int(i))
        if (rows & other).sum() >= _SAME * (rows | other).sum():
            found.append(table.values(int(i)))
    return tuple(sorted(found, key=lambda values: sorted(values.items())))
