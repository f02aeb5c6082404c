"""Direct standardisation: a hand case, equal strata, coverage."""

import numpy as np
import pytest
from rca.stats.ratio import Sums
from rca.stats.standardise import standardise


def binary(n, ones):
    n, y = np.asarray(n, float), np.asarray(ones, float)
    return Sums(n, n, y, n, y, y)


def test_simpsons_paradox_by_hand():
    # Charig et al. (1986), BMJ 292: open surgery 81/87 and 192/263, the other 234/270 and 55/80.
    found = standardise(binary([270, 80], [234, 55]), binary([87, 263], [81, 192]))
    weights = np.array([357, 343]) / 700
    differences = np.array([81 / 87 - 234 / 270, 192 / 263 - 55 / 80])
    assert found.shift.shift == pytest.approx(weights @ differences)
    assert found.shift.shift > 0
    assert found.shift.shift + found.mix == pytest.approx(273 / 350 - 289 / 350)


def test_one_stratum_is_the_plain_difference():
    found = standardise(binary([100], [40]), binary([80], [40]))
    assert found.shift.shift == pytest.approx(0.1)
    assert found.mix == pytest.approx(0)
    se = np.sqrt(0.24 / 99 + 0.25 / 79)
    assert found.shift.standard_error == pytest.approx(se)


def test_strata_of_one_side_lower_the_coverage():
    found = standardise(binary([100, 50], [40, 10]), binary([100, 0], [40, 0]))
    assert found.coverage == pytest.approx(200 / 250)
    assert standardise(binary([10, 0], [5, 0]), binary([0, 10], [0, 5])) is None


def test_thin_strata_are_pooled():
    n = [200, 3, 2, 4]
    found = standardise(binary(n, [100, 3, 0, 2]), binary(n, [90, 0, 2, 1]))
    assert found.n_strata == 2


def test_it_covers_the_common_mix_shift():
    rng = np.random.default_rng(1)
    p0, p1 = np.array([0.9, 0.6, 0.3, 0.75]), np.array([0.85, 0.55, 0.28, 0.7])
    covered = 0
    for _ in range(800):
        n0 = rng.multinomial(400, [0.4, 0.3, 0.2, 0.1])
        n1 = rng.multinomial(300, [0.1, 0.2, 0.5, 0.2])
        found = standardise(binary(n0, rng.binomial(n0, p0)), binary(n1, rng.binomial(n1, p1)))
        true = (n0 + n1) @ (p1 - p0) / 700
        covered += found.shift.ci[0] <= true <= found.shift.ci[1]
    assert 0.93 <= covered / 800 <= 0.97
