"""Seasons: known profiles, another library's least squares, what a short span may not claim."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.stats import season

MONDAY = 1_735_516_800.0  # 2024-12-30 00:00 UTC
DAY = season.DAY_S


def hours(days: float) -> np.ndarray:
    return MONDAY + np.arange(int(24 * days)) * 3600.0


def test_a_sine_is_found_to_its_amplitude():
    times = hours(14)
    value = 5 + 2 * np.sin(2 * np.pi * (times + 1800) / DAY)
    fit = season.fit_season(times, value, np.ones(len(times)), kind="day", width_s=3600.0)
    assert fit.levels[0] == pytest.approx(5, abs=1e-6)
    assert fit.season.effect(times, 3600.0) == pytest.approx(value - 5, abs=1e-3)
    assert fit.season.share == pytest.approx(1, abs=1e-4)
    assert fit.season.hour_of_day()[5] == pytest.approx(2 * np.sin(2 * np.pi * 5.5 / 24), abs=1e-3)


def test_agrees_with_ordinary_least_squares_of_season_and_levels_together():
    rng = np.random.default_rng(3)
    times = hours(21)
    block = (np.arange(len(times)) >= 300).astype(np.int64)
    value = rng.normal(size=len(times)) + 2 * block + np.cos(2 * np.pi * times / DAY)
    weight = rng.uniform(0.5, 2, size=len(times))
    fit = season.fit_season(times, value, weight, kind="day+weekday", width_s=3600.0, blocks=block)
    slots = season.week_slots(times, 3600.0, 3600.0)
    levels = np.column_stack([block == 0, block == 1]).astype(float)
    design = np.column_stack([levels, season.basis("day+weekday", 3600.0)[slots]])
    other = sm.WLS(value, design, weights=weight).fit()
    ours = fit.levels[block] + fit.season.effect(times, 3600.0)
    assert ours == pytest.approx(other.fittedvalues, abs=2e-3)


def test_a_weekend_shows_in_the_days_of_the_week():
    times = hours(28)
    weekend = ((times - MONDAY) % (7 * DAY)) >= 5 * DAY
    fit = season.fit_season(
        times, np.where(weekend, 1.0, 3.0), np.ones(len(times)), kind="day+weekend", width_s=3600.0
    )
    days = fit.season.day_of_week()
    assert days[5] - days[0] == pytest.approx(-2, abs=1e-3)
    assert days[6] - days[4] == pytest.approx(-2, abs=1e-3)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (1.5, ["none"]),
        (3, ["none", "day"]),
        (8, ["none", "day", "day+weekend"]),
        (15, ["none", "day", "day+weekend", "day+weekday", "day*weekend"]),
    ],
)
def test_a_span_teaches_only_what_it_holds_twice(days, expected):
    assert season.possible_kinds(hours(days), 3600.0) == expected


def test_daily_buckets_teach_only_weekdays():
    times = MONDAY + np.arange(40) * DAY
    assert season.possible_kinds(times, DAY) == ["none", "weekday"]
    assert season.possible_kinds(times[:20], DAY) == ["none"]


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 20), seed=st.integers(0, 10_000))
def test_the_profile_moves_with_the_unit(shift, scale, seed):
    times = hours(9)
    value = np.random.default_rng(seed).normal(size=len(times))
    one = np.ones(len(times))
    plain = season.fit_season(times, value, one, kind="day+weekend", width_s=3600.0)
    moved = season.fit_season(times, shift + scale * value, one, kind="day+weekend", width_s=3600.0)
    assert moved.levels[0] == pytest.approx(shift + scale * plain.levels[0], abs=1e-6 * (1 + scale))
    assert np.asarray(moved.season.profile) == pytest.approx(
        scale * np.asarray(plain.season.profile), abs=1e-6 * (1 + scale)
    )


def test_no_season_has_no_effect():
    assert season.NO_SEASON.effect(hours(2)).tolist() == [0.0] * 48
    assert season.NO_SEASON.hour_of_day().tolist() == [0.0] * 24
    assert season.NO_SEASON.day_of_week().tolist() == [0.0] * 7
