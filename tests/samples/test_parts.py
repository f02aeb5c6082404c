"""The parts of the simulator against hand calculations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from rca.samples.clock import HOUR, Clock, draw_clock
from rca.samples.priors import STYLES, draw_service
from rca.samples.rollout import Rollout, number_versions, staged
from rca.samples.traffic import arrivals, batches, draw_rows, weather
from rca.samples.visibility import noise_units


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_staged_rollout_reaches_the_stated_shares() -> None:
    steps = Rollout([100.0, 200.0], [0.25, 1.0])
    assert steps.share(np.array([99.0, 100.0, 199.0, 200.0])).tolist() == [0, 0.25, 0.25, 1]
    ramp = Rollout([100.0, 200.0], [0.0, 1.0], linear=True)
    assert ramp.share(np.array([50.0, 150.0, 300.0])).tolist() == [0, 0.5, 1]
    times, shares = staged(rng(), 7.0, instant=False, linear=False)
    assert times[0] == 7.0
    assert shares[-1] == 1.0
    assert times == sorted(times)


def test_a_rollout_touches_its_share_of_the_scope_and_a_user_for_good() -> None:
    service = draw_service(rng(), style="chat")
    clock = Clock(0.0, 40 * HOUR, 50 * HOUR, 50 * HOUR)
    counts = arrivals(service, clock, np.zeros(51), 40_000, rng())
    rows = draw_rows(service, clock, counts, (0, len(counts)), (1,))
    region = service.values["region"][0]
    half = Rollout([0.0], [0.5], scope={"region": region})
    inside = rows.match({"region": region})
    assert not (half.touches(rows) & ~inside).any()
    assert half.touches(rows)[inside].mean() == pytest.approx(0.5, abs=0.02)
    touched = Rollout([0.0], [0.5], by_user=True).touches(rows)
    per_user = np.bincount(rows.user, touched) / np.maximum(np.bincount(rows.user), 1)
    assert set(per_user.tolist()) == {0.0, 1.0}


def test_versions_are_numbered_in_the_order_of_their_start() -> None:
    late = Rollout([200.0], [1.0], column="app_version")
    soon = Rollout([100.0], [1.0], column="app_version")
    number_versions([late, soon], {("app_version", ""): 40})
    assert (soon.from_version, soon.version) == ("4.8.0", "4.8.1")
    assert (late.from_version, late.version) == ("4.8.1", "4.8.2")


def test_arrivals_add_up_and_stay_out_of_gaps() -> None:
    service = draw_service(rng(), style="chat")
    clock = Clock(0.0, 40 * HOUR, 48 * HOUR, 48 * HOUR)
    counts = arrivals(service, clock, np.zeros(49), 10_000, rng(), gaps=[(HOUR, 3 * HOUR)])
    assert counts.sum() == 10_000
    assert counts[12:36].sum() == 0
    ranges = list(batches(counts, 3000))
    assert [r[0] for r in ranges[1:]] == [r[1] for r in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, len(counts))


def test_weather_has_its_deviation_and_correlation() -> None:
    drawn = weather(rng(), 40_000, 0.3, 0.7)
    assert drawn.std() == pytest.approx(0.3, rel=0.05)
    assert np.corrcoef(drawn[1:], drawn[:-1])[0, 1] == pytest.approx(0.7, abs=0.02)


def test_clocks_keep_their_promises() -> None:
    for seed in range(200):
        clock = draw_clock(rng(seed), 20_000)
        baseline, incident = clock.onset - clock.start, clock.end - clock.onset
        assert 3 <= baseline / 86400 <= 21
        assert HOUR - 1 <= incident <= baseline / 2 + 1
        assert clock.onset < clock.alerted_at <= clock.end
        assert 20_000 * incident / baseline > 590


def test_services_are_drawn_from_all_styles_with_needed_columns() -> None:
    for seed, style in enumerate(STYLES * 5):
        service = draw_service(rng(seed), style=style, needs=("latency_ms", "user_id"))
        assert {"ts", "request_id", "latency_ms", "user_id"} <= service.columns
        assert all(s.sum() == pytest.approx(1) for s in service.shares.values())
        assert service.logs("label") == (service.style == "classifier") or not service.logs("label")


def test_noise_units_by_hand() -> None:
    """96 hours of ten calls, alternately 40 and 60 % right; then four hours of 10 %.

    Hour of day explains the alternation, and what is left has no spread between windows: the
    noise is the sampling error of 40 calls, sd(residual) / sqrt(40).
    """
    right = [[1] * (4 if h % 2 else 6) + [0] * (6 if h % 2 else 4) for h in range(96)]
    right += [[1] + [0] * 9 for _ in range(4)]
    flat = np.array(right).ravel()
    micros = (np.arange(len(flat)) * 360e6).astype(np.int64)
    table = pa.table({"ts": pa.array(micros).cast(pa.timestamp("us", "UTC")), "correct": flat == 1})
    clock = Clock(0.0, 96 * HOUR, 100 * HOUR, 100 * HOUR)
    residual_sd = np.sqrt(0.5 * (0.4 * 0.6 + 0.6 * 0.4))
    expected = (0.1 - 0.5) / (residual_sd / np.sqrt(40))
    assert noise_units(table, "accuracy", clock) == pytest.approx(expected, rel=1e-6)
