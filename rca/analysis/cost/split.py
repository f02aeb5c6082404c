"""The split of a change of spend into parts that add up exactly: numbers in, numbers out.

Spend per hour is S = sum over models of R q k: requests per hour R, the model's share q of them,
and its cost per request k. By the midpoint rule, which is exact for a product and changes only its
sign when the sides are swapped,

    change of (x y) = mid(y) (change of x) + mid(x) (change of y),

the change of S splits into requests (R), mix (q) and cost per request (k); and the change of k
into tokens of each kind at the mean of both sides' prices, retries, which is the tokens that were
billed beyond those of the answer, and price, which is what billed tokens do not explain.
(Bennet 1920; the Shapley value of two factors.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Kinds of tokens, in the order of every array here.
KINDS = ("input tokens", "cached tokens", "output tokens")
PARTS = ("requests", "retries", *KINDS, "price", "mix")
#: Below this the smallest eigenvalue of the scaled normal equations tells no prices apart.
_SINGULAR = 1e-6


@dataclass(frozen=True)
class Totals:
    """Per hour and model: requests and cost (..., m), tokens of each kind (..., m, 3).

    ``billed`` tokens are those of all attempts, where a log counts those of the last one only.
    """

    requests: Array
    cost: Array
    tokens: Array
    billed: Array

    def mean(self) -> Totals:
        """Return the mean over the leading axis."""
        return Totals(
            self.requests.mean(0), self.cost.mean(0), self.tokens.mean(0), self.billed.mean(0)
        )


def split(baseline: Totals, current: Totals, prices: Array) -> Array:
    """Return the parts of the change of spend per hour.

    Parameters
    ----------
    baseline, current : Totals
        With the same models in the same order; leading axes are replications.
    prices : array (m, 3)
        Dollars per token of each kind: the mean of both sides.

    Returns
    -------
    array (..., m, 7)
        In the order of :data:`PARTS`; sums over the last axis to each model's change of spend,
        and over both to the whole change.

    Examples
    --------
    Twice the requests, all else equal: all of the change is requests.

    >>> t = np.array([[100.0, 0.0, 10.0]])
    >>> one = Totals(np.array([10.0]), np.array([2.0]), t, t)
    >>> two = Totals(np.array([20.0]), np.array([4.0]), 2 * t, 2 * t)
    >>> split(one, two, np.array([[0.01, 0.0, 0.1]])).round(9).tolist()
    [[2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    all0 = baseline.requests.sum(-1, keepdims=True)
    all1 = current.requests.sum(-1, keepdims=True)
    share0, share1 = _per(baseline.requests, all0), _per(current.requests, all1)
    # A model that only one side has did not change its cost: its whole spend is mix.
    cost0, cost1 = _both(
        _per(baseline.cost, baseline.requests), _per(current.cost, current.requests)
    )
    tokens0, tokens1 = _both(
        _per(baseline.tokens, baseline.requests[..., None]),
        _per(current.tokens, current.requests[..., None]),
    )
    billed0, billed1 = _both(
        _per(baseline.billed, baseline.requests[..., None]),
        _per(current.billed, current.requests[..., None]),
    )
    share0, share1 = np.nan_to_num(share0), np.nan_to_num(share1)
    rate, share, cost = (all0 + all1) / 2, (share0 + share1) / 2, (cost0 + cost1) / 2
    requests = (all1 - all0) * (share0 * cost0 + share1 * cost1) / 2
    mix = rate * cost * (share1 - share0)
    by_kind = prices * (tokens1 - tokens0)
    tokens = (rate * share)[..., None] * by_kind
    by_billed = (prices * (billed1 - billed0)).sum(-1)
    retries = rate * share * (by_billed - by_kind.sum(-1))
    price = rate * share * ((cost1 - cost0) - by_billed)
    first = np.stack([requests, retries], axis=-1)
    last = np.stack([price, mix], axis=-1)
    return np.concatenate([first, tokens, last], axis=-1)


def unit_prices(
    products: Array, with_cost: Array, tokens: Array, cost: float
) -> tuple[Array, bool]:
    """Return the price of a token of each kind, and whether the kinds could be told apart.

    The prices are those of the least squares of cost on tokens, without a constant, from sums
    over rows: exact where a price list made the cost. Where kinds move together, or a price would
    be negative, all tokens are given one price.

    Parameters
    ----------
    products : array (3, 3)
        Sums of products of the kinds' tokens.
    with_cost : array (3,)
        Sums of products of tokens and cost.
    tokens : array (3,)
        Sums of tokens.
    cost : float
        Sum of cost.
    """
    used = np.flatnonzero(np.diag(products) > 0)
    if used.size:
        scale = np.sqrt(np.diag(products)[used])
        scaled = products[np.ix_(used, used)] / np.outer(scale, scale)
        if np.linalg.eigvalsh(scaled)[0] > _SINGULAR:
            solved = np.linalg.solve(scaled, with_cost[used] / scale) / scale
            if (solved >= -1e-12).all():
                prices = np.zeros(len(KINDS))
                prices[used] = np.maximum(solved, 0.0)
                return prices, True
    whole = tokens.sum()
    one = cost / whole if whole > 0 else 0.0
    return np.full(len(KINDS), one), used.size == 0


def errors(
    baseline: Totals, current: Totals, prices: Array, *, n_draws: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return standard errors of the parts: per model and part, and of each part over all models.

    Parameters
    ----------
    baseline, current : Totals
        With a leading axis of equal stretches of time: what is resampled, so that requests that
        come in bursts do not count as independent. Prices stay as estimated.
    """
    draws0, draws1 = _resampled(baseline, n_draws, rng), _resampled(current, n_draws, rng)
    parts = split(draws0, draws1, prices)
    n = min(len(baseline.requests), len(current.requests))
    thin = np.sqrt(n / (n - 1))
    return thin * parts.std(axis=0), thin * parts.sum(axis=1).std(axis=0)


def _resampled(stretches: Totals, n_draws: int, rng: np.random.Generator) -> Totals:
    n = len(stretches.requests)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_draws) / n
    return Totals(
        counts @ stretches.requests,
        counts @ stretches.cost,
        np.einsum("bn,nmk->bmk", counts, stretches.tokens),
        np.einsum("bn,nmk->bmk", counts, stretches.billed),
    )


def _per(x: Array, by: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by > 0, x / by, np.nan)


def _both(first: Array, second: Array) -> tuple[Array, Array]:
    """Fill what one side lacks from the other; what both lack is zero."""
    filled0 = np.where(np.isnan(first), second, first)
    filled1 = np.where(np.isnan(second), first, second)
    return np.nan_to_num(filled0), np.nan_to_num(filled1)
