"""Bets on a mean, block by block: evidence that may be looked at after every block.

A block is one number between 0 and 1, such as an hour's error rate. Rows within a block may hang
together as they like; only a block's mean given the past is betted on. Wealth starts at 1 and each
factor has an expectation of at most 1 while the null holds, so that wealth ever reaches 1 / alpha
with a probability of at most alpha (Ville 1939), however often one looks.

- *Above* the limit (null: every block's mean <= m), with nothing assumed: 1 + lambda (x - m) with
  0 <= lambda <= 1 / m (Waudby-Smith and Ramdas 2024, JRSS B 86, 1-27).
- *Below* the limit (null: every block's mean >= m). A linear bet is hopeless here, because a block
  that is all errors is possible and rare: 24 clean hours cannot exclude it. So the variance is
  bounded: var(x) <= kappa mu (1 - mu) with kappa = 1 / n + rho (1 - 1 / n) for n rows whose
  correlation within the block is at most rho. Then exp(lambda (m - x)) / B is such a factor, with

      B = p exp(lambda m) + (1 - p) exp(lambda (m - c)),   c = m + kappa (1 - m),
      p = kappa (1 - m) / c

  the largest expectation of any x >= 0 with these two moments (Bennett 1962, JASA 57, 33-45); it
  falls with the mean and grows with kappa, so that the bound holds for all of the null.

Bets are fixed before the first block and their wealth is averaged, so the order of the blocks does
not change the final wealth, and a late block is worth what an early one is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Array = NDArray[np.float64]

#: Bets above the limit, as parts of the largest bet that cannot go broke.
_ABOVE = np.array([0.1, 0.25, 0.5, 0.75, 0.95])
#: Bets below the limit, as parts of the best bet when the mean is half the limit.
_BELOW = np.array([0.3, 0.6, 1.0, 1.5])
POWER = 0.8
_SIMULATED = 400
#: Means are searched between expit(-12) and expit(12), about 6e-6 from the ends.
_WIDE, _HALVINGS = 12.0, 16


def log_wealth_above(blocks: ArrayLike, limit: float) -> Array:
    """Return the log wealth, after each block, of bets that the mean lies above a limit.

    Parameters
    ----------
    blocks : array_like, shape (..., T)
        Numbers between 0 and 1, in the order they came.
    limit : float
        Between 0 and 1; at 0 any block above 0 is proof.

    Examples
    --------
    >>> import numpy as np
    >>> float(log_wealth_above([0.5, 0.5], 0.5)[-1])          # blocks at the limit win nothing
    0.0
    >>> round(float(np.exp(log_wealth_above([0.2], 0.1))[0]), 2)   # 1 + mean of the bets
    1.51
    """
    x = np.asarray(blocks, dtype=np.float64)
    with np.errstate(divide="ignore"):
        gain = (x - limit) / limit if limit > 0 else np.where(x > 0, np.inf, 0.0)
    factors = np.log1p(_ABOVE[:, None] * gain[..., None, :])
    return _averaged(factors)


def log_wealth_below(blocks: ArrayLike, limit: float, kappa: ArrayLike) -> Array:
    """Return the log wealth, after each block, of bets that the mean lies below a limit.

    Parameters
    ----------
    blocks : array_like, shape (..., T)
        Numbers between 0 and 1, in the order they came.
    limit : float
        Between 0 and 1.
    kappa : array_like, shape (T,) or a number
        Variance of a block over mu (1 - mu); see :func:`block_kappa`.

    Examples
    --------
    >>> clean = log_wealth_below([0.0] * 24, 0.02, block_kappa(200, 0.02))
    >>> bool(clean[-1] > np.log(20)), bool(clean[0] > np.log(20))
    (True, False)
    """
    x = np.asarray(blocks, dtype=np.float64)
    spread = np.broadcast_to(np.asarray(kappa, dtype=np.float64), x.shape[-1:])
    if limit <= 0:
        return np.zeros_like(x)
    variance = np.maximum(spread * limit * (1 - limit), 1e-300)
    bets = _BELOW[:, None] * np.log1p(limit**2 / (2 * variance)) / limit
    far = limit + spread * (1 - limit)
    p = spread * (1 - limit) / far
    with np.errstate(divide="ignore"):
        worst = np.logaddexp(np.log(p), np.log1p(-p) - bets * far)
    factors = -bets * x[..., None, :] - worst
    return _averaged(factors)


def block_kappa(n: ArrayLike, rho: float) -> Array:
    """Return kappa = 1 / n + rho (1 - 1 / n), the variance of a block's rate over mu (1 - mu).

    >>> round(float(block_kappa(200, 0.02)), 4)
    0.0249
    """
    share = 1 / np.maximum(np.asarray(n, dtype=np.float64), 1.0)
    return np.asarray(share + rho * (1 - share), dtype=np.float64)


def clustering(blocks: ArrayLike, n: ArrayLike, *, level: float | None = None) -> float:
    """Return the correlation of rows within a block, by moments; with a level, an upper bound.

    sum (x - mean)^2 / (T - 1) over mean (1 - mean) estimates kappa; rho follows from it. The
    bound takes the sum as chi-square with T - 1 degrees of freedom. Moves of the true rate from
    block to block count as clustering. NaN with fewer than 3 blocks, or with no variation possible.

    >>> round(clustering([0.0, 0.1, 0.0, 0.1], [1000] * 4), 3)
    0.069
    """
    x, rows = np.asarray(blocks, dtype=np.float64), np.asarray(n, dtype=np.float64)
    mean = float(np.average(x, weights=rows)) if rows.sum() > 0 else float("nan")
    if x.size < 3 or not 0 < mean < 1:
        return float("nan")
    kappa = float(np.sum((x - mean) ** 2)) / (x.size - 1) / (mean * (1 - mean))
    if level is not None:
        kappa *= (x.size - 1) / float(stats.chi2.ppf(1 - level, x.size - 1))
    share = float(np.mean(1 / np.maximum(rows, 1)))
    return float(np.clip((kappa - share) / (1 - share), 0, 1)) if share < 1 else float("nan")


def mean_sequence(
    blocks: ArrayLike, kappa: ArrayLike, *, alpha: float = 0.05
) -> tuple[float, float]:
    """Return an interval of the mean that holds at every look together with 1 - alpha.

    The means that neither bet, each at alpha / 2, has ruled out so far.

    >>> low, high = mean_sequence([0.02] * 24, block_kappa(2000, 0.0))
    >>> low < 0.02 < high < 0.03
    True
    """
    x = np.asarray(blocks, dtype=np.float64)
    wall = np.log(2 / alpha)

    def too_low(logit: float) -> bool:
        return bool(log_wealth_above(x, special.expit(logit)).max(initial=0.0) >= wall)

    def too_high(logit: float) -> bool:
        return bool(log_wealth_below(x, special.expit(logit), kappa).max(initial=0.0) >= wall)

    low = special.expit(_edge(too_low, -_WIDE, _WIDE)) if too_low(-_WIDE) else 0.0
    high = special.expit(_edge(too_high, _WIDE, -_WIDE)) if too_high(_WIDE) else 1.0
    return float(low), float(high)


def _edge(ruled_out: Callable[[float], bool], out: float, held: float) -> float:
    """Return where means (as logits) stop being ruled out, by halving, on the side ruled out."""
    for _ in range(_HALVINGS):
        middle = (out + held) / 2
        out, held = (middle, held) if ruled_out(middle) else (out, middle)
    return out


@dataclass(frozen=True)
class Reach:
    """The means that a watch finds ``POWER`` of the time: the nearest on each side of its limit.

    ``below`` is None when not even a mean of 0 would be proved, ``above`` when not even 1 would.
    """

    below: float | None
    above: float | None


@lru_cache(maxsize=256)
def reach(
    limit: float, *, n: float, rho: float, blocks: int = 24, alpha: float = 0.05, tests: int = 1
) -> Reach:
    """Return the smallest effects that a watch of ``blocks`` blocks of ``n`` rows would see.

    Beta-binomial blocks are drawn with a fixed seed at each mean tried; the nearest mean that is
    found 8 times in 10 is searched by halving. ``above`` counts wealth that reaches
    tests / alpha at any look, ``below`` wealth that stands at 1 / alpha at the end.

    >>> found = reach(0.02, n=200, rho=0.02)
    >>> 0 < found.below < 0.01 and 0.03 < found.above < 0.05
    True
    """
    rows, kappa = max(1, round(n)), block_kappa(n, rho)

    def power_above(mean: float) -> float:
        x = beta_binomial(mean, rows, rho, (_SIMULATED, blocks), np.random.default_rng(1))
        return float(np.mean(log_wealth_above(x, limit).max(axis=1) >= np.log(tests / alpha)))

    def power_below(mean: float) -> float:
        x = beta_binomial(mean, rows, rho, (_SIMULATED, blocks), np.random.default_rng(2))
        return float(np.mean(log_wealth_below(x, limit, kappa)[:, -1] >= np.log(1 / alpha)))

    above = below = None
    if power_above(1.0) >= POWER:
        miss, hit = limit, 1.0
        while hit - miss > 0.02 * hit:
            middle = (miss + hit) / 2
            miss, hit = (miss, middle) if power_above(middle) >= POWER else (middle, hit)
        above = hit
    if power_below(0.0) >= POWER:
        hit, miss = 0.0, limit
        while miss - hit > 0.02 * limit:
            middle = (miss + hit) / 2
            hit, miss = (middle, miss) if power_below(middle) >= POWER else (hit, middle)
        below = hit
    return Reach(below, above)


def beta_binomial(
    mean: float, n: int, rho: float, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    """Return rates of blocks of ``n`` rows that are 0 or 1 with a correlation rho in a block.

    >>> beta_binomial(0.0, 10, 0.1, (3,), np.random.default_rng(0)).tolist()
    [0.0, 0.0, 0.0]
    """
    if rho <= 0 or mean <= 0 or mean >= 1:
        return np.asarray(rng.binomial(n, mean, size=shape) / n, dtype=np.float64)
    size = 1 / rho - 1
    return np.asarray(
        rng.binomial(n, rng.beta(mean * size, (1 - mean) * size, size=shape)) / n,
        dtype=np.float64,
    )


def _averaged(factors: Array) -> Array:
    """Return the log of the mean wealth of bets; the last two axes are bets and blocks."""
    wealth = np.cumsum(factors, axis=-1)
    return np.asarray(special.logsumexp(wealth, axis=-2) - np.log(factors.shape[-2]))
