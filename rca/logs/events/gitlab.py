"""GitLab: deployments of the REST API and of the deployment webhook.

https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, Parsed, Record, Source
from rca.logs.events.values import first, get, text
from rca.logs.events.versions import chained, is_version


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a deployment of GitLab."""
    keys = record.keys()
    if {"iid", "sha", "deployable"} <= keys:
        return 0.95
    if record.get("object_kind") == "deployment" and "deployment_id" in keys:
        return 0.95
    return 0.8 if {"iid", "ref", "sha", "environment", "status"} <= keys else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each deployment."""
    return chained(
        _webhook(record) if "object_kind" in record.value else _deployment(record)
        for record in records
    )


def _deployment(record: Record) -> Draft:
    value = record.value
    ref, sha = text(value.get("ref")), text(value.get("sha"))
    environment = text(value.get("environment"))
    job: Any = value.get("deployable")
    return Draft(
        record.where,
        ts=first(get(job, "finished_at"), value.get("created_at")),
        ts_end=value.get("updated_at"),
        kind="deploy",
        event_id=f"gitlab-deployment-{text(value.get('id'))}",
        title=first(get(job, "commit.title"), f"deploy {ref} to {environment}"),
        service=get(job, "project.name"),
        target=get(job, "name"),
        version=ref if is_version(ref) else sha,
        environment=environment,
        status=value.get("status"),
        actor=get(value, "user.username"),
        url=first(get(job, "web_url"), get(job, "pipeline.web_url")),
        scope={"sha": sha, "ref": ref, "created_at": value.get("created_at")},
    )


def _webhook(record: Record) -> Draft:
    value = record.value
    ref, sha = text(value.get("ref")), text(value.get("short_sha"))
    return Draft(
        record.where,
        ts=value.get("status_changed_at"),
        kind="deploy",
        event_id=f"gitlab-deployment-{text(value.get('deployment_id'))}",
        title=first(value.get("commit_title"), f"deploy {ref}"),
        service=get(value, "project.name"),
        version=ref if is_version(ref) else sha,
        environment=value.get("environment"),
        status=value.get("status"),
        actor=get(value, "user.username"),
        url=value.get("deployable_url"),
        scope={"sha": sha, "ref": ref},
    )


GITLAB = Source("gitlab", sniff, parse)
