"""The shift of one cell: its value on each side, interval, p-values and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from rca.analysis.versions.moments import Cell
from rca.model.metric import Metric
from rca.stats.multiplicity import benjamini_hochberg
from rca.stats.noninferiority import (
    IntervalAt,
    MarginTest,
    Verdict,
    default_margin,
    detectable_shift,
    margin_p_value,
    verdict,
)
from rca.stats.paired import mcnemar, newcombe_paired, paired_difference
from rca.stats.proportions import two_proportions_p
from rca.stats.ratio import difference, newcombe

LEVEL = 0.95
ALPHA = 1 - LEVEL


@dataclass(frozen=True)
class Estimate:
    """The shift of one cell of one metric.

    Attributes
    ----------
    cell : Cell
        The additive statistics it was made of.
    baseline, current, shift : float
        In the metric's unit.
    ci : tuple of float
        95 % interval of the shift.
    p_value, p_margin : float
        Of no change, and (one-sided) of a change for the worse by the margin or more.
    margin, detectable : float
        The largest loss that passes, and the smallest true shift found 8 times in 10.
    method : str
        How interval and p-value were computed, in words.
    verdict : str
        See :func:`rca.stats.noninferiority.verdict`.
    """

    cell: Cell
    baseline: float
    current: float
    shift: float
    ci: tuple[float, float]
    p_value: float
    p_margin: float
    margin: float
    detectable: float
    method: str
    verdict: Verdict
    q_value: float = float("nan")


def estimate(
    cell: Cell, metric: Metric, *, paired: bool, clustered: bool, margin: float | None
) -> Estimate:
    """Return the shift of a cell by the method that fits its design.

    Pairs of zeros and ones: Newcombe's paired interval and McNemar's mid-p. Other pairs, and
    clusters: t interval of the linearised differences. Rows of zeros and ones: Newcombe's
    interval and the N - 1 chi-square (or Fisher's exact) test. Other rows: Welch.
    """
    shift_of, p_value, method = _test(cell, paired=paired, clustered=clustered)
    values = (float(cell.sums.baseline), float(cell.sums.current))
    return estimate_of(cell, metric, values, shift_of, p_value, method, margin=margin)


def estimate_of(
    cell: Cell,
    metric: Metric,
    values: tuple[float, float],
    shift_of: IntervalAt,
    p_value: float,
    method: str,
    *,
    margin: float | None,
) -> Estimate:
    """Return an estimate from the values of both sides, an interval at any level and a p-value."""
    baseline, current = values
    shift, ci = current - baseline, shift_of(LEVEL)
    if margin is None:
        binary = metric.q is None and cell.odd == 0
        margin = default_margin("share" if binary else metric.unit, baseline)
    p_margin = margin_p_value(shift_of, margin, metric.worse) if np.isfinite(ci[0]) else 1.0
    return Estimate(
        cell,
        baseline,
        current,
        shift,
        ci,
        p_value,
        p_margin,
        margin,
        detectable_shift(ci),
        method,
        verdict(MarginTest(shift, p_value, p_margin), metric.worse, alpha=ALPHA),
    )


def corrected(estimates: Sequence[Estimate], metric: Metric) -> list[Estimate]:
    """Return slices with q-values over all of them, and verdicts that hold the discovery rate."""
    q = benjamini_hochberg([e.p_value for e in estimates])
    q_margin = benjamini_hochberg([e.p_margin for e in estimates])
    return [
        replace(
            e,
            q_value=float(q[i]),
            verdict=verdict(
                MarginTest(e.shift, float(q[i]), e.p_margin),
                metric.worse,
                alpha=ALPHA,
                q_margin=float(q_margin[i]),
            ),
        )
        for i, e in enumerate(estimates)
    ]


def stretched(shift: float, ci: tuple[float, float]) -> IntervalAt:
    """Return the interval at any level from the one at 95 %, each side by its own length."""
    z95 = float(stats.norm.isf(ALPHA / 2))

    def interval(level: float) -> tuple[float, float]:
        ratio = float(stats.norm.isf((1 - level) / 2)) / z95
        return shift - ratio * (shift - ci[0]), shift + ratio * (ci[1] - shift)

    return interval


def _test(cell: Cell, *, paired: bool, clustered: bool) -> tuple[IntervalAt, float, str]:
    if not clustered and cell.odd == 0 and min(cell.units) > 0:
        return _binary_pairs(cell) if paired else _binary_rows(cell)
    if paired or clustered:
        name = "clusters" if clustered else "pairs"
        p = paired_difference(cell.sums).p_value
        return (
            lambda level: paired_difference(cell.sums, level=level).ci,
            p,
            f"t test of the differences of {cell.sums.n:,.0f} {name}",
        )
    b, c = (cell.sums.side(side, cell.rows[side]) for side in (0, 1))
    return (
        lambda level: difference(b, c, level=level).ci,
        difference(b, c).p_value,
        "Welch's t test",
    )


def discordance(cell: Cell) -> tuple[int, int, int, int]:
    """Return the pairs of zeros and ones: both 1, only baseline, only current, both 0."""
    both = round(float(cell.sums.first[0])) - cell.fell
    return both, cell.fell, cell.rose, cell.pairs - both - cell.fell - cell.rose


def _binary_pairs(cell: Cell) -> tuple[IntervalAt, float, str]:
    both, fell, rose, neither = discordance(cell)
    return (
        lambda level: newcombe_paired(both, fell, rose, neither, level=level),
        mcnemar(rose, fell).p_mid,
        "McNemar's mid-p and Newcombe's paired interval",
    )


def _binary_rows(cell: Cell) -> tuple[IntervalAt, float, str]:
    ones = (float(cell.sums.first[0]), float(cell.sums.first[2]))
    n = (float(cell.rows[0]), float(cell.rows[1]))
    return (
        lambda level: newcombe(ones, n, level=level),
        two_proportions_p(ones, n),
        "N - 1 chi-square (or Fisher's exact) test and Newcombe's interval",
    )
