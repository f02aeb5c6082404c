"""Paired statistics against other libraries, published examples and simulation."""

import numpy as np
import pytest
from rca.stats.paired import PairSums, mcnemar, newcombe_paired, paired_difference
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar


@pytest.mark.parametrize(("rose", "fell"), [(1, 7), (2, 23), (0, 0), (5, 5), (40, 25), (0, 9)])
def test_mcnemar_exact_is_that_of_statsmodels(rose, fell):
    theirs = sm_mcnemar(np.array([[3, fell], [rose, 4]]), exact=True).pvalue
    assert mcnemar(rose, fell).p_exact == pytest.approx(theirs)


def test_mid_p_of_the_published_example():
    # Fagerland, Lydersen and Laake (2013), table 1: exact 0.070, mid-p 0.039.
    found = mcnemar(1, 7)
    assert round(found.p_exact, 3) == 0.070
    assert round(found.p_mid, 3) == 0.039


def test_mid_p_is_the_exact_one_less_half_the_observed_mass():
    for rose, fell in [(3, 9), (0, 4), (10, 2)]:
        found = mcnemar(rose, fell)
        mass = stats.binom.pmf(min(rose, fell), rose + fell, 0.5)
        assert found.p_mid == pytest.approx(found.p_exact - mass)


@pytest.mark.parametrize(
    ("table", "interval"),
    [
        # Altman et al. (2000), Statistics with Confidence, table 6.2: 0.01 to 0.23.
        ((14, 0, 5, 22), (0.011, 0.226)),
        # Bentur et al. (2009) in Fagerland et al. (2014), Statistics in Medicine 33.
        ((1, 7, 1, 12), (-0.507, -0.026)),
    ],
)
def test_newcombe_paired_of_the_published_examples(table, interval):
    low, high = newcombe_paired(*table)
    assert (round(low, 3), round(high, 3)) == interval


def test_newcombe_paired_turns_round_with_the_sides():
    low, high = newcombe_paired(14, 3, 9, 22)
    assert newcombe_paired(14, 9, 3, 22) == pytest.approx((-high, -low))


def test_newcombe_paired_takes_millions_of_pairs():
    low, high = newcombe_paired(30_000_000, 2_000_000, 1_000_000, 9_000_000)
    se = np.sqrt((3e6 - 1e12 / 42e6) / 42e6**2)
    assert (low, high) == pytest.approx((-1 / 42 - 1.96 * se, -1 / 42 + 1.96 * se), rel=1e-3)


def test_newcombe_paired_covers():
    rng = np.random.default_rng(5)
    p = np.array([0.55, 0.12, 0.06, 0.27])
    true = p[2] - p[1]
    tables = rng.multinomial(60, p, size=1500)
    intervals = np.array([newcombe_paired(*table) for table in tables])
    covered = np.mean((intervals[:, 0] <= true) & (true <= intervals[:, 1]))
    assert 0.935 <= covered <= 0.98


def test_paired_means_are_scipys_paired_t():
    rng = np.random.default_rng(1)
    before = rng.lognormal(6, 1, 80)
    after = before * rng.lognormal(0.05, 0.3, 80)
    found = paired_difference(PairSums.of(before, 1, after, 1))
    theirs = stats.ttest_rel(after, before)
    interval = theirs.confidence_interval()
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.ci == pytest.approx((interval.low, interval.high))


def test_clusters_as_units_agree_with_a_robust_regression():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    user = rng.integers(0, 40, 900)
    side = rng.integers(0, 2, 900)
    y = rng.normal(0, 1, 900) + rng.normal(0, 1, 40)[user] + 0.3 * side
    robust = sm.OLS(y, sm.add_constant(side)).fit(
        cov_type="cluster", cov_kwds={"groups": user, "use_correction": False}
    )

    def per_user(values):
        return np.bincount(user, values, minlength=40)

    sums = PairSums.of(
        per_user(y * (side == 0)),
        per_user(side == 0),
        per_user(y * (side == 1)),
        per_user(side == 1),
    )
    found = paired_difference(sums)
    assert found.shift == pytest.approx(robust.params[1])
    assert found.standard_error == pytest.approx(robust.bse[1] * np.sqrt(40 / 39))


def test_a_ratio_of_sums_covers_when_pairs_are_correlated():
    rng = np.random.default_rng(3)
    covered, p_values = [], []
    for _ in range(600):
        size = rng.gamma(2, 50, 120)
        x0, x1 = size * rng.lognormal(0, 0.2, 120), size * rng.lognormal(0, 0.2, 120)
        y0, y1 = x0 * rng.lognormal(0, 0.3, 120), x1 * rng.lognormal(0, 0.3, 120)
        found = paired_difference(PairSums.of(y0, x0, y1, x1))
        covered.append(found.ci[0] <= 0 <= found.ci[1])
        p_values.append(found.p_value)
    assert 0.92 <= np.mean(covered) <= 0.975
    assert np.mean(np.array(p_values) < 0.05) < 0.08


def test_few_identical_pairs_are_no_certainty():
    found = paired_difference(PairSums.of([1, 1, 1], 1, [1, 1, 1], 1))
    assert found.shift == 0
    assert found.p_value == 1
    assert found.ci == (-1, 1)


def test_one_pair_tells_nothing():
    found = paired_difference(PairSums.of([1], 1, [2], 1))
    assert found.p_value == 1
    assert found.ci == (-np.inf, np.inf)


def test_sums_add_up_over_cells():
    rng = np.random.default_rng(4)
    parts = rng.gamma(2, 1, (4, 50))
    whole = PairSums.of(*parts)
    halves = PairSums.of(*parts[:, :20]) + PairSums.of(*parts[:, 20:])
    assert paired_difference(halves).ci == pytest.approx(paired_difference(whole).ci)
