"""Airflow: DAG runs and task instances of the REST API and of ``airflow ... -o json``.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Source, children
from rca.logs.events.values import first, objects, text

_NOTHING_RAN = {"skipped", "removed", "queued", "scheduled", "none", "upstream_failed"}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a DAG run or a task instance, or a page of them."""
    keys = record.keys()
    if any(isinstance(record.get(name), list) for name in ("dag_runs", "task_instances")):
        return 0.95
    if "dag_id" in keys and keys & {"dag_run_id", "run_id"} and "state" in keys:
        return 0.9
    return 0.9 if {"dag_id", "task_id", "state"} <= keys else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each run of a DAG or of a task that started."""
    for record in _runs(records):
        state = (text(record.value.get("state")) or "none").lower()
        if state in _NOTHING_RAN:
            yield LeftOut(record.where, f"{state}, so it ran nothing")
        else:
            yield _run(record, state)


def _runs(records: Sequence[Record]) -> Iterator[Record]:
    for record in records:
        found = children(record, "dag_runs") + children(record, "task_instances")
        listed = "dag_runs" in record.value or "task_instances" in record.value
        yield from found if listed else [record]


def _run(record: Record, state: str) -> Draft:
    value = record.value
    dag, task = text(value.get("dag_id")), text(value.get("task_id"))
    run = text(first(value.get("dag_run_id"), value.get("run_id")))
    planned = first(value.get("logical_date"), value.get("execution_date"), value.get("run_after"))
    mapped = text(value.get("map_index"))
    attempt = text(value.get("try_number"))
    bundle = [text(version.get("bundle_version")) for version in objects(value.get("dag_versions"))]
    name = f"{dag}.{task}" if task else dag
    return Draft(
        record.where,
        ts=first(value.get("start_date"), planned),
        ts_end=value.get("end_date"),
        kind="pipeline",
        event_id="/".join(filter(None, (dag, run, task, mapped if mapped != "-1" else None))),
        title=f"{name} {state}" + (f" at try {attempt}" if attempt not in (None, "1", "0") else ""),
        target=name,
        version=first(value.get("bundle_version"), *reversed(bundle)),
        status=state,
        actor=first(value.get("triggering_user_name"), value.get("triggered_by")),
        scope={
            "dag_id": dag,
            "run_id": run,
            "task_id": task,
            "run_type": value.get("run_type"),
            "try_number": value.get("try_number"),
            "operator": value.get("operator"),
            "logical_date": planned,
            "data_interval_start": value.get("data_interval_start"),
            "data_interval_end": value.get("data_interval_end"),
            "note": value.get("note"),
        },
    )


AIRFLOW = Source("airflow", sniff, parse)
