"""Distances, tests, onsets and transformations against hand cases and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rca.stats import distance
from rca.stats.drift_grid import on_grid, rounding
from rca.stats.drift_onset import Onset, onset, refined
from rca.stats.drift_test import drift_test, merged, overdispersion
from rca.stats.drift_transform import transform
from rca.stats.histogram import edges, is_single, middles
from scipy import stats
from scipy.spatial.distance import jensenshannon

counts = arrays(np.float64, 6, elements=st.integers(0, 50).map(float)).filter(lambda x: x.sum() > 0)


@given(counts, counts)
def test_jensen_shannon_is_scipys(p: np.ndarray, q: np.ndarray) -> None:
    assert distance.jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)


@given(counts, counts)
def test_wasserstein_is_scipys(p: np.ndarray, q: np.ndarray) -> None:
    at = np.array([-3.0, 0.0, 0.5, 2.0, 10.0, 11.0])
    ours = distance.wasserstein(p, q, at)
    assert ours == pytest.approx(stats.wasserstein_distance(at, at, p, q), abs=1e-9)


def test_ks_over_single_value_cells_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.poisson(3, 400), rng.poisson(4, 300)
    cells = np.arange(20)
    ours = distance.ks(*(np.bincount(x, minlength=20)[cells] for x in (a, b)))
    assert ours == pytest.approx(stats.ks_2samp(a, b).statistic)


@given(counts, counts)
def test_distances_are_symmetric_and_zero_only_for_the_same_shares(
    p: np.ndarray, q: np.ndarray
) -> None:
    for measure in (
        distance.psi,
        distance.jensen_shannon,
        distance.total_variation,
        distance.effect_w,
    ):
        assert measure(p, q) == pytest.approx(measure(q, p), abs=1e-9)
        assert measure(p, 3 * p) == pytest.approx(0, abs=1e-9)
    assert 0 <= distance.total_variation(p, q) <= 1
    assert 0 <= distance.effect_w(p, q) <= 2


def test_edges_give_a_default_value_a_bin_of_its_own() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(50, 10, 5000)
    y = np.where(rng.random(5000) < 0.1, -1.0, x)
    found = edges(x, y)
    cells = np.searchsorted(found, y, side="right")
    at_default = np.flatnonzero(is_single(found))
    assert -1.0 in found[at_default - 1]
    assert (cells == at_default[found[at_default - 1] == -1.0][0]).mean() == np.mean(y == -1)


def test_edges_resolve_values_in_another_unit() -> None:
    x = np.random.default_rng(3).lognormal(3, 1, 4000)
    found = edges(x, 1000 * x)
    assert (found > x.max()).sum() >= 4
    assert len(middles(found)) == len(found) + 1


def test_the_plain_test_is_the_chi_square_of_homogeneity() -> None:
    table = np.array([[120.0, 80, 50, 30], [90, 95, 60, 45]])
    n = table.sum(axis=1)
    found = drift_test(table[0] / n[0], table[1] / n[1], n=(n[0], n[1]))
    other = stats.chi2_contingency(table, correction=False)
    assert found.statistic == pytest.approx(other.statistic)
    assert found.p_value == pytest.approx(other.pvalue, rel=1e-4)
    assert found.design_effect == 1


def test_rare_cells_are_pooled_with_neighbours_or_together() -> None:
    a = np.array([50.0, 1, 2, 1, 40, 1, 60])
    assert merged(True, a, a).tolist() == [0, 1, 1, 1, 1, 2, 2]
    groups = merged(False, a, a)
    assert len({groups[i] for i in (1, 2, 3, 5)}) == 1
    assert len(set(groups)) == 4


def test_overdispersion_recovers_the_extra_variance_of_days() -> None:
    rng = np.random.default_rng(4)
    # Dirichlet-multinomial days: variance over the multinomial's is 1 + (n - 1) / (A + 1).
    share, strength, n, days = np.array([0.4, 0.3, 0.2, 0.1]), 500.0, 2000, 400
    seen = np.array([rng.multinomial(n, rng.dirichlet(share * strength)) for _ in range(days)])
    expected = np.tile(seen.sum(axis=0) / seen.sum() * n, (days, 1))
    found = overdispersion(seen.astype(float), expected)
    assert found.rho == pytest.approx(1 / (strength + 1), rel=0.1)


def test_two_days_tell_nothing_about_days() -> None:
    found = overdispersion(np.full((2, 3), 100.0), np.full((2, 3), 100.0))
    assert not found.known
    assert found.rho == 0


@pytest.mark.parametrize("n", [300, 100_000])
def test_days_that_differ_are_no_drift(n: int) -> None:
    """False alarms over 400 weeks whose days have mixes of their own, at the nominal 5 %."""
    rng = np.random.default_rng(5)
    share, strength = np.array([0.3, 0.3, 0.2, 0.2]), 400.0
    p_values, plain = [], []
    for _ in range(400):
        days = np.array([rng.multinomial(n, rng.dirichlet(share * strength)) for _ in range(8)])
        before, now = days[:7].astype(float), days[7].astype(float)
        pooled = before.sum(axis=0)
        known = overdispersion(before, np.tile(pooled / 7, (7, 1)))
        sizes = (7.0 * n, float(n))
        test = drift_test(
            pooled / pooled.sum(), now / n, n=sizes, clusters=(float(n), float(n)), days=known
        )
        p_values.append(test.p_value)
        plain.append(drift_test(pooled / pooled.sum(), now / n, n=sizes).p_value)
    assert np.mean(np.array(p_values) < 0.05) <= 0.08
    if n == 100_000:
        assert np.mean(np.array(plain) < 0.05) > 0.9


def test_noise_is_the_effect_that_chance_exceeds_once_in_a_hundred_times() -> None:
    rng = np.random.default_rng(6)
    share, n = np.full(10, 0.1), 2000
    pairs = [(rng.multinomial(n, share), rng.multinomial(n, share)) for _ in range(2000)]
    noise = drift_test(share, share, n=(n, n)).noise
    effects = np.array([distance.effect_w(a, b) for a, b in pairs])
    assert np.mean(effects > noise) == pytest.approx(0.01, abs=0.006)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 38), st.integers(0, 1000))
def test_an_onset_in_blocks_lies_in_its_interval(at: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p0, p1 = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    counts = np.array([rng.multinomial(60, p1 if i >= at else p0) for i in range(40)], float)
    found, _ = onset(np.arange(40.0), 1.0, counts, np.tile(p0, (40, 1)), p1)
    assert found.found
    assert found.low <= at <= found.high
    assert found.high - found.low < 8


def test_the_onset_interval_covers_nine_times_in_ten() -> None:
    rng = np.random.default_rng(7)
    p0, p1 = np.array([0.5, 0.5]), np.array([0.35, 0.65])
    hits = 0
    for _ in range(300):
        at = int(rng.integers(40, 160))
        cell = (rng.random(200) < np.where(np.arange(200) >= at, p1[1], p0[1])).astype(int)
        coarse = Onset(100.0, 0.0, 200.0, True)
        found = refined(coarse, np.arange(200.0), np.log(p1 / p0)[cell])
        hits += found.low <= at <= found.high
    assert hits / 300 >= 0.87


def test_nothing_that_changed_has_no_onset() -> None:
    p0 = np.array([0.5, 0.5])
    counts = np.tile([5.0, 95.0], (10, 1))
    found, _ = onset(np.arange(10.0), 1.0, counts, np.tile(p0, (10, 1)), np.array([0.05, 0.95]))
    assert not found.found


@pytest.mark.parametrize(
    ("make", "kind", "value"),
    [
        (lambda x: x * 1000, "factor", 1000),
        (lambda x: x / 100, "factor", 0.01),
        (lambda x: x * 3.7, "factor", 3.7),
        (lambda x: x + 900, "offset", 900),
        (lambda x: -x, "sign", None),
        (lambda x: 1.8 * x + 32, "affine", None),
        (np.log, "log", None),
    ],
)
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_transformation_is_found_with_its_share(make, kind, value, share) -> None:
    rng = np.random.default_rng(8)
    before, now = rng.gamma(4, 20, 6000), rng.gamma(4, 20, 3000)
    hit = rng.random(3000) < share
    found = transform(np.sort(before), np.sort(np.where(hit, make(now), now)))
    assert found is not None
    if kind != "affine" or share < 1:
        assert found.kind == kind
    if value is not None:
        assert found.value == pytest.approx(value, rel=0.05)
    assert found.share == pytest.approx(hit.mean(), abs=0.04)


def test_alike_samples_need_no_transformation_to_explain_much() -> None:
    rng = np.random.default_rng(9)
    found = transform(*(np.sort(rng.normal(0, 1, 2000)) for _ in range(2)))
    assert found is None or found.share < 0.15 or abs(found.value) < 0.2


def test_grids() -> None:
    assert on_grid(np.array([0.1, 0.3, 0.25, 7.0]), 0.1).tolist() == [True, True, False, True]
    rng = np.random.default_rng(10)
    x, y = rng.normal(100, 20, 2000), rng.normal(100, 20, 2000)
    assert rounding(x, y) is None
    found = rounding(x, np.where(rng.random(2000) < 0.4, np.round(y, 1), y))
    assert found is not None
    assert found.step == 0.1
    assert found.share == pytest.approx(0.4, abs=0.04)
    assert rounding(np.round(x), np.round(y)) is None


def test_values_in_another_unit_are_no_rounding() -> None:
    x = np.round(np.random.default_rng(11).gamma(4, 20, 3000), 2)
    assert rounding(x[:1500], x[1500:] * 1000) is None
