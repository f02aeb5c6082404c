"""The compiled loops against ruptures' exact optimum and against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.stats.changepoint.kernels import optimal_levels, transition_scores, whiten
from rca.stats.changepoint.noise import Noise, innovation_variance, neighbours_median


def brute_force(y: np.ndarray, w: np.ndarray, penalty: float) -> tuple[float, list[int]]:
    n = len(y)
    best, last = [0.0] + [np.inf] * n, [0] * (n + 1)
    for end in range(1, n + 1):
        for start in range(end):
            part, weight = y[start:end], w[start:end]
            cost = float(weight @ (part - weight @ part / weight.sum()) ** 2)
            total = best[start] + cost + (penalty if start else 0.0)
            if total < best[end]:
                best[end], last[end] = total, start
    starts, end = [], last[n]
    while end > 0:
        starts.append(end)
        end = last[end]
    return best[n], starts[::-1]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), n=st.integers(2, 40), penalty=st.floats(0.5, 20))
def test_finds_the_optimum_that_brute_force_finds(seed, n, penalty):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) + 3 * (np.arange(n) > n / 2)
    w = rng.uniform(0.2, 3, size=n)
    assert optimal_levels(y, w, penalty).tolist() == brute_force(y, w, penalty)[1]


@pytest.mark.parametrize("seed", range(3))
def test_segments_as_ruptures_does(seed):
    ruptures = pytest.importorskip("ruptures")
    rng = np.random.default_rng(seed)
    y = rng.normal(size=240) + np.repeat(2 * rng.normal(size=6), 40)
    other = ruptures.Pelt("l2", min_size=1, jump=1).fit(y).predict(pen=10.0)[:-1]
    assert optimal_levels(y, np.ones(240), 10.0).tolist() == other


def covariance(position: np.ndarray, rho: float, share: float) -> np.ndarray:
    apart = np.abs(position[:, None] - position[None, :])
    return np.where(apart == 0, 1.0, share * rho**apart)


@pytest.mark.parametrize(("rho", "share"), [(0.8, 1.0), (0.9, 0.4), (0.0, 0.0)])
def test_whitening_is_the_inverse_cholesky_root(rho, share):
    position = np.array([0, 1, 2, 5, 6, 9, 10, 11])
    columns = np.random.default_rng(0).normal(size=(8, 3))
    root = np.linalg.cholesky(covariance(position, rho, share))
    assert whiten(columns, position, rho, share) == pytest.approx(np.linalg.solve(root, columns))


def test_scores_are_those_of_generalised_least_squares():
    rng = np.random.default_rng(1)
    n, rho, share, sd = 30, 0.7, 0.6, 1.5
    times, position = np.arange(n) * 60.0, np.arange(n)
    y, root = rng.normal(size=n), rng.uniform(0.5, 2, size=n)
    white = whiten(np.column_stack((y * root, root)), position, rho, share) / sd
    onset, length = np.array([600.0, 615.0, 600.0]), np.array([0.0, 0.0, 300.0])
    information, score, seen = transition_scores(
        times, position, root, 60.0, white[:, 0].copy(), white[:, 1].copy(),
        onset, length, rho, share, sd, 0.0,
    )  # fmt: skip
    inverse = np.linalg.inv(sd**2 * covariance(position, rho, share))
    for j in range(3):
        fine = times[:, None] + 60 * (np.arange(6000) + 0.5) / 6000
        ramp = fine >= onset[j] if length[j] == 0 else np.clip((fine - onset[j]) / length[j], 0, 1)
        design = np.column_stack((np.ones(n), ramp.mean(1))) * root[:, None]
        gram = design.T @ inverse @ design
        solved = np.linalg.solve(gram, design.T @ inverse @ (y * root))
        assert information[j] == pytest.approx(1 / np.linalg.inv(gram)[1, 1], rel=1e-3)
        assert score[j] / information[j] == pytest.approx(solved[1], rel=1e-3)
    assert seen.tolist() == [1.0, 1.0, 1.0]


def test_inflation_is_the_variance_of_a_mean():
    noise = Noise(1.0, 0.8, 0.5, 100.0)
    for m in (1, 2, 7, 50):
        exact = covariance(np.arange(m), 0.8, 0.5).mean() * m
        assert float(noise.inflation(m)) == pytest.approx(exact)
    assert noise.long_run == pytest.approx(1 + 2 * 0.5 * 0.8 / 0.2)


def test_innovations_of_an_autoregression():
    assert innovation_variance(2.0 * 0.6 ** np.arange(4)) == pytest.approx(2 * (1 - 0.36))


def test_the_median_of_neighbours_leaves_the_bucket_out():
    y = np.array([0.0, 1.0, 50.0, 3.0, 4.0, 5.0])
    assert neighbours_median(y)[2] == 2.0
    assert neighbours_median(y)[0] == 3.5
    assert neighbours_median(y)[5] == 3.5
