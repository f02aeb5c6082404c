from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rca
from rca.diagnose.choose import choose_metric
from rca.errors import MissingColumnError, RCAError, WindowError
from rca.model.event import Event
from rca.samples import compare, simulate, write
from tests.analysis.events.planted import (
    ONSET,
    START,
    after,
    everywhere,
    in_eu,
    incident,
    rows,
)  # fmt: skip

CAUSE = Event("c-2", ONSET - timedelta(minutes=4), "config", "raise the timeout")
OTHERS = (
    Event("d-1", after(20), "deploy", "build 41"),
    Event("c-1", after(50), "config", "log level"),
    Event("f-1", after(95), "flag", "new banner"),
)


@pytest.fixture(scope="module")
def shifted() -> rca.Diagnosis:
    return rca.diagnose(incident(rows(plant=in_eu), (CAUSE, *OTHERS)))


@pytest.fixture(scope="module")
def quiet() -> rca.Diagnosis:
    return rca.diagnose(incident(rows(20_000, seed=3), (CAUSE, *OTHERS)))


# ------------------------------------------------------------------ known answers


def test_the_event_before_the_onset_is_named_with_the_rows_that_moved(
    shifted: rca.Diagnosis,
) -> None:
    first = shifted.candidates[0]
    assert (first.event_id, first.kind) == ("c-2", "config")
    assert first.slice.get("region") == "eu"
    assert shifted.shift is not None and shifted.shift.verdict == "shifted"
    assert shifted.shift.onset is not None
    low, _, high = shifted.shift.onset
    assert low - timedelta(hours=1) <= ONSET <= high + timedelta(hours=1)
    assert shifted.shift.shift < 0 and shifted.shift.ci[1] < 0
    assert "c-2" in shifted.summary() and "since" in shifted.summary()


def test_the_probability_is_told_by_its_parts(shifted: rca.Diagnosis) -> None:
    table = shifted.evidence()
    by_rank = table.groupby("rank")["log_odds"].sum()
    for candidate in shifted.candidates:
        assert by_rank[candidate.rank] == pytest.approx(sum(e.log_odds for e in candidate.evidence))
    assert {"prior", "time", "moved"} <= set(table.loc[table["rank"] == 1, "part"])


def test_what_a_candidate_rests_on_is_there(shifted: rca.Diagnosis) -> None:
    ids = {f.id for f in shifted.findings()}
    assert ids == {f"F{i}" for i in range(1, len(ids) + 1)}
    for candidate in shifted.candidates:
        assert set(candidate.findings) <= ids
    cited = [f.code for f in shifted.findings() if f.id in shifted.candidates[0].findings]
    assert {"ONSET", "EVENT_NEAR_ONSET"} <= set(cited)


def test_the_metric_that_moved_is_chosen() -> None:
    frame = rows(plant=everywhere)
    rng = np.random.default_rng(8)
    frame["latency_ms"] = rng.lognormal(6, 0.5, len(frame))
    frame["status"] = np.where(rng.random(len(frame)) < 0.03, "error", "ok")
    metric, tried = choose_metric(incident(frame, metric=None))
    assert metric.name == "accuracy"
    moved = {t.metric.name for t in tried if t.p_value <= 0.05}
    assert moved == {"accuracy"}
    found = rca.diagnose(incident(frame, (CAUSE,), metric=None))
    assert found.shift is not None and found.shift.metric.name == "accuracy"
    assert any(c.startswith(f"no metric was given: {len(tried)} were") for c in found.caveats)


def test_tied_events_share_and_the_caveat_says_what_parts_them() -> None:
    twin = replace(CAUSE, event_id="c-3", title="raise a limit")
    found = rca.diagnose(incident(rows(plant=everywhere), (CAUSE, twin)))
    p = {c.event_id: c.probability for c in found.candidates}
    assert p["c-2"] == pytest.approx(p["c-3"], abs=0.15)
    said = [c for c in found.caveats if c.startswith("the data cannot part")]
    assert len(said) == 1 and "roll back" in said[0]


# ------------------------------------------------------------------ invariants


def test_the_same_call_gives_the_same_answer_whatever_the_order_of_rows(
    shifted: rca.Diagnosis,
) -> None:
    frame = rows(plant=in_eu)
    shuffled = frame.iloc[np.random.default_rng(1).permutation(len(frame))]
    again = rca.diagnose(incident(shuffled, (*OTHERS, CAUSE))).to_dict()
    wanted = shifted.to_dict()
    assert [c["event_id"] for c in again["candidates"]] == [
        c["event_id"] for c in wanted["candidates"]
    ]
    assert [c["probability"] for c in again["candidates"]] == pytest.approx(
        [c["probability"] for c in wanted["candidates"]], rel=1e-6
    )


def test_the_document_is_that_of_the_contract(shifted: rca.Diagnosis, quiet: rca.Diagnosis) -> None:
    for found in (shifted, quiet):
        said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert list(said) == [
            "rca_version", "incident", "candidates", "findings", "caveats", "timings_s",
        ]  # fmt: skip
        assert list(said["incident"]) == [
            "metric", "unit", "service", "alerted_at", "onset", "baseline_window",
            "incident_window", "baseline_value", "current_value", "shift", "shift_ci",
            "n_baseline", "n_current", "verdict",
        ]  # fmt: skip
        keys = ["rank", "probability", "kind", "event_id", "slice", "column", "share", "claim",
                "findings"]  # fmt: skip
        assert all(list(c) == keys for c in said["candidates"])
        keys = ["id", "code", "claim", "estimate", "ci", "p_value", "q_value", "n", "call", "sql"]
        assert all(list(f) == keys for f in said["findings"])
        assert sum(c["probability"] for c in said["candidates"]) == pytest.approx(1.0)
        assert [c["rank"] for c in said["candidates"]] == list(
            range(1, 1 + len(said["candidates"]))
        )
        assert said["incident"]["alerted_at"].endswith("Z")
        assert said["timings_s"] and min(said["timings_s"].values()) >= 0
    onset = shifted.to_dict()["incident"]["onset"]
    assert onset["low"] <= onset["at"] <= onset["high"]


def test_each_step_is_told_as_it_starts() -> None:
    told: list[str] = []
    found = rca.diagnose(incident(rows(3000), metric=None), progress=told.append)
    assert told[0] == "which metric moved" and told[-1] == "weighing the candidates"
    assert set(found.timings_s) == set(told)


# ------------------------------------------------------------------ identical windows


def test_nothing_is_blamed_when_nothing_happened(quiet: rca.Diagnosis) -> None:
    assert quiet.shift is not None and quiet.shift.verdict == "not_shifted"
    assert quiet.shift.onset is None and quiet.to_dict()["incident"]["onset"] is None
    calm = sum(c.probability for c in quiet.candidates if c.kind in ("none", "season"))
    assert calm > 0.7 and quiet.candidates[0].kind == "none"
    assert max(c.probability for c in quiet.candidates if c.event_id) < 0.15
    assert "would have been seen" in quiet.summary()


def test_days_that_repeat_themselves_show_nothing() -> None:
    day = rows(3000, seed=6)
    day = day[day["ts"] < START + timedelta(days=1)]
    week = [day.assign(ts=day["ts"] + pd.Timedelta(days=i)) for i in range(7)]
    found = rca.diagnose(incident(pd.concat(week, ignore_index=True), (CAUSE,)))
    assert found.shift is not None and found.shift.verdict != "shifted"
    calm = sum(c.probability for c in found.candidates if c.kind in ("none", "season"))
    assert calm > 0.7


def test_few_rows_cannot_tell() -> None:
    for n in (2, 5, 40):
        found = rca.diagnose(incident(rows(n), (CAUSE,)))
        assert found.shift is not None and found.shift.verdict == "cannot_tell"
        assert "Cannot tell whether accuracy moved" in found.summary()
        assert found.candidates[0].kind == "none"
        json.dumps(found.to_dict(), allow_nan=False)


# ------------------------------------------------------------------ planted causes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "seed"),
    [
        ("model_rollout", 3), ("canary_rolled_back", 1), ("prompt_quality", 2),
        ("prompt_unsafe", 2), ("safety_filter", 2), ("regional_flag", 2), ("long_context", 1),
        ("runaway_caller", 3), ("price_change", 1), ("pipeline_rename", 1),
        ("pipeline_defaults", 1), ("labels_stopped", 2), ("labels_late", 1), ("traffic_mix", 3),
        ("seasonal_dip", 3), ("quiet", 2),
    ],
)  # fmt: skip
def test_a_planted_cause_is_first(family: str, seed: int, tmp_path: Path) -> None:
    drawn = simulate(family, seed=seed, n_rows=12_000)
    found = rca.diagnose(rca.read_incident(write(drawn, tmp_path / "incident")))
    scored = compare(drawn.truth, found.to_dict())
    assert scored.rank == 1, found.summary()
    assert scored.probability > 0.4 and scored.brier < 0.6


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("frame", "error", "hint"),
    [
        (lambda: rows(200).drop(columns="ts"), WindowError, "Map one to ts"),
        (lambda: rows(200).assign(ts=START), WindowError, "Export more of the time before"),
        (lambda: rows(200)[["ts", "region"]], MissingColumnError, "metric='mean:COLUMN'"),
    ],
)
def test_a_log_that_cannot_answer_says_what_it_needs(
    frame: Callable[[], pd.DataFrame], error: type[RCAError], hint: str
) -> None:
    with pytest.raises(error, match=hint):
        rca.diagnose(incident(frame(), metric=None))
