"""Verdicts: their hand cases, their errors and their power."""

import numpy as np
import pytest
from rca.stats.noninferiority import (
    MarginTest,
    default_margin,
    detectable_shift,
    margin_p_value,
    verdict,
)
from rca.stats.paired import mcnemar, newcombe_paired
from rca.stats.proportions import two_proportions_p
from scipy import stats


def normal_interval(shift, se):
    def interval(level):
        z = stats.norm.isf((1 - level) / 2)
        return shift - z * se, shift + z * se

    return interval


@pytest.mark.parametrize("shift", [-0.06, -0.03, 0.0, 0.04])
def test_the_margins_p_value_is_the_normal_one(shift):
    found = margin_p_value(normal_interval(shift, 0.02), 0.05, "down")
    assert found == pytest.approx(stats.norm.sf((shift + 0.05) / 0.02), abs=1e-5)
    mirrored = margin_p_value(normal_interval(-shift, 0.02), 0.05, "up")
    assert mirrored == pytest.approx(found, abs=1e-5)


def test_both_directions_must_hold_where_both_are_bad():
    one = margin_p_value(normal_interval(0.04, 0.02), 0.05, "up")
    assert margin_p_value(normal_interval(0.04, 0.02), 0.05, "both") == one


def test_no_interval_clears_nothing():
    assert margin_p_value(lambda _: (-np.inf, np.inf), 0.05, "down") == 1


@pytest.mark.parametrize(
    ("shift", "p", "p_margin", "worse", "said"),
    [
        (-0.1, 0.001, 1.0, "down", "regressed"),
        (-0.1, 0.001, 1.0, "up", "improved"),
        (-0.1, 0.001, 1.0, "both", "regressed"),
        (-0.1, 0.2, 0.6, "down", "cannot_tell"),
        (0.0, 0.9, 0.001, "down", "no_regression"),
        (-0.005, 0.001, 0.001, "down", "no_regression"),
        (0.1, 0.001, 0.001, "down", "improved"),
    ],
)
def test_verdicts(shift, p, p_margin, worse, said):
    assert verdict(MarginTest(shift, p, p_margin), worse) == said


def test_a_corrected_margin_can_take_a_clearance_back():
    assert verdict(MarginTest(0.0, 0.9, 0.02), "down", q_margin=0.2) == "cannot_tell"


def test_default_margins():
    assert default_margin("share", 0.5) == 0.02
    assert default_margin("share", 0.01) == 0.005
    assert default_margin("share", 0.99) == pytest.approx(0.005)
    assert default_margin("tokens", 200) == 10


def simulate(p, n, runs, margin, seed):
    rng = np.random.default_rng(seed)
    said = []
    for both, fell, rose, neither in rng.multinomial(n, p, size=runs).tolist():

        def interval(level, t=(both, fell, rose, neither)):
            return newcombe_paired(*t, level=level)

        shift = (rose - fell) / n
        tested = MarginTest(
            shift, mcnemar(rose, fell).p_mid, margin_p_value(interval, margin, "down")
        )
        said.append(verdict(tested, "down"))
    return {name: said.count(name) / runs for name in set(said)}


def test_a_loss_at_the_margin_is_cleared_no_more_often_than_agreed():
    # p(rose) - p(fell) = -0.05 = the margin: clearing it is the error, allowed in 2.5 % of cases.
    said = simulate([0.70, 0.08, 0.03, 0.19], 200, 500, 0.05, seed=11)
    assert said.get("no_regression", 0) + said.get("improved", 0) <= 0.045


def test_no_change_is_called_a_regression_or_an_improvement_in_5_percent():
    said = simulate([0.70, 0.06, 0.06, 0.18], 200, 500, 0.02, seed=12)
    assert said.get("regressed", 0) + said.get("improved", 0) <= 0.07


def test_a_shift_of_the_detectable_size_is_found_8_times_in_10():
    n, fell, rose = 400, 0.105, 0.045
    variance = (fell + rose - (rose - fell) ** 2) / n
    z = stats.norm.isf(0.025)
    half = z * np.sqrt(variance)
    # The detectable shift of a comparison this noisy is close to the true one, -0.06.
    assert detectable_shift((-half, half)) == pytest.approx(0.0539, abs=5e-4)
    said = simulate([0.6, fell, rose, 0.25], n, 400, 0.01, seed=13)
    assert 0.8 <= said["regressed"] <= 0.95


@pytest.mark.parametrize(("k", "n"), [((3, 14), (30, 28)), ((0, 5), (90, 70))])
def test_two_proportions_is_the_chi_square_of_n_minus_1(k, n):
    table = np.array([[k[0], n[0] - k[0]], [k[1], n[1] - k[1]]])
    chi2 = stats.chi2_contingency(table, correction=False).statistic
    total = sum(n)
    assert two_proportions_p(k, n) == pytest.approx(stats.chi2.sf(chi2 * (total - 1) / total, 1))


def test_two_proportions_is_fishers_when_counts_are_tiny():
    table = np.array([[0, 100], [1, 3]])
    assert two_proportions_p((0, 1), (100, 4)) == pytest.approx(stats.fisher_exact(table).pvalue)


def test_two_proportions_without_any_success_say_nothing():
    assert two_proportions_p((0, 0), (10, 20)) == 1
