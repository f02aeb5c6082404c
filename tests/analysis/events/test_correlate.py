from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import rca
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.analysis.events.locate import locate
from rca.errors import WindowError
from rca.model.event import Event
from tests.analysis.events.planted import (
    ONSET,
    START,
    after,
    everywhere,
    in_eu,
    incident,
    new_version,
    rows,
)  # fmt: skip

CAUSE = Event("c-2", ONSET - timedelta(minutes=4), "config", "raise the timeout")
OTHERS = (
    Event("d-1", after(20), "deploy", "build 41"),
    Event("c-1", after(50), "config", "log level"),
    Event("f-1", after(95), "flag", "new banner"),
)


def _first(found: rca.Result) -> tuple[str, float]:
    row = found.table.iloc[0]
    return row["event_id"], row["probability"]


def test_the_log_odds_are_the_visible_parts_and_the_probabilities_their_softmax() -> None:
    found = rca.correlate_events(incident(rows(plant=everywhere), (CAUSE, *OTHERS)))
    odds = {r.event.event_id: r.log_odds for r in found.ranked}
    for ranked in found.ranked:
        assert ranked.log_odds == pytest.approx(sum(e.log_odds for e in ranked.evidence))
    weights = {name: np.exp(value) for name, value in odds.items()} | {None: 0.16}
    for row in found.table.to_dict("records"):
        name = row["event_id"] if isinstance(row["event_id"], str) else None
        wanted = weights[name] / sum(weights.values())
        assert row["probability"] == pytest.approx(wanted)
    assert found.p_none == pytest.approx(0.16 / sum(weights.values()))


def test_the_event_before_the_onset_is_first() -> None:
    found = rca.correlate_events(incident(rows(plant=everywhere), (CAUSE, *OTHERS)))
    name, probability = _first(found)
    assert name == "c-2" and probability > 0.6
    assert found.onset is not None
    assert abs(found.onset - ONSET) < timedelta(hours=1.5)
    assert "c-2" in found.summary() and "accuracy moved by" in found.summary()
    codes = [f.code for f in found.findings()]
    assert codes[0] == "ONSET" and "EVENT_NEAR_ONSET" in codes
    lag = found.table.set_index("event_id").loc["c-2", "lag_h"]
    assert lag == pytest.approx((found.onset - CAUSE.ts) / timedelta(hours=1), abs=1e-3)


def test_the_event_that_names_the_rows_is_first() -> None:
    eu = replace(CAUSE, event_id="eu", scope={"region": "eu"})
    us = replace(CAUSE, event_id="us", scope={"region": "us"})
    found = rca.correlate_events(incident(rows(plant=in_eu), (us, eu)))
    assert _first(found)[0] == "eu"
    table = found.table.set_index("event_id")
    assert table.loc["eu", "share"] == pytest.approx(1.0, abs=0.25)
    assert table.loc["us", "probability"] < 0.05


def test_a_shift_of_few_rows_is_located_there() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame["plan"] = np.where(rng.random(len(frame)) < 0.05, "pro", "free")
        frame.loc[(frame["ts"] >= ONSET) & (frame["plan"] == "pro"), "correct"] = 0.0

    located = locate(incident(rows(12_000, plant=plant)))
    assert located.scope.slice == {"plan": "pro"}
    assert located.onset.change is not None
    assert located.onset.change.low <= ONSET.timestamp() <= located.onset.change.high
    assert located.p_value < 0.01


def test_a_version_in_the_log_is_an_event_that_nobody_gave() -> None:
    frame = rows(plant=new_version)
    found = rca.correlate_events(incident(frame, OTHERS))
    name, probability = _first(found)
    assert name == "inferred:model_version=v2" and probability > 0.6
    first = found.ranked[0]
    assert first.contrast is not None
    assert first.contrast.beside == pytest.approx(-0.45, abs=0.1)
    given = Event("m-2", ONSET - timedelta(hours=1), "model_version", "v2", version="2")
    assert _first(rca.correlate_events(incident(frame, (given, *OTHERS))))[0] == "m-2"
    shown = rca.correlate_events(incident(frame, (given,))).table["event_id"]
    assert not shown.astype(str).str.startswith("inferred").any()


def test_a_quiet_log_places_no_event() -> None:
    found = rca.correlate_events(incident(rows(seed=4), (CAUSE, *OTHERS)))
    assert found.onset is None and found.findings() == ()
    assert "no lasting change" in found.summary()
    assert found.caveats[0].startswith("no lasting change was found")
    assert all(e.log_odds == 0 for r in found.ranked for e in r.evidence if e.part == "time")


def test_more_events_than_one_pass_can_hold_are_all_judged() -> None:
    frame = rows(plant=in_eu)
    many = [Event(f"u-{i:03d}", after(i), "config", scope={"user_id": f"u{i}"}) for i in range(70)]
    eu = replace(CAUSE, event_id="eu", scope={"region": "eu"})
    found = rca.correlate_events(incident(frame, (*many, eu)))
    assert _first(found)[0] == "eu"
    assert found.table["share"].notna().sum() == 71


def test_a_log_wider_than_one_pass_can_hold_is_scanned() -> None:
    frame = rows(3000, plant=in_eu)
    rng = np.random.default_rng(9)
    for i in range(70):
        frame[f"dimension_{i}"] = rng.choice(["a", "b"], len(frame))
    located = locate(incident(frame))
    assert located.scope.slice == {"region": "eu"}


def test_the_columns_are_those_that_are_documented() -> None:
    found = rca.correlate_events(incident(rows(2000), OTHERS))
    assert list(found.table.columns) == list(found.columns)
    assert found.table["probability"].sum() == pytest.approx(1.0)
    assert found.table.iloc[-1]["kind"] == "none" or found.table["kind"].eq("none").sum() == 1


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_rows_and_events_is_irrelevant(seed: int) -> None:
    frame, events = rows(3000, plant=in_eu), [CAUSE, *OTHERS]
    wanted = rca.correlate_events(incident(frame, events)).table
    rng = np.random.default_rng(seed)
    shuffled = frame.iloc[rng.permutation(len(frame))]
    found = rca.correlate_events(incident(shuffled, [events[i] for i in rng.permutation(4)])).table
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-9)


def test_an_incident_without_a_metric_says_how_to_give_one() -> None:
    with pytest.raises(WindowError, match="Give one"):
        rca.correlate_events(incident(rows(200), metric=None))


def test_a_log_without_times_says_what_to_map() -> None:
    with pytest.raises(WindowError, match="Map one to ts"):
        rca.correlate_events(incident(rows(200).drop(columns="ts")))


def test_a_log_of_one_moment_says_what_to_export() -> None:
    with pytest.raises(WindowError, match="Export more of the time before"):
        rca.correlate_events(incident(rows(200).assign(ts=START)))
