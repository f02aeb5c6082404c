from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import log

import numpy as np
import pytest
from rca.analysis.events import parts
from rca.analysis.events.contrast import Contrast
from rca.analysis.events.onset import Onset
from rca.analysis.events.scope import ALL_ROWS, Scope
from rca.model.event import Event
from rca.model.metric import Metric
from rca.model.window import Window
from rca.stats.changepoint import Series, detect
from tests.analysis.events.planted import ONSET, START, after

ACCURACY = Metric("accuracy", "mean", "correct", binary=True, columns=("correct",), worse="down")
EVENT = Event("e", after(10), "deploy")
V2 = Scope((("model_version", ("v2",)),))


def _onset(*, ended_at: float | None = None) -> Onset:
    """The onset of a series without any change."""
    flat = detect(Series.rates(np.arange(48) * 3600.0, np.full(48, 5), np.full(48, 50), 3600.0))
    return Onset(None, flat, Window(START, ONSET), Window(ONSET, after(90)), ended_at)


def _seen(**changed: float) -> Contrast:
    seen = Contrast(100, 300, 0.25, -0.2, 0.02, 0.0, 0.01, 1.0, 0.1)
    return replace(seen, **changed)


def test_a_kind_shares_its_weight_among_its_events() -> None:
    others = [EVENT, replace(EVENT, event_id="f"), replace(EVENT, kind="flag"), EVENT]
    assert parts.prior(EVENT, others).log_odds == pytest.approx(log(0.20 / 3))
    assert parts.prior(replace(EVENT, kind="odd"), others).log_odds == pytest.approx(log(0.03))


def test_without_an_onset_time_says_nothing() -> None:
    assert parts.time(EVENT, _onset(), 1e5).log_odds == 0.0


def test_a_scope_is_judged_by_where_the_shift_lives() -> None:
    seen = _seen()
    assert parts.scope(V2, seen, ACCURACY).log_odds == seen.log_bayes_factor > 1
    assert parts.scope(ALL_ROWS, seen, ACCURACY).log_odds == 0.0
    assert parts.scope(V2, None, ACCURACY).log_odds == 0.0
    assert parts.scope(V2, _seen(n_in=0), ACCURACY).log_odds == -2.5
    assert parts.scope(V2, _seen(n_out=0), ACCURACY).log_odds == 0.0


def test_a_new_version_must_do_as_badly_beside_the_old_one() -> None:
    # With d = needed = -.2: ((d / sd)^2 - 0) / 2 at sd^2 = .02^2 + (.35 * .2)^2.
    found = parts.beside(_seen(beside=-0.2, se_beside=0.02), ACCURACY)
    assert found is not None
    assert found.log_odds == pytest.approx(0.2**2 / (0.02**2 + 0.07**2) / 2)
    alike = parts.beside(_seen(beside=0.0, se_beside=0.02), ACCURACY)
    assert alike is not None and alike.log_odds == pytest.approx(-found.log_odds)
    assert parts.beside(_seen(), ACCURACY) is None
    assert parts.beside(None, ACCURACY) is None


@pytest.mark.parametrize(
    ("kind", "status", "wanted"),
    [("pipeline", "FAILED", 1.5), ("deploy", "cancelled", -2.0), ("deploy", "success", None)],
)
def test_a_failed_run_breaks_data_and_a_failed_deploy_nothing(
    kind: str, status: str, wanted: float | None
) -> None:
    found = parts.status(replace(EVENT, kind=kind, status=status))
    assert (found and found.log_odds) == wanted


def test_another_environment_or_service_counts_against_an_event() -> None:
    staging = parts.place(replace(EVENT, environment="staging"), None)
    assert staging is not None and staging.log_odds == -4.0
    other = parts.place(replace(EVENT, service="search"), "chat")
    assert other is not None and other.log_odds == -2.0
    assert parts.place(replace(EVENT, service="Chat", environment="prod"), "chat") is None
    assert parts.place(replace(EVENT, kind="pipeline", service="etl"), "chat") is None


def test_what_was_rolled_back_when_it_recovered_is_likelier() -> None:
    undone = after(20).timestamp()
    back = Event("r", after(19.5), "rollback", from_version="v2")
    onset = _onset(ended_at=undone)
    v2, v3 = replace(EVENT, version="v2"), replace(EVENT, version="v3")
    found = parts.recovery(v2, onset, [v2, back])
    assert found is not None and found.log_odds == 2.5 and "30 min" in found.reason
    assert parts.recovery(v3, onset, [v3, back]) is None
    assert parts.recovery(v2, _onset(), [v2, back]) is None
    late = replace(back, ts=after(21))
    assert parts.recovery(v2, onset, [v2, late]) is None


def test_a_run_unlike_its_earlier_runs_stands_out() -> None:
    runs = [
        Event(f"n{day}", START + timedelta(days=day), "pipeline", target="features", status="ok",
              scope={"rows": 1000 + day})
        for day in range(7)
    ]  # fmt: skip
    last = runs[-1]
    assert parts.unusual(last, runs) is None
    failed = parts.unusual(replace(last, status="failed"), runs)
    assert failed is not None and failed.log_odds == 2.0
    short = parts.unusual(replace(last, scope={"rows": 12}), runs)
    assert short is not None and short.reason == "rows 12, usually 1002.5"
    versioned = [replace(run, version="1") for run in runs]
    new = parts.unusual(replace(versioned[-1], version="2"), versioned)
    assert new is not None and new.log_odds == 1.0
    assert parts.unusual(replace(last, scope={"rows": 12}), runs[:2]) is None
