"""Truth and score, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rca.errors import BadValueError
from rca.samples import Cause, Truth, compare

DEPLOY = Truth(
    "app_deploy", (Cause("deploy", "2026-01-01T00:00:00Z", "dep-1", None, {"region": "eu"}),)
)
UPSTREAM = Truth("provider_latency", (Cause("upstream", slice={"provider": "aurora"}),))


def candidate(p: float, kind: str, event: str | None = None, **slice: str) -> dict[str, Any]:
    return {"probability": p, "kind": kind, "event_id": event, "slice": slice, "column": None}


def test_a_right_first_candidate_by_hand() -> None:
    said = [candidate(0.7, "deploy", "dep-1", region="eu"), candidate(0.3, "none")]
    scored = compare(DEPLOY, {"candidates": said})
    assert (scored.rank, scored.right, scored.hit_slice, scored.probability) == (1, True, True, 0.7)
    assert scored.brier == pytest.approx(0.3**2 + 0.3**2)


def test_a_missed_cause_costs_what_it_is_owed() -> None:
    scored = compare(DEPLOY, {"candidates": [candidate(1.0, "deploy", "dep-9")]})
    assert (scored.rank, scored.right, scored.found, scored.hit_event) == (None, False, 0.0, False)
    assert scored.brier == pytest.approx(2.0)


def test_rank_follows_the_rank_field() -> None:
    said = [
        {**candidate(0.4, "deploy", "dep-1"), "rank": 2},
        {**candidate(0.6, "flag", "chg-1"), "rank": 1},
    ]
    assert compare(DEPLOY, {"candidates": said}).rank == 2


def test_an_upstream_cause_needs_its_slice_and_no_event() -> None:
    def rank(one: dict[str, Any]) -> int | None:
        return compare(UPSTREAM, {"candidates": [one]}).rank

    assert rank(candidate(1, "upstream", provider="aurora", region="eu")) == 1
    assert rank(candidate(1, "upstream", provider="cirrus")) is None
    assert rank(candidate(1, "upstream")) is None
    assert rank(candidate(1, "upstream", "inc-3", provider="aurora")) is None


def test_two_faults_share_the_certainty() -> None:
    both = Truth("two_faults", (DEPLOY.cause, Cause("flag", event_id="chg-2")))
    said = [candidate(0.5, "deploy", "dep-1"), candidate(0.5, "flag", "chg-2")]
    scored = compare(both, {"candidates": said})
    assert (scored.brier, scored.found, scored.probability) == (0.0, 1.0, 1.0)
    half = compare(both, {"candidates": [candidate(1.0, "flag", "chg-2")]})
    assert (half.right, half.found, half.brier) == (True, 0.5, pytest.approx(0.25 + 0.25))


def test_kinds_of_events_count_as_kinds_of_candidates() -> None:
    truth = Truth("price_change", (Cause("data_quality", column="cost_usd"),))
    said = {**candidate(1.0, "price"), "column": "cost_usd"}
    scored = compare(truth, {"candidates": [said]})
    assert (scored.right, scored.hit_kind, scored.hit_column) == (True, True, True)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_brier_lies_between_nought_and_two(weights: list[float]) -> None:
    total = sum(weights)
    said = [candidate(w / total, "flag", f"chg-{i}") for i, w in enumerate(weights)]
    assert 0 <= compare(DEPLOY, {"candidates": said}).brier <= 2 + 1e-9


def test_wrong_diagnoses_are_refused() -> None:
    with pytest.raises(BadValueError, match="--json"):
        compare(DEPLOY, {})
    with pytest.raises(BadValueError, match="from 0 to 1"):
        compare(DEPLOY, {"candidates": [candidate(3.0, "none")]})


def test_truth_survives_toml() -> None:
    odd = Cause("input", "2026-01-01T00:00:00Z", None, "x", {"user_id": ['a"b', "c\\d"], "t": "é"})
    truth = Truth("token_flood", (odd, DEPLOY.cause))
    assert Truth.from_toml(truth.to_toml()) == truth
    for broken in ("nonsense", "family = 'x'", "[cause]\nkind='a'\nweight=2"):
        with pytest.raises(BadValueError, match=r"\[cause\]"):
            Truth.from_toml(broken)
