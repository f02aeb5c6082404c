"""Pipelines, data checks and on-call exports, written here from the field tables of each tool.

No real sample of these was at hand; names and types follow the documentation of each source.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rca.errors import RCAError
from rca.logs.events import read_events
from rca.model.event import Event, Events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def one(events: Events) -> Event:
    (event,) = events
    return event


def said(events: Events) -> str:
    return "\n".join(events.caveats)


def test_airflow_runs_and_tasks() -> None:
    run = {
        "dag_id": "features",
        "dag_run_id": "scheduled__2026-03-01",
        "logical_date": "2026-03-01T00:00:00Z",
        "start_date": "2026-03-01T12:00:00Z",
        "end_date": "2026-03-01T12:20:00Z",
        "state": "failed",
        "run_type": "backfill",
        "triggering_user_name": "ada",
        "dag_versions": [{"version_number": 3, "bundle_version": "9f1"}],
    }
    task = {
        "dag_id": "features",
        "dag_run_id": "scheduled__2026-03-01",
        "task_id": "load",
        "state": "success",
        "try_number": 2,
        "map_index": -1,
        "start_date": "2026-03-01T12:01:00+00:00",
        "end_date": None,
        "operator": "SQLOperator",
    }
    skipped = {**task, "task_id": "notify", "state": "skipped", "start_date": None}
    events = read_events([{"dag_runs": [run]}, {"task_instances": [task, skipped]}])
    first, second = events
    assert (first.kind, first.status, first.version) == ("pipeline", "failed", "9f1")
    assert (first.actor, first.scope["run_type"]) == ("ada", "backfill")
    assert second.event_id == "features/scheduled__2026-03-01/load"
    assert second.title == "features.load success at try 2"
    assert "left out 1 row: skipped, so it ran nothing" in said(events)


def test_airflow_command_line_output() -> None:
    row = {
        "dag_id": "f",
        "run_id": "manual__1",
        "state": "success",
        "execution_date": "2026-03-01T12:00:00+00:00",
        "start_date": "",
        "end_date": "",
    }
    assert one(read_events([row])).ts == NOON


def dbt(name: str, number: int, **more: object) -> dict[str, object]:
    schema = f"https://schemas.getdbt.com/dbt/{name}/v{number}.json"
    made = {
        "dbt_schema_version": schema,
        "generated_at": "2026-03-01T12:00:10Z",
        "invocation_id": "inv",
    }
    return {"metadata": made, **more}


def manifest(checksum: str, at: str) -> dict[str, Any]:
    document = dbt(
        "manifest",
        12,
        nodes={
            "model.shop.orders": {
                "relation_name": '"wh"."main"."orders"',
                "depends_on": {"nodes": ["source.shop.raw.orders", "model.shop.users"]},
                "checksum": {"name": "sha256", "checksum": checksum},
            },
            "test.shop.not_null_orders_amount.abc": {
                "relation_name": None,
                "depends_on": {"nodes": ["model.shop.orders"]},
                "column_name": "amount",
                "checksum": {"name": "none", "checksum": ""},
            },
        },
        sources={"source.shop.raw.orders": {"relation_name": '"wh"."raw"."orders"'}},
    )
    document["metadata"] = {**document["metadata"], "generated_at": at}  # type: ignore[dict-item]
    return document


def dbt_result(unique_id: str, status: str, **more: object) -> dict[str, object]:
    steps = [
        {"name": "compile", "started_at": "2026-03-01T11:59:59Z", "completed_at": None},
        {
            "name": "execute",
            "started_at": "2026-03-01T12:00:00Z",
            "completed_at": "2026-03-01T12:00:05Z",
        },
    ]
    return {"unique_id": unique_id, "status": status, "timing": steps, "message": None, **more}


def test_dbt_run_results_join_their_manifest() -> None:
    results = dbt(
        "run-results",
        6,
        args={"target": "prod"},
        results=[
            dbt_result("model.shop.orders", "success", adapter_response={"rows_affected": 0}),
            dbt_result("test.shop.not_null_orders_amount.abc", "fail", failures=78),
            dbt_result("test.shop.unique_orders.def", "pass"),
        ],
    )
    model, check = read_events([results, manifest("aaa", "2026-03-01T11:00:00Z")])
    assert (model.kind, model.outputs) == ("pipeline", ("wh.main.orders",))
    assert model.inputs == ("wh.raw.orders", "model.shop.users")
    assert model.scope["rows_affected"] == 0
    assert (check.kind, check.status) == ("data_quality", "fail")
    assert (check.scope["table"], check.scope["column"]) == ("wh.main.orders", "amount")
    assert check.scope["failures"] == 78


def test_dbt_two_manifests_show_what_changed() -> None:
    events = read_events(
        [manifest("bbb", "2026-03-02T12:00:00Z"), manifest("aaa", "2026-03-01T12:00:00Z")]
    )
    changed = one(events)
    assert (changed.ts, changed.from_version, changed.version) == (
        datetime(2026, 3, 2, 12, tzinfo=UTC),
        "aaa",
        "bbb",
    )
    assert (changed.target, changed.outputs) == ("model.shop.orders", ("wh.main.orders",))


def test_dbt_stale_source() -> None:
    result = {
        "unique_id": "source.shop.raw.orders",
        "max_loaded_at": "2026-02-28T06:00:00Z",
        "snapshotted_at": "2026-03-01T12:00:00Z",
        "max_loaded_at_time_ago_in_s": 108000.0,
        "status": "error",
    }
    event = one(read_events(dbt("sources", 3, results=[result])))
    assert (event.kind, event.ts) == ("data_quality", NOON)
    assert "30.0 h" in event.title


def test_dbt_log_repeats_run_results_once() -> None:
    line = {
        "info": {"name": "NodeFinished", "invocation_id": "inv", "ts": "2026-03-01T12:00:05Z"},
        "data": {
            "node_info": {
                "unique_id": "model.shop.orders",
                "node_relation": {"relation_name": '"wh"."main"."orders"'},
            },
            "run_result": {
                "status": "success",
                "timing_info": [
                    {
                        "name": "execute",
                        "started_at": "2026-03-01T12:00:00Z",
                        "completed_at": "2026-03-01T12:00:05Z",
                    }
                ],
            },
        },
    }
    assert one(read_events([line])).outputs == ("wh.main.orders",)
    results = dbt("run-results", 6, results=[dbt_result("model.shop.orders", "success")])
    events = read_events([results, line])
    assert len(events) == 1
    assert "told by run_results.json too" in said(events)


def test_dagster_runs_of_graphql() -> None:
    run = {
        "runId": "r1",
        "jobName": "features",
        "status": "FAILURE",
        "startTime": 1772366400.25,
        "endTime": 1772366460.0,
        "tags": [{"key": "dagster/partition", "value": "2026-03-01"}],
        "assetMaterializations": [{"assetKey": {"path": ["wh", "orders"]}}],
    }
    event = one(read_events({"data": {"runsOrError": {"results": [run]}}}))
    assert (event.status, event.outputs) == ("FAILURE", ("wh/orders",))
    assert event.ts == NOON.replace(microsecond=250000)
    assert event.scope["dagster/partition"] == "2026-03-01"


def test_dagster_event_log_rows_are_one_event_a_run() -> None:
    def row(kind: str, at: float, **more: object) -> dict[str, object]:
        return {
            "run_id": "r1",
            "dagster_event_type": kind,
            "timestamp": at,
            "step_key": None,
            "asset_key": None,
            "pipeline_name": "features",
            **more,
        }

    events = read_events(
        [
            row("STEP_FAILURE", 1772366405.0, step_key="load", event="{boom}"),
            row("PIPELINE_START", 1772366400.0),
            row("ASSET_MATERIALIZATION", 1772366403.0, asset_key='["wh", "orders"]'),
            row("PIPELINE_FAILURE", 1772366406.0),
        ]
    )
    event = one(events)
    assert (event.ts, event.status, event.outputs) == (NOON, "FAILURE", ("wh/orders",))
    assert event.scope["failed_steps"] == ("load",)
    assert "left out 3 rows" in said(events)


def test_great_expectations_1x_checkpoint() -> None:
    validation = {
        "success": False,
        "statistics": {},
        "suite_name": "orders",
        "meta": {
            "run_id": {"run_name": None, "run_time": "2026-03-01T12:00:00+00:00"},
            "active_batch_definition": {"data_asset_name": "orders"},
        },
        "results": [
            {
                "success": False,
                "expectation_config": {
                    "type": "expect_column_values_to_not_be_null",
                    "kwargs": {"column": "amount"},
                },
                "result": {"unexpected_percent": 41.5},
            },
            {"success": True, "expectation_config": {"type": "x", "kwargs": {}}, "result": {}},
        ],
    }
    events = read_events({"run_results": {"a": validation}, "success": False})
    event = one(events)
    assert event.kind == "data_quality"
    assert (event.scope["table"], event.scope["column"]) == ("orders", "amount")
    assert event.title.endswith("41.5 % unexpected")
    assert "left out 1 row: a check that passed" in said(events)


def test_soda_scan() -> None:
    scan = {
        "definitionName": "nightly",
        "scanStartTimestamp": "2026-03-01T12:00:00+00:00",
        "dataTimestamp": "2026-03-01T12:00:00+00:00",
        "hasFailures": True,
        "checks": [
            {
                "name": "missing_count(amount) = 0",
                "table": "orders",
                "column": "amount",
                "outcome": "fail",
                "diagnostics": {"value": 12},
            },
            {"name": "row_count > 0", "table": "orders", "column": None, "outcome": "pass"},
            {"name": "freshness < 1d", "table": "orders", "column": "ts", "outcome": None},
        ],
    }
    failed, unknown = read_events(scan)
    assert (failed.status, failed.scope["column"]) == ("fail", "amount")
    assert failed.scope["observed_value"] == 12
    assert unknown.status == "not evaluated"


def run_event(state: str, at: str, fields: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    schema = {"fields": [{"name": name, "type": kind} for name, kind in fields]}
    output = {"namespace": "wh", "name": "main.orders", "facets": {"schema": schema, **more}}
    return {
        "eventType": state,
        "eventTime": at,
        "run": {"runId": at[:10]},
        "job": {"namespace": "etl", "name": "orders"},
        "inputs": [{"namespace": "wh", "name": "raw.orders"}],
        "outputs": [output],
    }


def test_openlineage_schema_change_and_column_lineage() -> None:
    lineage = {"fields": {"amount": {"inputFields": [{"name": "raw.orders", "field": "cents"}]}}}
    events = read_events(
        [
            run_event("START", "2026-03-01T12:00:00Z", [("amount", "INT"), ("id", "INT")]),
            run_event("COMPLETE", "2026-03-01T12:05:00Z", [("amount", "int"), ("id", "int")]),
            run_event(
                "COMPLETE",
                "2026-03-02T12:00:00Z",
                [("amount", "STRING"), ("id", "INT")],
                columnLineage=lineage,
            ),
        ]
    )
    runs = [event for event in events if event.kind == "pipeline"]
    (change,) = (event for event in events if event.kind == "schema_change")
    assert len(runs) == 2
    assert (runs[0].ts_end, runs[0].outputs) == (NOON.replace(minute=5), ("main.orders",))
    assert runs[1].scope["column"] == ("amount",)
    assert runs[1].scope["column_inputs"] == ("raw.orders.cents",)
    assert change.ts == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert (change.scope["table"], change.scope["column"]) == ("main.orders", "amount")
    assert "amount int -> string" in change.title


def test_openlineage_altered_table_and_event_of_a_dataset() -> None:
    altered = run_event(
        "COMPLETE",
        "2026-03-01T12:00:00Z",
        [],
        lifecycleStateChange={"lifecycleStateChange": "DROP"},
    )
    dataset = {"eventTime": "2026-03-01T12:00:00Z", "schemaURL": "x", "dataset": {"name": "d"}}
    events = read_events([altered, dataset])
    assert sorted(event.kind for event in events) == ["pipeline", "schema_change"]
    assert "an event of a dataset or a job" in said(events)


@pytest.mark.parametrize(
    ("tags", "text", "state", "kind"),
    [
        (["deploy", "service:search", "version:8"], "ranker 8", "", "deploy"),
        ([], "backfill of orders", "", "pipeline"),
        (["team-a"], "lunch", "", "annotation"),
        ([], "p95 latency", "alerting", "incident"),
    ],
)
def test_grafana_annotations(tags: list[str], text: str, state: str, kind: str) -> None:
    row = {
        "id": 1124,
        "dashboardUID": "abc",
        "panelId": 2,
        "time": 1772366400000,
        "timeEnd": 1772366400000,
        "text": text,
        "tags": tags,
        "newState": state,
        "login": "ada",
    }
    event = one(read_events([row]))
    assert (event.kind, event.ts, event.ts_end, event.actor) == (kind, NOON, None, "ada")
    assert event.service == ("search" if tags and len(tags) == 3 else None)


def test_pagerduty_incidents_change_events_and_webhook() -> None:
    incident = {
        "id": "PT4",
        "incident_number": 17,
        "title": "Accuracy below target",
        "created_at": "2026-03-01T12:00:00Z",
        "resolved_at": "2026-03-01T13:00:00Z",
        "status": "resolved",
        "urgency": "high",
        "service": {"summary": "search"},
        "priority": {"summary": "P1"},
    }
    change = {
        "id": "C1",
        "type": "change_event",
        "summary": "Build Success: Increase snapshot create timeout",
        "timestamp": "2026-03-01T11:00:00Z",
        "services": [{"summary": "search"}],
        "custom_details": {"version": "8", "region": "eu"},
        "links": [{"href": "https://ci.example/8", "text": "build"}],
    }
    hook = {
        "event": {
            "event_type": "incident.triggered",
            "occurred_at": "2026-03-01T14:00:00Z",
            "data": {"id": "PT5", "title": "Cost", "service": {"summary": "search"}},
        }
    }
    events = read_events([{"incidents": [incident]}, {"change_events": [change]}, hook])
    first, second, third = events
    assert (first.kind, first.version, first.scope["region"]) == ("deploy", "8", "eu")
    assert first.url == "https://ci.example/8"
    assert (second.kind, second.scope["priority"]) == ("incident", "P1")
    assert second.ts_end == NOON.replace(hour=13)
    assert (third.event_id, third.ts.hour) == ("PT5", 14)


def test_pagerduty_analytics_rows_have_no_zone() -> None:
    page = {
        "data": [
            {
                "incident_number": 3,
                "created_at": "2026-03-01T12:00:00",
                "description": "slow",
                "service_name": "search",
            }
        ]
    }
    events = read_events(page)
    assert (one(events).service, one(events).ts) == ("search", NOON)
    assert "without a zone" in said(events)


def test_opsgenie_alerts() -> None:
    alert = {
        "id": "a",
        "tinyId": "1",
        "message": "slow",
        "status": "closed",
        "priority": "P2",
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:30:00Z",
    }
    event = one(read_events({"data": [alert], "took": 0.1}))
    assert (event.kind, event.title, event.ts_end) == ("incident", "slow", NOON.replace(minute=30))


def test_rows_without_a_time_are_left_out_of_an_export_and_named() -> None:
    page = {"incidents": [{"id": "x", "incident_number": 1, "created_at": None}, 5]}
    events = read_events(page)
    assert len(events) == 0
    assert "left out 2 rows: no time (row 1, incidents 1; row 1, incidents 2)" in said(events)


def test_canonical_rows_are_not_taken_for_an_export() -> None:
    rows = [
        {"timestamp": "2026-03-01T12:00:00Z", "type": "incident", "title": "slow"},
        {"created_at": "2026-03-01T12:00:00Z", "kind": "deploy", "tag": "v1", "commit": "a"},
        {"time": 1772366400, "text": "note", "type": "annotation"},
    ]
    events = read_events(rows)
    assert sorted(event.kind for event in events) == ["annotation", "deploy", "incident"]


@pytest.mark.parametrize("wrong", ["{{ any }}", {"a": 1}, [1], True, -5, 1e40])
def test_an_unreadable_time_in_an_export_is_left_out(wrong: object) -> None:
    good = run_event("COMPLETE", "2026-03-01T12:00:00Z", [])
    events = read_events([{**good, "eventTime": wrong, "run": {"runId": "other"}}, good])
    assert len(events) == 1
    assert "unreadable time" in said(events)
    with pytest.raises(RCAError, match="row 1"):
        read_events([{"ts": wrong, "kind": "deploy"}])


def test_a_quoted_column_is_named_as_the_log_names_it() -> None:
    result = {
        "success": False,
        "expectation_config": {"expectation_type": "x", "kwargs": {"column": '"Pay (m)"'}},
    }
    document = {"success": False, "statistics": {}, "meta": {"run_id": "20260301T120000Z"}}
    event = one(read_events({**document, "results": [result]}))
    assert (event.scope["column"], event.ts) == ("Pay (m)", NOON)


def test_pagerduty_resolved_incident_ends_with_its_last_change_of_state() -> None:
    incident = {"id": "a", "incident_number": 1, "created_at": "2026-03-01T12:00:00Z"}
    changed = {**incident, "last_status_change_at": "2026-03-01T12:30:00Z"}
    done, still_open = read_events(
        [{**changed, "status": "resolved"}, {**changed, "id": "b", "status": "acknowledged"}]
    )
    assert (done.ts_end, still_open.ts_end) == (NOON.replace(minute=30), None)
