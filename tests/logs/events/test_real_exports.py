"""Real exports, read as they are. The expected values were read off the files by hand."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rca.errors import MissingColumnError
from rca.logs.events import read_events
from rca.model.event import EVENT_KINDS, Events

pytestmark = pytest.mark.shared

#: File, number of events, number of rows left out.
READ = [
    ("argocd/application.yaml", 10, 0),
    ("dbt/dbt_structured_failed_run_logs.jsonl", 1, 84),
    ("dbt/run_results_1.12.json", 19, 27),
    ("dbt/run_results_fail.json", 3, 1),
    ("dbt/run_results_v1.json", 8, 0),
    ("dbt/run_results_v4.json", 9, 20),
    ("dbt/sources.json", 0, 1),
    ("github/deployment_payload.json", 1, 0),
    ("github/deployment_status_payload.json", 1, 1),
    ("github/push_payload.json", 0, 1),
    ("github/release_published.payload.json", 1, 0),
    ("github/workflow_run_completed.payload.json", 1, 0),
    (
        "great-expectations/ValidationOperatorResult_with_multiple_validation_results.json",
        4,
        18,
    ),
    ("great-expectations/titanic_expected_data_asset_validate_results.json", 1, 9),
    ("helm/history-with-rollback.json", 3, 0),
    ("helm/history.json", 2, 0),
    ("helm/list.json", 1, 0),
    ("openlineage/event_required_nanoseconds.json", 1, 0),
    ("openlineage/event_required_no_timezone.json", 1, 0),
    ("openlineage/failed_run_ol_events.json", 2, 6),
]


def left_out(events: Events) -> int:
    counts = (re.match(r"left out (\d+) row", caveat) for caveat in events.caveats)
    return sum(int(count[1]) for count in counts if count)


@pytest.mark.parametrize(("name", "n", "out"), READ)
def test_rows_in_are_events_kept_and_rows_named_as_left_out(
    name: str, n: int, out: int, formats: Path
) -> None:
    events = read_events(formats / name)
    assert (len(events), left_out(events)) == (n, out)
    assert {event.kind for event in events} <= set(EVENT_KINDS)
    assert len({event.event_id for event in events}) == n


def test_each_file_is_told_by_its_content_and_not_by_its_name(
    formats: Path, tmp_path: Path
) -> None:
    for name, n, _ in READ:
        copy = tmp_path / "export.bin"
        copy.write_bytes((formats / name).read_bytes())
        assert len(read_events(copy)) == n, name


def test_github_deployment_takes_its_status_and_end_from_the_payload(formats: Path) -> None:
    (event,) = read_events(formats / "github/deployment_status_payload.json")
    assert event.kind == "deploy"
    assert event.ts == datetime(2019, 5, 15, 15, 20, 53, tzinfo=UTC)
    assert event.ts_end == datetime(2019, 5, 15, 15, 20, 55, tzinfo=UTC)
    assert (event.service, event.environment, event.status) == (
        "Hello-World",
        "production",
        "success",
    )
    assert event.version == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
    assert event.actor == "Codertocat"


def test_a_deployment_in_two_files_is_one_event(formats: Path) -> None:
    names = ("deployment_payload.json", "deployment_status_payload.json")
    (event,) = read_events([formats / "github" / name for name in names])
    assert event.status == "success"


def test_github_release_and_run(formats: Path) -> None:
    (release,) = read_events(formats / "github/release_published.payload.json")
    assert (release.kind, release.version) == ("release", "0.0.1")
    (run,) = read_events(formats / "github/workflow_run_completed.payload.json")
    assert (run.kind, run.status) == ("pipeline", "success")
    assert run.version == "3484a3fb816e0859fd6e1cea078d76385ff50625"


def test_argo_cd_history_from_yaml_and_json_alike(formats: Path, tmp_path: Path) -> None:
    import yaml

    path = formats / "argocd/application.yaml"
    events = read_events(path)
    first = events.items[0]
    assert first.event_id == "argocd-velero-test-14"
    assert first.ts == datetime(2024, 3, 4, 22, 0, 5, tzinfo=UTC)
    assert first.ts_end == datetime(2024, 3, 4, 22, 0, 6, tzinfo=UTC)
    assert (first.service, first.environment) == ("velero-test", "test-lla")
    assert first.version == "ea8759964626a583667a2bfd08f334ec2070040a"
    assert "keeps the last 10 deploys" in events.caveats[0]
    as_json = tmp_path / "app.json"
    as_json.write_text(json.dumps(yaml.safe_load(path.read_text())))
    assert read_events(as_json).items == events.items


def test_helm_rollback(formats: Path) -> None:
    events = read_events(formats / "helm/history-with-rollback.json")
    assert [event.kind for event in events] == ["deploy", "deploy", "rollback"]
    assert events.items[2].scope["rollback_revision"] == 1
    assert {event.service for event in events} == {"foo"}


def test_dbt_failed_model(formats: Path) -> None:
    events = read_events(formats / "dbt/run_results_fail.json")
    failed = events.items[-1]
    assert (failed.kind, failed.status) == ("pipeline", "error")
    assert "Expected end of input" in failed.title
    assert "\n" not in failed.title
    (logged,) = read_events(formats / "dbt/dbt_structured_failed_run_logs.jsonl")
    assert logged.outputs == ("postgres.public.orders",)
    assert logged.ts == datetime(2024, 11, 22, 15, 58, 8, 491751, tzinfo=UTC)


def test_dbt_model_has_the_table_it_wrote(formats: Path) -> None:
    events = read_events(formats / "dbt/run_results_1.12.json")
    table = "jaffle_shop.main.metricflow_time_spine"
    assert events.items[0].outputs == (table,)
    assert events.items[0].scope["table"] == table


def test_great_expectations_names_the_column(formats: Path) -> None:
    name = "great-expectations/titanic_expected_data_asset_validate_results.json"
    (event,) = read_events(formats / name)
    assert (event.kind, event.scope["column"]) == ("data_quality", "PClass")
    assert event.ts == datetime(1955, 11, 5, tzinfo=UTC)


def test_openlineage_run_is_one_event_with_its_tables(formats: Path) -> None:
    events = read_events(formats / "openlineage/failed_run_ol_events.json")
    model = events.items[1]
    assert model.inputs == ("postgres.public.stg_orders", "postgres.public.stg_payments")
    assert model.outputs == ("postgres.public.orders",)
    assert model.status == "FAIL"
    assert model.ts_end == datetime(2024, 11, 22, 15, 58, 8, 958993, tzinfo=UTC)


def test_openlineage_failed_check_names_table_and_column(formats: Path) -> None:
    events = read_events(formats / "openlineage/test_ol_events.json")
    (check,) = (event for event in events if event.kind == "data_quality")
    assert check.scope["table"] == "postgres.public.customers"
    assert check.scope["column"] == "first_name"


def test_openlineage_time_without_zone_is_said(formats: Path) -> None:
    events = read_events(formats / "openlineage/event_required_no_timezone.json")
    assert any("without a zone" in caveat for caveat in events.caveats)


@pytest.mark.parametrize(
    ("name", "says"),
    [("otel-otlp/trace.json", "read_logs"), ("prometheus/query_matrix_2.json", "read_series")],
)
def test_other_exports_are_sent_to_their_reader(name: str, says: str, formats: Path) -> None:
    with pytest.raises(MissingColumnError, match=says):
        read_events(formats / name)
