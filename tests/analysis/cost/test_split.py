"""The split of spend: numbers in, numbers out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rca.analysis.cost.split import PARTS, Totals, errors, split, unit_prices

AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-3, 1e6))


@st.composite
def totals(draw: st.DrawFn, models: int = 3) -> Totals:
    requests = draw(arrays(float, models, elements=AMOUNTS))
    served = requests > 0
    cost = draw(arrays(float, models, elements=AMOUNTS)) * served
    tokens = draw(arrays(float, (models, 3), elements=AMOUNTS)) * served[:, None]
    more = draw(arrays(float, (models, 3), elements=AMOUNTS)) * served[:, None]
    return Totals(requests, cost, tokens, tokens + more)


PRICES = arrays(float, (3, 3), elements=st.floats(0, 1))


@given(totals(), totals(), PRICES)
def test_parts_add_up_per_model_and_in_all(one: Totals, two: Totals, prices: np.ndarray) -> None:
    parts = split(one, two, prices)
    size = max(1.0, one.cost.max(), two.cost.max(), np.abs(parts).max())
    assert parts.sum(-1) == pytest.approx(two.cost - one.cost, abs=1e-9 * size)


@given(totals(), totals(), PRICES)
def test_swapping_sides_flips_every_sign(one: Totals, two: Totals, prices: np.ndarray) -> None:
    there, back = split(one, two, prices), split(two, one, prices)
    assert there == pytest.approx(-back, abs=1e-9 * max(1.0, np.abs(there).max()))


@given(totals(), PRICES)
def test_equal_sides_have_no_part(one: Totals, prices: np.ndarray) -> None:
    assert np.abs(split(one, one, prices)).max() == 0


def one_model(
    requests: float, fresh: float, cached: float, out: float, price: float, attempts: float = 1
) -> Totals:
    tokens = np.array([[fresh, cached, out]]) * requests
    cost = attempts * tokens @ np.array([0.01, 0.001, 0.1]) * price
    return Totals(np.array([requests]), cost, tokens, attempts * tokens)


P = np.array([[0.01, 0.001, 0.1]])
BEFORE = one_model(10, 100, 50, 10, 1)


@pytest.mark.parametrize(
    ("now", "part", "shift"),
    [
        (one_model(30, 100, 50, 10, 1), "requests", 20 * 2.05),
        (one_model(10, 300, 50, 10, 1), "input tokens", 10 * 200 * 0.01),
        (one_model(10, 100, 850, 10, 1), "cached tokens", 10 * 800 * 0.001),
        (one_model(10, 100, 50, 25, 1), "output tokens", 10 * 15 * 0.1),
        (one_model(10, 100, 50, 10, 3), "price", 2 * 10 * 2.05),
        (one_model(10, 100, 50, 10, 1, 4), "retries", 3 * 10 * 2.05),
    ],
)
def test_one_thing_moved(now: Totals, part: str, shift: float) -> None:
    """Worked by hand: 100 x 0.01 + 50 x 0.001 + 10 x 0.1 = 2.05 a request."""
    parts = dict(zip(PARTS, split(BEFORE, now, P)[0], strict=True))
    assert parts.pop(part) == pytest.approx(shift)
    assert list(parts.values()) == pytest.approx([0.0] * 6, abs=1e-9)


def test_a_shift_of_traffic_to_a_dearer_model_is_mix() -> None:
    """Ten requests an hour; four move from a model of 1 USD to one of 5: 4 x (5 - 1) = 16."""
    tokens = np.zeros((2, 3))
    one = Totals(np.array([8.0, 2.0]), np.array([8.0, 10.0]), tokens, tokens)
    two = Totals(np.array([4.0, 6.0]), np.array([4.0, 30.0]), tokens, tokens)
    parts = split(one, two, np.zeros((2, 3)))
    assert dict(zip(PARTS, parts.sum(0), strict=True)) == pytest.approx(
        {part: 16.0 if part == "mix" else 0.0 for part in PARTS}
    )


def test_prices_of_a_price_list_are_found_exactly() -> None:
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 1000, (200, 3)).astype(float)
    cost = tokens @ P[0]
    prices, told = unit_prices(tokens.T @ tokens, tokens.T @ cost, tokens.sum(0), cost.sum())
    assert told
    assert prices == pytest.approx(P[0])


def test_tokens_that_move_together_get_one_price() -> None:
    tokens = np.outer(np.arange(1.0, 50), [2.0, 0.0, 1.0])
    cost = tokens.sum(1) * 0.5
    prices, told = unit_prices(tokens.T @ tokens, tokens.T @ cost, tokens.sum(0), cost.sum())
    assert not told
    assert prices == pytest.approx([0.5] * 3)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """600 simulated pairs with bursts: requests truly rose by 20 %, cost per request by nothing."""
    rng = np.random.default_rng(5)
    hits, runs = 0, 600
    for _ in range(runs):
        sides = []
        for rate in (100.0, 120.0):
            hourly = rng.poisson(rate * rng.gamma(20, 1 / 20, 24)).astype(float)
            cost = np.array([rng.lognormal(0, 0.5, int(n)).sum() for n in hourly])
            none = np.zeros((24, 1, 3))
            sides.append(Totals(hourly[:, None], cost[:, None], none, none))
        part = split(sides[0].mean(), sides[1].mean(), np.zeros((1, 3)))[0, 0]
        _, se = errors(*sides, np.zeros((1, 3)), n_draws=200, rng=rng)
        truth = 20 * np.exp(0.125)
        hits += abs(part - truth) < 1.96 * se[0]
    assert 0.92 < hits / runs < 0.975
