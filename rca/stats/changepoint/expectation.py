"""What the baseline lets one expect now, and whether the metric shifted from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from rca.errors import BadValueError, WindowError
from rca.stats.changepoint.baseline import Baseline
from rca.stats.changepoint.data import prepare
from rca.stats.changepoint.levels import pooled_level
from rca.stats.changepoint.series import Series
from rca.stats.season import Season

Floats = npt.NDArray[np.float64]

POWER = 0.8


@dataclass(frozen=True)
class Expectation:
    """Forecast of the buckets after a baseline, in the metric's unit.

    Attributes
    ----------
    times : float array
        Bucket starts, seconds since the epoch.
    value, sd : float array
        Expected value of each bucket and the standard deviation of what may be seen there:
        sampling, variation between buckets, the level's and the season's own error.
    low, high : float array
        95 % prediction interval of each bucket.
    season : Season
        Profile used; ``none`` when the baseline is too short to teach one.
    caveats : tuple of str
        What limits the forecast.
    """

    times: Floats
    value: Floats
    sd: Floats
    low: Floats
    high: Floats
    season: Season
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class ShiftTest:
    """Current buckets against the seasonal expectation of the baseline.

    Attributes
    ----------
    verdict : {"shifted", "not_shifted", "cannot_tell"}
        ``shifted``: zero lies outside the interval. ``not_shifted``: the interval holds nothing as
        large as ``relevant``. Otherwise the data ``cannot_tell``.
    expected, current, shift : float
        In the metric's unit; ``shift = current - expected``.
    ci : (float, float)
        Interval of the shift at ``1 - alpha``.
    p_value : float
        Two-sided, Student's t with ``degrees`` of freedom.
    smallest_detectable : float
        Shift that a test of this size would find with probability 0.8.
    relevant : float
        Size of shift that matters.
    n_baseline, n_current : float
        Rows behind both sides.
    degrees : float
        Degrees of freedom behind the interval.
    caveats : tuple of str
        What limits the answer.
    """

    verdict: Literal["shifted", "not_shifted", "cannot_tell"]
    expected: float
    current: float
    shift: float
    ci: tuple[float, float]
    p_value: float
    smallest_detectable: float
    relevant: float
    n_baseline: float
    n_current: float
    degrees: float
    caveats: tuple[str, ...]


def expected(series: Series, baseline_end: float) -> Expectation:
    """Forecast the buckets that start at ``baseline_end`` (seconds) or later.

    Season and levels are fitted to the buckets that end by then; the forecast is the last level
    plus the season.

    Raises
    ------
    WindowError
        There is no bucket with a value before ``baseline_end``.

    Examples
    --------
    >>> hours = np.arange(24 * 8) * 3600.0
    >>> value = 5 + np.sin(2 * np.pi * hours / 86400)
    >>> forecast = expected(Series.values(hours, value, 3600.0), baseline_end=7 * 86400.0)
    >>> float(forecast.value[6].round(2)), forecast.season.kind
    (6.0, 'day')
    """
    baseline = Baseline.of(series, baseline_end)
    later = series.part(series.times >= baseline_end)
    effect = baseline.chosen.season.effect(later.times, series.width_s)
    working = baseline.level + effect
    noise, slope = baseline.chosen.noise, series.slope(working)
    bucket = noise.variance / np.array([baseline.weight_of(v) for v in later.variance])
    design = baseline.design(later.times)
    season = np.einsum("ij,jk,ik->i", design, baseline.covariance, design)
    sd = np.sqrt(bucket + baseline.level_variance + season)
    reach = special.stdtrit(max(3.0, noise.degrees), 0.975) * sd
    return Expectation(
        later.times,
        series.native(working),
        sd * slope,
        series.native(working - reach),
        series.native(working + reach),
        baseline.chosen.season,
        baseline.caveats,
    )


def shift_test(
    series: Series,
    split_low: float,
    split_high: float | None = None,
    *,
    alpha: float = 0.05,
    relevant: float | None = None,
) -> ShiftTest:
    """Test whether the buckets from ``split_high`` on differ from what came before ``split_low``.

    The mean distance to the seasonal expectation is divided by its standard error: sampling and
    autocorrelated noise on both sides, the error of the season where the current buckets lie, and
    the variation between stretches of the baseline as long as the current one (up to a day) that
    the noise does not explain. The last part decides when the baseline is a few days only.

    Parameters
    ----------
    series : Series
        Both sides.
    split_low, split_high : float
        End of the baseline and start of the current side (the same by default), seconds since the
        epoch. Buckets between them (the onset's uncertainty) belong to neither.
    alpha : float
        Chance of ``shifted`` when nothing shifted.
    relevant : float, optional
        Shift that matters, in the metric's unit. By default half of the rarer share for a rate,
        else 20 % of the expected value or half a bucket's standard deviation, the larger.

    Raises
    ------
    WindowError
        A side has no bucket with a value.
    BadValueError
        The sides overlap.

    Examples
    --------
    >>> minutes = np.arange(40) * 60.0
    >>> errors = Series.rates(minutes, k=[2, 3] * 15 + [9, 12] * 5, n=[100] * 40, width_s=60)
    >>> test = shift_test(errors, 1800)
    >>> test.verdict, round(test.expected, 3), round(test.shift, 3)
    ('shifted', 0.025, 0.08)
    """
    split_high = split_low if split_high is None else split_high
    if split_high < split_low:
        raise BadValueError(
            f"the current side starts at {split_high}, before the baseline ends at {split_low}. "
            "Give split_low <= split_high."
        )
    baseline = Baseline.of(series, split_low)
    current = series.part(series.times >= split_high).present()
    if not len(current):
        raise WindowError(
            f"no bucket with a value starts at or after {split_high}. Give an earlier split."
        )
    data = prepare(current)
    effect = baseline.chosen.season.effect(data.times, data.width_s)
    weight = np.array([baseline.weight_of(v) for v in current.variance])
    distance = float(weight @ (data.y - effect) / weight.sum()) - baseline.level
    if series.kind in ("rate", "count"):
        start = baseline.level + distance
        distance = pooled_level(series, current.value, current.n, effect, start) - baseline.level
    return _conclude(
        series,
        current,
        baseline,
        effect,
        distance,
        baseline.distance_variance(data, weight),
        alpha,
        relevant,
    )


def _conclude(
    series: Series,
    current: Series,
    baseline: Baseline,
    effect: Floats,
    distance: float,
    error: tuple[float, float],
    alpha: float,
    relevant: float | None,
) -> ShiftTest:
    variance, degrees = error
    rows = current.n / current.n.sum()
    sd = float(np.sqrt(variance))
    quantile = float(special.stdtrit(degrees, 1 - alpha / 2))
    ends = np.array([0.0, distance, distance - quantile * sd, distance + quantile * sd])
    native = [float(rows @ series.native(baseline.level + effect + end)) for end in ends]
    low, high = native[2] - native[0], native[3] - native[0]
    slope = float(rows @ series.slope(baseline.level + effect))
    p = float(2 * special.stdtr(degrees, -abs(distance) / sd)) if sd > 0 else float(distance == 0)
    if relevant is None:
        bucket = slope * float(np.sqrt(baseline.chosen.noise.variance / np.median(baseline.weight)))
        relevant = _relevant(series, native[0], bucket)
    verdict: Literal["shifted", "not_shifted", "cannot_tell"] = "cannot_tell"
    if p <= alpha:
        verdict = "shifted"
    elif max(-low, high) < relevant:
        verdict = "not_shifted"
    power = quantile + float(special.stdtrit(degrees, POWER))
    return ShiftTest(
        verdict,
        native[0],
        native[1],
        native[1] - native[0],
        (low, high),
        p,
        power * sd * slope,
        relevant,
        baseline.rows,
        float(current.n.sum()),
        degrees,
        baseline.caveats_for(current.times),
    )


def _relevant(series: Series, expected_value: float, bucket_sd: float) -> float:
    if series.kind == "rate":
        return 0.5 * min(expected_value, 1 - expected_value)
    return max(0.2 * abs(expected_value), 0.5 * bucket_sd if series.kind != "count" else 0.0)
