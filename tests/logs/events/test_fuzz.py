"""Whatever is given, the reader answers with events or with an RCAError that says why."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rca.errors import RCAError
from rca.logs.events import read_events
from rca.logs.events.registry import SOURCES, sniff
from rca.logs.events.source import Draft, LeftOut, Record, Remark
from rca.model.event import Events

FILES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ROWS = settings(max_examples=60, deadline=None)

T = "2026-03-01T12:00:00Z"
DBT = "https://schemas.getdbt.com/dbt"
RUN = {
    "unique_id": "model.a.b",
    "status": "error",
    "message": "m",
    "relation_name": '"a"."b"',
    "timing": [{"name": "execute", "started_at": T, "completed_at": T}],
}
FIELDS = {"fields": [{"name": "x", "type": "int"}]}
LINEAGE = {"fields": {"x": {"inputFields": [{"name": "t", "field": "y"}]}}}
CHECKED = {"assertions": [{"assertion": "unique", "success": False, "column": "x"}]}
SAMPLES: dict[str, list[dict[str, Any]]] = {
    "github": [
        {"action": "created", "repository": {"full_name": "a/b"},
         "deployment": {"id": 1, "sha": "s", "ref": "v1.0", "task": "deploy", "payload": {"x": 1},
                        "environment": "prod", "created_at": T},
         "deployment_status": {"state": "success", "creator": {"login": "a"}, "created_at": T}},
        {"tag_name": "v1", "target_commitish": "main", "published_at": T, "author": {"login": "a"}},
        {"workflow_runs": [{"head_sha": "s", "run_number": 1, "workflow_id": 1,
                            "run_started_at": T}], "total_count": 1},
        {"ref": "refs/tags/v1", "before": "a", "after": "b", "pusher": {"name": "a"},
         "head_commit": {"timestamp": T, "message": "m"}, "repository": {"full_name": "a/b"}},
    ],
    "gitlab": [
        {"id": 1, "iid": 1, "ref": "main", "sha": "s", "environment": {"name": "prod"},
         "deployable": {"finished_at": T}, "status": "success", "created_at": T},
        {"object_kind": "deployment", "deployment_id": 1, "status_changed_at": T},
    ],
    "kubernetes": [
        {"apiVersion": "v1", "kind": "EventList", "items": [
            {"involvedObject": {"kind": "Pod", "name": "a-1"}, "reason": "BackOff", "message": "m",
             "firstTimestamp": T, "lastTimestamp": T, "metadata": {"name": "a"}}]},
        {"apiVersion": "argoproj.io/v1", "kind": "Application", "metadata": {"name": "a"},
         "spec": {"destination": {"namespace": "prod"}},
         "status": {"history": [{"id": 1, "revision": "r", "deployedAt": T, "sources": [{}]}],
                    "operationState": {"phase": "Failed", "startedAt": T},
                    "summary": {"images": ["a:1"]}}},
    ],
    "helm": [{"revision": 1, "chart": "a-1.0", "updated": T, "status": "deployed",
              "app_version": "1", "description": "Rollback to 1"}],
    "git tags": [{"tag": "v1", "commit": "a", "time": T}],
    "mlflow registry": [
        {"model_versions": [{"name": "m", "version": "1", "creation_timestamp": 1772366400000,
                             "last_updated_timestamp": 1772366500000, "tags": {"a": "b"},
                             "current_stage": "Production", "aliases": ["a"]}]},
        {"entity": "model_version", "action": "created", "timestamp": T, "data": {"name": "m"}},
    ],
    "launchdarkly": [{"items": [{"titleVerb": "on", "kind": "flag", "date": 1772366400000,
                                 "target": {"resources": ["proj/a:env/b:flag/c"]},
                                 "accesses": [{"action": "x"}]}]}],
    "airflow": [{"dag_runs": [{"dag_id": "d", "dag_run_id": "r", "state": "failed",
                               "start_date": T, "dag_versions": [{"bundle_version": "1"}]}]}],
    "dagster": [
        {"data": {"runsOrError": {"results": [{"runId": "r", "jobName": "j", "status": "FAILURE",
                                               "startTime": 1772366400.5,
                                               "tags": [{"key": "a", "value": "b"}]}]}}},
        {"dagster_event_type": "STEP_FAILURE", "run_id": "r", "timestamp": 1772366400.5,
         "step_key": "s", "event": "{}"},
        {"dagster_event_type": "ASSET_MATERIALIZATION", "run_id": "r", "timestamp": 1772366401,
         "asset_key": '["a"]'},
    ],
    "dbt": [
        {"metadata": {"dbt_schema_version": f"{DBT}/run-results/v6.json", "generated_at": T},
         "results": [RUN, {**RUN, "unique_id": "test.a.c"}]},
        {"metadata": {"dbt_schema_version": f"{DBT}/manifest/v12.json", "generated_at": T},
         "nodes": {"test.a.c": {"depends_on": {"nodes": ["model.a.b"]}, "column_name": "x"},
                   "model.a.b": {"checksum": {"checksum": "x"}, "relation_name": "a.b"}}},
        {"metadata": {"dbt_schema_version": f"{DBT}/sources/v3.json"},
         "results": [{"unique_id": "source.a.b", "status": "warn", "snapshotted_at": T,
                      "max_loaded_at_time_ago_in_s": 3600.5}]},
        {"info": {"name": "NodeFinished", "invocation_id": "i", "ts": T},
         "data": {"node_info": {"unique_id": "model.x.y"}, "run_result": {"status": "error"}}},
    ],
    "openlineage": [
        {"eventTime": T, "eventType": "FAIL", "run": {"runId": "r", "facets": {}},
         "job": {"namespace": "n", "name": "j"},
         "inputs": [{"namespace": "n", "name": "t", "facets": {"schema": FIELDS},
                     "inputFacets": {"dataQualityAssertions": CHECKED}}],
         "outputs": [{"namespace": "n", "name": "o",
                      "facets": {"columnLineage": LINEAGE, "schema": FIELDS,
                                 "lifecycleStateChange": {"lifecycleStateChange": "ALTER"}},
                      "outputFacets": {"outputStatistics": {"rowCount": 1}}}]},
    ],
    "great expectations": [
        {"run_results": {"a": {"validation_result": {
            "success": False, "statistics": {}, "meta": {"run_id": {"run_time": T}},
            "results": [{"success": False, "result": {"unexpected_percent": 4.5},
                         "expectation_config": {"type": "x", "kwargs": {"column": "c"}}}]}}}},
    ],
    "soda": [{"scanStartTimestamp": T, "checks": [{"outcome": "fail", "name": "n", "table": "t"}]}],
    "grafana": [{"time": 1772366400000, "text": "deploy", "panelId": 1, "tags": ["a:b", "c"]}],
    "pagerduty": [
        {"incidents": [{"id": "a", "created_at": T, "assignments": [{"assignee": {}}]}]},
        {"change_events": [{"summary": "s", "timestamp": T, "custom_details": {"version": "1"},
                            "links": [{"href": "h"}], "services": [{"summary": "s"}]}]},
        {"event": {"event_type": "incident.x", "occurred_at": T, "data": {"id": "i"}}},
        {"routing_key": "k", "payload": {"summary": "s", "timestamp": T}},
    ],
    "opsgenie": [{"data": [{"tinyId": "1", "message": "m", "createdAt": T, "status": "closed"}]}],
    "canonical": [{"ts": T, "kind": "deploy", "inputs": "a,b", "scope": {"region": "eu"}}],
}  # fmt: skip

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([T, "2026-03-01", "1772366400", "\ud800", "[1, {", "0001-01-01T00:00+14:00"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "id", "a", "items"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


@st.composite
def broken(draw: st.DrawFn, name: str) -> list[dict[str, Any]]:
    """Return the sample of a source with up to four values replaced by anything."""
    rows = copy.deepcopy(SAMPLES[name])
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(sorted((p for p in places(rows) if len(p) > 1), key=str)))
        inner: Any = rows
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = draw(JSON)
    return rows


def read_or_refuse(source: Any) -> Events | None:
    """Read a source and look at all that came of it; a refusal is an answer too."""
    try:
        events = read_events(source)
    except RCAError as error:
        assert str(error)
        return None
    shown = [(event.title, event.service, event.inputs, dict(event.scope)) for event in events]
    json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()
    assert len({event.event_id for event in events}) == len(events)
    assert all(event.ts.utcoffset() is not None for event in events)
    assert all(event.ts_end is None or event.ts_end >= event.ts for event in events)
    return events


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_sample_of_each_source_is_its_own_and_is_read(source: Any) -> None:
    rows = SAMPLES[source.name]
    assert {sniff(row)[0].name for row in rows} == {source.name}
    assert len(read_events(rows)) > 0


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_anywhere_inside_an_export(source: Any, data: st.DataObject) -> None:
    rows = data.draw(broken(source.name))
    read_or_refuse(rows)
    mappings = [row for row in rows if isinstance(row, dict)]
    assert all(0 <= source.sniff(row) <= 1 for row in mappings)
    records = [Record(row, f"row {number}") for number, row in enumerate(mappings)]
    try:
        parsed = list(source.parse(records))
    except RCAError:
        assert source.strict
        return
    assert all(isinstance(item, Draft | LeftOut | Remark) for item in parsed)


@FILES
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "export"
    for content in (data, gzip.compress(data), b"PAR1" + data, b"apiVersion: v1\n" + data):
        path.write_bytes(content)
        read_or_refuse(path)


@FILES
@given(st.text(max_size=200))
def test_any_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "export"
    for content in (text, "ts,kind\n" + text, '{"ts": 1772366400}\n' + text):
        path.write_bytes(content.encode("utf-8", "replace"))
        read_or_refuse(path)


@FILES
@given(JSON)
def test_any_json_document(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "export"
    path.write_text(json.dumps(document))
    read_or_refuse(path)


@ROWS
@given(
    st.lists(
        st.fixed_dictionaries(
            {"ts": st.integers(10**9, 2 * 10**9), "kind": st.sampled_from(["deploy", "flag"])},
            optional={"id": st.sampled_from("abc"), "version": st.sampled_from("12")},
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_every_row_is_kept_once_and_their_order_is_irrelevant(
    rows: list[dict[str, Any]], random: Any
) -> None:
    events = read_events(rows)
    named = [json.dumps(row, sort_keys=True) for row in rows if "id" in row]
    assert len(events) == len(rows) - (len(named) - len(set(named)))
    shuffled = list(rows)
    random.shuffle(shuffled)

    def told(given: Events) -> list[tuple[str, ...]]:
        return sorted((str(e.ts), e.kind, str(e.version)) for e in given)

    assert told(read_events(shuffled)) == told(events)


def test_a_row_of_measurements_is_a_weaker_guess_than_one_that_names_an_event() -> None:
    assert sniff({"ts": 1, "latency_ms": 3})[1] < sniff({"ts": 1, "kind": "deploy"})[1]
