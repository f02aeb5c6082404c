"""Drift of vectors: does one sample of embeddings come from where the other does?

Two questions with two answers. The maximum mean discrepancy (Gretton et al. 2012, JMLR 13) tests:
with random Fourier features phi of a Gaussian kernel (Rahimi and Recht 2007) it is
|mean phi(x) - mean phi(y)|^2, and its p-value comes from permutations of the rows. A logistic
domain classifier locates: its cross-fitted AUC says how far the samples are told apart, and the
rows that it is surest of are examples of what is new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rca.errors import BadValueError

Array = NDArray[np.float64]

_FEATURES = 256
_COMPONENTS = 48
_ROUNDS = 25


@dataclass(frozen=True)
class Discrepancy:
    """The MMD^2 of two samples, its p-value by permutations, and the kernel's width."""

    mmd2: float
    p_value: float
    width: float
    n: tuple[int, int]


def mmd(
    baseline: Array, current: Array, *, rng: np.random.Generator, permutations: int = 500
) -> Discrepancy:
    """Test whether two samples of vectors have one distribution.

    Parameters
    ----------
    baseline, current : array of rows x dimensions
        Rows with NaN are left out. The width of the kernel is the median distance.
    permutations : int
        The least p-value is 1 / (permutations + 1).

    Raises
    ------
    BadValueError
        The samples have different dimensions or fewer than ten rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> same = mmd(rng.normal(size=(300, 8)), rng.normal(size=(300, 8)), rng=rng)
    >>> moved = mmd(rng.normal(size=(300, 8)), rng.normal(0.4, 1, (300, 8)), rng=rng)
    >>> same.p_value > 0.05, moved.p_value < 0.01
    (True, True)
    """
    x, y = _checked(baseline, current)
    rows = np.vstack([x, y])
    width = _median_distance(rows, rng)
    phases = rng.uniform(0, 2 * np.pi, _FEATURES)
    waves = rng.standard_normal((rows.shape[1], _FEATURES)) / width
    phi = np.sqrt(2 / _FEATURES) * np.cos(rows @ waves + phases)
    phi -= phi.mean(axis=0)
    n, total = len(x), len(rows)
    # With centred features the two means are opposite, so that one side's sum says it all.
    scale = (1 / n + 1 / (total - n)) ** 2
    seen = scale * float((phi[:n].sum(axis=0) ** 2).sum())
    drawn = np.array(
        [
            scale * float((phi[rng.permutation(total)[:n]].sum(axis=0) ** 2).sum())
            for _ in range(permutations)
        ]
    )
    p = (1 + int((drawn >= seen).sum())) / (permutations + 1)
    return Discrepancy(seen, p, width, (n, total - n))


@dataclass(frozen=True)
class Told:
    """How well a classifier tells two samples apart.

    Attributes
    ----------
    auc : float
        Chance that a current row scores above a baseline row, by a classifier that saw neither;
        0.5 is "not at all".
    ci : (float, float)
        95 % interval (DeLong et al. 1988) on the logit scale.
    p_value : float
        One-sided, of an AUC of 0.5.
    score_baseline, score_current : array
        Log-odds that a row is of the current sample, in the rows' order.
    """

    auc: float
    ci: tuple[float, float]
    p_value: float
    score_baseline: Array
    score_current: Array


def tell_apart(baseline: Array, current: Array, *, rng: np.random.Generator) -> Told:
    """Fit a logistic domain classifier on one half of the rows and score the other.

    Parameters
    ----------
    baseline, current : array of rows x dimensions
        The first 48 principal components are used. A ridge of one row's weight per component
        keeps the classifier finite where the samples are apart.

    Notes
    -----
    Each half of the rows is scored by a classifier of the other half. Given that classifier,
    DeLong's variance holds; the two halves' errors may go together, so that their standard errors
    are averaged and not divided by the root of two. More folds would share their training rows,
    and their interval would be too short.

    Raises
    ------
    BadValueError
        The samples have different dimensions or fewer than ten rows.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> told = tell_apart(rng.normal(size=(400, 3)), rng.normal([1, 0, 0], 1, (400, 3)), rng=rng)
    >>> abs(told.auc - 0.76) < 0.04    # Phi(1 / sqrt(2)) = 0.76
    True
    """
    x, y = _checked(baseline, current)
    rows = _components(np.vstack([x, y]))
    now = np.repeat([0.0, 1.0], [len(x), len(y)])
    half = np.concatenate([rng.permutation(np.arange(n) % 2) for n in (len(x), len(y))])
    score, found = np.empty(len(rows)), []
    for k in (0, 1):
        out = half == k
        score[out] = rows[out] @ _logistic(rows[~out], now[~out])
        found.append(_auc(score[out & (now == 0)], score[out & (now == 1)]))
    auc, se = (float(np.mean([f[i] for f in found])) for i in (0, 1))
    p = float(stats.norm.sf((auc - 0.5) / se)) if se > 0 else float(auc <= 0.5)
    return Told(
        auc, _logit_interval(auc, se, min(len(x), len(y))), p, score[: len(x)], score[len(x) :]
    )


def _auc(below: Array, above: Array) -> tuple[float, float]:
    """Return the AUC and its standard error (DeLong)."""
    first, second = _placements(below, above)
    variance = first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)
    return float(second.mean()), float(np.sqrt(variance))


def _checked(baseline: Array, current: Array) -> tuple[Array, Array]:
    if baseline.ndim != 2 or current.ndim != 2 or baseline.shape[1] != current.shape[1]:
        raise BadValueError(
            f"the samples have shapes {baseline.shape} and {current.shape}. "
            "Give rows of vectors of one length."
        )
    kept = [x[np.isfinite(x).all(axis=1)].astype(np.float64) for x in (baseline, current)]
    if min(map(len, kept)) < 10:
        raise BadValueError("a sample has fewer than ten rows without gaps. Give more rows.")
    return kept[0], kept[1]


def _median_distance(rows: Array, rng: np.random.Generator) -> float:
    pairs = rng.integers(0, len(rows), (2, 2000))
    far = np.linalg.norm(rows[pairs[0]] - rows[pairs[1]], axis=1)
    return float(np.median(far[far > 0])) if (far > 0).any() else 1.0


def _components(rows: Array) -> Array:
    """Return standardised principal components and a constant."""
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(rows))
    kept = np.flatnonzero(values > 1e-12 * max(values[-1], 1e-300))[-_COMPONENTS:]
    made = centred @ vectors[:, kept] / np.sqrt(values[kept])
    return np.column_stack([made, np.ones(len(rows))])


def _logistic(rows: Array, now: Array) -> Array:
    """Return the coefficients of a ridge logistic regression, by Newton's method."""
    weights = np.zeros(rows.shape[1])
    ridge = np.eye(rows.shape[1])
    ridge[-1, -1] = 1e-6
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (now - chance) - ridge @ weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + ridge
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-6:
            break
    return np.asarray(weights)


def _placements(below: Array, above: Array) -> tuple[Array, Array]:
    """Return for each row the share of the other side's rows that it is on the right side of."""
    b, a = np.sort(below), np.sort(above)

    def under(values: Array, others: Array) -> Array:
        sides = (np.searchsorted(others, values, side=s) for s in ("left", "right"))
        return np.asarray(sum(sides) / (2 * len(others)))

    return 1 - under(below, a), under(above, b)


def _logit_interval(auc: float, se: float, n: int) -> tuple[float, float]:
    if not 0 < auc < 1 or se <= 0:
        # No two rows stand the wrong way round: the rule of three.
        return (max(0.0, auc - 3 / n), min(1.0, auc + 3 / n))
    middle, half = np.log(auc / (1 - auc)), 1.96 * se / (auc * (1 - auc))
    low, high = (float(1 / (1 + np.exp(-(middle + side * half)))) for side in (-1, 1))
    return low, high
