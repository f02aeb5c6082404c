"""The seasonal expectation, the shift test's size and verdicts, and onsets from raw rows."""

from __future__ import annotations

import numpy as np
import pytest
from rca.errors import BadValueError, WindowError
from rca.stats.changepoint import Series, expected, refine, shift_test
from scipy import stats

MONDAY = 1_735_516_800.0
DAY = 86_400.0


def hourly(days: float, rng: np.random.Generator, shift: float = 0.0, last: int = 6) -> Series:
    n = int(24 * days) + last
    times = MONDAY + np.arange(n) * 3600.0
    y = 10 + 2 * np.sin(2 * np.pi * times / DAY) + rng.normal(size=n)
    y[-last:] += shift
    return Series.values(times, y, 3600.0)


def test_a_flat_white_series_gives_the_interval_of_two_samples():
    ratios = []
    for seed in range(30):
        y = np.random.default_rng(seed).normal(size=200)
        test = shift_test(Series.values(np.arange(200) * 60.0, y, 60.0), 9000)
        other = stats.ttest_ind(y[150:], y[:150]).confidence_interval()
        assert test.shift == pytest.approx(y[150:].mean() - y[:150].mean(), abs=0.15)
        ratios.append((test.ci[1] - test.ci[0]) / (other.high - other.low))
    assert 0.95 <= np.median(ratios) <= 1.35


def test_rates_are_reported_as_shares_of_rows():
    k, n = [5] * 40 + [12] * 10, [100] * 50
    test = shift_test(Series.rates(np.arange(50) * 60.0, k, n, 60.0), 2400)
    assert (test.expected, test.current) == pytest.approx((0.05, 0.12))
    assert test.verdict == "shifted"
    assert (test.n_baseline, test.n_current) == (4000, 1000)


def test_the_season_is_not_a_shift():
    rng = np.random.default_rng(1)
    series = hourly(10, rng)
    test = shift_test(series, MONDAY + 10 * DAY)
    raw = series.value[-6:].mean() - series.value[:-6].mean()
    assert raw > 1
    assert test.verdict != "shifted"
    assert abs(test.shift) < 1.2


def test_size_and_power_hold():
    quiet = [
        shift_test(hourly(8, np.random.default_rng(s)), MONDAY + 8 * DAY).verdict == "shifted"
        for s in range(100)
    ]
    assert np.mean(quiet) <= 0.11
    test = shift_test(hourly(8, np.random.default_rng(5)), MONDAY + 8 * DAY)
    moved = [
        shift_test(
            hourly(8, np.random.default_rng(s), shift=test.smallest_detectable), MONDAY + 8 * DAY
        ).verdict
        == "shifted"
        for s in range(100, 160)
    ]
    assert 0.6 <= np.mean(moved) <= 0.97


def test_few_buckets_cannot_tell_and_many_can():
    rng = np.random.default_rng(2)
    rows = np.full(30, 40)
    few = shift_test(Series.rates(np.arange(30) * 60.0, rng.binomial(rows, 0.1), rows, 60.0), 1680)
    assert few.verdict == "cannot_tell"
    assert few.smallest_detectable > few.relevant
    rows = np.full(600, 2000)
    many = shift_test(
        Series.rates(np.arange(600) * 60.0, rng.binomial(rows, 0.1), rows, 60.0), 18_000
    )
    assert many.verdict == "not_shifted"
    assert many.smallest_detectable < many.relevant


def test_a_short_baseline_says_so():
    y = np.random.default_rng(3).normal(size=60)
    test = shift_test(Series.values(MONDAY + np.arange(60) * 1800.0, y, 1800.0), MONDAY + DAY)
    assert any("no daily profile" in caveat for caveat in test.caveats)


def test_a_weekend_that_the_baseline_never_saw_is_a_caveat():
    rng = np.random.default_rng(4)
    series = hourly(5, rng, last=12)
    test = shift_test(series, MONDAY + 5 * DAY)
    assert any("weekend" in caveat for caveat in test.caveats)


def test_the_forecast_holds_the_later_buckets():
    rng = np.random.default_rng(6)
    held = []
    for _ in range(10):
        series = hourly(10, rng, last=24)
        forecast = expected(series, MONDAY + 10 * DAY)
        seen = series.value[-24:]
        held.append((forecast.low <= seen) & (seen <= forecast.high))
        assert forecast.value == pytest.approx(seen, abs=5)
    assert 0.9 <= np.mean(held) <= 0.99


def test_sides_that_overlap_or_are_empty():
    series = Series.values(np.arange(30) * 60.0, np.zeros(30), 60.0)
    with pytest.raises(BadValueError, match="split_low <= split_high"):
        shift_test(series, 600, 300)
    with pytest.raises(WindowError, match="earlier split"):
        shift_test(series, 600, 9000)
    with pytest.raises(WindowError, match="later end"):
        shift_test(series, -5)


# ------------------------------------------------------------------ refine


def test_the_onset_of_a_rate_lies_between_two_rows():
    times = np.arange(400) * 1.5
    found = refine(times, times >= 300, around=(0.0, 590.0))
    assert 298.5 <= found.low <= found.at <= found.high <= 300
    assert (found.before, found.after, found.n_before) == (0.0, 1.0, 200)


@pytest.mark.parametrize("kind", ["rate", "mean", "count"])
def test_refined_intervals_cover(kind):
    rng = np.random.default_rng(8)
    held = []
    for _ in range(120):
        onset = rng.uniform(1000, 2600)
        if kind == "count":
            times = np.concatenate(
                (rng.uniform(0, onset, rng.poisson(0.1 * onset)),
                 rng.uniform(onset, 3600, rng.poisson(0.3 * (3600 - onset))))
            )  # fmt: skip
            values = None
        else:
            times = np.sort(rng.uniform(0, 3600, 700))
            after = times >= onset
            p = np.where(after, 0.3, 0.1)
            values = rng.uniform(size=700) < p if kind == "rate" else rng.normal(size=700) + after
        found = refine(times, values, around=(600.0, 3000.0), kind=kind)
        held.append(found.low <= onset <= found.high)
    assert 0.83 <= np.mean(held) <= 0.97


def test_refine_row_order_and_nulls_are_irrelevant():
    rng = np.random.default_rng(9)
    times = rng.uniform(0, 600, 300)
    values = (times > 250).astype(float)
    plain = refine(times, values, around=(100.0, 500.0))
    order = rng.permutation(300)
    more = refine(
        np.append(times[order], [5.0, 9.0]),
        np.append(values[order], [np.nan, np.nan]),
        around=(100.0, 500.0),
    )
    assert plain.at == more.at


def test_refine_says_what_is_wrong():
    with pytest.raises(WindowError, match="10 are needed"):
        refine([1.0, 2.0], [0, 1], around=(0.0, 3.0))
    with pytest.raises(BadValueError, match="kind='mean'"):
        refine(np.arange(20.0), np.arange(20.0), around=(0.0, 20.0))
    with pytest.raises(BadValueError, match="rate, mean, count"):
        refine(np.arange(20.0), np.ones(20), around=(0.0, 20.0), kind="sum")
    with pytest.raises(WindowError, match="increasing"):
        refine(np.arange(20.0), np.ones(20), around=(5.0, 5.0))
