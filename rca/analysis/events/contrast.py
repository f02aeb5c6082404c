"""Does the shift live in the rows that an event touches?

With R the metric, b the baseline and c the current buckets, rows in scope contribute

    C_in = (X_in,c / X_c) (R_in,c - R_in,b)

to the shift, rows outside C_out alike; f = C_in / (C_in + C_out) is the share of the shift inside.
If the event caused it f is about 1; if the shift has nothing to do with the scope, f is about the
scope's share m of the traffic, or anything. The baseline is weighted to the current hours of day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.events.scope import Scope, ScopeCube
from rca.stats.ratio import SUMS, Sums

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_DAY_S, _HOUR_S = 86_400, 3_600
_SLACK = 0.12
_LARGEST = 4.5
_SMALLEST = -6.0


@dataclass(frozen=True)
class Contrast:
    """The shift inside and outside a scope.

    ``shift_in`` and ``shift_out`` are differences of the metric with their standard errors;
    ``share`` is the part of the shift inside, ``mass`` the scope's part of the current traffic.
    ``beside`` is the difference of rows in scope from rows outside in the same buckets, for a
    scope that had no rows in the baseline (a new version), with its standard error.
    """

    n_in: float
    n_out: float
    mass: float
    shift_in: float
    se_in: float
    shift_out: float
    se_out: float
    share: float
    se_share: float
    beside: float = np.nan
    se_beside: float = np.nan

    @property
    def log_bayes_factor(self) -> float:
        """Log of how much better "it lives in this scope" explains ``share`` than "it does not"."""
        if not np.isfinite(self.share) or self.n_in == 0 or self.n_out == 0:
            return 0.0
        sd = float(np.hypot(min(self.se_share, 3.0), _SLACK))
        inside = _normal(self.share, 1.0, sd)
        alike = _normal(self.share, self.mass, sd)
        elsewhere = 0.5 * _normal(self.share, 0.0, sd) + 0.5 * _uniform(self.share, sd)
        other = 0.5 * alike + 0.5 * elsewhere
        return float(np.clip(np.log(inside + 1e-12) - np.log(other + 1e-12), _SMALLEST, _LARGEST))


def like_hours(times: Floats, x: Floats, baseline: Mask, current: Mask) -> Floats:
    """Return weights of the baseline buckets that give it the current hours of day.

    With less than two days of baseline there is nothing to choose from: all weights are 1.
    """
    weights: Floats = baseline.astype(np.float64)
    if not baseline.any() or np.ptp(times[baseline]) < 2 * _DAY_S:
        return weights
    hour = (times % _DAY_S // _HOUR_S).astype(int)
    now = np.bincount(hour[current], x[current], minlength=24)
    then = np.bincount(hour[baseline], x[baseline], minlength=24)
    usable = (now > 0) & (then > 0)
    if not usable.any():
        return weights
    factor = np.where(usable, now / np.where(then > 0, then, 1), 0.0)
    factor /= factor[usable].max()
    chosen: Floats = weights * factor[hour]
    return chosen


def contrast(
    cube: ScopeCube, scope: Scope, baseline: Mask, current: Mask, *, inflation: float = 1.0
) -> Contrast | None:
    """Compare the shift in a scope with the shift outside it, or return None where it cannot.

    ``inflation`` multiplies variances: by how much buckets vary more than their rows explain.
    """
    inner, outer = cube.over(scope), cube.over(scope, outside=True)
    everything = inner + outer
    weights = like_hours(cube.times, everything.n, baseline, current)
    b_in, b_out, b_all = (weighted(s, weights) for s in (inner, outer, everything))
    c_in, c_out = (weighted(s, current.astype(float)) for s in (inner, outer))
    fresh = _fresh(b_in, c_in, per_hour=cube.per_hour)
    if cube.per_hour and fresh:
        # A new version takes over the sums of the old one: they say nothing of either.
        return None
    before_in = b_all if fresh or float(b_in.x) == 0 else b_in
    before_out = b_out if float(b_out.x) > 0 else b_all
    total = float(c_in.x + c_out.x)
    mass = float(c_in.x) / total if total else 0.0
    d_in, s_in = _shift(before_in, c_in, inflation)
    d_out, s_out = _shift(before_out, c_out, inflation)
    part_in, part_out = mass * np.nan_to_num(d_in), (1 - mass) * np.nan_to_num(d_out)
    whole = part_in + part_out
    e_in, e_out = mass * np.nan_to_num(s_in), (1 - mass) * np.nan_to_num(s_out)
    share = part_in / whole if whole else np.nan
    se = float(np.hypot((1 - share) * e_in, share * e_out) / abs(whole)) if whole else np.nan
    if cube.per_hour and float(b_all.y) > 0:
        # Hours are no traffic: under a shift of everything it has its part of the sum.
        mass = float(b_in.y) / float(b_all.y)
    beside, se_beside = _beside(inner, outer, inflation) if fresh else (np.nan, np.nan)
    return Contrast(
        float(c_in.n), float(c_out.n), mass, d_in, s_in, d_out, s_out, share, se, beside, se_beside
    )


def _fresh(before: Sums, now: Sums, *, per_hour: bool) -> bool:
    """Tell whether a scope had next to nothing before; of a sum per hour n counts buckets."""
    if per_hour:
        return float(now.y) > 0 and float(before.value) < 0.02 * float(now.value)
    return float(now.n) > 0 and float(before.n) < 0.02 * max(1.0, float(now.n))


def weighted(sums: Sums, weights: Floats) -> Sums:
    """Sum over buckets with weights; squares take the weight squared."""
    power = {"n": 1, "x": 1, "y": 1, "xx": 2, "xy": 2, "yy": 2}
    return Sums(*(np.asarray((getattr(sums, s) * weights ** power[s]).sum()) for s in SUMS))


def _shift(before: Sums, after: Sums, inflation: float) -> tuple[float, float]:
    if not (float(before.x) > 0 and float(after.x) > 0):
        return np.nan, np.nan
    variance = float(before.variance) + float(after.variance)
    shift = float(after.value - before.value)
    return shift, float(np.sqrt(inflation * variance)) if np.isfinite(variance) else np.nan


def _beside(inner: Sums, outer: Sums, inflation: float) -> tuple[float, float]:
    """Return the difference in the same buckets, averaged with Mantel-Haenszel weights.

    Every bucket that has both counts, also those of a rollout before the shift was at its height.
    """
    both = (inner.x > 0) & (outer.x > 0)
    if not both.any():
        return np.nan, np.nan
    x_in, x_out = inner.x[both], outer.x[both]
    weight = x_in * x_out / (x_in + x_out)
    gap = inner.y[both] / x_in - outer.y[both] / x_out
    # Variances pooled over the buckets: those of few rows are noise themselves.
    v_in = float(inner[both].total().variance) * x_in.sum() / x_in
    v_out = float(outer[both].total().variance) * x_out.sum() / x_out
    mean = float(weight @ gap / weight.sum())
    variance = float(weight**2 @ (v_in + v_out) / weight.sum() ** 2)
    return mean, float(np.sqrt(inflation * variance)) if np.isfinite(variance) else np.nan


def _normal(x: float, mean: float, sd: float) -> float:
    return float(np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi)))


def _uniform(x: float, sd: float) -> float:
    """Density of a uniform on [0, 1] blurred by the standard error (logistic edges)."""
    edge = max(sd, 1e-6)
    step = (1 / (1 + np.exp(np.clip(-x / edge, -50, 50)))) - (
        1 / (1 + np.exp(np.clip((1 - x) / edge, -50, 50)))
    )
    return float(max(step, 1e-6))
