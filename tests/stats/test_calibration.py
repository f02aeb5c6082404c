"""Calibration: a hand case, a calibrated score, coverage of the gap."""

import numpy as np
import pytest
from rca.stats.calibration import calibration


def of(score, label, bins=50):
    b = np.minimum((score * bins).astype(int), bins - 1)
    return calibration(
        *(np.bincount(b, v, minlength=bins) for v in (None, score, label, (label - score) ** 2))
    )


def test_by_hand():
    found = calibration([4, 4], [1.0, 3.0], [2, 2], [1.0, 1.25], groups=2)
    assert found.said.tolist() == [0.25, 0.75]
    assert found.seen.tolist() == [0.5, 0.5]
    assert found.error == 0.25
    assert found.gap == 0


def test_a_calibrated_score_has_a_gap_of_zero_in_95_percent():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(300):
        score = rng.beta(2, 3, 400)
        found = of(score, (rng.random(400) < score).astype(float))
        inside += found.gap_ci[0] <= 0 <= found.gap_ci[1]
    assert 0.92 <= inside / 300 <= 0.98


def test_an_overconfident_score_is_seen():
    rng = np.random.default_rng(2)
    true = rng.beta(2, 2, 5000)
    found = of(true**2 / (true**2 + (1 - true) ** 2), (rng.random(5000) < true).astype(float))
    assert found.error > 0.05
    assert found.gap == pytest.approx(0, abs=0.03)
    assert found.seen[0] > found.said[0]
    assert found.seen[-1] < found.said[-1]
