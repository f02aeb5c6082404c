"""The walk from one operating point to another: parts add up, each cause is its own part."""

import numpy as np
import pytest
from rca.stats.operating_point import PARTS, walk, walk_with_intervals


def counts(score, label, bins=50):
    found = np.zeros((2, bins))
    np.add.at(found, (label, np.clip(score, 0, bins - 1).astype(int)), 1)
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def rows(rng, n=20_000, prevalence=0.3):
    label = (rng.random(n) < prevalence).astype(int)
    return 20 + 8 * label + 4 * rng.normal(size=n), label


def main_part(parts, measure=1):
    return PARTS[int(np.argmax(np.abs(parts[measure])))]


def test_parts_add_up(rng):
    one, two = (rng.integers(1, 50, (2, 30)).astype(float) for _ in range(2))
    parts, before, after = walk(one, two, 12, 19)
    assert parts.sum(axis=-1) == pytest.approx(after - before)
    precision = one[1, 12:].sum() / one[:, 12:].sum()
    recall = two[1, 19:].sum() / two[1].sum()
    assert before[0] == pytest.approx(precision)
    assert after[1] == pytest.approx(recall)
    assert after[2] == pytest.approx(2 * after[0] * after[1] / (after[0] + after[1]))


def test_each_cause_is_its_own_part(rng):
    score, label = rows(rng)
    base = counts(score, label)
    shuffled = 20 + 4 * label + 5.6 * rng.normal(size=len(label))
    other_score, other_label = rows(rng, prevalence=0.15)
    cases = {
        "threshold": (base, 28),
        "scores": (counts(score + 4, label), 24),
        "ranking": (counts(shuffled, label), 24),
    }
    for cause, (current, cut) in cases.items():
        parts, _, _ = walk(base, current, 24, cut)
        assert main_part(parts) == cause
    parts, _, _ = walk(base, counts(other_score, other_label), 24, 24)
    assert main_part(parts, 0) == "prevalence"


def test_the_same_rows_move_nothing(rng):
    base = counts(*rows(rng))
    parts, _, _ = walk(base, base, 24, 24)
    assert parts == pytest.approx(np.zeros((3, 4)), abs=1e-12)


def test_intervals_cover_zero_under_no_change():
    rng = np.random.default_rng(2)
    outside = np.zeros(4)
    for seed in range(40):
        one, two = (counts(*rows(rng, 600)) for _ in range(2))
        found = walk_with_intervals(None, one, two, 24, 24, draws=200, seed=seed)
        outside += (found.low[1] > 0) | (found.high[1] < 0)
    assert (outside <= 6).all()


def test_pairs_are_drawn_together(rng):
    score, label = rows(rng, 800)
    b = np.clip(score, 0, 49).astype(int)
    joint = np.zeros((2, 50, 50))
    np.add.at(joint, (label, b, b), 1)
    found = walk_with_intervals(joint, joint.sum(2), joint.sum(1), 24, 24, draws=50)
    assert found.low == pytest.approx(found.high)
