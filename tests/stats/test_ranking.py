"""AUC: known answers, another library, coverage of the paired difference."""

import numpy as np
import pytest
from rca.stats.ranking import paired_ranking_difference, ranking, ranking_difference
from sklearn.metrics import roc_auc_score


def binned(score, label, bins):
    return [np.bincount(score[label == k], minlength=bins) for k in (0, 1)]


def joint(score0, score1, label, bins):
    found = np.zeros((2, bins, bins))
    np.add.at(found, (label, score0, score1), 1)
    return found


def test_auc_is_scikit_learns():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 500)
    score = np.clip(rng.normal(10 + 4 * label, 4), 0, 24).astype(int)
    assert ranking(*binned(score, label, 25)).auc == pytest.approx(roc_auc_score(label, score))


def test_perfect_and_reversed():
    assert ranking([5, 0], [0, 5]).auc == 1
    assert ranking([0, 5], [5, 0]).auc == 0
    assert ranking([3, 3], [3, 3]).auc == 0.5


def test_delongs_variance_by_its_definition():
    n, p = np.array([4, 3, 1]), np.array([1, 2, 5])
    s0, s1 = np.repeat([0, 1, 2], n), np.repeat([0, 1, 2], p)
    kernel = (s1[:, None] > s0) + 0.5 * (s1[:, None] == s0)
    expected = kernel.mean(axis=1).var(ddof=1) / 8 + kernel.mean(axis=0).var(ddof=1) / 8
    assert ranking(n, p).variance == pytest.approx(expected)


def simulated(rng, gain):
    label = np.repeat([0, 1], 120)
    base = rng.normal(size=240) + label
    own = [
        np.clip((base + 0.7 * rng.normal(size=240) + k * label) * 6 + 20, 0, 59) for k in (0, gain)
    ]
    return own[0].astype(int), own[1].astype(int), label


def test_paired_difference_covers_and_is_narrower():
    rng = np.random.default_rng(2)
    paired, widths = [], []
    for _ in range(400):
        s0, s1, label = simulated(rng, 0.0)
        found = paired_ranking_difference(*joint(s0, s1, label, 60))
        apart = ranking_difference(ranking(*binned(s0, label, 60)), ranking(*binned(s1, label, 60)))
        assert found.shift == pytest.approx(apart.shift)
        paired.append(found.ci[0] <= 0 <= found.ci[1])
        widths.append(np.ptp(found.ci) / np.ptp(apart.ci))
    assert 0.92 <= np.mean(paired) <= 0.98
    assert np.mean(widths) < 0.8


def test_a_better_ranking_is_found():
    s0, s1, label = simulated(np.random.default_rng(3), 1.0)
    found = paired_ranking_difference(*joint(s0, s1, label, 60))
    assert found.p_value < 0.001
    assert found.shift > 0
