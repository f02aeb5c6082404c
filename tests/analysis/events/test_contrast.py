from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rca.analysis.events.contrast import Contrast, contrast, like_hours
from rca.analysis.events.scope import Scope, ScopeCube
from rca.stats.ratio import Sums

EU = Scope((("region", ("eu",)),))
HOUR = 3600.0
Pairs = list[tuple[float, float]]


def _sums(hits: np.ndarray, n: np.ndarray) -> Sums:
    """Sums of n rows of which some are 1."""
    return Sums(n, n, hits, n, hits, hits)


def _cube(inside: Pairs, outside: Pairs, *, per_hour: bool = False) -> ScopeCube:
    """One bucket an hour, (rows, hits) inside and outside the scope."""
    cells = np.array([inside, outside], dtype=float).transpose(2, 1, 0)
    times = HOUR * np.arange(len(inside))
    masks = np.array([1, 0])
    return ScopeCube((EU,), times, HOUR, masks, _sums(cells[1], cells[0]), "", per_hour)


def _masks(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n) < n - 1, np.arange(n) == n - 1


def test_the_shares_are_those_worked_by_hand() -> None:
    # eu .9 -> .5 on 80 of 200 rows, others .9 -> .8: C_in = .4 * -.4, C_out = .6 * -.1.
    cube = _cube([(100, 90), (80, 40)], [(200, 180), (120, 96)])
    found = contrast(cube, EU, *_masks(2))
    assert found is not None
    assert (found.n_in, found.n_out, found.mass) == (80, 120, 0.4)
    assert (found.shift_in, found.shift_out) == pytest.approx((-0.4, -0.1))
    assert found.share == pytest.approx(0.16 / 0.22)
    v_in = 0.9 * 0.1 / 99 + 0.5 * 0.5 / 79
    v_out = 0.9 * 0.1 / 199 + 0.8 * 0.2 / 119
    assert found.se_in == pytest.approx(np.sqrt(v_in))
    assert found.se_out == pytest.approx(np.sqrt(v_out))
    share = 0.16 / 0.22
    by_hand = np.hypot((1 - share) * 0.4 * np.sqrt(v_in), share * 0.6 * np.sqrt(v_out)) / 0.22
    assert found.se_share == pytest.approx(by_hand)
    assert np.isnan(found.beside)


def test_more_noise_between_buckets_widens_every_error() -> None:
    cube = _cube([(100, 90), (80, 40)], [(200, 180), (120, 96)])
    plain, noisy = (contrast(cube, EU, *_masks(2), inflation=f) for f in (1.0, 4.0))
    assert plain is not None and noisy is not None
    assert noisy.se_in == pytest.approx(2 * plain.se_in)
    assert noisy.share == plain.share


def test_a_new_version_is_set_beside_the_old_one_in_the_same_buckets() -> None:
    # With a level for each bucket, least squares weights buckets as Mantel and Haenszel do.
    sm = pytest.importorskip("statsmodels.api")
    inside, outside = [(0, 0), (30, 15), (60, 36)], [(100, 90), (70, 56), (40, 36)]
    found = contrast(_cube(inside, outside), EU, np.array([1, 0, 0]) == 1, np.array([0, 1, 1]) == 1)
    assert found is not None
    weights = [30 * 70 / 100, 60 * 40 / 100]
    by_hand = (weights[0] * (0.5 - 0.8) + weights[1] * (0.6 - 0.9)) / sum(weights)
    assert found.beside == pytest.approx(by_hand)
    rows = [
        (bucket, new, hit)
        for new, cells in ((1, inside), (0, outside))
        for bucket, (n, k) in enumerate(cells)
        for hit in [1] * k + [0] * (n - k)
    ]
    frame = pd.DataFrame(rows, columns=["bucket", "new", "hit"])
    design = pd.get_dummies(frame["bucket"], dtype=float).assign(new=frame["new"])
    fitted = sm.OLS(frame["hit"], design).fit(cov_type="HC1")
    assert found.beside == pytest.approx(fitted.params["new"])
    assert found.se_beside == pytest.approx(fitted.bse["new"], rel=0.1)
    # Without rows of its own before, the new version is compared with all rows before.
    assert found.shift_in == pytest.approx((15 + 36) / 90 - 0.9)


def test_sums_per_hour_divide_by_the_hours() -> None:
    # 100 and 120 an hour, then 200 inside; outside stays at 50.
    inside = [(100, 100), (120, 120), (200, 200), (200, 200)]
    outside = [(50, 50)] * 4
    before = np.array([1, 1, 0, 0]) == 1
    found = contrast(_cube(inside, outside, per_hour=True), EU, before, ~before)
    assert found is not None
    assert (found.shift_in, found.shift_out) == pytest.approx((90.0, 0.0))
    assert found.share == pytest.approx(1.0)
    assert found.mass == pytest.approx(110 / 160)


def test_the_sums_of_a_new_version_say_nothing() -> None:
    cube = _cube([(0, 0), (100, 100)], [(100, 100), (50, 50)], per_hour=True)
    assert contrast(cube, EU, *_masks(2)) is None


def test_the_baseline_takes_the_hours_of_the_current_window() -> None:
    times = HOUR * np.arange(96)
    baseline, current = times < 72 * HOUR, (times >= 82 * HOUR) & (times < 84 * HOUR)
    rows = np.full(96, 10.0)
    rows[82] = 30.0
    weights = like_hours(times, rows, baseline, current)
    used = np.flatnonzero(weights)
    assert used.tolist() == [10, 11, 34, 35, 58, 59]
    assert weights[10] == pytest.approx(1.0) and weights[11] == pytest.approx(1 / 3)


def test_a_short_baseline_is_taken_whole() -> None:
    times = HOUR * np.arange(60)
    baseline, current = times < 36 * HOUR, times >= 50 * HOUR
    weights = like_hours(times, np.ones(60), baseline, current)
    assert weights.tolist() == baseline.astype(float).tolist()


def _seen(share: float, se: float = 0.05, *, mass: float = 0.2, n_out: float = 100) -> Contrast:
    return Contrast(100, n_out, mass, -0.1, 0.01, 0.0, 0.01, share, se)


def test_a_shift_that_lives_in_the_scope_speaks_for_it() -> None:
    # One bump at 1 of sd hypot(.05, .12), against a mixture whose density at 1 is small.
    sd = np.hypot(0.05, 0.12)
    inside = 1 / (sd * np.sqrt(2 * np.pi))
    found = _seen(1.0).log_bayes_factor
    assert np.log(inside / (0.25 * 1.0)) < found <= 4.5
    assert _seen(0.2).log_bayes_factor == pytest.approx(-6.0)
    assert _seen(0.0).log_bayes_factor == pytest.approx(-6.0)


def test_what_is_hardly_known_says_little() -> None:
    assert abs(_seen(0.5, 3.0).log_bayes_factor) < 1.0
    assert _seen(np.nan).log_bayes_factor == 0.0
    assert _seen(1.0, n_out=0).log_bayes_factor == 0.0


def test_identical_windows_have_no_share() -> None:
    cube = _cube([(100, 90), (100, 90)], [(200, 180), (200, 180)])
    found = contrast(cube, EU, *_masks(2))
    assert found is not None
    assert (found.shift_in, found.shift_out) == (0.0, 0.0)
    assert np.isnan(found.share) and found.log_bayes_factor == 0.0


counts = st.tuples(st.integers(5, 200), st.floats(0.05, 0.95)).map(
    lambda pair: (float(pair[0]), float(round(pair[0] * pair[1])))
)


@settings(max_examples=60)
@given(st.lists(counts, min_size=2, max_size=5), st.lists(counts, min_size=5, max_size=5))
def test_parts_add_up_and_swapping_inside_and_outside_swaps_them(
    inside: Pairs, outside: Pairs
) -> None:
    outside = outside[: len(inside)]
    masks = _masks(len(inside))
    one = contrast(_cube(inside, outside), EU, *masks)
    other = contrast(_cube(outside, inside), EU, *masks)
    assert one is not None and other is not None
    part = one.mass * one.shift_in
    rest = (1 - one.mass) * one.shift_out
    assume(abs(part + rest) > 1e-9)
    assert one.share == pytest.approx(part / (part + rest))
    assert one.share + other.share == pytest.approx(1.0)
    assert (one.shift_in, one.se_in) == (other.shift_out, other.se_out)
    assert one.se_share == pytest.approx(other.se_share)
