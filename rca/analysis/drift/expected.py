"""What the metric should be now, from scores alone: for labels that are late or stopped.

With r0_k the baseline's metric in cell k of the score and p1_k the share of all current rows,
labelled or not, in that cell,

    expected = sum_k p1_k r0_k,      Var = sum_k p1_k^2 Var(r0_k) + Var_k(r0) / n1.

This is the idea of confidence-based performance estimation with the baseline's labels in place of
the scores' own calibration. It holds while a score means what it meant: a model that is wrong and
sure of it is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from rca.analysis.drift.counted import Scan
from rca.analysis.drift.impact import measure
from rca.errors import BadValueError, UnknownNameError
from rca.model.comparison import Comparison
from rca.model.metric import Metric

_LEAST_COVERED = 0.5


@dataclass(frozen=True)
class Expected:
    """An estimate of the current metric that reads no current label.

    Attributes
    ----------
    value, ci : float, (float, float)
        The estimate and its 95 % interval, given that scores mean what they meant.
    baseline, observed : float
        The baseline's metric, and the current one over rows that have a label (NaN: none).
    covered : float
        Share of current rows whose score the baseline has labelled rows for.
    n_baseline, n_current : int
        Labelled baseline rows; current rows with a score.
    """

    metric: Metric
    value: float
    ci: tuple[float, float]
    baseline: float
    observed: float
    covered: float
    n_baseline: int
    n_current: int

    def __str__(self) -> str:
        text = self.metric.text
        known = (
            f"; rows with a label say {text(self.observed)}" if np.isfinite(self.observed) else ""
        )
        return (
            f"Estimated without labels: {self.metric.title} {text(self.value)} "
            f"(95 % {text(self.ci[0])} to {text(self.ci[1])}, {text(self.baseline)} before; "
            f"{self.n_current:,} scored rows, {self.covered:.0%} covered){known}. It holds while a "
            "score means what it meant."
        )


def expected_metric(comparison: Comparison, scan: Scan, *, by: str = "score") -> Expected:
    """Return the metric expected on the current side from the distribution of a score.

    Parameters
    ----------
    comparison, scan
        The comparison, and what its profile of drift read.
    by : str
        The column that says how sure the model was.

    Raises
    ------
    UnknownNameError
        The column was not profiled.
    BadValueError
        The metric is no mean over rows, or the baseline has no labels for most current scores.
    """
    if by not in scan.columns:
        raise UnknownNameError.of("profiled column", by, scan.columns)
    metric = comparison.metric
    if metric.family != "mean":
        raise BadValueError(f"{metric.title} is no mean over rows. Estimate accuracy, say.")
    counted = scan.columns[by]
    now = counted.side(scan.blocks, 1)[2:]
    codes = counted.bin_codes
    sums, _ = measure(comparison, [counted.column], [scan.cells[by]])
    cells = sums[by]
    at = {label: i for i, label in enumerate(cells.labels)}
    index = np.array([at.get(code, -1) for code in codes])
    known = (index >= 0) & (cells.baseline.n[index] >= 2)
    covered = float(now[known].sum() / max(now.sum(), 1.0))
    if covered < _LEAST_COVERED:
        raise BadValueError(
            f"the baseline has labelled rows for {covered:.0%} of the current values of {by!r} "
            "only. Take a longer baseline."
        )
    share = now[known] / now[known].sum()
    rates = cells.baseline[index[known]]
    value = float(share @ rates.value)
    n1 = float(now[known].sum())
    between = float(share @ rates.value**2) - value**2
    se = float(np.sqrt(share**2 @ np.nan_to_num(rates.variance) + max(0.0, between) / n1))
    half = float(stats.norm.isf(0.025)) * se
    current = cells.current.total()
    return Expected(
        metric,
        value,
        (value - half, value + half),
        float(cells.baseline.total().value),
        float(current.value),
        covered,
        int(cells.baseline.n.sum()),
        int(now.sum()),
    )
