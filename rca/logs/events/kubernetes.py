"""Kubernetes: events of a cluster, and the deploy history of Argo CD applications.

Both are lists of objects with ``apiVersion`` and ``kind``, as ``kubectl get -o json`` or
``-o yaml`` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Remark, Source, children
from rca.logs.events.values import first, get, names, text
from rca.logs.events.versions import chained, is_version

#: Reasons that tell the everyday life of a pod, not a change.
_ROUTINE = frozenset(
    (
        *("Scheduled", "Pulling", "Pulled", "Created", "Started", "SuccessfulCreate"),
        *("SuccessfulDelete", "SuccessfulMountVolume", "SuccessfulAttachVolume", "Completed"),
        *("LeaderElection", "SawCompletedJob", "AddedInterface", "NoPods"),
    )
)
_DEPLOYS = {"RolloutUpdated", "RolloutCompleted", "RolloutStepCompleted", "NewReplicaSetCreated"}
_ROLLBACKS = {"RolloutAborted", "RolloutUndone", "DeploymentRollback"}
_IMAGE = re.compile(r'image "?[^"\s]*?([^/"\s:]+):([^"\s:/]+)"?')
_NEW_SET = re.compile(r"Scaled up replica set (\S+?)-[a-z0-9]+ (from 0 )?to \d+")
_ARGO_KEEPS = 10


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an object of the API of Kubernetes."""
    if {"apiVersion", "kind"} <= record.keys():
        return 0.95
    return 0.9 if {"involvedObject", "reason"} <= record.keys() else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each event that tells a change and for each deploy of an application."""
    for record in _objects(records):
        kind = text(record.value.get("kind")) or ""
        version = text(record.value.get("apiVersion")) or ""
        if version.startswith("audit.k8s.io"):
            yield LeftOut(record.where, "an entry of the audit log of Kubernetes, not an event")
        elif kind == "Application" and version.startswith("argoproj.io"):
            yield from _application(record)
        elif kind == "Event" or "involvedObject" in record.value:
            yield _event(record)
        else:
            yield LeftOut(record.where, f"a {kind} holds no history of events")


def _objects(records: Sequence[Record]) -> Iterator[Record]:
    """Yield the objects of all lists; the items of a typed list may leave their kind out."""
    for record in records:
        kind = text(record.value.get("kind")) or ""
        if not kind.endswith("List"):
            yield record
            continue
        given = {"apiVersion": record.value.get("apiVersion"), "kind": kind.removesuffix("List")}
        for child in children(record, "items"):
            yield Record({**given, **child.value} if child.value else given, child.where)


def _event(record: Record) -> Draft | LeftOut:
    value = record.value
    reason = text(value.get("reason")) or ""
    message = first(value.get("message"), value.get("note"))
    if reason in _ROUTINE and value.get("type") != "Warning":
        return LeftOut(record.where, "everyday life of a pod (scheduled, pulled, started, ...)")
    subject = first(value.get("involvedObject"), value.get("regarding"))
    last = first(
        get(value, "series.lastObservedTime"),
        value.get("lastTimestamp"),
        value.get("deprecatedLastTimestamp"),
    )
    start = first(
        value.get("firstTimestamp"),
        value.get("deprecatedFirstTimestamp"),
        value.get("eventTime"),
        last,
        get(value, "metadata.creationTimestamp"),
    )
    image = _IMAGE.search(text(message) or "")
    return Draft(
        record.where,
        ts=start,
        ts_end=last if last != start else None,
        kind=_kind(reason, text(message) or ""),
        event_id=first(get(value, "metadata.uid"), get(value, "metadata.name")),
        title=f"{reason}: {text(message) or ''}",
        service=_workload(text(get(subject, "name")), text(get(subject, "kind"))),
        target=f"{text(get(subject, 'kind')) or ''}/{text(get(subject, 'name')) or ''}",
        version=image.group(2) if image else None,
        environment=first(get(subject, "namespace"), get(value, "metadata.namespace")),
        status=value.get("type"),
        actor=first(value.get("reportingComponent"), get(value, "source.component")),
        scope={
            "reason": reason,
            "count": first(get(value, "series.count"), value.get("count")),
            "image": image.group(0).partition(" ")[2].strip('"') if image else None,
            "host": get(value, "source.host"),
        },
    )


def _kind(reason: str, message: str) -> str:
    if reason in _ROLLBACKS:
        return "rollback"
    new_set = reason == "ScalingReplicaSet" and _NEW_SET.search(message)
    return "deploy" if reason in _DEPLOYS or new_set else "infra"


def _workload(name: str | None, kind: str | None) -> str | None:
    """Return the name of the deployment a pod or a replica set belongs to."""
    if name is None:
        return None
    suffixes = {"Pod": r"-[a-z0-9]{5,10}-[a-z0-9]{5}$", "ReplicaSet": r"-[a-z0-9]{5,10}$"}
    return re.sub(suffixes.get(kind or "", "$"), "", name)


def _application(record: Record) -> Iterator[Draft | LeftOut | Remark]:
    value = record.value
    history = children(record, "status.history")
    name = text(get(value, "metadata.name"))
    drafts = [_deploy(value, entry) for entry in history]
    if drafts:
        images = names(get(value, "status.summary.images"))
        last = drafts.pop()
        drafts.append(_with_images(last, images))
    yield from chained(drafts)
    if len(history) >= _ARGO_KEEPS:
        yield Remark(
            f"Argo CD keeps the last {_ARGO_KEEPS} deploys by default: older ones of {name} may"
            " be missing"
        )
    state = get(value, "status.operationState")
    if text(get(state, "phase")) in ("Failed", "Error", "Running"):
        yield _operation(record, state)
    elif not history:
        yield LeftOut(record.where, "an application without a deploy history")


def _common(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service": get(value, "metadata.name"),
        "environment": get(value, "spec.destination.namespace"),
    }


def _deploy(value: Mapping[str, Any], entry: Record) -> Draft:
    done = entry.value
    source = first(done.get("source"), *_list(done.get("sources")))
    revision = first(text(done.get("revision")), *names(done.get("revisions")))
    wanted = text(get(source, "targetRevision"))
    by = text(get(done, "initiatedBy.username"))
    automated = str(get(done, "initiatedBy.automated")).lower() == "true"
    name = text(get(value, "metadata.name"))
    return Draft(
        entry.where,
        ts=first(done.get("deployStartedAt"), done.get("deployedAt")),
        ts_end=done.get("deployedAt"),
        kind="deploy",
        event_id=f"argocd-{name}-{text(done.get('id'))}",
        title=f"sync {name} to {wanted or revision}",
        version=wanted if is_version(wanted) else revision,
        status="Succeeded",
        actor=by or ("automated" if automated else None),
        url=get(source, "repoURL"),
        scope={
            "revision": revision,
            "path": get(source, "path"),
            "chart": get(source, "chart"),
            "target_revision": wanted,
            "cluster": first(
                get(value, "spec.destination.name"), get(value, "spec.destination.server")
            ),
        },
        **_common(value),
    )


def _with_images(draft: Draft, images: tuple[str, ...]) -> Draft:
    if not images:
        return draft
    return Draft(**{**vars(draft), "scope": {**draft.scope, "images": images}})


def _operation(record: Record, state: Any) -> Draft:
    name = text(get(record.value, "metadata.name"))
    return Draft(
        f"{record.where}, operationState",
        ts=get(state, "startedAt"),
        ts_end=get(state, "finishedAt"),
        kind="deploy",
        event_id=f"argocd-{name}-operation-{text(get(state, 'startedAt'))}",
        title=first(get(state, "message"), f"sync {name}"),
        version=first(get(state, "syncResult.revision"), get(state, "operation.sync.revision")),
        status=get(state, "phase"),
        actor=get(state, "operation.initiatedBy.username"),
        **_common(record.value),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


KUBERNETES = Source("kubernetes", sniff, parse)
