"""Simulated bucketed metrics for the change point benchmark: quiet ones and changed ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rca.stats.changepoint import Series
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]
DAY = 86_400.0
START = 1_735_689_600.0


# ------------------------------------------------------------------ noise without change


def ar1(rng: np.random.Generator, n: int, rho: float) -> Floats:
    """Return a stationary autoregression with unit variance."""
    shocks = rng.normal(size=n + 200)
    return np.asarray(lfilter([1.0], [1.0, -rho], shocks)[200:] * np.sqrt(1 - rho**2))


def quiet(kind: str, n: int, rng: np.random.Generator) -> Series:
    """Return a series without change, by kind of noise."""
    times, width = START + np.arange(n) * 3600.0, 3600.0
    if kind == "white":
        return Series.values(times, rng.normal(size=n), width)
    if kind == "t3":
        return Series.values(times, rng.standard_t(3, size=n), width)
    if kind.startswith("ar"):
        return Series.values(times, ar1(rng, n, float(kind[2:])), width)
    if kind == "white+ar.9":
        mixed = rng.normal(size=n) + ar1(rng, n, 0.9)
        return Series.values(times, mixed, width)
    if kind.startswith("poisson"):
        return Series.counts(times, rng.poisson(float(kind[7:]), size=n), width_s=width)
    if kind == "overdispersed":
        mean = 20 * rng.gamma(5, 1 / 5, size=n)
        return Series.counts(times, rng.poisson(mean), width_s=width)
    if kind == "rate 1% of 20-200":
        rows = rng.integers(20, 200, size=n)
        return Series.rates(times, rng.binomial(rows, 0.01), rows, width)
    if kind == "season":
        day = 2 * np.sin(2 * np.pi * times / DAY)
        weekend = -1.5 * (((times + 3 * DAY) % (7 * DAY)) >= 5 * DAY)
        return Series.values(times, day + weekend + ar1(rng, n, 0.3), width)
    if kind == "season, days differ":
        day = 2 * np.sin(2 * np.pi * times / DAY)
        level = rng.normal(size=n // 24 + 2)[np.arange(n) // 24]
        return Series.values(times, day + 0.5 * level + ar1(rng, n, 0.3), width)
    raise ValueError(kind)


QUIET = (
    "white",
    "t3",
    "ar.3",
    "ar.6",
    "ar.8",
    "white+ar.9",
    "poisson.05",
    "poisson.5",
    "poisson3",
    "overdispersed",
    "rate 1% of 20-200",
    "season",
    "season, days differ",
)


# ------------------------------------------------------------------ seasonal series with changes


@dataclass
class Truth:
    """A series, and when it truly changed (seconds)."""

    series: Series
    onsets: list[float] = field(default_factory=list)
    kind: str = "none"


def production(rng: np.random.Generator) -> Truth:
    """Draw a production-like series: traffic, season, noise, gaps, spikes and 0 to 3 changes."""
    width = float(rng.choice([900.0, 1800.0, 3600.0]))
    days = int(rng.integers(8, 29))
    n = int(days * DAY / width)
    times = START + rng.integers(0, 7) * DAY + np.arange(n) * width
    hour = 2 * np.pi * ((times % DAY) / DAY - rng.uniform())
    weekend = ((times + 3 * DAY) % (7 * DAY)) >= 5 * DAY
    traffic = np.exp(rng.uniform(0.2, 1.0) * np.sin(hour) - rng.uniform(0, 0.7) * weekend)
    daily = np.sin(hour) + rng.uniform(-0.6, 0.6) * np.sin(2 * hour + rng.uniform(0, 6))
    season = rng.uniform(0, 3) * daily - rng.uniform(0, 2) * weekend
    noise_ar = ar1(rng, n, float(rng.choice([0.3, 0.6, 0.8])))
    share = float(rng.choice([0.0, 0.0, 0.3, 0.6]))
    step, onsets, kind = changes(rng, times, width)
    kind_of_metric = rng.choice(["rate", "count", "mean"])
    if kind_of_metric == "mean":
        white = (
            rng.standard_t(4, size=n) / np.sqrt(2) if rng.uniform() < 0.5 else rng.normal(size=n)
        )
        value = 10 + season + step + np.sqrt(1 - share) * white + np.sqrt(share) * noise_ar
        value = _spikes(rng, value)
        series = Series.values(times, _gaps(rng, value), width)
    elif kind_of_metric == "count":
        base = float(np.exp(rng.uniform(1.5, 7)))
        sd = 1 / np.sqrt(base)
        slow = np.sqrt(share) * noise_ar * sd
        mean = base * traffic * np.exp(sd * step + slow)
        series = Series.counts(times, _gaps(rng, _spikes(rng, rng.poisson(mean))), width_s=width)
    else:
        rows = rng.poisson(float(np.exp(rng.uniform(4, 8))) * traffic)
        base = rng.uniform(-4, 3)
        p0 = 1 / (1 + np.exp(-base))
        sd = 1 / np.sqrt(max(1.0, float(np.median(rows))) * p0 * (1 - p0))
        odds = base + sd * (0.7 * season + step + np.sqrt(share) * noise_ar)
        rows = np.where(np.isfinite(_gaps(rng, np.zeros(n))), rows, 0)
        hits = rng.binomial(rows, 1 / (1 + np.exp(-odds)))
        series = Series.rates(times, hits, rows, width)
    return Truth(series, onsets, kind)


def changes(
    rng: np.random.Generator, times: Floats, width: float
) -> tuple[Floats, list[float], str]:
    """Draw what changes, in units of one bucket's sampling sd: the effect and its onsets."""
    kind = str(rng.choice(["none", "step", "two steps", "ramp", "incident", "newest"]))
    effect = np.zeros(len(times))
    span = times[-1] - times[0]
    if kind == "none":
        return effect, [], kind
    sign = rng.choice([-1.0, 1.0])
    size = sign * float(rng.uniform(1.0, 5.0))
    if kind == "newest":
        onset = times[-1] + width - float(rng.uniform(3, 12)) * width
        return sign * float(rng.uniform(4, 8)) * _ramp(times, width, onset, 0.0), [onset], kind
    onset = times[0] + span * float(rng.uniform(0.2, 0.85))
    if kind == "ramp":
        length = float(rng.uniform(2, 30)) * 3600
        return size * _ramp(times, width, onset, length), [onset], kind
    effect = size * _ramp(times, width, onset, 0.0)
    if kind == "step":
        return effect, [onset], kind
    if kind == "incident":
        end = onset + float(np.exp(rng.uniform(np.log(3), np.log(36)))) * 3600
        size = sign * float(rng.uniform(2.5, 6))
        both = _ramp(times, width, onset, 0.0) - _ramp(times, width, end, 0.0)
        return size * both, [onset, end], kind
    second = onset + span * float(rng.uniform(0.08, 0.14))
    other = float(rng.choice([-1, 1]) * rng.uniform(1, 5))
    return effect + other * _ramp(times, width, second, 0.0), [onset, second], kind


def _ramp(times: Floats, width: float, onset: float, length: float) -> Floats:
    if length <= 0:
        return np.clip((times + width - onset) / width, 0, 1)
    fine = times[:, None] + width * (np.arange(8) + 0.5) / 8
    return np.clip((fine - onset) / length, 0, 1).mean(1)


def _gaps(rng: np.random.Generator, value: Floats) -> Floats:
    out = np.asarray(value, dtype=np.float64).copy()
    out[rng.uniform(size=len(out)) < rng.choice([0, 0.02])] = np.nan
    if rng.uniform() < 0.3:
        at = int(rng.integers(0, len(out) - 12))
        out[at : at + 12] = np.nan
    return out


def _spikes(rng: np.random.Generator, value: Floats) -> Floats:
    out = np.asarray(value, dtype=np.float64).copy()
    for at in rng.integers(0, len(out), size=rng.integers(0, 4)):
        out[at] += rng.uniform(5, 15) * np.std(out[max(0, at - 20) : at + 20])
    return np.floor(out) if np.issubdtype(np.asarray(value).dtype, np.integer) else out
