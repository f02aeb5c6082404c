"""Unpaired versions on one and the same mix of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from rca.analysis.versions.estimate import Estimate, estimate_of
from rca.analysis.versions.moments import Cell, Split, cells
from rca.analysis.versions.units import Units
from rca.model.comparison import VERSION_COLUMNS, Comparison
from rca.model.logs import CLUSTERS
from rca.stats.ratio import Sums
from rca.stats.standardise import Standardised, standardise

#: Columns adjusted for at once, strata at most, and the share of rows that must be comparable.
MOST_COLUMNS = 3
MOST_STRATA = 2_000
LEAST_COVERAGE = 0.5
_LEAST_Z = 2.0


@dataclass(frozen=True)
class Adjusted:
    """The shift on a common mix, the columns that make the mix, and the query."""

    columns: tuple[str, ...]
    at_mix: Standardised
    estimate: Estimate
    sql: str


def adjustable(comparison: Comparison) -> tuple[str, ...]:
    """Return the dimensions that make a mix: no versions, no callers, nothing measured."""
    outside = {*VERSION_COLUMNS, *CLUSTERS, *comparison.metric.columns}
    return tuple(name for name in comparison.logs.dimensions if name not in outside)


def adjusted(
    units: Units,
    dimensions: Sequence[str],
    *,
    overall: Estimate,
    chosen: bool,
    margin: float | None,
) -> Adjusted | None:
    """Return the shift of the first metric on a common mix, or None when the mix did not move it.

    Clusters widen the interval by the factor by which they widen that of the plain shift.

    Parameters
    ----------
    units : Units
        Rows, with every dimension among ``units.by``.
    dimensions : sequence of str
        What to adjust for.
    overall : Estimate
        The plain shift.
    chosen : bool
        Whether a person named them. If not, those that move the metric by their mix (|z| > 2)
        are taken, at most three, the strongest first.
    margin : float or None
        Largest loss that passes.
    """
    rows = replace(units, cluster=None)
    if not chosen:
        dimensions = _moving(rows, dimensions)
    while dimensions:
        found, sql = cells(rows, 0, units.by.index(dimensions[0]), Split(_joint(units, dimensions)))
        baseline, current = _sides(found)
        result = standardise(baseline, current)
        fits = result is not None and result.coverage >= LEAST_COVERAGE
        if result is not None and (chosen or (fits and len(found) <= MOST_STRATA)):
            wider = _widening(units, overall, baseline, current)
            made = _estimate(units, overall, result, wider, margin)
            return Adjusted(tuple(dimensions), result, made, sql)
        dimensions = dimensions[:-1]
    return None


def _widening(units: Units, overall: Estimate, baseline: Sums, current: Sums) -> float:
    """Return the factor by which clusters widen the standard error of the plain shift."""
    if units.cluster is None:
        return 1.0
    plain = float(baseline.total().variance + current.total().variance)
    clustered = float(overall.cell.sums.variance)
    return float(np.sqrt(clustered / plain)) if plain > 0 and clustered > 0 else 1.0


def _estimate(
    units: Units, overall: Estimate, result: Standardised, wider: float, margin: float | None
) -> Estimate:
    se = result.shift.standard_error * wider

    def interval(level: float) -> tuple[float, float]:
        half = float(stats.norm.isf((1 - level) / 2)) * se
        return (result.shift.shift - half, result.shift.shift + half)

    p = float(2 * stats.norm.sf(abs(result.shift.shift) / se)) if se > 0 else 1.0
    values = (result.baseline, result.current)
    method = f"direct standardisation over {result.n_strata:,} strata"
    return estimate_of(overall.cell, units.metrics[0], values, interval, p, method, margin=margin)


def _moving(units: Units, dimensions: Sequence[str]) -> list[str]:
    """Return the dimensions whose mix moves the metric, the strongest first."""
    ranked = []
    for name in dimensions:
        found, _ = cells(units, 0, units.by.index(name))
        baseline, current = _sides(found)
        z = _mix_z(baseline, current)
        result = standardise(baseline, current)
        if result is not None and result.coverage >= LEAST_COVERAGE and abs(z) > _LEAST_Z:
            ranked.append((abs(result.mix), name))
    ranked.sort(key=lambda item: (-item[0], item[1]))
    return [name for _, name in ranked[:MOST_COLUMNS]]


def _mix_z(baseline: Sums, current: Sums) -> float:
    """Return how many standard errors the mix alone moves the value.

    The stratum's pooled rate is a score of each row; z compares the mean score of both sides.
    """
    mass = baseline.x + current.x
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(mass > 0, (baseline.y + current.y) / mass, 0.0)
    means, variances = [], []
    for side in (baseline, current):
        total, rows = float(side.x.sum()), float(side.n.sum())
        if total <= 0 or rows < 2:
            return 0.0
        mean = float(side.x @ score) / total
        means.append(mean)
        variances.append(float(side.x @ (score - mean) ** 2) / total / (rows - 1))
    spread = float(np.sqrt(sum(variances)))
    return (means[1] - means[0]) / spread if spread > 0 else 0.0


def _sides(found: Sequence[Cell]) -> tuple[Sums, Sums]:
    def side(which: int) -> Sums:
        each = [cell.sums.side(which, cell.rows[which]) for cell in found]
        return Sums(
            *(
                np.array([float(getattr(sums, name)) for sums in each])
                for name in ("n", "x", "y", "xx", "xy", "yy")
            )
        )

    return side(0), side(1)


def _joint(units: Units, dimensions: Sequence[str]) -> str:
    parts = [f"coalesce(d{units.by.index(name)}_, chr(0))" for name in dimensions]
    return " || chr(31) || ".join(parts)
