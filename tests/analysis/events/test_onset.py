from __future__ import annotations

import numpy as np
import pytest
from rca.analysis.events.onset import Onset, find_onset
from rca.analysis.events.timeline import Timeline, bucket_width, timelines
from rca.errors import WindowError
from rca.logs import read_logs
from rca.model.catalogue import resolve
from rca.model.metric import Metric
from rca.model.window import Window
from rca.stats.ratio import Sums
from tests.analysis.events.planted import START, after, rows

ERRORS = Metric("error_rate", "mean", "failed", binary=True, columns=("status",), worse="up")
HOUR = 3600.0


def _line(levels: list[tuple[int, float]], *, n: int = 200, seed: int = 0) -> Timeline:
    """Hourly error rates: (hours, level) one after another."""
    p = np.concatenate([np.full(hours, level) for hours, level in levels])
    k = np.random.default_rng(seed).binomial(n, p).astype(float)
    rows = np.full(len(p), float(n))
    times = START.timestamp() + HOUR * np.arange(len(p))
    return Timeline(ERRORS, times, HOUR, rows, Sums(rows, rows, k, rows, k, k))


def _found(levels: list[tuple[int, float]], alerted_h: float, **kwargs: int) -> Onset:
    return find_onset(_line(levels, **kwargs), after(alerted_h).timestamp(), ERRORS)


def test_a_step_parts_the_log() -> None:
    found = _found([(72, 0.05), (24, 0.2)], 96)
    assert found.change is not None and found.ended_at is None
    assert found.change.low <= after(72).timestamp() <= found.change.high
    assert found.change.shift == pytest.approx(0.15, abs=0.03)
    assert found.baseline.end <= found.current.start
    before, now = found.masks(_line([(72, 0.05), (24, 0.2)]))
    assert 68 <= before.sum() <= 72 and 20 <= now.sum() <= 24 and not (before & now).any()


def test_the_current_window_ends_with_the_recovery() -> None:
    found = _found([(60, 0.05), (16, 0.25), (20, 0.05)], 70)
    assert found.ended_at == pytest.approx(after(76).timestamp(), abs=1.5 * HOUR)
    assert found.current.end <= after(77)


def test_the_onset_of_a_staircase_is_its_first_step() -> None:
    found = _found([(60, 0.05), (8, 0.12), (28, 0.25)], 96, n=1000)
    assert found.change is not None
    assert found.change.at == pytest.approx(after(60).timestamp(), abs=1.5 * HOUR)


def test_a_change_for_the_worse_comes_first() -> None:
    found = _found([(48, 0.2), (30, 0.1), (18, 0.18)], 96, n=600)
    assert found.change is not None and found.change.shift > 0
    assert found.change.at == pytest.approx(after(78).timestamp(), abs=1.5 * HOUR)


def test_a_change_after_the_alert_is_not_its_cause() -> None:
    assert _found([(72, 0.05), (24, 0.2)], 60).change is None


def test_without_a_change_the_newest_hours_stand_against_the_rest() -> None:
    found = _found([(96, 0.05)], 96)
    assert found.change is None and found.posterior is None
    assert found.baseline == Window(START, after(90))
    assert found.current == Window(after(90), after(96))


def test_rows_of_one_moment_have_no_before() -> None:
    with pytest.raises(WindowError, match="Export more of the time before"):
        find_onset(_line([(1, 0.05)]), after(1).timestamp(), ERRORS)


def test_buckets_hold_rows_enough_and_there_are_enough_of_them() -> None:
    logs = read_logs(rows(6000))
    assert logs.span is not None
    # 62 rows an hour: 40 rows take 38 minutes, so the next width is an hour.
    assert bucket_width(logs, logs.span) == 3600
    assert bucket_width(logs, Window(after(0), after(8))) == 300
    # Few rows are measured, but there must be 24 buckets: 4 h at most.
    assert bucket_width(logs, logs.span, share_measured=0.001) == 10800
    # At least 24 buckets of ten seconds do not fit into two minutes.
    assert bucket_width(logs, Window(after(0), after(1 / 30))) == 5.0


def test_a_bucket_without_rows_counts_as_zero_calls_but_as_no_mean() -> None:
    frame = rows(6000)
    frame = frame[(frame["ts"] < after(40)) | (frame["ts"] >= after(44))]
    logs = read_logs(frame)
    wanted = [resolve("accuracy", logs), resolve("requests", logs)]
    accuracy, calls = timelines(logs, wanted, width_s=HOUR)
    assert len(accuracy.times) == 96
    assert np.flatnonzero(np.isnan(accuracy.series.value)).tolist() == [40, 41, 42, 43]
    assert calls.series.value[40:44].tolist() == [0, 0, 0, 0]


def test_a_quantile_is_followed_as_the_share_above_its_level() -> None:
    frame = rows(4000)
    frame["latency_ms"] = np.random.default_rng(3).lognormal(6, 0.8, len(frame))
    logs = read_logs(frame)
    (line,) = timelines(logs, [resolve("p95_latency", logs)], width_s=HOUR)
    assert line.threshold == pytest.approx(np.quantile(frame["latency_ms"], 0.95), rel=0.01)
    assert line.sums.y.sum() == pytest.approx(200, abs=4)
