"""MLflow: versions of the model registry and the webhooks of the model and prompt registries.

https://mlflow.org/docs/latest/ml/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Remark, Source, children
from rca.logs.events.times import is_missing
from rca.logs.events.values import first, get, names, text

_NO_HISTORY = (
    "MLflow keeps no history of stages and aliases: of each model version only the creation and"
    " the last update are known"
)
_ENTITIES = {
    "registered_model": "model_version",
    "model_version": "model_version",
    "model_version_alias": "model_version",
    "model_version_tag": "model_version",
    "prompt": "prompt",
    "prompt_version": "prompt",
    "prompt_alias": "prompt",
}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a model version, a list of them, or a webhook."""
    keys = record.keys()
    if {"name", "version", "creation_timestamp"} <= keys:
        return 0.9
    if {"entity", "action", "data"} <= keys and text(record.get("entity")) in _ENTITIES:
        return 0.95
    wrapped = first(record.get("model_versions"), record.get("registered_models"))
    if isinstance(wrapped, list) or isinstance(record.get("model_version"), Mapping):
        return 0.9
    return 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each version made and for the last change of its stage or aliases."""
    for record in records:
        if "entity" in record.value:
            yield _webhook(record)
            continue
        for version in _versions(record):
            yield from _version(version)


def _versions(record: Record) -> list[Record]:
    """Return the model versions a document holds, whichever call of the API gave it."""
    value = record.value
    found = children(record, "model_versions")
    for model in children(record, "registered_models"):
        found += children(model, "latest_versions")
    if isinstance(value.get("model_version"), Mapping):
        found.append(Record(value["model_version"], record.where))
    return found or [record]


def _version(record: Record) -> Iterator[Draft | Remark]:
    value = record.value
    name, version = text(value.get("name")), text(value.get("version"))
    common: dict[str, Any] = {
        "kind": "model_version",
        "target": name,
        "version": version,
        "actor": first(value.get("user_id"), value.get("user")),
        "url": value.get("run_link"),
    }
    tags = value.get("tags")
    scope = {
        "model": name,
        "model_version": version,
        "run_id": value.get("run_id"),
        **(tags if isinstance(tags, Mapping) else {}),
    }
    yield Draft(
        record.where,
        ts=value.get("creation_timestamp"),
        event_id=f"mlflow-{name}-{version}",
        title=f"model {name} version {version} registered",
        status=value.get("status"),
        scope=scope,
        **common,
    )
    stage, aliases = text(value.get("current_stage")), names(value.get("aliases"))
    places = [stage] if stage not in (None, "None") else list(aliases)
    updated = value.get("last_updated_timestamp")
    if places and not is_missing(updated) and updated != value.get("creation_timestamp"):
        yield Remark(_NO_HISTORY)
        yield Draft(
            f"{record.where}, last update",
            ts=updated,
            event_id=f"mlflow-{name}-{version}-update",
            title=f"model {name} version {version} last updated, now {', '.join(map(str, places))}",
            environment=stage if stage != "None" else None,
            scope={**scope, "alias": aliases},
            **common,
        )


def _webhook(record: Record) -> Draft | LeftOut:
    value = record.value
    entity, action = text(value.get("entity")) or "", text(value.get("action")) or ""
    data = value.get("data")
    name, version, alias = (text(get(data, key)) for key in ("name", "version", "alias"))
    if entity not in _ENTITIES:
        return LeftOut(record.where, f"a webhook about a {entity}")
    kind = _ENTITIES[entity]
    column = "prompt" if kind == "prompt" else "model"
    what = " ".join(filter(None, (entity.replace("_", " "), action, name, version, alias)))
    return Draft(
        record.where,
        ts=value.get("timestamp"),
        kind=kind,
        event_id=f"mlflow-{entity}-{name}-{version}-{alias}-{text(value.get('timestamp'))}",
        title=what,
        target=name,
        version=version,
        status=action,
        scope={
            column: name,
            f"{column}_version": version,
            "alias": alias,
            "tag": get(data, "key"),
            "tag_value": get(data, "value"),
        },
    )


MLFLOW = Source("mlflow registry", sniff, parse)
