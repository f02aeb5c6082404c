"""The interval of a quantile's difference: a known answer, coverage, what it cannot know."""

import numpy as np
import pytest
from rca.stats.quantile_shift import Quantiles, grid, quantile_shift
from scipy import stats


def side(values, q, variance=None):
    probabilities = np.array(grid(q))
    known = np.quantile(values, probabilities)
    return Quantiles(q, probabilities, known, variance or q * (1 - q) / len(values))


def test_one_sides_interval_is_close_to_the_exact_one_of_order_statistics():
    values = np.sort(np.random.default_rng(1).lognormal(0, 1, 400))
    low, high = side(values, 0.5).interval(0.95)
    exact = values[stats.binom.ppf([0.025, 0.975], 400, 0.5).astype(int)]
    assert (low, high) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(
    ("q", "n", "shared"), [(0.5, 60, 0.0), (0.5, 300, 0.9), (0.95, 300, 0.0), (0.95, 300, 0.9)]
)
def test_it_covers(q, n, shared):
    rng = np.random.default_rng(2)
    common = shared * rng.normal(size=(400, n))
    own = np.sqrt(1 - shared**2)
    before = np.exp(common + own * rng.normal(size=(400, n)))
    after = np.exp(common + own * rng.normal(size=(400, n)) + 0.2)
    true = (np.exp(0.2) - 1) * np.exp(stats.norm.ppf(q))
    covered = 0
    for b, c in zip(before, after, strict=True):
        over = b > np.quantile(b, q), c > np.quantile(c, q)
        correlation = np.corrcoef(*over)[0, 1] if shared else 0.0
        low, high = quantile_shift(side(b, q), side(c, q), correlation=correlation)
        covered += low <= true <= high
    assert 0.925 <= covered / 400 <= 0.99


def test_what_the_sides_share_narrows_the_interval():
    values = np.random.default_rng(3).lognormal(0, 1, 500)
    before, after = side(values, 0.5), side(values * 1.1, 0.5)
    wide = np.ptp(quantile_shift(before, after))
    assert np.ptp(quantile_shift(before, after, correlation=0.9)) < 0.5 * wide


def test_an_unknown_spread_gives_no_interval():
    known = side([1.0, 2.0, 3.0], 0.5)
    unknown = Quantiles(0.5, known.probabilities, known.values, np.nan)
    assert quantile_shift(known, unknown) == (-np.inf, np.inf)
