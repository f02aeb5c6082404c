"""Did a distribution move more than it does by itself?

Counts of cells on two sides are compared by Pearson's X^2. Rows of one day come together (season,
releases, crawlers), so that the baseline differs from itself by more than rows drawn one by one
would; with a million rows that is all there is to see. Each block (day) d of the baseline is held
against the whole baseline,

    X_d^2 = sum_k (c_dk - E_dk)^2 / E_dk,    E[X_d^2] = (K - 1) (1 - n_d / n) (1 + rho n_d),

which gives rho, the extra variance per row, by moments. A side whose rows fall into blocks of n_b
rows then has the design effect 1 + rho sum(n_b^2) / n, and the two-sample X^2 is divided by it
(first-order Rao and Scott 1981, Annals of Statistics 12). Its null distribution is taken as an F
whose degrees of freedom match the mean and variance (Satterthwaite), because the days' part moves
few cells together and rho itself comes from few days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

#: Directions in which the days are taken to differ.
_DAY_DIRECTIONS = 1.0
#: Level of the noise floor.
NOISE_LEVEL = 0.99
_LEAST_EXPECTED = 5.0
_LEAST_BLOCK = 30.0


@dataclass(frozen=True)
class Overdispersion:
    """How much more the baseline's blocks differ than their rows alone would make them.

    ``rho`` is the extra variance per row (0: none), from ``n_blocks`` blocks; with fewer than
    three it is unknown and taken as 0.
    """

    rho: float
    n_blocks: int

    @property
    def known(self) -> bool:
        """Whether there were blocks enough to tell."""
        return self.n_blocks >= 3


@dataclass(frozen=True)
class DriftTest:
    """The outcome for one column.

    Attributes
    ----------
    statistic, cells, p_value
        X^2 over its design effect, cells compared after merging rare ones, and the p-value.
    noise
        The effect size w that chance and day-to-day change exceed once in a hundred times.
    design_effect
        Variance over that of rows drawn one by one.
    """

    statistic: float
    cells: int
    p_value: float
    noise: float
    design_effect: float


def merged(order_matters: bool, *counts: Array) -> NDArray[np.int64]:
    """Return the group of each cell after pooling cells whose expected count is below 5.

    Neighbours are pooled where the order of cells matters, otherwise all rare cells into one.
    """
    least = least_expected(*counts)
    groups = np.zeros(len(least), dtype=np.int64)
    if not order_matters:
        rare = least < _LEAST_EXPECTED
        groups[~rare] = np.arange(int((~rare).sum()))
        groups[rare] = int((~rare).sum())
        return groups
    group, held = 0, 0.0
    for i, expected in enumerate(least):
        groups[i] = group
        held += float(expected)
        if held >= _LEAST_EXPECTED:
            group, held = group + 1, 0.0
    if held and group:
        groups[groups == group] = group - 1
    return groups


def least_expected(*counts: Array) -> Array:
    """Return for each cell the smallest count that a side would have, were they alike."""
    pooled = np.sum(counts, axis=0)
    share = pooled / max(float(pooled.sum()), 1.0)
    return np.asarray(min(float(c.sum()) for c in counts) * share)


def overdispersion(blocks: Array, expected: Array) -> Overdispersion:
    """Return rho from the counts of baseline blocks and what each would have, were all alike.

    Parameters
    ----------
    blocks, expected : array of blocks x cells
        Counts, and the counts expected in each block (after season).
    """
    sizes = blocks.sum(axis=1)
    kept = sizes >= _LEAST_BLOCK
    blocks, expected, sizes = blocks[kept], expected[kept], sizes[kept]
    if len(blocks) < 3:
        return Overdispersion(0.0, len(blocks))
    groups = merged(False, *expected)
    c, e = (_grouped(x, groups) for x in (blocks, expected))
    cells = int((e.sum(axis=0) > 0).sum())
    if cells < 2:
        return Overdispersion(0.0, len(blocks))
    with np.errstate(divide="ignore", invalid="ignore"):
        x2 = np.where(e > 0, (c - e) ** 2 / e, 0.0).sum(axis=1)
    own = 1 - sizes / sizes.sum()
    excess = float((x2 / own - (cells - 1)).sum())
    return Overdispersion(max(0.0, excess / ((cells - 1) * float(sizes.sum()))), len(blocks))


def _grouped(counts: Array, groups: NDArray[np.int64]) -> Array:
    member = groups[:, None] == np.arange(int(groups.max()) + 1)
    return np.asarray(counts @ member.astype(np.float64))


def drift_test(
    baseline: Array,
    current: Array,
    *,
    n: tuple[float, float],
    clusters: tuple[float, float] = (1.0, 1.0),
    days: Overdispersion = Overdispersion(0.0, 0),
    ordered: bool = False,
) -> DriftTest:
    """Compare shares of cells on two sides.

    Parameters
    ----------
    baseline, current : array
        Shares of cells (season already matched).
    n : (float, float)
        Effective numbers of rows on the two sides.
    clusters : (float, float)
        Rows per block on each side, sum(n_b^2) / n.
    days : Overdispersion
        How the baseline differs from itself.
    ordered : bool
        Whether neighbouring cells may be pooled (bins of a number).

    Examples
    --------
    >>> test = drift_test(np.array([0.5, 0.5]), np.array([0.4, 0.6]), n=(200.0, 200.0))
    >>> round(test.statistic, 3), round(test.p_value, 4)    # as chi2_contingency, uncorrected
    (4.04, 0.0444)
    """
    c0, c1 = baseline * n[0], current * n[1]
    groups = merged(ordered, c0, c1)
    c0, c1 = (_grouped(c[None, :], groups)[0] for c in (c0, c1))
    total = float(c0.sum() + c1.sum())
    pooled = (c0 + c1) / total if total else c0
    there = pooled > 0
    cells = int(there.sum())
    if cells < 2 or min(n) <= 0:
        return DriftTest(0.0, cells, 1.0, 0.0, 1.0)
    gap = (c1 / n[1] - c0 / n[0])[there]
    rows = n[0] * n[1] / (n[0] + n[1])
    x2 = rows * float((gap**2 / pooled[there]).sum())
    effects = [1 + days.rho * rows_per_block for rows_per_block in clusters]
    # The two sides' variances 1/n0 and 1/n1 add, each with its own design effect.
    design = (effects[0] / n[0] + effects[1] / n[1]) * rows
    freedom = _freedom(cells - 1, design, days.n_blocks)
    f = x2 / ((cells - 1) * design)
    noise = float(stats.f.isf(1 - NOISE_LEVEL, *freedom)) * (cells - 1) * design / rows
    p = float(stats.f.sf(f, *freedom))
    return DriftTest(x2 / design, cells, p, min(2.0, float(np.sqrt(noise))), design)


def _freedom(df: int, design: float, n_blocks: int) -> tuple[float, float]:
    """Return the degrees of freedom of X^2 / (df design) as an F."""
    extra = design - 1
    if extra <= 0 or n_blocks < 3:
        return float(df), 1e9 if n_blocks < 3 else max(4.0, float(df * (n_blocks - 1)))
    directions = min(float(df), _DAY_DIRECTIONS)
    first = design**2 / (1 / df + extra**2 / directions)
    spread = (extra / design) ** 2 * 2 / (directions * (n_blocks - 1)) + 2 / (df * n_blocks)
    return max(1.0, first), max(2.5, 2 / spread)
