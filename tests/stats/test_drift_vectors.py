"""Vectors that moved are told from vectors that did not."""

from __future__ import annotations

import numpy as np
import pytest
from rca.errors import BadValueError
from rca.stats.drift_vectors import _components, _logistic, _placements, mmd, tell_apart
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


def test_the_regression_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(400, 4)), np.ones(400)])
    now = (rng.random(400) < 1 / (1 + np.exp(-rows[:, 0]))).astype(float)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(rows[:, :4], now)
    ours = _logistic(rows, now)
    assert ours[:4] == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert ours[4] == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_placements_average_to_the_auc() -> None:
    rng = np.random.default_rng(1)
    below, above = np.round(rng.normal(0, 1, 80), 1), np.round(rng.normal(1, 1, 60), 1)
    truth = np.repeat([0, 1], [80, 60])
    first, second = _placements(below, above)
    expected = roc_auc_score(truth, np.concatenate([below, above]))
    assert first.mean() == pytest.approx(expected)
    assert second.mean() == pytest.approx(expected)


def test_the_auc_interval_covers_what_a_large_sample_says() -> None:
    rng = np.random.default_rng(2)
    truth = stats.norm.cdf(0.8 / np.sqrt(2))
    hits = 0
    for _ in range(100):
        told = tell_apart(rng.normal(size=(300, 1)), rng.normal(0.8, 1, (300, 1)), rng=rng)
        hits += told.ci[0] <= truth <= told.ci[1]
    assert hits >= 90


def test_without_drift_p_values_are_spread_out() -> None:
    rng = np.random.default_rng(3)
    pairs = [(rng.normal(size=(120, 10)), rng.normal(size=(150, 10))) for _ in range(80)]
    by_mmd = np.array([mmd(x, y, rng=rng, permutations=99).p_value for x, y in pairs])
    by_auc = np.array([tell_apart(x, y, rng=rng).p_value for x, y in pairs])
    assert np.mean(by_mmd <= 0.05) <= 0.13
    assert np.mean(by_auc <= 0.05) <= 0.08
    assert stats.kstest(by_mmd, "uniform").pvalue > 0.001


def test_a_small_new_cluster_is_found_and_shown() -> None:
    rng = np.random.default_rng(4)
    before, now = rng.normal(size=(2000, 32)), rng.normal(size=(2000, 32))
    now[:100] = rng.normal(size=(100, 32)) * 0.3 + 3 * np.eye(32)[3]
    now[:100, 5] -= 3
    assert mmd(before, now, rng=rng, permutations=199).p_value <= 0.01
    told = tell_apart(before, now, rng=rng)
    top = np.argsort(-told.score_current)[:20]
    assert np.mean(top < 100) >= 0.5  # of 5 % in the sample


def test_rotating_vectors_changes_nothing_much() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(200, 6)), rng.normal(0.3, 1, (200, 6))
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    plain = tell_apart(x, y, rng=np.random.default_rng(6))
    turned = tell_apart(x @ turn, y @ turn, rng=np.random.default_rng(6))
    assert plain.auc == pytest.approx(turned.auc, abs=1e-9)
    assert _components(np.ones((5, 2))).shape == (5, 1)


def test_what_cannot_be_compared_is_said() -> None:
    rng = np.random.default_rng(7)
    with pytest.raises(BadValueError, match="vectors of one length"):
        mmd(np.ones((20, 3)), np.ones((20, 4)), rng=rng)
    with pytest.raises(BadValueError, match="fewer than ten rows"):
        tell_apart(np.full((20, 3), np.nan), np.ones((20, 3)), rng=rng)
