"""Deploy, release, flag and registry exports, written here from the field tables of each tool.

No real sample of these was at hand; names and types follow the documentation of each source.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rca.logs.events import read_events
from rca.model.event import Event, Events


def ids(events: Events) -> list[str]:
    return [event.event_id for event in events]


def one(events: Events) -> Event:
    (event,) = events
    return event


def github_deployment(number: int, sha: str, at: str, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "sha": sha,
        "ref": "main",
        "task": "deploy",
        "payload": '{"model_version": "ranker-8"}',
        "environment": "production",
        "description": None,
        "creator": {"login": "ada"},
        "created_at": at,
        "url": f"https://api.github.com/repos/acme/search/deployments/{number}",
        **more,
    }


def test_github_list_of_deployments_knows_what_each_replaced() -> None:
    rows = [
        github_deployment(3, "ccc", "2026-03-03T00:00:00Z", description="rollback to bbb"),
        github_deployment(2, "bbb", "2026-03-02T00:00:00Z"),
        github_deployment(1, "aaa", "2026-03-01T00:00:00Z"),
    ]
    first, second, third = read_events(rows)
    assert (first.from_version, second.from_version, third.from_version) == (None, "aaa", "bbb")
    assert [e.kind for e in (first, second, third)] == ["deploy", "deploy", "rollback"]
    assert first.scope["model_version"] == "ranker-8"
    assert first.service == "search"


def test_github_statuses_join_their_deployment_and_a_failed_one_replaces_nothing() -> None:
    def status(number: int, state: str, at: str) -> dict[str, object]:
        url = f"https://api.github.com/repos/acme/search/deployments/{number}"
        return {
            "id": number * 10,
            "state": state,
            "creator": {"login": "ci"},
            "environment": "production",
            "created_at": at,
            "deployment_url": url,
            "url": f"{url}/statuses/{number * 10}",
        }

    events = read_events(
        [
            github_deployment(1, "aaa", "2026-03-01T00:00:00Z"),
            github_deployment(2, "bbb", "2026-03-02T00:00:00Z"),
            github_deployment(3, "ccc", "2026-03-03T00:00:00Z"),
            status(2, "in_progress", "2026-03-02T00:01:00Z"),
            status(2, "failure", "2026-03-02T00:05:00Z"),
            status(9, "success", "2026-03-04T00:05:00Z"),
        ]
    )
    _, failed, third, orphan = events
    assert (failed.status, failed.ts_end) == ("failure", datetime(2026, 3, 2, 0, 5, tzinfo=UTC))
    assert third.from_version == "aaa"
    assert (orphan.event_id, orphan.environment) == ("github-deployment-9", "production")
    assert "left out 2 rows: a status, joined" in events.caveats[0]


def test_github_workflow_runs_page_and_draft_release() -> None:
    run = {
        "id": 7,
        "name": "Deploy to production",
        "path": ".github/workflows/deploy.yml",
        "head_sha": "abc",
        "head_branch": "main",
        "run_number": 4,
        "run_attempt": 2,
        "workflow_id": 1,
        "event": "push",
        "status": "completed",
        "conclusion": "failure",
        "run_started_at": "2026-03-01T00:00:00Z",
        "updated_at": "2026-03-01T00:09:00Z",
        "actor": {"login": "ada"},
    }
    event = one(read_events({"total_count": 1, "workflow_runs": [run]}))
    assert (event.kind, event.status, event.event_id) == ("deploy", "failure", "github-run-7-2")
    draft = {"tag_name": "v1", "target_commitish": "main", "draft": True, "published_at": None}
    done = {**draft, "draft": False, "published_at": "2026-03-01T00:00:00Z", "id": 5}
    events = read_events([draft, done])
    assert ids(events) == ["github-release-5"]
    assert "a draft of a release" in events.caveats[0]


def test_gitlab_deployments_of_the_api_and_of_the_webhook() -> None:
    api = {
        "id": 41,
        "iid": 1,
        "ref": "main",
        "sha": "99d0",
        "status": "success",
        "created_at": "2016-08-11T07:30:00.000Z",
        "updated_at": "2016-08-11T07:40:00.000Z",
        "environment": {"id": 9, "name": "production"},
        "user": {"username": "root", "name": "Administrator"},
        "deployable": {"finished_at": "2016-08-11T07:36:39.851Z", "status": "success"},
    }
    hook = {
        "object_kind": "deployment",
        "status": "success",
        "status_changed_at": "2026-03-01 12:00:00 +0200",
        "deployment_id": 15,
        "environment": "staging",
        "project": {"name": "search"},
        "short_sha": "279484c0",
        "ref": "v1.4.0",
        "user": {"username": "ada"},
        "commit_title": "Rank by recency",
    }
    first, second = read_events([api, hook])
    assert first.ts == datetime(2016, 8, 11, 7, 36, 39, 851000, tzinfo=UTC)
    assert (first.environment, first.actor, first.version) == ("production", "root", "99d0")
    assert second.ts == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (second.service, second.version) == ("search", "v1.4.0")


def kubernetes_event(name: str, reason: str, message: str, **more: object) -> dict[str, object]:
    return {
        "metadata": {"name": name, "namespace": "prod", "uid": name},
        "involvedObject": {
            "kind": "Pod",
            "name": "ranker-7d9c5b8f4-x2x9q",
            "namespace": "prod",
        },
        "reason": reason,
        "message": message,
        "type": "Normal",
        "firstTimestamp": "2026-03-01T12:00:00Z",
        "lastTimestamp": "2026-03-01T12:30:00Z",
        "count": 12,
        "source": {"component": "kubelet"},
        **more,
    }


def test_kubernetes_events_keep_changes_and_count_the_everyday() -> None:
    deployment = {"kind": "Deployment", "name": "ranker", "namespace": "prod"}
    scaled = "Scaled up replica set ranker-7d9c5b8f4 from 0 to 3"
    page = {
        "apiVersion": "v1",
        "kind": "EventList",
        "items": [
            kubernetes_event("a", "Pulled", 'Container image "reg.io/ranker:1.2" present'),
            kubernetes_event("b", "BackOff", "Back-off restarting", type="Warning"),
            kubernetes_event("c", "ScalingReplicaSet", scaled, involvedObject=deployment),
            kubernetes_event("d", "RolloutAborted", "aborted", involvedObject=deployment),
            kubernetes_event("e", "Failed", 'Failed to pull image "reg.io/x/ranker:1.3"', count=1),
        ],
    }
    events = read_events(page)
    kinds = {event.event_id: event.kind for event in events}
    assert kinds == {"b": "infra", "c": "deploy", "d": "rollback", "e": "infra"}
    backoff = events.get("b")
    assert backoff is not None
    assert (backoff.service, backoff.environment) == ("ranker", "prod")
    assert (backoff.scope["count"], backoff.ts_end) == (
        12,
        datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    )
    failed = events.get("e")
    assert failed is not None
    assert failed.version == "1.3"
    assert "left out 1 row: everyday life of a pod" in events.caveats[0]


def test_kubernetes_new_events_api_audit_log_and_other_objects() -> None:
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "x", "namespace": "prod"},
        "regarding": {"kind": "Node", "name": "n1"},
        "reason": "NodeNotReady",
        "note": "Node n1 status is now: NodeNotReady",
        "eventTime": "2026-03-01T12:00:00.123456Z",
        "series": {"count": 4, "lastObservedTime": "2026-03-01T12:05:00Z"},
    }
    audit = {"apiVersion": "audit.k8s.io/v1", "kind": "Event", "verb": "get"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    events = read_events([new, audit, pod])
    event = one(events)
    assert event.ts == datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert event.scope["count"] == 4
    said = "\n".join(events.caveats)
    assert "audit log" in said
    assert "a Pod holds no history" in said


def test_argo_cd_failed_operation_automated_sync_and_release_of_a_chart() -> None:
    app = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "ranker"},
        "spec": {"destination": {"namespace": "prod", "server": "https://k8s"}},
        "status": {
            "history": [
                {
                    "id": 0,
                    "revision": "1.4.0",
                    "deployStartedAt": "2026-03-01T12:00:00Z",
                    "deployedAt": "2026-03-01T12:01:00Z",
                    "initiatedBy": {"automated": True},
                    "source": {"repoURL": "r", "chart": "ranker", "targetRevision": "1.4.0"},
                },
                {
                    "id": 1,
                    "revisions": ["abc", "def"],
                    "deployedAt": "2026-03-02T12:01:00Z",
                    "initiatedBy": {"username": "ada"},
                    "sources": [{"repoURL": "r", "targetRevision": "main"}],
                },
            ],
            "summary": {"images": ["reg.io/ranker:1.5"]},
            "operationState": {
                "phase": "Failed",
                "startedAt": "2026-03-03T12:00:00Z",
                "finishedAt": "2026-03-03T12:00:10Z",
                "message": "one or more objects failed to apply",
                "syncResult": {"revision": "fff"},
            },
        },
    }
    first, second, failed = read_events(
        {"kind": "ApplicationList", "items": [app], "apiVersion": "argoproj.io/v1alpha1"}
    )
    assert (first.version, first.actor) == ("1.4.0", "automated")
    assert (second.version, second.from_version, second.actor) == ("abc", "1.4.0", "ada")
    assert second.scope["images"] == ("reg.io/ranker:1.5",)
    assert (failed.status, failed.version) == ("Failed", "fff")


def test_helm_upgrade_names_the_version_before() -> None:
    rows = [
        {
            "revision": 1,
            "updated": "2026-03-01T00:00:00.5+13:00",
            "status": "superseded",
            "chart": "ranker-2.0.0",
            "app_version": "7",
            "description": "Install complete",
        },
        {
            "revision": 2,
            "updated": "2026-03-02T00:00:00.5+13:00",
            "status": "deployed",
            "chart": "ranker-2.0.1",
            "app_version": "8",
            "description": "Upgrade complete",
        },
    ]
    first, second = read_events(rows)
    assert first.ts == datetime(2026, 2, 28, 11, 0, 0, 500000, tzinfo=UTC)
    assert (second.from_version, second.version, second.service) == ("7", "8", "ranker")
    assert second.scope["chart_version"] == "2.0.1"


def test_mlflow_versions_and_webhooks() -> None:
    page = {
        "model_versions": [
            {
                "name": "ranker",
                "version": "8",
                "creation_timestamp": 1772366400000,
                "last_updated_timestamp": 1772370000000,
                "current_stage": "Production",
                "status": "READY",
                "run_id": "r1",
                "user_id": "ada",
            },
            {
                "name": "ranker",
                "version": "9",
                "creation_timestamp": 1772373600000,
                "last_updated_timestamp": 1772373600000,
                "current_stage": "Staging",
                "aliases": [],
                "status": "READY",
            },
        ]
    }
    events = read_events(page)
    assert ids(events) == ["mlflow-ranker-8", "mlflow-ranker-8-update", "mlflow-ranker-9"]
    assert {event.kind for event in events} == {"model_version"}
    updated = events.items[1]
    assert (updated.environment, updated.ts.hour) == ("Production", 13)
    assert updated.scope["model_version"] == "8"
    assert "no history of stages" in events.caveats[0]

    alias = {
        "entity": "model_version_alias",
        "action": "created",
        "timestamp": "2026-03-01T12:00:00.080217+00:00",
        "data": {"name": "ranker", "alias": "champion", "version": "9"},
    }
    prompt = {
        "entity": "prompt_version",
        "action": "created",
        "timestamp": "2026-03-01T13:00:00+00:00",
        "data": {"name": "answer", "version": "3"},
    }
    first, second = read_events([alias, prompt])
    assert (first.kind, first.version, first.scope["alias"]) == ("model_version", "9", "champion")
    assert (second.kind, second.scope["prompt_version"]) == ("prompt", "3")


def test_launchdarkly_audit_log() -> None:
    entry = {
        "_id": "5e1",
        "_accountId": "acc",
        "date": 1772366400000,
        "kind": "flag",
        "name": "Rerank with LLM",
        "titleVerb": "turned on the flag",
        "title": "[Ada](mailto:ada@acme.example) turned on the flag Rerank with LLM",
        "target": {"resources": ["proj/search:env/production:flag/llm-rerank;tag"]},
        "member": {"email": "ada@acme.example"},
        "accesses": [{"action": "updateOn"}],
        "comment": "ramp to all",
        "previousVersion": {"_version": 3},
        "currentVersion": {"_version": 4},
    }
    everywhere = {
        **entry,
        "_id": "5e2",
        "kind": "segment",
        "target": {"resources": ["proj/search:env/*:segment/beta"]},
    }
    first, second = read_events({"items": [entry, everywhere], "totalCount": 2})
    assert (first.kind, first.target, first.environment) == ("flag", "llm-rerank", "production")
    assert (first.from_version, first.version, first.actor) == ("3", "4", "ada@acme.example")
    assert first.scope["actions"] == ("updateOn",)
    assert (second.kind, second.target, second.environment) == ("config", "beta", None)


def test_git_tags_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text(
        "tag,time,commit\nv0.9.0,2026-03-01 12:00:00 +0100,aaa\nv1.0.0,2026-03-02T00:00:00Z,bbb\n"
    )
    first, second = read_events(path)
    assert (first.kind, first.version, first.ts.hour) == ("release", "v0.9.0", 11)
    assert (second.version, second.from_version) == ("v1.0.0", "v0.9.0")
    assert second.scope == {"commit": "bbb"}


def test_a_folder_of_exports_of_many_tools(tmp_path: Path) -> None:
    deployment = github_deployment(1, "aaa", "2026-03-01T00:00:00Z")
    (tmp_path / "a.json").write_text(json.dumps([deployment]))
    (tmp_path / "b.jsonl").write_text('{"ts": "2026-03-02T00:00:00Z", "kind": "prompt"}\n')
    (tmp_path / "c.json").write_text('{"resourceSpans": []}')
    events = read_events(tmp_path)
    assert [event.kind for event in events] == ["deploy", "prompt"]
    assert any("c.json: no known export of events" in caveat for caveat in events.caveats)
