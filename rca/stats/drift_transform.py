"""Which transformation of some rows turns one sample into another.

If a share s of rows was written as T(x), then F1 = (1 - s) F0 + s F_T, with F_T the distribution
of T(x0). For a given T the share follows by least squares over quantiles of both samples,

    s = <F1 - F0, F_T - F0> / <F_T - F0, F_T - F0>,

and the part of |F1 - F0|^2 that this explains says how well T fits. Factors and offsets are
searched on a grid and refined; signs, units of temperature and logarithms are tried as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GRID = 160
_COARSE_ROWS = 3000
#: A logarithm is tried where values spread over at least this factor.
_WIDE = 3.0
#: Factors that people make, the commonest first: a unit, a prefix, a percentage.
ROUND_FACTORS = (1000.0, 100.0, 10.0, 60.0, 3600.0, 24.0, 7.0, 1e6, 1e9, 1024.0, 1024.0**2, 86400.0)

_COST = {"sign": 1.0, "affine": 1.0, "log": 1.0, "factor": 1.5, "offset": 2.0}
_FIXED: dict[str, Callable[[Array], Array]] = {
    "-x": lambda x: -x,
    "9/5 x + 32": lambda x: 1.8 * x + 32,
    "5/9 (x - 32)": lambda x: (x - 32) / 1.8,
}
_POSITIVE: dict[str, Callable[[Array], Array]] = {
    "ln x": np.log,
    "log10 x": np.log10,
    "ln(1 + x)": np.log1p,
}


@dataclass(frozen=True)
class Transform:
    """A transformation with the share of rows it touched and the part of the change it explains."""

    kind: str
    text: str
    value: float
    share: float
    fit: float


def transform(baseline: Array, current: Array) -> Transform | None:
    """Return the best transformation of the baseline's values, or None without values to compare.

    Parameters
    ----------
    baseline, current : array
        Finite values, sorted.

    Returns
    -------
    Transform or None
        ``kind`` is ``factor``, ``offset``, ``sign``, ``affine`` or ``log``.

    Examples
    --------
    >>> x = np.sort(np.random.default_rng(0).lognormal(3, 1, 4000))
    >>> found = transform(x[::2], np.sort(1000 * x[1::2]))
    >>> found.kind, round(found.share, 2), 970 < found.value < 1030
    ('factor', 1.0, True)
    """
    if min(len(baseline), len(current)) < 20 or baseline[0] == baseline[-1]:
        return None
    few0, few1 = _thinned(baseline), _thinned(current)
    problem = _Problem.of(few0, few1)
    if problem.size <= 0:
        return None
    found = [_fixed(problem, name, f) for name, f in _FIXED.items()]
    low, high = np.quantile(few0, [0.05, 0.95])
    if (few0 > 0).mean() > 0.98 and high > _WIDE * low:
        found += [_fixed(problem, name, f) for name, f in _POSITIVE.items()]
    if max((few0 > 0).mean(), (few0 < 0).mean()) > 0.9:
        found.append(_factor(problem, _Problem.of(baseline, current)))
    found.append(_offset(problem, _Problem.of(baseline, current)))
    chance = len(problem.grid) / (6 * min(len(baseline), len(current)) * problem.size)
    # A transformation without a free parameter wins over one that leaves hardly less.
    return min(
        (f for f in found if f is not None),
        key=lambda f: (1 - f.fit + chance) * _COST[f.kind],
        default=None,
    )


@dataclass(frozen=True)
class _Problem:
    baseline: Array
    grid: Array
    f0: Array
    gap: Array
    size: float

    @classmethod
    def of(cls, baseline: Array, current: Array) -> _Problem:
        q = (np.arange(_GRID) + 0.5) / _GRID
        grid = np.unique(np.concatenate([np.quantile(baseline, q), np.quantile(current, q)]))
        f0, f1 = _cdf(baseline, grid), _cdf(current, grid)
        gap = f1 - f0
        return cls(baseline, grid, f0, gap, float(gap @ gap))

    def fit(self, made: Array) -> tuple[float, float]:
        """Return the share and the part of the squared gap that transformed values explain."""
        pull = _cdf(np.sort(made), self.grid) - self.f0
        power = float(pull @ pull)
        if power <= 1e-12:
            return 0.0, 0.0
        share = float(np.clip(self.gap @ pull / power, 0.0, 1.0))
        left = self.gap - share * pull
        return share, 1 - float(left @ left) / self.size


def _cdf(values: Array, grid: Array) -> Array:
    at_most = np.searchsorted(values, grid, side="right")
    below = np.searchsorted(values, grid, side="left")
    return np.asarray((at_most + below) / (2 * len(values)), dtype=np.float64)


def _thinned(values: Array) -> Array:
    if len(values) <= _COARSE_ROWS:
        return values
    return values[np.linspace(0, len(values) - 1, _COARSE_ROWS).astype(np.int64)]


def _fixed(problem: _Problem, name: str, function: Callable[[Array], Array]) -> Transform | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        made = function(problem.baseline)
    made = made[np.isfinite(made)]
    if not len(made):
        return None
    share, fit = problem.fit(made)
    kind = "sign" if name == "-x" else "log" if name.startswith("l") else "affine"
    return Transform(kind, name, np.nan, share, fit)


def _searched(
    coarse: _Problem,
    fine: _Problem,
    grid: Array,
    make: Callable[[Array, float], Array],
) -> tuple[float, float, float]:
    """Return the parameter, share and fit of the best of a grid, refined by halving steps."""
    fits = [coarse.fit(make(coarse.baseline, theta)) for theta in grid]
    gaps = np.gradient(grid)
    best = (-np.inf, 0.0, 0.0)
    for i in np.argsort([-fit for _, fit in fits])[:3]:
        theta, width = float(grid[i]), float(gaps[i])
        share, fit = fine.fit(make(fine.baseline, theta))
        while width > gaps.min() / 200:
            width /= 2
            for trial in (theta - width, theta + width):
                s, f = fine.fit(make(fine.baseline, trial))
                if f > fit:
                    theta, share, fit = trial, s, f
        if fit > best[0]:
            best = (fit, theta, share)
    return best[1], best[2], best[0]


def _factor(coarse: _Problem, fine: _Problem) -> Transform:
    grid = np.arange(np.log(1e-7), np.log(1e7), 0.12)
    theta, share, fit = _searched(coarse, fine, grid, lambda x, t: x * np.exp(t))
    value = float(np.exp(theta))
    near = [
        (exact, *fine.fit(fine.baseline * exact))
        for made in ROUND_FACTORS
        for exact in (made, 1 / made)
        if abs(np.log(value / exact)) < 0.1
    ]
    if near:
        # The commonest round factor that fits as well as the estimate is the likeliest.
        alike = [found for found in near if found[2] >= fit - 0.003]
        value, share, fit = next(iter(alike), (value, share, fit))
    return Transform("factor", f"x {value:.6g}", value, share, fit)


def _offset(coarse: _Problem, fine: _Problem) -> Transform:
    scale = float(np.subtract(*np.quantile(coarse.baseline, [0.9, 0.1]))) / 2.56
    scale = scale or float(np.std(coarse.baseline)) or 1.0
    far = np.sinh(np.arange(0.1, 7.0, 0.06))
    grid = np.concatenate([-far[::-1], far])
    theta, share, fit = _searched(coarse, fine, grid, lambda x, t: x + t * scale)
    value = theta * scale
    return Transform("offset", f"{value:+.4g}", value, share, fit)


def mixed(baseline: Array, current: Array, other: Array) -> tuple[float, float]:
    """Return the share of current values that come from another sample, and how well that fits.

    All sorted. Two columns that were swapped each hold a share of the other's values.
    """
    problem = _Problem.of(_thinned(baseline), _thinned(current))
    if problem.size <= 0:
        return 0.0, 0.0
    return problem.fit(_thinned(other))
