from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rca
from rca.diagnose.callers import few_callers


def _pair(baseline: pd.DataFrame, current: pd.DataFrame, metric: str) -> rca.Comparison:
    engine = rca.connect()
    logs = (rca.read_logs(frame, engine=engine) for frame in (baseline, current))
    return rca.Comparison.of(*logs, metric=metric)


def _calls(tokens: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(user, float(t)) for user, many in tokens.items() for t in many]
    return pd.DataFrame(rows, columns=["user_id", "input_tokens"])


#: Forty callers with ten calls of 100 tokens each.
USUAL = {f"u{i:02d}": [100.0] * 10 for i in range(40)}


def test_the_excess_of_a_caller_is_that_worked_by_hand() -> None:
    # Baseline 100 a call. u00: 20 calls of 400, an excess of 20 * 300; u01: 10 of 220, 10 * 120.
    current = USUAL | {"u00": [400.0] * 20, "u01": [220.0] * 10}
    found = few_callers(_pair(_calls(USUAL), _calls(current), "mean:input_tokens"))
    assert found is not None
    # One in twenty of 40 callers may be named: two.
    assert found.values == ("u00", "u01")
    assert found.share == pytest.approx(1.0)
    assert found.usual == pytest.approx(20 / 400)
    assert (found.n_calls, found.n_callers) == (30, 40)
    # 7 * .95 - 2 = 4.65, held at 4.5.
    assert found.log_odds == 4.5
    assert found.slice == {"user_id": ["u00", "u01"]}
    assert found.finding.code == "FEW_CALLERS" and "100% of the excess" in found.finding.claim


def test_one_who_carries_enough_is_named_alone() -> None:
    current = USUAL | {"u07": [900.0] * 40, "u01": [130.0] * 10}
    found = few_callers(_pair(_calls(USUAL), _calls(current), "mean:input_tokens"))
    assert found is not None and found.slice == {"user_id": "u07"}
    assert found.share == pytest.approx(40 * 800 / (40 * 800 + 300))


def test_when_everyone_moves_no_one_stands_out() -> None:
    current = {user: [150.0] * 10 for user in USUAL}
    found = few_callers(_pair(_calls(USUAL), _calls(current), "mean:input_tokens"))
    assert found is not None
    assert found.share == pytest.approx(2 / 40) and found.log_odds == pytest.approx(-2.0)


def test_identical_sides_have_no_excess_to_carry() -> None:
    assert few_callers(_pair(_calls(USUAL), _calls(USUAL), "mean:input_tokens")) is None


def test_few_calls_or_few_callers_name_nobody() -> None:
    thin = USUAL | {"u00": [5000.0] * 3}
    assert few_callers(_pair(_calls(USUAL), _calls(thin), "mean:input_tokens")) is None
    some = {user: USUAL[user] for user in ("u00", "u01", "u02")}
    loud = some | {"u00": [900.0] * 40}
    assert few_callers(_pair(_calls(some), _calls(loud), "mean:input_tokens")) is None


def test_a_log_that_does_not_say_who_called_has_no_callers() -> None:
    frames = [_calls(USUAL).drop(columns="user_id") for _ in range(2)]
    frames[1]["input_tokens"] *= 2
    assert few_callers(_pair(*frames, "mean:input_tokens")) is None


def test_of_a_sum_per_hour_each_is_held_against_its_own_baseline() -> None:
    # Each of 40 callers sends 100 tokens a minute for 8 h; u00 sends 500 from 06:00 on.
    start = pd.Timestamp("2026-03-01", tz="UTC")
    minutes = np.repeat(np.arange(480), 40)
    frame = pd.DataFrame({"user_id": list(USUAL) * 480, "input_tokens": 100.0})
    frame["ts"] = start + pd.to_timedelta(minutes, unit="min")
    frame.loc[(minutes >= 360) & (frame["user_id"] == "u00"), "input_tokens"] = 500.0
    pair = rca.Comparison.by_time(
        rca.read_logs(frame),
        baseline=rca.Window.of("2026-03-01", "2026-03-01T06:00"),
        incident=rca.Window.of("2026-03-01T06:00", "2026-03-01T08:00"),
        metric="sum:input_tokens",
    )
    found = few_callers(pair)
    assert found is not None
    assert (found.values, found.n_calls) == (("u00",), 120)
    assert found.share == pytest.approx(1.0)
    assert found.usual == pytest.approx(1 / 40)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_rows_is_irrelevant(seed: int) -> None:
    current = _calls(USUAL | {"u00": [400.0] * 20, "u01": [220.0] * 10})
    rng = np.random.default_rng(seed)
    shuffled = current.iloc[rng.permutation(len(current))]
    wanted = few_callers(_pair(_calls(USUAL), current, "mean:input_tokens"))
    found = few_callers(_pair(_calls(USUAL), shuffled, "mean:input_tokens"))
    assert wanted is not None and found is not None
    assert (found.values, found.share) == (wanted.values, pytest.approx(wanted.share))
