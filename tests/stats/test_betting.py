"""Bets on hourly blocks: never wrong too often, however one looks, and able to see."""

from __future__ import annotations

import numpy as np
import pytest
from rca.stats.betting import (
    beta_binomial,
    block_kappa,
    clustering,
    log_wealth_above,
    log_wealth_below,
    mean_sequence,
    reach,
)

LIMIT, ALPHA, SIMULATED = 0.02, 0.05, 4000
WALL = np.log(1 / ALPHA)
#: Three standard errors of a share of alpha among the simulated watches.
SLACK = 3 * np.sqrt(ALPHA * (1 - ALPHA) / SIMULATED)


def days(mean, *, n=200, rho=0.0, seed=0):
    return beta_binomial(mean, n, rho, (SIMULATED, 24), np.random.default_rng(seed))


def ever(wealth):
    return float(np.mean(wealth.max(axis=1) >= WALL))


def test_wealth_below_by_hand_is_the_bound_of_bennett():
    # One bet at a time: E exp(lambda (m - x)) over the worst two points, 0 and c, is 1 exactly.
    m, kappa = 0.02, 0.01
    c = m + kappa * (1 - m)
    p = kappa * (1 - m) / c
    assert (1 - p) * c == pytest.approx(m)
    assert (1 - p) * c**2 - m**2 == pytest.approx(kappa * m * (1 - m))
    at = np.exp([log_wealth_below([x], m, kappa)[0] for x in (0.0, c)])
    assert p * at[0] + (1 - p) * at[1] == pytest.approx(1)


@pytest.mark.parametrize("rho", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("n", [20, 200, 2000])
def test_at_the_limit_neither_bet_wins_too_often_at_any_look(n, rho):
    x = days(LIMIT, n=n, rho=rho, seed=n)
    assert ever(log_wealth_above(x, LIMIT)) <= ALPHA + SLACK
    assert ever(log_wealth_below(x, LIMIT, block_kappa(n, rho))) <= ALPHA + SLACK


def test_what_other_tests_do_with_clustered_errors():
    """The traps: a z test at every look, and bets on single rows, cry wolf."""
    x = days(LIMIT, rho=0.02, seed=5)
    seen = np.arange(1, 25)
    mean = np.cumsum(x, axis=1) / seen
    z = (mean - LIMIT) / np.sqrt(LIMIT * (1 - LIMIT) / (200 * seen))
    assert np.mean((z > 1.645).any(axis=1)) > 0.2
    rows = log_wealth_below(x, LIMIT, block_kappa(200, 0.0))
    assert ever(rows) > ALPHA + SLACK
    assert ever(log_wealth_below(x, LIMIT, block_kappa(200, 0.02))) <= ALPHA + SLACK


@pytest.mark.parametrize("worst", ["two points", "whole hours", "day and night"])
def test_blocks_that_are_no_beta_binomial_keep_the_level(worst):
    rng, kappa = np.random.default_rng(8), 0.03
    if worst == "two points":  # of all blocks with this variance the ones that win most
        c = LIMIT + kappa * (1 - LIMIT)
        x = np.where(rng.random((SIMULATED, 24)) < LIMIT / c, c, 0.0)
    elif worst == "whole hours":  # an hour fails as a whole or not at all: kappa is 1
        kappa = 1.0
        x = (rng.random((SIMULATED, 24)) < LIMIT).astype(float)
    else:  # the rate swings with the hour, about the limit
        rate = LIMIT * (1 + 0.9 * np.sin(np.arange(24) / 24 * 2 * np.pi + 1))
        x = rng.binomial(500, np.broadcast_to(rate, (SIMULATED, 24))) / 500
        kappa = float(block_kappa(500, 0.01))
    below = log_wealth_below(x, LIMIT, kappa)
    assert np.mean(below[:, -1] >= WALL) <= ALPHA + SLACK
    assert np.mean(log_wealth_above(x, LIMIT)[:, -1] >= WALL) <= ALPHA + SLACK


@pytest.mark.parametrize(
    ("mean", "rho", "bet", "floor"),
    [
        (0.04, 0.0, "above", 0.99),
        (0.04, 0.02, "above", 0.88),
        (0.04, 0.05, "above", 0.6),
        (0.01, 0.0, "below", 0.98),
        (0.01, 0.005, "below", 0.78),
        (0.004, 0.02, "below", 0.95),
    ],
)
def test_power(mean, rho, bet, floor):
    x = days(mean, rho=rho, seed=2)
    if bet == "above":
        assert ever(log_wealth_above(x, LIMIT)) >= floor
    else:
        final = log_wealth_below(x, LIMIT, block_kappa(200, rho))[:, -1]
        assert np.mean(final >= WALL) >= floor


def test_the_interval_holds_at_every_look():
    x = days(0.03, n=500, rho=0.01, seed=3)[:200]
    kappa = block_kappa(500, 0.01)
    spans = np.array([[mean_sequence(day[:k], kappa) for k in (6, 24)] for day in x])
    missed = ((spans[..., 0] > 0.03) | (spans[..., 1] < 0.03)).any(axis=1)
    assert np.mean(missed) <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / len(x))
    assert np.all(spans[..., 0] <= spans[..., 1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mean_ruled_out_rules_out_all_beyond_it(seed):
    day = beta_binomial(0.03, 500, 0.02, (24,), np.random.default_rng(seed))
    grid = 1 / (1 + np.exp(-np.linspace(-10, 10, 200)))
    above = [log_wealth_above(day, m).max() for m in grid]
    below = [log_wealth_below(day, m, block_kappa(500, 0.02)).max() for m in grid]
    wall = np.log(40)
    assert np.all(np.diff((np.array(above) >= wall).astype(int)) <= 0)
    assert np.all(np.diff((np.array(below) >= wall).astype(int)) >= 0)


def test_the_reach_is_what_a_new_simulation_finds():
    found = reach(LIMIT, n=200, rho=0.02)
    above = ever(log_wealth_above(days(found.above, rho=0.02, seed=11), LIMIT))
    x = days(found.below, rho=0.02, seed=12)
    below = np.mean(log_wealth_below(x, LIMIT, block_kappa(200, 0.02))[:, -1] >= WALL)
    assert above == pytest.approx(0.8, abs=0.06)
    assert below == pytest.approx(0.8, abs=0.06)


def test_too_few_rows_can_prove_nothing():
    assert reach(LIMIT, n=2, rho=0.02).below is None


def test_clustering_is_found_and_its_bound_lies_above_it():
    x, n = days(0.05, n=300, rho=0.03, seed=4), np.full(24, 300.0)
    found = np.array([clustering(day, n) for day in x[:500]])
    bound = np.array([clustering(day, n, level=0.9) for day in x[:500]])
    assert found.mean() == pytest.approx(0.03, rel=0.1)
    assert np.mean(bound >= 0.03) > 0.8
    assert np.isnan(clustering([0.1, 0.2], [10, 10]))
