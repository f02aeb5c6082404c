from __future__ import annotations

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rca.diagnose.combine import TEMPERATURE, candidates_of, numbered
from rca.diagnose.hypotheses import Hypothesis
from rca.model.event import Event
from rca.model.finding import Evidence, Finding
from rca.model.window import parse_time


def _hypothesis(kind: str, *odds: float, event: str | None = None, **other: object) -> Hypothesis:
    parts = tuple(Evidence(f"part {i}", value, "seen") for i, value in enumerate(odds))
    done = Event(event, parse_time("2026-03-01"), kind) if event else None
    return Hypothesis(kind, f"a {kind}", parts, done, **other)  # type: ignore[arg-type]


def test_the_probabilities_are_the_softmax_worked_by_hand() -> None:
    found = candidates_of(
        [_hypothesis("deploy", 1.0, 2.0, event="d"), _hypothesis("none", 0.0),
         _hypothesis("season", 1.0)],
        (),
    )  # fmt: skip
    weights = [exp(3 / TEMPERATURE), exp(1 / TEMPERATURE), 1.0]
    assert [c.kind for c in found] == ["deploy", "season", "none"]
    assert [c.rank for c in found] == [1, 2, 3]
    assert [c.probability for c in found] == pytest.approx([w / sum(weights) for w in weights])
    assert [e.log_odds for e in found[0].evidence] == [2.0, 1.0]


def test_two_sorts_of_none_are_one_candidate_named_by_the_likelier() -> None:
    found = candidates_of(
        [_hypothesis("none", 0.0), replace(_hypothesis("none", 1.0), claim="quiet"),
         _hypothesis("season", 0.0)],
        (),
    )  # fmt: skip
    both = exp(1 / TEMPERATURE) + 1
    assert [(c.kind, c.claim) for c in found] == [("none", "quiet"), ("season", "a season")]
    assert found[0].probability == pytest.approx(both / (both + 1))


def test_what_is_too_unlikely_to_show_is_added_to_none() -> None:
    sure = [_hypothesis("deploy", 40.0, event="d")]
    unlikely = [_hypothesis("flag", 0.0, event=f"f{i}") for i in range(5)]
    found = candidates_of([*sure, *unlikely, _hypothesis("none", 0.0)], ())
    assert [c.kind for c in found] == ["deploy", "none"]
    many = [_hypothesis("flag", 0.0, event=f"f{i}") for i in range(60)]
    found = candidates_of([*many, _hypothesis("none", 0.0)], ())
    assert len(found) <= 26 and found[0].kind == "none"
    assert found[0].probability == pytest.approx(1 - (len(found) - 1) / 61)


def test_an_event_from_the_log_has_no_id_to_name() -> None:
    given_ = _hypothesis("deploy", 0.0, event="d")
    assert given_.event is not None
    inferred = replace(given_, event=replace(given_.event, inferred=True))
    ids = {c.event_id for c in candidates_of([given_, inferred, _hypothesis("none", 0)], ())}
    assert ids == {"d", None}


def test_findings_are_numbered_and_cited_where_they_concern() -> None:
    found = numbered(
        [
            Finding("ONSET", "it moved"),
            Finding("EVENT_NEAR_ONSET", "d fits", event_id="d"),
            Finding("EVENT_NEAR_ONSET", "e fits", event_id="e"),
            Finding("SLICE_SHIFT", "eu", slice={"region": "eu"}),
            Finding("SLICE_SHIFT", "us", slice={"region": "us"}),
            Finding("COLUMN_DRIFT", "plan", column="plan", call="rca.profile_drift(pair)"),
        ],
        call="rca.diagnose(incident)",
    )
    assert found[0].call == "rca.diagnose(incident)"
    assert found[5].call == "rca.profile_drift(pair)"
    assert [f.id for f in found] == ["F1", "F2", "F3", "F4", "F5", "F6"]
    deploy = _hypothesis(
        "deploy", 1.0, event="d", slice={"region": "eu", "model": "m"}, column="plan",
        codes=("ONSET",),
    )  # fmt: skip
    first = candidates_of([deploy, _hypothesis("none", 0.0)], found)[0]
    assert first.findings == ("F1", "F2", "F4", "F6")


odds = st.floats(-30, 30)


@given(st.lists(odds, max_size=40), odds, odds)
def test_probabilities_sum_to_one_and_none_is_always_there(
    others: list[float], unlogged: float, quiet: float
) -> None:
    given_ = [_hypothesis("deploy", o, event=f"e{i}") for i, o in enumerate(others)]
    found = candidates_of([*given_, _hypothesis("none", unlogged), _hypothesis("none", quiet)], ())
    p = [c.probability for c in found]
    assert sum(p) == pytest.approx(1.0, abs=1e-9)
    assert p == sorted(p, reverse=True) and min(p) >= 0
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    assert sum(c.kind == "none" for c in found) == 1


@given(st.lists(odds, min_size=1, max_size=10, unique=True), st.floats(-5, 5))
def test_only_differences_of_log_odds_count(values: list[float], more: float) -> None:
    def ranked(shift: float) -> dict[str | None, float]:
        some = [_hypothesis("flag", o + shift, event=f"e{i}") for i, o in enumerate(values)]
        found = candidates_of([*some, _hypothesis("none", log(0.16) + shift)], ())
        return {c.event_id: c.probability for c in found}

    plain, moved = ranked(0.0), ranked(more)
    for name in plain.keys() & moved.keys():
        assert plain[name] == pytest.approx(moved[name], rel=1e-6, abs=1e-4)
