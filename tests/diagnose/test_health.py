from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rca
from rca.analysis.events.locate import locate
from rca.diagnose.health import broken_measurements
from rca.diagnose.health.labels import _step_gain, labels
from rca.diagnose.health.metering import metering, prices
from rca.diagnose.health.repeats import repeats
from rca.logs.checks import checked
from rca.model.incident import Incident
from rca.model.metric import Metric
from tests.analysis.events.planted import HOURS, ONSET, START, incident, rows

HOUR = 3600.0
Change = Callable[[pd.DataFrame, np.random.Generator], None]


# ------------------------------------------------------------------ labels


def _labelled(delay_h: float, *, lost: float = 0.0, delay_after_h: float | None = None) -> Incident:
    """A log whose labels take a time (exponential), of which some never come after the onset."""
    rng = np.random.default_rng(1)
    frame = rows(12_000)
    end = START + pd.Timedelta(hours=HOURS)
    age = (end - frame["ts"]).dt.total_seconds() / HOUR
    late = frame["ts"] >= ONSET
    delay = np.where(late, delay_after_h or delay_h, delay_h)
    known = rng.exponential(delay) < age
    known &= ~(late & (rng.random(len(frame)) < lost))
    frame["prediction"] = np.where(rng.random(len(frame)) < 0.5, "yes", "no")
    agrees = frame["correct"] == 1
    other = np.where(frame["prediction"] == "yes", "no", "yes")
    frame["label"] = np.where(agrees, frame["prediction"], other)
    frame.loc[~known, "label"] = None
    return incident(frame.drop(columns="correct"))


def _broken_labels(found: Incident) -> rca.Finding | None:
    assert found.metric is not None
    broken = labels(found.metric, locate(found), found.alerted_at.timestamp())
    return broken.finding if broken else None


@pytest.mark.parametrize("delay_h", [0.5, 6.0, 30.0])
def test_labels_on_their_way_are_no_fault(delay_h: float) -> None:
    assert _broken_labels(_labelled(delay_h)) is None


def test_labels_that_stop_are_a_fault() -> None:
    found = _broken_labels(_labelled(3.0, lost=0.8))
    assert found is not None and found.code == "LABELS_STOPPED" and found.column == "label"
    assert found.estimate == pytest.approx(-0.75, abs=0.2)
    assert "that the usual delay of labels does not explain" in found.claim


def test_a_metric_that_needs_no_label_is_not_asked_for_one() -> None:
    found = _labelled(3.0, lost=0.8)
    latency = Metric("latency", "mean", "latency_ms", columns=("latency_ms",))
    assert labels(latency, locate(found), found.alerted_at.timestamp()) is None


def test_a_step_gains_its_likelihood_and_a_delay_none() -> None:
    # Half the labels vanish at hour 60 of 96: per bucket 400 * KL(.5 : fitted), which is large.
    times = HOUR * (np.arange(96) + 0.5)
    n = np.full(96, 400.0)
    age = (96 * HOUR - times) / HOUR
    arrived = 0.9 * (1 - np.exp(-age / 4.0))
    gain, kept = _step_gain(times, n * arrived, n, 60 * HOUR)
    assert gain == pytest.approx(0.0, abs=0.5) and kept > 0.9
    stepped = np.where(times >= 60 * HOUR, 0.5, 1.0) * arrived
    gain, kept = _step_gain(times, n * stepped, n, 60 * HOUR)
    assert gain > 100 and kept == pytest.approx(0.5, abs=0.05)


# ------------------------------------------------------------------ money


def _money(change: Change | None = None) -> rca.Comparison:
    rng = np.random.default_rng(5)
    frame = rows(8000).drop(columns="correct")
    n = len(frame)
    frame["model"] = rng.choice(["small", "large"], n)
    frame["cached_input_tokens"] = np.where(rng.random(n) < 0.5, rng.integers(200, 400, n), 0.0)
    frame["input_tokens"] = rng.integers(500, 1500, n) + frame["cached_input_tokens"]
    frame["output_tokens"] = rng.integers(50, 250, n).astype(float)
    price = np.where(frame["model"] == "small", 1e-6, 1e-5)
    frame["cost_usd"] = price * (frame["input_tokens"] + 4 * frame["output_tokens"])
    if change is not None:
        change(frame, rng)
    return rca.Comparison.by_time(
        rca.read_logs(frame),
        baseline=rca.Window(START, ONSET),
        incident=rca.Window(ONSET, START + pd.Timedelta(hours=HOURS)),
        metric="mean:cost_usd",
    )


def test_cached_tokens_added_twice_raise_input_by_just_them() -> None:
    def twice(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        late = frame["ts"] >= ONSET
        frame.loc[late, "input_tokens"] += frame.loc[late, "cached_input_tokens"]

    found = metering(_money(twice))
    assert found is not None and found.code == "METERING_DOUBLE"
    assert found.finding.estimate == pytest.approx(1.0, abs=0.15)
    assert found.finding.ci is not None and found.finding.ci[0] < 1 < found.finding.ci[1]
    assert found.log_odds > 2


def test_longer_prompts_are_no_double_count() -> None:
    def longer(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[frame["ts"] >= ONSET, "input_tokens"] *= 1.8

    assert metering(_money(longer)) is None
    assert metering(_money()) is None
    assert metering(_money().measuring("mean:output_tokens")) is None


def test_a_new_price_names_its_model_and_its_part_of_the_spend() -> None:
    def dearer(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[(frame["ts"] >= ONSET) & (frame["model"] == "large"), "cost_usd"] *= 1.5

    pair = _money(dearer)
    found = prices(pair)
    assert found is not None and found.models == ("large",)
    assert "large +50%" in found.finding.claim
    spend = pair.logs.engine.rows(
        f"select model, sum(cost_usd) as usd_ from {pair.logs.relation} "
        f"where {pair.current.predicate} group by model"
    )
    usd = {row["model"]: row["usd_"] for row in spend}
    # Of what the large one costs now, a third was added.
    assert found.share == pytest.approx(usd["large"] / 3 / sum(usd.values()), rel=1e-3)


def test_more_tokens_at_the_same_price_are_no_new_price() -> None:
    def longer(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[frame["ts"] >= ONSET, ["input_tokens", "output_tokens", "cost_usd"]] *= 2

    assert prices(_money(longer)) is None
    assert prices(_money()) is None
    assert prices(_money().measuring("mean:input_tokens")) is None


def test_retries_of_some_calls_are_no_new_price() -> None:
    def retried(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        some = (frame["ts"] >= ONSET) & (rng.random(len(frame)) < 0.3)
        frame.loc[some, "cost_usd"] *= 3

    assert prices(_money(retried)) is None


# ------------------------------------------------------------------ repeated rows


def _repeated(share: float) -> Incident:
    frame = rows(8000)
    frame["request_id"] = [f"r{i}" for i in range(len(frame))]
    rng = np.random.default_rng(2)
    again = frame[(frame["ts"] >= ONSET) & (rng.random(len(frame)) < share)]
    found = incident(pd.concat([frame, again], ignore_index=True))
    return replace(found, logs=checked(found.logs))


def test_rows_that_repeat_a_request_are_found_and_counted_once() -> None:
    found = _repeated(0.5)
    broken = repeats(found.logs, locate(found), found.alerted_at.timestamp())
    assert broken is not None and broken.onset is not None
    # Of n + n / 2 rows a third repeats another.
    assert broken.onset.after == pytest.approx(1 / 3, abs=0.03)
    assert broken.onset.low <= ONSET.timestamp() <= broken.onset.high
    assert found.logs.n_rows == 8000


def test_few_repeated_rows_or_none_are_no_fault() -> None:
    for share in (0.0, 0.02):
        found = _repeated(share)
        assert repeats(found.logs, locate(found), found.alerted_at.timestamp()) is None


def test_nothing_is_broken_in_a_quiet_log() -> None:
    found = incident(rows(6000))
    pair = found.comparison(onset=ONSET)
    assert broken_measurements(pair, locate(found), found.alerted_at.timestamp()) == []
    money = _money()
    assert broken_measurements(money, locate(found), found.alerted_at.timestamp()) == []
