"""OpenLineage: run events, joined to one event a run; failed checks and schema changes besides.

https://openlineage.io/docs/spec/object-model
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rca.logs.events.quality import PASSED
from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Source
from rca.logs.events.times import sort_key
from rca.logs.events.values import first, get, names, objects, text

_ENDS = ("FAIL", "ABORT", "COMPLETE")
_STATEMENT = "a statement without tables, told by the run it is part of"
_ALTERS = {"ALTER", "RENAME", "DROP"}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an event of OpenLineage."""
    keys = record.keys()
    if "eventTime" not in keys:
        return 0.0
    if {"run", "job"} <= keys:
        return 0.95
    return 0.9 if "schemaURL" in keys and keys & {"job", "dataset"} else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each run of a job, each failed check and each changed schema."""
    runs: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        if not isinstance(record.value.get("run"), Mapping):
            yield LeftOut(record.where, "an event of a dataset or a job, not of a run")
            continue
        key = tuple(
            text(get(record.value, path)) or ""
            for path in ("run.runId", "job.namespace", "job.name")
        )
        runs.setdefault((key[0], key[1], key[2]), []).append(record)
    jobs = {key[-1] for key in runs}
    for rows in runs.values():
        if _is_statement(rows, jobs):
            yield from (LeftOut(row.where, _STATEMENT) for row in rows)
            continue
        ordered = sorted(rows, key=_time)
        yield _run(ordered)
        for row in ordered[1:]:
            yield LeftOut(row.where, "a state of a run, joined with its start")
        yield from _assertions(ordered)
    yield from _schema_changes(sorted((row for rows in runs.values() for row in rows), key=_time))


def _time(record: Record) -> datetime:
    return sort_key(record.value.get("eventTime"))


def _is_statement(rows: Sequence[Record], jobs: set[str]) -> bool:
    """Tell whether a run is one statement of a run that is here too and names the tables."""
    parents = {text(get(row.value, "run.facets.parent.job.name")) for row in rows}
    named = any(row.value.get(side) for row in rows for side in ("inputs", "outputs"))
    return not named and not jobs.isdisjoint(filter(None, parents))


def _run(rows: Sequence[Record]) -> Draft:
    """Return one draft for all states of a run."""
    by_state = {text(row.value.get("eventType")) or "OTHER": row for row in rows}
    start = by_state.get("START", rows[0])
    state = next(
        (name for name in _ENDS if name in by_state), text(rows[-1].value.get("eventType"))
    )
    end = by_state.get(state or "")
    job = text(get(start.value, "job.name"))
    error = first(*(get(row.value, "run.facets.errorMessage.message") for row in rows))
    outputs = _datasets(rows, "outputs")
    columns = _column_lineage(rows)
    said = (text(error) or "").partition("\n")[0][:300]
    return Draft(
        start.where,
        ts=start.value.get("eventTime"),
        ts_end=end.value.get("eventTime") if end is not None and end is not start else None,
        kind="pipeline",
        event_id=f"{text(get(start.value, 'run.runId'))}/{job}",
        title=f"{job} {(state or 'run').lower()}" + (f": {said}" if said else ""),
        target=job,
        version=first(*(get(row.value, "job.facets.sourceCodeLocation.version") for row in rows)),
        status=state,
        inputs=_datasets(rows, "inputs"),
        outputs=outputs,
        url=get(start.value, "job.facets.sourceCodeLocation.url"),
        scope={
            "namespace": get(start.value, "job.namespace"),
            "run_id": get(start.value, "run.runId"),
            "parent_job": get(start.value, "run.facets.parent.job.name"),
            "table": outputs[0] if len(outputs) == 1 else None,
            "column": tuple(columns),
            "column_inputs": tuple(dict.fromkeys(i for found in columns.values() for i in found)),
            "row_count": _statistic(rows, "rowCount"),
            "bytes": _statistic(rows, "size"),
        },
    )


def _datasets(rows: Sequence[Record], side: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            name
            for row in rows
            for dataset in objects(row.value.get(side))
            if (name := text(dataset.get("name"))) is not None
        )
    )


def _column_lineage(rows: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Return for each output column the ``table.column`` it is made from."""
    lineage: dict[str, tuple[str, ...]] = {}
    for row in rows:
        for dataset in objects(row.value.get("outputs")):
            fields = get(dataset, "facets.columnLineage.fields")
            for column, made in fields.items() if isinstance(fields, Mapping) else ():
                lineage[str(column)] = tuple(
                    f"{text(source.get('name'))}.{text(source.get('field'))}"
                    for source in objects(get(made, "inputFields"))
                )
    return lineage


def _statistic(rows: Sequence[Record], name: str) -> Any:
    """Return the rows or bytes written, where a run wrote one table."""
    found = [
        value
        for row in rows
        for dataset in objects(row.value.get("outputs"))
        if (value := get(dataset, f"outputFacets.outputStatistics.{name}")) is not None
    ]
    return found[-1] if found else None


def _assertions(rows: Sequence[Record]) -> Iterator[Draft | LeftOut]:
    """Yield a draft for each check of an input that failed."""
    for row in rows:
        for side in ("inputs", "outputs"):
            for dataset in objects(row.value.get(side)):
                facet = first(
                    get(dataset, "inputFacets.dataQualityAssertions"),
                    get(dataset, "facets.dataQualityAssertions"),
                )
                for assertion in objects(get(facet, "assertions")):
                    yield _assertion(row, dataset, assertion)


def _assertion(
    row: Record, dataset: Mapping[str, Any], assertion: Mapping[str, Any]
) -> Draft | LeftOut:
    if assertion.get("success") is not False:
        return LeftOut(f"{row.where}, assertions", PASSED)
    table = text(dataset.get("name"))
    column, check = text(assertion.get("column")), text(assertion.get("assertion"))
    return Draft(
        f"{row.where}, assertions",
        ts=row.value.get("eventTime"),
        kind="data_quality",
        event_id=None,
        title=f"{check} failed on {'.'.join(filter(None, (table, column)))}",
        target=table,
        status="failed",
        inputs=[table] if table else (),
        scope={
            "table": table,
            "column": column,
            "expectation": check,
            "run_id": get(row.value, "run.runId"),
        },
    )


def _schema_changes(rows: Sequence[Record]) -> Iterator[Draft]:
    """Yield a draft where a table's columns differ from those told before, or it was altered."""
    known: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        for side in ("inputs", "outputs"):
            for dataset in objects(row.value.get(side)):
                key = (text(dataset.get("namespace")) or "", text(dataset.get("name")) or "")
                altered = text(get(dataset, "facets.lifecycleStateChange.lifecycleStateChange"))
                now = _columns(dataset)
                was = known.get(key, now)
                changed = sorted(
                    name for name in was.keys() | now.keys() if was.get(name) != now.get(name)
                )
                if now and changed:
                    yield _schema_change(row, key[1], was, now, changed)
                elif altered in _ALTERS:
                    yield _schema_change(row, key[1], {}, {}, [], altered.lower())
                if now:
                    known[key] = now


def _columns(dataset: Mapping[str, Any]) -> dict[str, str]:
    return {
        text(column.get("name")) or "": (text(column.get("type")) or "").lower()
        for column in objects(get(dataset, "facets.schema.fields"))
    }


def _schema_change(
    row: Record,
    table: str,
    was: Mapping[str, str],
    now: Mapping[str, str],
    changed: Sequence[str],
    altered: str = "changed",
) -> Draft:
    said = [
        f"{name} {was.get(name) or 'absent'} -> {now.get(name) or 'absent'}" for name in changed[:5]
    ]
    return Draft(
        f"{row.where}, schema of {table}",
        ts=row.value.get("eventTime"),
        kind="schema_change",
        event_id=None,
        title=f"schema of {table} {altered}" + (f": {', '.join(said)}" if said else ""),
        target=table,
        outputs=names([table]),
        scope={
            "table": table,
            "column": changed[0] if len(changed) == 1 else tuple(changed),
            "run_id": get(row.value, "run.runId"),
        },
    )


OPENLINEAGE = Source("openlineage", sniff, parse)
