"""A shift of a ratio of sums taken apart over slices: rate, mix, and each slice's share of it.

With cells c, sides 0 and 1, masses x, shares w = x_c / x, values r = y_c / x_c and the mean of both
sides' values Rm = (R_0 + R_1) / 2:

    rate_c = (w_0 + w_1) / 2 * (r_1 - r_0)
    mix_c  = (w_1 - w_0) * ((r_0 + r_1) / 2 - Rm)

and the sum of both over all cells is R_1 - R_0 (Kitagawa 1955, JASA 50). Centring at Rm leaves the
sum as it is, because shares sum to one on both sides, and makes a slice's mix effect that of having
more of *this* slice rather than of the average one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.stats.ratio import SUMS, Sums

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What each cell adds to the shift, in the metric's unit, and its share with its interval."""

    rate: Array
    mix: Array
    share: Array
    share_low: Array
    share_high: Array

    @property
    def total(self) -> Array:
        """Rate and mix together."""
        return self.rate + self.mix


def split(
    baseline: Sums,
    current: Sums,
    *,
    hours: tuple[float, float] | None = None,
    inflation: float = 1.0,
    level: float = 0.95,
) -> Parts:
    """Take the shift between two sides apart over cells that make up all rows.

    Parameters
    ----------
    baseline, current : Sums
        One entry per cell, the same cells on both sides.
    hours : tuple of float, optional
        For sums per hour: each side's hours. ``x`` then counts rows, ``rate`` is the effect of the
        mean per row and ``mix`` that of the number of rows per hour.
    inflation : float
        Factor on the variances, of rows that come in clusters.
    level : float
        Of the intervals of the shares, which are Fieller's.

    Examples
    --------
    Two slices with accuracy 0.9 and 0.5; the second one's share grows from 0.2 to 0.6:

    >>> n0, n1 = np.array([80.0, 20.0]), np.array([40.0, 60.0])
    >>> def counts(n, y):
    ...     return Sums(n, n, y, n, y, y)
    >>> parts = split(counts(n0, n0 * [0.9, 0.5]), counts(n1, n1 * [0.9, 0.5]))
    >>> parts.rate.round(6).tolist(), float(parts.mix.sum().round(6))
    ([0.0, 0.0], -0.16)
    """
    if hours is not None:
        return _per_hour(baseline, current, hours, inflation, level)
    b, c = baseline.total(), current.total()
    mean = (b.value + c.value) / 2
    w0, w1 = baseline.x / b.x, current.x / c.x
    both = (baseline.x > 0) & (current.x > 0)
    total = (current.y - mean * current.x) / c.x - (baseline.y - mean * baseline.x) / b.x
    with np.errstate(invalid="ignore"):
        rate = np.where(both, (w0 + w1) / 2 * (current.value - baseline.value), 0.0)
    covariance = _covariance(baseline, current, b, c)
    shift = float(c.value - b.value)
    low, high = fieller(total, shift, *(v * inflation for v in covariance), level=level)
    return Parts(rate, total - rate, _ratio(total, shift), low, high)


def _covariance(baseline: Sums, current: Sums, b: Sums, c: Sums) -> tuple[Array, Array, Array]:
    """Return Var(total_c), Cov(total_c, shift) and Var(shift), linearised row by row."""
    mean = (b.value + c.value) / 2
    dw = current.x / c.x - baseline.x / b.x
    tt, td = np.zeros(baseline.n.shape), np.zeros(baseline.n.shape)
    dd = 0.0
    for cell, whole, half in ((baseline, b, 0.5), (current, c, -0.5)):
        own = (cell.y - mean * cell.x) / whole.x
        alpha = half * dw
        beta = -own - alpha * whole.value
        rest = _rest(whole, cell)
        scale = _small(whole.n) / whole.x**2
        tt = tt + scale * (
            _form(cell, 1 + alpha, beta - mean, 1 + alpha, beta - mean)
            + _form(rest, alpha, beta, alpha, beta)
        )
        td = td + scale * (
            _form(cell, 1 + alpha, beta - mean, 1.0, -whole.value)
            + _form(rest, alpha, beta, 1.0, -whole.value)
        )
        dd += float(whole.variance)
    return np.maximum(tt, 0.0), td, np.asarray(dd)


def _per_hour(
    baseline: Sums, current: Sums, hours: tuple[float, float], inflation: float, level: float
) -> Parts:
    h0, h1 = hours
    total = current.y / h1 - baseline.y / h0
    both = (baseline.x > 0) & (current.x > 0)
    with np.errstate(invalid="ignore"):
        volume = (current.x / h1 + baseline.x / h0) / 2
        rate = np.where(both, volume * (current.value - baseline.value), 0.0)
    variance = inflation * (current.yy / h1**2 + baseline.yy / h0**2)
    shift = float(total.sum())
    low, high = fieller(total, shift, variance, variance, variance.sum(), level=level)
    return Parts(rate, total - rate, _ratio(total, shift), low, high)


def fieller(
    part: Array, whole: float, v_part: Array, covariance: Array, v_whole: Array, *, level: float
) -> tuple[Array, Array]:
    """Return the interval of part / whole; infinite where the whole may be nothing.

    The values theta for which part - theta whole is within z standard errors of 0 (Fieller 1954,
    JRSS B 16).

    >>> low, high = fieller(np.array([2.0]), 4.0, np.array([0.0]), np.array([0.0]),
    ...                     np.array(0.01), level=0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.477], [0.526])
    """
    z2 = float(stats.norm.isf((1 - level) / 2)) ** 2
    a = whole**2 - z2 * v_whole
    b = -2 * (part * whole - z2 * covariance)
    c = part**2 - z2 * v_part
    inside = np.maximum(b**2 - 4 * a * c, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (-b - np.sqrt(inside)) / (2 * a), (-b + np.sqrt(inside)) / (2 * a)
    bounded = np.broadcast_to(a > 0, low.shape)
    return np.where(bounded, low, -np.inf), np.where(bounded, high, np.inf)


def succeed(baseline: Sums, current: Sums, *, newcomer: float = 0.25) -> Sums:
    """Return the baseline as if each new value had been there, in the rows that it replaced.

    A rollout takes rows from one version and gives them to another: by shares alone its effect
    would be called mix. Here a value that is new (its baseline share is under ``newcomer`` of its
    current one) takes over, along the last axis, part of the baseline of the values that lost
    share, in proportion to their losses. Sums over the axis stay as they are.

    Examples
    --------
    Version 2 replaces half of version 1, whose value was 0.9:

    >>> n = np.array([100.0, 0.0])
    >>> taken = succeed(Sums(n, n, n * 0.9, n, n * 0.9, n * 0.9),
    ...                 Sums(*[np.array([50.0, 50.0])] * 6))
    >>> taken.x.tolist(), taken.value.tolist()
    ([50.0, 50.0], [0.9, 0.9])
    """
    x0, x1 = (s.x.sum(axis=-1, keepdims=True) for s in (baseline, current))
    with np.errstate(divide="ignore", invalid="ignore"):
        w0, w1 = np.nan_to_num(baseline.x / x0), np.nan_to_num(current.x / x1)
        gain = np.where((w0 < newcomer * w1), w1 - w0, 0.0)
        loss = np.maximum(w0 - w1, 0.0)
        gained, lost = gain.sum(axis=-1, keepdims=True), loss.sum(axis=-1, keepdims=True)
        moved = np.minimum(1.0, np.nan_to_num(gained / lost, posinf=0.0))
        given = np.nan_to_num(loss / w0) * moved
        taken = np.nan_to_num(gain / gained)
    fields = []
    for name in SUMS:
        sums = getattr(baseline, name)
        pool = (sums * given).sum(axis=-1, keepdims=True)
        fields.append(sums * (1 - given) + pool * taken)
    return Sums(*fields)


def standardised(baseline: Sums, current: Sums) -> tuple[float, float]:
    """Return the shift with the slices' shares held at the two sides' mean, and what is left over.

    The first is the sum of the rate effects, the second that of the mix effects.
    """
    parts = split(baseline, current)
    return float(parts.rate.sum()), float(parts.mix.sum())


def mix_variance(baseline: Sums, current: Sums) -> float:
    """Return the sampling variance of the summed mix effects, given the slices' values."""
    b, c = baseline.total(), current.total()
    both = (baseline.x > 0) & (current.x > 0)
    middle = np.where(both, (baseline.value + current.value) / 2, 0.0)
    middle = np.where(~both & (current.x > 0), np.nan_to_num(current.value), middle)
    middle = np.where(~both & (baseline.x > 0), np.nan_to_num(baseline.value), middle)
    gap = middle - (b.value + c.value) / 2
    found = 0.0
    for cell, whole in ((baseline, b), (current, c)):
        centre = float((gap * cell.x).sum() / whole.x)
        found += float(((gap - centre) ** 2 * cell.xx).sum() / whole.x**2)
    dw = current.x / c.x - baseline.x / b.x
    spread = np.nan_to_num(baseline.variance) + np.nan_to_num(current.variance)
    return found + float((dw**2 * spread / 4)[both].sum())


def _form(s: Sums, a: Array, b: Array, c: Array | float, d: Array | float) -> Array:
    """Return sum((a y + b x) (c y + d x)) over rows."""
    return a * c * s.yy + (a * d + b * c) * s.xy + b * d * s.xx


def _rest(whole: Sums, cell: Sums) -> Sums:
    return Sums(*(getattr(whole, name) - getattr(cell, name) for name in SUMS))


def _small(n: Array) -> Array:
    return n / np.maximum(n - 1, 1)


def _ratio(part: Array, whole: float) -> Array:
    return part / whole if whole != 0 else np.full(part.shape, np.nan)
