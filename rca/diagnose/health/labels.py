"""Labels that stopped or are late, told from the labels of fresh rows that are always on their way.

The share of labelled rows falls towards the end of every log whose labels take time:
p(a) = L (1 - exp(-a / d)) for rows of age a. A fault is a step on top of it, at a time of its own:
p(a) = L c (1 - exp(-a / d')) after that time. Both are fitted by maximum likelihood.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from rca.analysis.events.locate import Located
from rca.diagnose.health.broken import Broken, clearest_change
from rca.model.finding import Finding
from rca.model.metric import Metric
from rca.model.window import at
from rca.stats.changepoint import Series

Floats = NDArray[np.float64]

_LABELS = frozenset({"label", "correct", "flagged", "prediction"})
_LEAST_DROP = 0.2
_PENALTY = 4.0
_LARGEST = 7.0
_HOUR_S = 3600.0


def labels(metric: Metric, located: Located, alert: float) -> Broken | None:
    """Find a lasting fall of the share of rows that the metric could be measured on."""
    line = located.timeline
    if not _LABELS & set(metric.columns):
        return None
    series = Series.rates(line.times, line.sums.n, line.rows, line.width_s)
    change = clearest_change(series, alert, rising=False)
    if change is None or change.after > (1 - _LEAST_DROP) * change.before:
        return None
    gain, kept = _step_gain(line.times + line.width_s / 2, line.sums.n, line.rows, change.at)
    odds = float(np.clip(gain - _PENALTY, -6.0, _LARGEST))
    if odds <= 0 or kept > 1 - _LEAST_DROP:
        return None
    column = "label" if "label" in metric.columns else metric.columns[0]
    claim = (
        f"{column} is known for {change.after:.0%} of rows, {change.before:.0%} before "
        f"{at(change.at):%Y-%m-%d %H:%M} UTC (n = {change.n_before:,.0f} then "
        f"{change.n_after:,.0f}), a step that the usual delay of labels does not explain"
    )
    finding = Finding(
        "LABELS_STOPPED",
        claim,
        change.shift,
        change.shift_ci,
        p_value=change.p_value,
        n=int(change.n_before + change.n_after),
        unit="share",
        column=column,
        sql=line.sql,
    )
    return Broken("LABELS_STOPPED", column, odds, finding, change)


def _step_gain(times: Floats, k: Floats, n: Floats, step: float) -> tuple[float, float]:
    """Return the log-likelihood gained by a step, over its dispersion, and the share it keeps."""
    end = float(times[-1]) + (times[1] - times[0]) / 2
    age = np.maximum(end - times, 1.0) / _HOUR_S
    after = times >= step
    level = float(k[~after].sum() / max(1.0, n[~after].sum()))
    level = min(max(level, 1e-3), 1 - 1e-3)

    def arrived(delay: float) -> Floats:
        return np.asarray(1 - np.exp(-age / np.exp(delay)))

    def usual(x: Floats) -> float:
        return -_log_likelihood(k, n, x[0] * arrived(x[1]))

    def stepped(x: Floats) -> float:
        p = x[0] * arrived(x[1])
        return -_log_likelihood(k, n, np.where(after, x[0] * x[2] * arrived(x[3]), p))

    span = float(np.log(age.max()))
    bounds = [(1e-3, 1.0), (-4.0, span)]
    starts = [-3.0, 0.0, 1.5]
    null = min(
        (optimize.minimize(usual, [level, d], bounds=bounds) for d in starts), key=lambda r: r.fun
    )
    full = min(
        (
            optimize.minimize(
                stepped, [level, -3.0, c, d], bounds=[*bounds, (1e-4, 1.0), (-4.0, span + 2)]
            )
            for d in starts
            for c in (0.2, 0.9)
        ),
        key=lambda r: r.fun,
    )
    residual = (k - n * level) / np.sqrt(np.maximum(n * level * (1 - level), 1e-9))
    settled = ~after & (n > 0)
    dispersion = max(1.0, float(np.mean(residual[settled] ** 2))) if settled.any() else 1.0
    late = _kept(full.x, age[after]) if after.any() else 1.0
    return float((null.fun - full.fun) / dispersion), late


def _kept(fitted: Floats, age: Floats) -> float:
    """Return what part of the labels that would be there the step leaves, for the oldest rows."""
    oldest = float(age.max())
    now = fitted[2] * (1 - np.exp(-oldest / np.exp(fitted[3])))
    usual = 1 - np.exp(-oldest / np.exp(fitted[1]))
    return float(now / max(usual, 1e-9))


def _log_likelihood(k: Floats, n: Floats, p: Floats) -> float:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(k @ np.log(p) + (n - k) @ np.log1p(-p))
