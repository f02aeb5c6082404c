"""A metric in time buckets, with what is known of each bucket's sampling noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rca.errors import BadValueError

Floats = npt.NDArray[np.float64]
Kind = Literal["rate", "count", "mean", "quantile"]
#: A smoothed rate that a bucket is linearised around holds at least this many events.
SMOOTH_EVENTS = 40.0


@dataclass(frozen=True)
class Series:
    """A bucketed metric: numbers in, ready for `detect`, `expected` and `shift_test`.

    Make one with `rates`, `counts`, `means` or `values`. Times are bucket starts in seconds since
    the epoch, increasing, with gaps where buckets are missing. A missing bucket may also be there
    with a value of nan. It is never taken for zero.

    Attributes
    ----------
    times : float array
        Bucket starts, seconds since the epoch.
    width_s : float
        Bucket width in seconds.
    value : float array
        The metric in its own unit (share of rows, events per unit of exposure, mean, quantile).
    working : float array
        The value on the working scale: log-odds of a rate, log of a count, else the value itself.
    variance : float array
        Sampling variance on the working scale; nan where unknown.
    n : float array
        Rows (exposure, for a count) behind each bucket.
    kind : {"rate", "count", "mean", "quantile"}
        What the values are; it chooses the working scale.
    """

    times: Floats
    width_s: float
    value: Floats
    working: Floats
    variance: Floats
    n: Floats
    kind: Kind

    def __post_init__(self) -> None:
        """Check shapes, order and the bucket width."""
        size = len(self.times)
        for name in ("value", "working", "variance", "n"):
            if len(getattr(self, name)) != size:
                given = len(getattr(self, name))
                raise BadValueError(f"{name} has {given} buckets, times has {size}. Align them.")
        if not (np.isfinite(self.width_s) and self.width_s > 0):
            raise BadValueError(f"bucket width is {self.width_s} s. Give a positive number.")
        if size and not np.isfinite(self.times).all():
            raise BadValueError("a bucket has no time. Drop such buckets first.")
        if size > 1 and not (np.diff(self.times) > 0).all():
            raise BadValueError("bucket starts do not increase. Sort and merge the buckets first.")

    @classmethod
    def rates(cls, times: object, k: object, n: object, width_s: float) -> Series:
        """Make a series of rates from ``k`` hits among ``n`` rows per bucket.

        The working value is one step of the log-odds regression around the locally pooled rate,
        ``logit(p) + (k/n - p) / (p (1 - p))``, with variance ``1 / (n p (1 - p))``. Unlike the
        empirical log-odds it is unbiased in buckets with few or no hits. Buckets with ``n = 0``
        are missing.

        Examples
        --------
        >>> Series.rates([0, 60, 120], k=[1, 0, 2], n=[10, 0, 10], width_s=60).value.tolist()
        [0.1, nan, 0.2]
        """
        hits, rows = _floats("k", k), _floats("n", n)
        rows = np.where((rows > 0) & np.isfinite(hits), rows, 0.0)
        hits = np.where(rows > 0, hits, 0.0)
        if (hits < 0).any() or (hits > rows).any():
            raise BadValueError("k is below 0 or above n in some bucket. Give hits among n rows.")
        window = _smoothing_window(np.minimum(hits, rows - hits), rows)
        smooth = rows - _tamed(rows - _tamed(hits, rows, window), rows, window)
        p = (_moving_sum(smooth, window) + 0.5) / (_moving_sum(rows, window) + 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(rows > 0, hits / rows, np.nan)
            working = np.log(p / (1 - p)) + (value - p) / (p * (1 - p))
            variance = np.where(rows > 0, 1 / (rows * p * (1 - p)), np.nan)
        return cls(_floats("times", times), width_s, value, working, variance, rows, "rate")

    @classmethod
    def counts(
        cls, times: object, k: object, exposure: object = None, width_s: float = 60.0
    ) -> Series:
        """Make a series of counts ``k`` per bucket, divided by ``exposure`` when one is given.

        The working value is one step of the log-linear regression around the locally pooled
        intensity, with the Poisson variance. A count of nan is missing; 0 is a count.

        Examples
        --------
        >>> Series.counts([0, 60], k=[4, 0], width_s=60).value.tolist()
        [4.0, 0.0]
        """
        hits = _floats("k", k)
        size = np.ones(len(hits)) if exposure is None else _floats("exposure", exposure)
        if (hits < 0).any():
            raise BadValueError("k is below 0 in some bucket. Give counts.")
        known = np.isfinite(hits) & (size > 0)
        size, hits = np.where(known, size, 0.0), np.where(known, hits, 0.0)
        window = _smoothing_window(hits, size)
        pooled = _moving_sum(size, window)
        with np.errstate(divide="ignore", invalid="ignore"):
            smooth = _moving_sum(_tamed(hits, size, window), window)
            base = (smooth + 0.5) / (pooled + 0.5 * size.sum() / hits.sum())
            base = base if hits.sum() > 0 else 0.5 / pooled
            value = np.where(known, hits / size, np.nan)
            working = np.log(base) + (value - base) / base
            variance = np.where(known, 1 / (size * base), np.nan)
        return cls(_floats("times", times), width_s, value, working, variance, size, "count")

    @classmethod
    def means(cls, times: object, mean: object, sd: object, n: object, width_s: float) -> Series:
        """Make a series of means with the standard deviation ``sd`` of the ``n`` rows behind each.

        The sampling variance is ``sd^2 / n``; in buckets of fewer than 30 rows ``sd`` is pooled
        over all buckets, because the variance of few rows is itself noise.
        """
        value, rows, spread = _floats("mean", mean), _floats("n", n), _floats("sd", sd)
        known = (rows > 1) & np.isfinite(spread) & np.isfinite(value)
        degrees = np.where(known, rows - 1, 0.0)
        square = np.where(known, spread, 0.0) ** 2
        pooled = float(degrees @ square / degrees.sum()) if degrees.sum() > 0 else np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.where(known & (rows >= 30), square, pooled) / rows
        value = np.where(rows > 0, value, np.nan)
        variance = np.where(np.isfinite(variance) & (variance > 0), variance, np.nan)
        return cls(_floats("times", times), width_s, value, value, variance, rows, "mean")

    @classmethod
    def values(
        cls,
        times: object,
        value: object,
        width_s: float,
        *,
        variance: object = None,
        n: object = None,
        kind: Literal["mean", "quantile"] = "mean",
    ) -> Series:
        """Make a series of plain values, with their sampling variance when it is known."""
        y = _floats("value", value)
        var = np.broadcast_to(np.nan, len(y)) if variance is None else _floats("variance", variance)
        rows = np.broadcast_to(1.0, len(y)) if n is None else _floats("n", n)
        y = np.where(np.isfinite(y), y, np.nan)
        return cls(_floats("times", times), width_s, y, y, var, rows, kind)

    def __len__(self) -> int:
        """Return the number of buckets, missing ones included."""
        return len(self.times)

    def native(self, working: Floats) -> Floats:
        """Return working-scale numbers in the metric's own unit."""
        if self.kind == "rate":
            return np.asarray(1 / (1 + np.exp(-np.clip(working, -700, 700))), dtype=np.float64)
        if self.kind == "count":
            return np.exp(np.clip(working, -700, 700))
        return np.asarray(working, dtype=np.float64)

    def link(self, native: Floats) -> Floats:
        """Return numbers in the metric's own unit on the working scale."""
        if self.kind == "rate":
            p = np.clip(native, 1e-12, 1 - 1e-12)
            return np.asarray(np.log(p / (1 - p)), dtype=np.float64)
        if self.kind == "count":
            return np.log(np.maximum(native, 1e-300))
        return native

    def slope(self, working: Floats) -> Floats:
        """Return d native / d working, for the delta method."""
        if self.kind == "rate":
            p = self.native(working)
            return p * (1 - p)
        return self.native(working) if self.kind == "count" else np.ones_like(working)

    def present(self) -> Series:
        """Return the buckets that have a value."""
        known = np.isfinite(self.working)
        return self if known.all() else self.part(known)

    def part(self, chosen: npt.NDArray[np.bool_]) -> Series:
        """Return the chosen buckets as a series."""
        return Series(
            self.times[chosen],
            self.width_s,
            self.value[chosen],
            self.working[chosen],
            self.variance[chosen],
            self.n[chosen],
            self.kind,
        )


def _floats(name: str, given: object) -> Floats:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadValueError(f"{name} is not a list of numbers: {error}. Give numbers.") from error
    if array.ndim != 1:
        raise BadValueError(f"{name} has {array.ndim} dimensions. Give a flat list of numbers.")
    return array


def _smoothing_window(events: Floats, size: Floats) -> int:
    """Return the odd window that pools about `SMOOTH_EVENTS` events, at least 5 buckets."""
    used = size > 0
    rate = float(events[used].mean()) if used.any() else 0.0
    wanted = 5 if rate <= 0 else int(np.ceil(SMOOTH_EVENTS / rate))
    wanted = min(max(5, wanted), max(5, len(events) // 4))
    return wanted + 1 - wanted % 2


def _tamed(hits: Floats, size: Floats, window: int) -> Floats:
    """Return hits cut to what Poisson noise around the other buckets of the window allows.

    A spike must not move the rate that its neighbours are linearised around.
    """
    others = _moving_sum(size, window) - size
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(others > 0, (_moving_sum(hits, window) - hits) / others, np.inf)
    expected = np.where(size > 0, rate, 0.0) * size
    return np.asarray(np.minimum(hits, expected + 4 * np.sqrt(expected) + 3), dtype=np.float64)


def _moving_sum(value: Floats, window: int) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(value)))
    middle = np.arange(len(value))
    half = window // 2
    return total[np.minimum(middle + half + 1, len(value))] - total[np.maximum(middle - half, 0)]
