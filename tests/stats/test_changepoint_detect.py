"""Change points: planted ones are found, quiet series stay quiet, units do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import BadValueError
from rca.stats.changepoint import ChangePoints, Series, detect
from scipy.signal import lfilter

MONDAY = 1_735_516_800.0
DAY = 86_400.0


def minutes(y: np.ndarray) -> Series:
    return Series.values(MONDAY + np.arange(len(y)) * 60.0, y, 60.0)


def bucket_of(point, series: Series) -> float:
    return (point.at - series.times[0]) / series.width_s


def ar1(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    return lfilter([1], [1, -rho], rng.normal(size=n + 200))[200:] * np.sqrt(1 - rho**2)


# ------------------------------------------------------------------ known answers


def test_a_rate_that_quadruples_is_dated_and_measured():
    n = np.full(80, 200)
    k = np.where(np.arange(80) < 50, 10, 40)
    found = detect(Series.rates(np.arange(80) * 60.0, k, n, 60.0))
    (point,) = found.points
    assert point.low <= 3000 <= point.high
    assert (point.before, point.after) == pytest.approx((0.05, 0.2))
    assert point.shape == "step"
    assert point.shift_ci[0] < 0.15 < point.shift_ci[1]
    assert (point.n_before, point.n_after) == (10_000, 6_000)
    assert point.time_posterior.probability.sum() == pytest.approx(1)
    assert point.time_posterior.mass(point.low, point.high) == pytest.approx(0.9)


def test_the_interval_of_a_poisson_shift_is_the_textbook_one():
    rng = np.random.default_rng(0)
    k = np.concatenate((rng.poisson(100, 60), rng.poisson(150, 60)))
    found = detect(Series.counts(np.arange(120) * 60.0, k, width_s=60.0))
    (point,) = found.points
    half = (point.shift_ci[1] - point.shift_ci[0]) / 2
    assert point.before == pytest.approx(k[:60].mean(), rel=1e-6)
    assert half == pytest.approx(1.98 * np.sqrt(100 / 60 + 150 / 60), rel=0.25)
    assert found.overdispersion == pytest.approx(1, abs=0.35)


def test_an_onset_inside_a_bucket_is_dated_inside_it():
    y = np.random.default_rng(1).normal(scale=0.05, size=60)
    y[31:] += 1.0
    y[30] += 0.25
    (point,) = detect(minutes(y)).points
    assert (point.at - MONDAY) / 60 == pytest.approx(30.75, abs=0.15)
    assert point.high - point.low < 60


def test_constant_series_and_equal_halves_have_no_change():
    assert detect(minutes(np.full(50, 3.0))).points == ()
    half = np.random.default_rng(2).normal(size=100)
    assert detect(minutes(np.concatenate((half, half)))).points == ()


# ------------------------------------------------------------------ planted shapes


def test_a_ramp_is_one_change_with_its_start_and_end():
    y = np.random.default_rng(1).normal(size=400)
    y += 6 * np.clip((np.arange(400) - 150) / 60, 0, 1)
    series = minutes(y)
    (point,) = detect(series).points
    assert point.shape == "ramp"
    assert bucket_of(point, series) == pytest.approx(150, abs=8)
    assert (point.ramp_end - series.times[0]) / 60 == pytest.approx(210, abs=15)
    assert point.after - point.before == pytest.approx(6, abs=0.5)


def test_a_rolled_back_change_is_two():
    y = np.random.default_rng(4).normal(size=300)
    y[200:220] += 5
    series = minutes(y)
    found = detect(series)
    assert [round(bucket_of(p, series)) for p in found.points] == [200, 220]
    assert found.points[0].shift > 0 > found.points[1].shift
    assert len(found.segments) == 3


def test_single_outliers_are_transients_not_changes():
    y = np.random.default_rng(5).normal(size=300)
    y[[40, 150]] += [30, -20]
    y[-1] += 12
    found = detect(minutes(y))
    assert found.points == ()
    assert [round((t.start - MONDAY) / 60) for t in found.transients] == [40, 150, 299]
    assert found.transients[0].z > 20
    assert found.transients[0].n_buckets == 1


@pytest.mark.parametrize("newest", [2, 3, 4, 6])
def test_a_strong_shift_of_the_newest_buckets_is_found(newest):
    rng = np.random.default_rng(newest)
    hits = 0
    for _ in range(10):
        y = rng.normal(size=500)
        y[-newest:] += 5
        series = minutes(y)
        hits += any(abs(bucket_of(p, series) - (500 - newest)) < 2 for p in detect(series).points)
    assert hits >= 9


def test_the_newest_change_says_that_it_is_new():
    y = np.random.default_rng(0).normal(size=200)
    y[-3:] += 8
    assert any("may yet" in caveat for caveat in detect(minutes(y)).caveats)


def test_a_season_with_weekends_is_not_a_change_and_does_not_hide_one():
    rng = np.random.default_rng(7)
    times = MONDAY + np.arange(24 * 21) * 3600.0
    weekend = ((times - MONDAY) % (7 * DAY)) >= 5 * DAY
    quiet = 4 * np.sin(2 * np.pi * times / DAY) - 3 * weekend + rng.normal(size=len(times))
    assert detect(Series.values(times, quiet, 3600.0)).points == ()
    moved = quiet + 3 * (times >= times[310])
    found = detect(Series.values(times, moved, 3600.0))
    (point,) = found.points
    assert point.low <= times[310] <= point.high
    assert point.shift == pytest.approx(3, abs=0.4)
    assert found.season.kind in ("day+weekend", "day+weekday", "day*weekend")
    assert found.season.share > 0.8


def test_one_weekend_is_not_two_changes():
    rng = np.random.default_rng(8)
    times = MONDAY + np.arange(24 * 10) * 3600.0
    weekend = ((times - MONDAY) % (7 * DAY)) >= 5 * DAY
    y = 2 * np.sin(2 * np.pi * times / DAY) - 3 * weekend + rng.normal(size=len(times))
    found = detect(Series.values(times, y, 3600.0))
    assert found.points == ()
    assert any("day-of-week" in caveat for caveat in found.caveats)


def test_a_short_span_says_that_hours_cannot_be_told_from_changes():
    y = np.random.default_rng(9).normal(size=120)
    assert any("two days" in caveat.lower() for caveat in detect(minutes(y)).caveats)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_rate_of_nothing_or_all_that_breaks(level):
    share = np.where(np.arange(60) < 40, level, 0.3)
    k = np.round(50 * share)
    (point,) = detect(Series.rates(np.arange(60) * 60.0, k, np.full(60, 50), 60.0)).points
    assert point.low <= 2400 <= point.high
    assert point.before == pytest.approx(level, abs=0.001)
    assert point.after == pytest.approx(0.3)


def test_counts_of_nothing_and_very_high_counts():
    zeros = detect(Series.counts(np.arange(100) * 60.0, np.zeros(100), width_s=60.0))
    assert zeros.points == ()
    rng = np.random.default_rng(3)
    high = rng.poisson(1e8 * np.where(np.arange(100) < 60, 1, 1.01))
    (point,) = detect(Series.counts(np.arange(100) * 60.0, high, width_s=60.0)).points
    assert point.low <= 3600 <= point.high


# ------------------------------------------------------------------ invariants


def same_times(a: ChangePoints, b: ChangePoints) -> bool:
    return len(a.points) == len(b.points) and all(
        abs(p.at - q.at) < 1e-3 for p, q in zip(a.points, b.points, strict=True)
    )


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.sampled_from([-3.0, 0.01, 1.0, 250.0]))
def test_the_unit_does_not_matter(shift, scale):
    y = np.random.default_rng(11).normal(size=150)
    y[90:] += 2
    plain, moved = detect(minutes(y)), detect(minutes(shift + scale * y))
    assert len(plain.points) == 1
    assert same_times(plain, moved)
    assert moved.points[0].shift == pytest.approx(scale * plain.points[0].shift, rel=1e-6)


def test_missing_buckets_are_gaps_not_zeros():
    y = 10 + np.random.default_rng(12).normal(size=200)
    y[120:] += 3
    y[60:75] = np.nan
    series = minutes(y)
    kept = series.part(np.isfinite(y))
    found = detect(series)
    assert same_times(found, detect(kept))
    assert len(found.points) == 1
    assert found.n_missing == 15


def test_moving_all_times_by_weeks_moves_the_answer():
    y = np.random.default_rng(13).normal(size=24 * 9) + 2 * (np.arange(24 * 9) > 120)
    here = detect(Series.values(MONDAY + np.arange(len(y)) * 3600.0, y, 3600.0))
    later = detect(Series.values(MONDAY + 70 * DAY + np.arange(len(y)) * 3600.0, y, 3600.0))
    assert [p.at + 70 * DAY for p in here.points] == pytest.approx([p.at for p in later.points])


# ------------------------------------------------------------------ simulation


@pytest.mark.parametrize("noise", ["white", "t3", "ar.8", "poisson"])
def test_false_alarms_stay_below_the_stated_rate(noise):
    rng = np.random.default_rng(21)
    draw = {
        "white": lambda: minutes(rng.normal(size=200)),
        "t3": lambda: minutes(rng.standard_t(3, size=200)),
        "ar.8": lambda: minutes(ar1(rng, 200, 0.8)),
        "poisson": lambda: Series.counts(np.arange(200) * 60.0, rng.poisson(0.7, 200), width_s=60),
    }[noise]
    alarms = sum(bool(detect(draw()).points) for _ in range(80))
    assert alarms <= 6


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_ninety_percent_intervals_hold_the_onset_nine_times_in_ten(rho):
    rng = np.random.default_rng(22)
    held, found = 0, 0
    for _ in range(150):
        onset = rng.uniform(60, 140)
        seen = np.clip(np.arange(200) + 1 - onset, 0, 1)
        series = minutes((ar1(rng, 200, rho) if rho else rng.normal(size=200)) + 2.5 * seen)
        points = detect(series).points
        if len(points) == 1:
            found += 1
            held += points[0].low <= MONDAY + 60 * onset <= points[0].high
    assert found > 90
    assert 0.84 <= held / found <= 0.96


# ------------------------------------------------------------------ thin data and errors


def test_a_dozen_buckets_are_needed():
    found = detect(minutes(np.arange(8.0)))
    assert found.points == ()
    assert "a change needs 12" in found.caveats[0]
    assert detect(minutes(np.zeros(0))).n_buckets == 0


def test_short_excursions_can_be_left_out():
    y = np.random.default_rng(4).normal(size=300)
    y[200:206] += 6
    assert len(detect(minutes(y)).points) == 2
    assert detect(minutes(y), min_segment=10).points == ()


def test_wrong_calls_say_what_to_do():
    series = minutes(np.zeros(20))
    with pytest.raises(BadValueError, match="between 0 and 1"):
        detect(series, alpha=5)
    with pytest.raises(BadValueError, match="'auto'"):
        detect(series, season="week")
    with pytest.raises(BadValueError, match="Sort"):
        Series.values([60.0, 0.0], [1.0, 2.0], 60.0)
    with pytest.raises(BadValueError, match="Align"):
        Series.values([0.0, 60.0], [1.0], 60.0)
    with pytest.raises(BadValueError, match="above n"):
        Series.rates([0.0], [3], [2], 60.0)
    with pytest.raises(BadValueError, match="Give counts"):
        Series.counts([0.0], [-1], width_s=60.0)
    with pytest.raises(BadValueError, match="positive"):
        Series.values([0.0], [1.0], 0.0)
