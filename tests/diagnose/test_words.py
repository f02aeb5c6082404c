from __future__ import annotations

from math import log

import pytest
from rca.diagnose.affinity import Mentions, event_words, metric_family, words
from rca.model.event import Event
from rca.model.metric import Metric
from rca.model.window import parse_time

AT = parse_time("2026-03-01")


def _event(title: str, **fields: object) -> Event:
    return Event(title, AT, "pipeline", title, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "family", "wanted"),
    [
        (("correct",), "mean", "quality"),
        (("prediction", "label"), "mean", "quality"),
        (("flagged",), "mean", "safety"),
        (("latency_ms",), "quantile", "speed"),
        (("cost_usd",), "per_hour", "money"),
        (("status",), "mean", "errors"),
        ((), "per_hour", "volume"),
        (("satisfaction",), "mean", "other"),
    ],
)
def test_a_metric_speaks_of_a_family(columns: tuple[str, ...], family: str, wanted: str) -> None:
    assert metric_family(Metric("m", family, "1e0", columns=columns)) == wanted  # type: ignore[arg-type]


def test_the_words_of_an_event_are_those_of_its_title_data_and_scope() -> None:
    event = _event(
        "Backfill plan_tier", target="features", outputs=("db.users",),
        scope={"region": ["eu", "us"], "owner": None},
    )  # fmt: skip
    said = event_words(event)
    assert {"backfill", "plan_tier", "tier", "features", "users", "eu", "us"} <= said
    assert "none" not in said
    assert words("") == frozenset()


def test_a_word_that_few_say_is_worth_more() -> None:
    events = [_event("backfill user_age"), *(_event(f"nightly plan {i}") for i in range(8))]
    mentions = Mentions.of(events)
    # One of nine events says user_age: log((9 + 2) / (1 + 1)).
    assert mentions.worth(events[0], ["user_age"]) == (pytest.approx(log(11 / 2)), "user_age")
    # A name in pieces counts; pieces of a version are those of other versions too.
    assert mentions.worth(_event("fill the age of a user"), ["user_age"])[0] == pytest.approx(
        log(11 / 2)
    )
    assert mentions.worth(_event("move us-east-1"), ["us-east-2"]) == (0.0, "")
    # Eight of nine say plan.
    assert mentions.worth(events[1], ["plan"])[0] == pytest.approx(log(11 / 9))
    assert mentions.worth(events[1], ["user_age"]) == (0.0, "")
    assert mentions.worth(_event("set default to true"), ["true", "default", ""]) == (0.0, "")


def test_a_run_writes_what_runs_of_its_job_have_said_they_write() -> None:
    named = _event("nightly", outputs=("features",), scope={"column": "Plan"})
    silent = _event("again", outputs=("features",))
    other = _event("other", outputs=("labels",))
    mentions = Mentions.of([named, silent, other])
    assert mentions.columns_of(named) == mentions.columns_of(silent) == {"plan"}
    assert mentions.columns_of(other) == frozenset()
