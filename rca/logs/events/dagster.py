"""Dagster: runs as its GraphQL API gives them, and rows of its event log.

https://docs.dagster.io/api/graphql ; its OpenLineage sensor says more about lineage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Source, children
from rca.logs.events.times import sort_key
from rca.logs.events.values import dumped, first, get, names, objects, text

_RUN_ENDS = ("SUCCESS", "FAILURE", "CANCELED")
_PAGES = ("data.runsOrError.results", "runsOrError.results", "data.pipelineRunsOrError.results")
_SINGLE = ("data.runOrError", "runOrError")


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a run, a page of runs or a row of the event log."""
    keys = record.keys()
    if any(isinstance(get(record, path), list) for path in _PAGES):
        return 0.95
    if any(isinstance(get(record, path), Mapping) for path in _SINGLE):
        return 0.95
    if {"status", "startTime"} <= keys and keys & {"runId", "jobName", "pipelineName"}:
        return 0.9
    logged = keys & {"dagster_event_type", "event_type"} and {"run_id", "timestamp"} <= keys
    return 0.85 if logged and keys & {"step_key", "asset_key", "dagster_event_type"} else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each run, each asset made and each step that failed."""
    logged: dict[str, list[Record]] = {}
    for record in _flat(records):
        if _event_type(record.value):
            logged.setdefault(str(record.value.get("run_id")), []).append(record)
        else:
            yield _run(record)
    for run_id, rows in logged.items():
        yield from _logged_run(run_id, rows)


def _flat(records: Sequence[Record]) -> Iterator[Record]:
    for record in records:
        found = [child for path in _PAGES for child in children(record, path)]
        for path in _SINGLE:
            found += [Record(value, record.where) for value in objects(get(record.value, path))]
        paged = any(get(record.value, path) is not None for path in (*_PAGES, *_SINGLE))
        yield from found if paged else [record]


def _run(record: Record) -> Draft:
    value = record.value
    job = text(first(value.get("jobName"), value.get("pipelineName")))
    run_id = text(first(value.get("runId"), value.get("id")))
    status = text(value.get("status")) or ""
    tags = {str(tag.get("key")): tag.get("value") for tag in objects(value.get("tags"))}
    return Draft(
        record.where,
        ts=first(value.get("startTime"), value.get("creationTime")),
        ts_end=value.get("endTime"),
        kind="pipeline",
        event_id=run_id,
        title=f"{job or 'run'} {status.lower()}",
        target=job,
        outputs=[_asset(asset) for asset in objects(value.get("assetMaterializations"))],
        status=status,
        actor=first(tags.get("user"), tags.get("dagster/schedule_name")),
        scope={**tags, "run_id": run_id},
    )


def _asset(value: Mapping[str, Any]) -> str | None:
    """Return the key of an asset: a list of words in GraphQL, JSON text in the event log."""
    key = first(get(value, "assetKey.path"), value.get("asset_key"))
    return "/".join(names(key)) or None


def _event_type(value: Mapping[str, Any]) -> str:
    found = first(value.get("dagster_event_type"), value.get("event_type"))
    return (text(found) or "").removeprefix("PIPELINE_").removeprefix("RUN_")


def _logged_run(run_id: str, rows: list[Record]) -> Iterator[Draft | LeftOut]:
    """Yield one draft for the run of some rows of the event log; its other rows are joined."""
    ordered = sorted(rows, key=lambda row: sort_key(row.value.get("timestamp")))
    kinds = {_event_type(row.value): row for row in ordered}
    start = kinds.get("START", ordered[0])
    end = next((kinds[kind] for kind in _RUN_ENDS if kind in kinds), None)
    made = [
        asset
        for row in ordered
        if _event_type(row.value) == "ASSET_MATERIALIZATION"
        and (asset := _asset(row.value)) is not None
    ]
    failed = [row for row in ordered if _event_type(row.value) == "STEP_FAILURE"]
    status = _event_type(end.value) if end else "STARTED"
    job = text(first(start.value.get("pipeline_name"), start.value.get("job_name")))
    yield Draft(
        start.where,
        ts=start.value.get("timestamp"),
        ts_end=end.value.get("timestamp") if end else None,
        kind="pipeline",
        event_id=run_id,
        title=f"{job or 'run'} {status.lower()}",
        target=job,
        outputs=made,
        status=status,
        scope={
            "run_id": run_id,
            "failed_steps": [text(row.value.get("step_key")) for row in failed],
            "error": dumped(failed[0].value.get("event"))[:500] if failed else None,
            "table": made[0] if len(made) == 1 else None,
        },
    )
    for row in rows:
        if row is not start:
            yield LeftOut(row.where, "a row of the event log, joined with its run")


DAGSTER = Source("dagster", sniff, parse)
