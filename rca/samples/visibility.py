"""Whether a planted effect can be seen: its size in units of the noise of the metric."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rca.samples.clock import HOUR, Clock
from rca.samples.service import FloatArray

SUMS = frozenset({"cost"})


def measured(table: pa.Table, what: str) -> FloatArray:
    """Return one number per row, NaN where the row does not count.

    ``what`` is a metric's name, ``labels`` (whether a row is labelled) or ``copies`` (whether it
    repeats the row before). Means of it move when the metric moves: a quantile of latency is
    watched by the share of rows above that quantile of the whole log.
    """
    names = set(table.column_names)
    if what == "accuracy" and "correct" in names:
        return _floats(table["correct"].cast(pa.float64()))
    if what == "accuracy":
        return _floats(pc.equal(table["prediction"], table["label"]).cast(pa.float64()))
    if what == "labels":
        label = table["correct"] if "correct" in names else table["label"]
        return _floats(label.is_valid().cast(pa.float64()))
    if what == "copies":
        ids = table["request_id"].to_numpy()
        return np.concatenate([[0.0], (ids[1:] == ids[:-1]).astype(np.float64)])
    if what == "error_rate":
        return _floats(pc.not_equal(table["status"], "ok").cast(pa.float64()))
    if what == "flagged_rate":
        return _floats(table["flagged"].cast(pa.float64()))
    if what.endswith("_latency"):
        ok = _floats(pc.equal(table["status"], "ok").cast(pa.float64())) == 1
        latency = np.where(ok, _floats(table["latency_ms"]), np.nan)
        top = np.nanquantile(latency, 0.99 if what == "mean_latency" else _level(what))
        clipped = np.minimum(latency, top)
        return clipped if what == "mean_latency" else np.where(ok, latency > top, np.nan)
    column = {"cost": "cost_usd", "cost_per_request": "cost_usd"}.get(what, what)
    return _floats(table[column].cast(pa.float64()))


def noise_units(table: pa.Table, what: str, clock: Clock) -> float:
    """Return the shift from the onset to the alert, in standard deviations of such a window.

    The baseline is cut into windows as long as the incident, at most six hours; the daily profile
    of the baseline is taken off first. The deviation is that of the windows' means (scaled to the
    incident's length), or the sampling error of the incident's mean if that is larger.
    """
    ts = table["ts"].cast(pa.int64()).to_numpy() / 1e6
    y = measured(table, what)
    counts = ~np.isnan(y)
    ts, y = ts[counts], y[counts]
    if what in SUMS:
        ts, y = _sums(ts, y, clock)
    before, during = ts < clock.onset, (ts >= clock.onset) & (ts < clock.alerted_at)
    if during.sum() < 2 or before.sum() < 20:
        return 0.0
    hour = (ts // HOUR).astype(np.int64) % 24
    n_hour = np.bincount(hour[before], minlength=24)
    mean = y[before].mean()
    profile = np.full(24, mean)
    np.divide(np.bincount(hour[before], y[before], 24), n_hour, out=profile, where=n_hour > 0)
    y = y - profile[hour]
    duration = clock.alerted_at - clock.onset
    width = min(duration, 6 * HOUR)
    window = -1 - np.floor((ts[before] - clock.onset) / width).astype(np.int64)
    n = np.bincount(window)
    means = np.bincount(window, y[before])[n > 0] / n[n > 0]
    between = means.std(ddof=1) * np.sqrt(width / duration) if len(means) > 3 else 0.0
    within = y[before].std() / np.sqrt(during.sum())
    return float(y[during].mean() / max(between, within, 1e-12))


def error_units(table: pa.Table, what: str, clock: Clock) -> float:
    """Return the shift from the onset to the alert in standard errors of the incident's mean.

    Seasons stay in it: this is what a plain threshold would see.
    """
    ts = table["ts"].cast(pa.int64()).to_numpy() / 1e6
    y = measured(table, what)
    before = y[(ts < clock.onset) & ~np.isnan(y)]
    during = y[(ts >= clock.onset) & (ts < clock.alerted_at) & ~np.isnan(y)]
    if len(during) < 2 or len(before) < 20:
        return 0.0
    error = max(float(before.std()) / np.sqrt(len(during)), 1e-12)
    return float((during.mean() - before.mean()) / error)


def _sums(ts: FloatArray, y: FloatArray, clock: Clock) -> tuple[FloatArray, FloatArray]:
    """Return sums by half hours counted from the onset."""
    bucket = np.floor((ts - clock.onset) / (HOUR / 2)).astype(np.int64)
    low = int(bucket.min())
    sums = np.bincount(bucket - low, y).astype(np.float64)
    middle = clock.onset + (np.arange(len(sums)) + low + 0.5) * (HOUR / 2)
    return middle.astype(np.float64), sums


def _level(metric: str) -> float:
    return int(metric.removeprefix("p").split("_")[0]) / 100


def _floats(column: pa.ChunkedArray) -> FloatArray:
    values: FloatArray = column.to_numpy().astype(np.float64)
    return values
