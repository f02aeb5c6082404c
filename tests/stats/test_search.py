from __future__ import annotations

import numpy as np
import pytest
from rca.stats.ratio import Sums
from rca.stats.search import contrasts, overdispersion, weights


def _counts(n: list[float], y: list[float]) -> Sums:
    rows, right = np.array(n), np.array(y)
    return Sums(rows, rows, right, rows, right, right)


def test_only_the_cell_that_moved_stands_out() -> None:
    baseline = _counts([1000, 1000, 1000], [900, 900, 900])
    current = _counts([1000, 1000, 1000], [700, 900, 900])
    found = contrasts(baseline, current, baseline.total(), current.total(), share=True)
    assert found.z[0] < -8
    assert found.inside[0] == pytest.approx(-0.2)
    assert found.outside[0] == pytest.approx(0.0)
    assert (found.z[1:] > 0).all()


def test_the_same_factor_everywhere_is_no_contrast() -> None:
    # Error rates of 2 % and 10 % both double: points differ, factors do not.
    baseline = _counts([5000, 5000], [100, 500])
    current = _counts([5000, 5000], [200, 1000])
    found = contrasts(baseline, current, baseline.total(), current.total(), share=True)
    assert np.abs(found.z).max() < 1.5


def test_the_same_points_everywhere_are_no_contrast() -> None:
    baseline = _counts([5000, 5000], [1000, 4000])
    current = _counts([5000, 5000], [1250, 4250])
    found = contrasts(baseline, current, baseline.total(), current.total(), share=True)
    assert np.abs(found.z).max() < 0.5


def test_growth_alike_is_no_contrast_and_a_newcomer_is_one() -> None:
    baseline, current = (
        _counts([100, 400, 0], [100, 400, 0]),
        _counts([200, 800, 90], [200, 800, 90]),
    )
    found = contrasts(baseline, current, baseline.total(), current.total(), hours=(1.0, 1.0))
    assert found.z[2] > 8
    assert abs(found.z[0]) < 2.5


def test_contrasts_have_the_size_that_they_say() -> None:
    rng = np.random.default_rng(3)
    n = np.full(400, 300.0)
    z = []
    for _ in range(5):
        y0, y1 = (rng.binomial(300, 0.85, 400).astype(float) for _ in range(2))
        sides = [Sums(n, n, y, n, y, y) for y in (y0, y1)]
        z.append(contrasts(*sides, sides[0].total(), sides[1].total()).z)
    # The smallest of two scales: never wider than a normal, not much narrower.
    assert 0.85 <= np.std(np.concatenate(z)) <= 1.03


def test_overdispersion_ignores_a_few_that_moved() -> None:
    z = np.random.default_rng(0).normal(0, 1, 2000)
    z[:100] = 30
    assert overdispersion(z) < 1.25
    assert overdispersion(2 * z) == pytest.approx(4.0, rel=0.3)
    assert overdispersion(np.array([9.0, 9.0])) == 1.0


def test_weights_sum_to_one_over_the_tests() -> None:
    group = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
    level = np.array([1, 1, 1, 1, 1, 2, 2, 2, 2])
    tested = np.array([True, True, False, True, True, True, True, False, True])
    found = weights(group, level, tested)
    assert found.sum() == pytest.approx(1.0)
    assert found[2] == 0.0
    assert found[:5].sum() == pytest.approx(0.5)
