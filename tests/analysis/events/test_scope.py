from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rca
from rca.analysis.events.inferred import infer_events, version_values
from rca.analysis.events.scope import ALL_ROWS, Scope, scope_cube, scope_of
from rca.analysis.events.timeline import timelines
from rca.model.catalogue import resolve
from rca.model.event import Event
from tests.analysis.events.planted import HOURS, START, after, new_version, rows

EVENT = Event("e", after(10), "deploy")


def _counted(scope: Scope, logs: rca.Logs) -> int:
    sql = f"select count(*) as n_ from {logs.relation} where {scope.predicate(logs)}"
    return int(logs.engine.one(sql)["n_"])


@pytest.mark.parametrize(
    ("said", "wanted"), [("v2.1", 3), ("2.1", 3), (" V2.1 ", 3), ("2", 1), ("vintage", 1), ("x", 0)]
)
def test_a_version_is_found_however_it_is_spelt(said: str, wanted: int) -> None:
    held = ["v2.1", "2.1", "V2.1", "v2", "vintage", None]
    logs = rca.read_logs(pd.DataFrame({"ts": START, "model_version": held}))
    assert _counted(Scope((("model_version", (said,)),)), logs) == wanted


def test_values_are_alternatives_and_columns_conditions() -> None:
    frame = pd.DataFrame({"ts": START, "region": ["eu", "us", "us"], "paid": [True, True, False]})
    logs = rca.read_logs(frame)
    both = Scope((("paid", ("True",)), ("region", ("EU", "us"))))
    assert _counted(both, logs) == 2
    assert _counted(ALL_ROWS, logs) == 3
    assert str(both) == "paid=True & region=EU|us" and str(ALL_ROWS) == "all rows"
    assert both.slice == {"paid": "True"}


def test_a_quote_in_a_value_is_a_quote() -> None:
    logs = rca.read_logs(pd.DataFrame({"ts": START, "region": ["o'hare", "b"]}))
    assert _counted(Scope((("region", ("O'Hare",)),)), logs) == 1


def test_fields_named_like_columns_are_the_scope() -> None:
    logs = rca.read_logs(rows(200))
    event = replace(EVENT, service="chat", scope={"region": ["eu", "us"], "ticket": "T-1"})
    assert scope_of(event, logs, ()) == Scope((("region", ("eu", "us")),))
    with_service = rca.read_logs(rows(200).assign(service="chat"))
    assert scope_of(event, with_service, ()).slice == {"service": "chat"}
    assert scope_of(EVENT, logs, ()) is not None and not scope_of(EVENT, logs, ()).columns


def test_a_version_names_the_column_that_holds_it() -> None:
    logs = rca.read_logs(rows(2000, plant=new_version))
    values = version_values(logs)
    assert scope_of(replace(EVENT, version="V2"), logs, values).columns == (
        ("model_version", ("V2",)),
    )
    assert scope_of(replace(EVENT, version="v3"), logs, values) == ALL_ROWS
    assert scope_of(replace(EVENT, version="v2", kind="flag"), logs, values) == ALL_ROWS


def test_a_version_that_two_columns_hold_is_that_of_the_events_kind() -> None:
    frame = rows(2000, plant=new_version)
    frame["prompt_version"] = np.where(frame["ts"] > after(80), "v2", "v1")
    logs = rca.read_logs(frame)
    values = version_values(logs)
    kinds = {"prompt": "prompt_version", "model_version": "model_version"}
    for kind, column in kinds.items():
        found = scope_of(replace(EVENT, version="v2", kind=kind), logs, values)
        assert found.columns == ((column, ("v2",)),)


def test_the_sums_of_scopes_are_those_of_their_rows() -> None:
    frame = rows(3000, seed=2)
    logs = rca.read_logs(frame)
    (line,) = timelines(logs, [resolve("accuracy", logs)], width_s=3600)
    eu = Scope((("region", ("eu",)),))
    few = Scope((("region", ("eu",)), ("user_id", ("u1", "u2", "u3"))))
    cube = scope_cube(logs, line, [eu, few, eu])
    assert cube.scopes == (eu, few)
    hour = ((frame["ts"] - START).dt.total_seconds() // 3600).astype(int)
    inside = {eu: frame["region"] == "eu"}
    inside[few] = inside[eu] & frame["user_id"].isin(["u1", "u2", "u3"])
    for scope, where in inside.items():
        for outside in (False, True):
            kept = frame[~where if outside else where]
            hits = np.bincount(hour[kept.index], kept["correct"], minlength=int(HOURS))
            n = np.bincount(hour[kept.index], minlength=int(HOURS))
            found = cube.over(scope, outside=outside)
            assert found.y.tolist() == hits.tolist()
            assert found.n.tolist() == n.tolist()
    everything = cube.over(ALL_ROWS)
    assert everything.n.tolist() == line.rows.tolist()


def test_a_version_that_comes_later_is_an_event() -> None:
    frame = rows(4000, plant=new_version)
    logs = rca.read_logs(frame)
    (event,) = infer_events(logs)
    first = frame.loc[frame["model_version"] == "v2", "ts"].min()
    assert abs((event.ts - first).total_seconds()) < 0.01
    assert event.event_id == "inferred:model_version=v2"
    assert (event.kind, event.version, event.inferred) == ("model_version", "v2", True)
    assert event.scope == {"model_version": "v2"}


def test_a_version_that_is_there_from_the_start_is_none() -> None:
    frame = rows(4000)
    frame["model_version"] = np.where(np.arange(len(frame)) % 2, "v1", "v2")
    assert len(infer_events(rca.read_logs(frame))) == 0


def test_a_column_with_one_value_or_too_many_tells_no_versions_apart() -> None:
    frame = rows(2000)
    frame["app_version"] = [f"build-{i}" for i in range(len(frame))]
    logs = rca.read_logs(frame)
    assert version_values(logs) == () and len(infer_events(logs)) == 0
    assert version_values(rca.read_logs(frame[["ts", "correct"]])) == ()
