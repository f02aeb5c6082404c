"""GitHub: deployments and their statuses, releases, workflow runs and pushes.

Webhook payloads and the lists of the REST API hold the same objects; a payload names the
repository beside them. https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.kinds import kind_of
from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Source, children
from rca.logs.events.times import sort_key
from rca.logs.events.values import first, get, text
from rca.logs.events.versions import chained, is_version

_LISTS = ("workflow_runs", "deployments", "releases")
_PAYLOADS = ("deployment_status", "deployment", "release", "workflow_run")
_ENDED = {"success", "failure", "error", "inactive"}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an object of GitHub, or a payload or list of them."""
    keys = record.keys()
    if {"total_count", "workflow_runs"} <= keys or _what(record) != "other":
        return 0.9
    payload = any(isinstance(record.get(name), Mapping) for name in _PAYLOADS)
    if payload and {"repository", "action"} <= keys:
        return 0.95
    return 0.9 if {"pusher", "before", "after", "ref"} <= keys else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each deployment (with its last status), release, run and push."""
    deployments: dict[str, Record] = {}
    statuses: dict[str, list[Record]] = {}
    for record in _flat(records):
        what = _what(record.value)
        if what == "deployment_status":
            statuses.setdefault(_deployment_of(record.value), []).append(record)
        elif what == "deployment":
            key = str(record.value.get("id"))
            if key in deployments:
                yield LeftOut(record.where, "a deployment given before")
            deployments.setdefault(key, record)
        elif what == "release":
            yield _release(record)
        elif what == "workflow_run":
            yield _run(record)
        else:
            yield _push(record)
    for key, given in statuses.items():
        joined = given if key in deployments else given[1:]
        deployments.setdefault(key, _told_by(key, given[0]))
        yield from (LeftOut(s.where, "a status, joined with its deployment") for s in joined)
    yield from chained(
        _deployment(record, [status.value for status in statuses.get(key, [])])
        for key, record in deployments.items()
    )


def _flat(records: Sequence[Record]) -> Iterator[Record]:
    """Yield each object by itself, with the repository of its payload under ``_repository``."""
    for record in records:
        inner = [child for name in _LISTS for child in children(record, name)]
        for name in _PAYLOADS:
            value = record.value.get(name)
            if isinstance(value, Mapping):
                deployment = get(record.value, "deployment.id")
                added = {"_repository": record.value.get("repository"), "_deployment": deployment}
                inner.append(Record({**value, **added}, f"{record.where}, {name}"))
        yield from inner or [record]


def _what(value: Mapping[str, Any]) -> str:
    keys = value.keys()
    if {"sha", "task", "environment", "created_at"} <= keys:
        return "deployment"
    if {"state", "creator", "created_at"} <= keys and keys & {"deployment_url", "_deployment"}:
        return "deployment_status"
    if {"tag_name", "target_commitish"} <= keys:
        return "release"
    if {"head_sha", "run_number", "workflow_id"} <= keys:
        return "workflow_run"
    return "other"


def _deployment_of(status: Mapping[str, Any]) -> str:
    given = first(status.get("_deployment"), text(status.get("deployment_url")))
    return str(given).rpartition("/")[2]


def _told_by(key: str, status: Record) -> Record:
    """Return the deployment as far as one of its statuses tells it."""
    value = status.value
    told = {name: value.get(name) for name in ("environment", "creator", "created_at")}
    return Record({**told, "id": key, "url": value.get("deployment_url")}, status.where)


def _repository(value: Mapping[str, Any]) -> dict[str, Any]:
    full = first(
        get(value, "_repository.full_name"),
        get(value, "repository.full_name"),
        _repository_of_url(text(value.get("url"))),
    )
    return {"repository": full} if full else {}


def _repository_of_url(url: str | None) -> str | None:
    """Return ``owner/name`` from an address of the REST API."""
    parts = (url or "").partition("/repos/")[2].split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else None


def _service(value: Mapping[str, Any]) -> str | None:
    full = text(_repository(value).get("repository"))
    return full.rpartition("/")[2] if full else None


def _deployment(record: Record, statuses: list[Mapping[str, Any]]) -> Draft:
    value = record.value
    ordered = sorted(statuses, key=lambda status: sort_key(status.get("created_at")))
    last: Mapping[str, Any] = ordered[-1] if ordered else {}
    ended = [s.get("created_at") for s in ordered if text(s.get("state")) in _ENDED]
    sha, ref = text(value.get("sha")), text(value.get("ref"))
    words = f"{text(value.get('task')) or ''} {text(value.get('description')) or ''}"
    environment = text(value.get("environment"))
    return Draft(
        record.where,
        ts=value.get("created_at"),
        ts_end=ended[0] if ended else None,
        kind="rollback" if kind_of(words) == "rollback" else "deploy",
        event_id=f"github-deployment-{text(value.get('id'))}",
        title=first(value.get("description"), f"deploy {ref or sha or ''} to {environment}"),
        service=_service(value),
        version=ref if is_version(ref) else sha,
        environment=environment,
        status=last.get("state"),
        actor=value.get("creator"),
        url=first(last.get("log_url"), last.get("target_url"), value.get("url")),
        scope={**_payload(value.get("payload")), **_repository(value), "sha": sha, "ref": ref},
    )


def _payload(payload: Any) -> dict[str, Any]:
    """Return what the deployer attached to a deployment; old ones attach it as JSON text."""
    if isinstance(payload, str) and payload.lstrip().startswith("{"):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            return {"payload": payload}
    return dict(payload) if isinstance(payload, Mapping) else {}


def _release(record: Record) -> Draft | LeftOut:
    value = record.value
    if value.get("draft") is True:
        return LeftOut(record.where, "a draft of a release")
    tag = text(value.get("tag_name"))
    return Draft(
        record.where,
        ts=first(value.get("published_at"), value.get("created_at")),
        kind="release",
        event_id=f"github-release-{text(value.get('id')) or tag}",
        title=first(value.get("name"), f"release {tag}"),
        service=_service(value),
        version=tag,
        status="prerelease" if value.get("prerelease") is True else "published",
        actor=value.get("author"),
        url=first(value.get("html_url"), value.get("url")),
        scope={**_repository(value), "ref": value.get("target_commitish")},
    )


def _run(record: Record) -> Draft:
    """Return a run of a workflow: a deploy when its words say so, otherwise a pipeline."""
    value = record.value
    title = first(value.get("display_title"), value.get("name"), value.get("path"))
    named = " ".join(filter(None, (text(value.get("name")), text(value.get("path")))))
    kind = kind_of(named)
    return Draft(
        record.where,
        ts=first(value.get("run_started_at"), value.get("created_at")),
        ts_end=value.get("updated_at") if value.get("status") == "completed" else None,
        kind=kind if kind in ("deploy", "rollback", "release") else "pipeline",
        event_id=f"github-run-{text(value.get('id'))}-{text(value.get('run_attempt')) or 1}",
        title=title,
        service=_service(value),
        target=first(value.get("path"), value.get("name")),
        version=value.get("head_sha"),
        status=first(value.get("conclusion"), value.get("status")),
        actor=first(value.get("triggering_actor"), value.get("actor")),
        url=value.get("html_url"),
        scope={
            **_repository(value),
            "ref": value.get("head_branch"),
            "trigger": value.get("event"),
        },
    )


def _push(record: Record) -> Draft | LeftOut:
    """Return a push as an annotation (code moved, nothing ran yet), or a tag as a release."""
    value = record.value
    commit = value.get("head_commit")
    if value.get("deleted") is True or not isinstance(commit, Mapping):
        return LeftOut(record.where, "a push that deletes a ref, or no object of a known kind")
    ref = text(value.get("ref")) or ""
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return Draft(
        record.where,
        ts=commit.get("timestamp"),
        kind="release" if ref.startswith("refs/tags/") else "annotation",
        event_id=f"github-push-{text(value.get('after'))}",
        title=f"push to {name}: {(text(commit.get('message')) or '').partition(chr(10))[0]}",
        service=_service(value),
        version=name if ref.startswith("refs/tags/") else value.get("after"),
        from_version=None if ref.startswith("refs/tags/") else value.get("before"),
        actor=value.get("pusher"),
        url=value.get("compare"),
        scope={**_repository(value), "ref": ref},
    )


GITHUB = Source("github", sniff, parse)
