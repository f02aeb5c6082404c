"""Whole incidents: determinism, the contract's columns, events around the cause, errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import BadValueError, UnknownNameError
from rca.samples import FAMILIES, simulate
from rca.samples.history import RIVALS
from rca.samples.table import ORDER
from rca.samples.truth import plain_kind
from rca.samples.vocabulary import CATEGORY_FEATURES, NUMERIC_FEATURES

CANONICAL_EVENT = {"event_id", "ts", "ts_end", "kind", "title", "service", "target", "status"} | {
    *("from_version", "version", "environment", "actor", "inputs", "outputs"),
    *("region", "client", "query_type", "provider", "model", "prompt_template", "table", "column"),
    *("app_version", "model_version", "prompt_version"),
}
LLM_ONLY = {"provider"}
EVENT_KINDS = {
    *("deploy", "rollback", "release", "config", "flag", "model_version", "prompt", "price"),
    *("pipeline", "data_quality", "schema_change", "infra", "upstream", "incident", "annotation"),
}


def test_the_same_seed_gives_the_same_incident_and_another_seed_another() -> None:
    one, two, other = (simulate("app_deploy", seed=s, n_rows=4000) for s in (5, 5, 6))
    assert one.requests.equals(two.requests)
    assert (one.events, one.incident, one.truth) == (two.events, two.incident, two.truth)
    assert not one.requests.equals(other.requests)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_keeps_the_contract(drawn: Callable[..., Any], family: str) -> None:
    case = drawn(family, 11)
    incident, table = case.incident, case.incident.requests
    features = {f[0] for f in (*NUMERIC_FEATURES, *CATEGORY_FEATURES)}
    assert set(table.column_names) <= {*ORDER, *features, "input", "output"}
    assert table.schema.field("ts").type == pa.timestamp("us", tz="UTC")
    assert table["ts"].null_count == table["request_id"].null_count == 0
    assert case.log["ts"].is_sorted()
    assert 20_000 <= len(table) < 65_000
    assert plain_kind(case.cause.kind) in FAMILIES[family].kinds
    labelled = {"correct", "prediction", "label"}
    assert set(FAMILIES[family].needs) - labelled - set(table.column_names) <= LLM_ONLY
    alerted_at = datetime.fromisoformat(incident.incident["alerted_at"])
    assert case.log["ts"].min() < alerted_at
    assert alerted_at <= case.log["ts"].max() + timedelta(minutes=20)
    for column, value in case.cause.slice.items():
        wanted = set(value if isinstance(value, list) else [value])
        assert wanted <= set(case.log[column].drop_nulls().unique()), column


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_events_are_canonical_and_name_the_cause(drawn: Callable[..., Any], family: str) -> None:
    case = drawn(family, 12)
    events = case.incident.events
    ids = [e["event_id"] for e in events]
    assert len(set(ids)) == len(ids) >= 1
    assert all(set(e) <= CANONICAL_EVENT and e["kind"] in EVENT_KINDS for e in events)
    assert all(a["ts"] <= b["ts"] for a, b in pairwise(events))
    for cause in case.incident.truth.causes:
        if cause.event_id is None:
            continue
        (event,) = (e for e in events if e["event_id"] == cause.event_id)
        assert plain_kind(event["kind"]) == plain_kind(cause.kind)
        lag = datetime.fromisoformat(cause.onset) - datetime.fromisoformat(event["ts"])
        late = timedelta(minutes=35) if cause.kind == "upstream" else timedelta(minutes=10)
        assert -late < lag < timedelta(hours=24)


def test_nothing_else_could_be_the_cause_of_a_logged_fault() -> None:
    """An unmarked change just before the onset would make the truth a matter of luck."""
    for seed in range(20, 32):
        made = simulate("regional_flag", seed=seed, n_rows=8000, clock_error_s=0.0)
        cause = made.truth.cause
        onset = datetime.fromisoformat(str(cause.onset))
        (event,) = (e for e in made.events if e["event_id"] == cause.event_id)
        low = datetime.fromisoformat(event["ts"]) - timedelta(minutes=44)
        for other in made.events:
            at = datetime.fromisoformat(other["ts"])
            if other is event or other["kind"] not in RIVALS - {"pipeline"}:
                continue
            excluded = other.get("environment") == "staging" or other["service"] != event["service"]
            excluded |= other.get("status") in {"failed", "scheduled"}
            assert excluded or not low < at < onset, (seed, other)


def test_options_reach_the_incident() -> None:
    slow = simulate("regional_flag", seed=4, n_rows=8000, lag_scale=20.0, clock_error_s=0.0)
    fast = simulate("regional_flag", seed=4, n_rows=8000, lag_scale=0.05, clock_error_s=0.0)

    def lag(made: Any) -> timedelta:
        (event,) = (e for e in made.events if e["event_id"] == made.truth.cause.event_id)
        return datetime.fromisoformat(made.truth.cause.onset) - datetime.fromisoformat(event["ts"])

    assert lag(slow) > 20 * lag(fast)
    many = simulate("regional_flag", seed=4, n_rows=8000, n_events=200)
    assert len(many.events) > 150
    assert simulate("quiet", seed=1, n_rows=2000, text=True).requests["input"].null_count == 0


def test_hostile_text_stands_in_the_prompts() -> None:
    made = simulate("token_flood", seed=2, n_rows=8000, text=True)
    text = " ".join(made.requests["input"].to_pylist())
    assert "<script>" in text
    assert "\x1b[" in text


def test_services_differ_in_what_they_log_and_have_missing_values() -> None:
    made = [simulate("quiet", seed=seed, n_rows=3000).requests for seed in range(12)]
    assert len({tuple(t.column_names) for t in made}) >= 10
    with_nulls = [any(t[c].null_count for c in ("region",) if c in t.column_names) for t in made]
    assert any(with_nulls)
    assert not all(with_nulls)


@settings(max_examples=15, deadline=None)
@given(
    family=st.sampled_from(sorted(FAMILIES)),
    seed=st.integers(0, 10_000),
    n_rows=st.integers(8_000, 16_000),
)
def test_any_seed_and_size_gives_an_incident(family: str, seed: int, n_rows: int) -> None:
    made = simulate(family, seed=seed, n_rows=n_rows)
    assert len(made.requests) >= n_rows
    assert made.truth.cause.kind in FAMILIES[family].kinds
    numbers = [c for c in made.requests.column_names if c in {"latency_ms", "cost_usd"}]
    for column in numbers:
        values = made.requests[column].to_numpy()
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_wrong_calls_say_what_to_do() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'model_rollout'"):
        simulate("model_rolout", seed=1)
    with pytest.raises(UnknownNameError, match="style for price_change"):
        simulate("price_change", seed=1, style="classifier")
    with pytest.raises(BadValueError, match="at least 2000"):
        simulate("quiet", seed=1, n_rows=10)
    with pytest.raises(BadValueError, match="from 0"):
        simulate("quiet", seed=-1)
