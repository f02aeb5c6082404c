"""Data checks: validation results of Great Expectations and scan results of Soda.

A check that passed changed nothing and is left out, counted; one that failed is an event of
kind data_quality whose scope names the table and the column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Source, children
from rca.logs.events.times import is_missing
from rca.logs.events.values import first, get, text

PASSED = "a check that passed"
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")


def sniff_gx(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a validation or checkpoint result."""
    if isinstance(record.get("run_results"), Mapping):
        return 0.95
    return 0.95 if {"results", "statistics", "success"} <= record.keys() else 0.0


def parse_gx(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each expectation that was not met."""
    for record in records:
        for validation in _validations(record):
            for result in children(validation, "results"):
                if result.value.get("success") is True:
                    yield LeftOut(result.where, PASSED)
                else:
                    yield _expectation(validation, result)


def _validations(record: Record) -> Iterator[Record]:
    """Yield the validation results of a checkpoint (0.x wraps each in an object), or itself."""
    runs = record.value.get("run_results")
    if not isinstance(runs, Mapping):
        yield record
        return
    for number, (identifier, value) in enumerate(runs.items(), start=1):
        wrapped = get(value, "validation_result")
        inner = wrapped if isinstance(wrapped, Mapping) else value
        where = f"{record.where}, run_results {number}"
        if isinstance(inner, Mapping):
            yield Record({"identifier": identifier, "checkpoint": record.value, **inner}, where)


def _expectation(validation: Record, result: Record) -> Draft:
    config: Any = result.value.get("expectation_config")
    kind = text(first(get(config, "expectation_type"), get(config, "type"))) or "expectation"
    columns = _columns(get(config, "kwargs"))
    meta = validation.value.get("meta")
    table = first(
        get(meta, "active_batch_definition.data_asset_name"),
        get(meta, "batch_kwargs.table"),
        get(meta, "batch_spec.table_name"),
        get(meta, "batch_kwargs.data_asset_name"),
        validation.value.get("asset_name"),
    )
    percent = get(result.value, "result.unexpected_percent")
    observed = get(result.value, "result.observed_value")
    error = text(get(result.value, "exception_info.exception_message"))
    return Draft(
        result.where,
        ts=first(
            get(meta, "run_id.run_time"),
            get(validation.value, "checkpoint.run_id.run_time"),
            get(meta, "validation_time"),
            _time_of_run(get(meta, "run_id")),
        ),
        kind="data_quality",
        event_id=None,
        title=_title(kind, columns, percent, observed, error),
        target=table,
        status="failed",
        inputs=[table] if table else (),
        scope={
            "table": table,
            "column": columns[0] if len(columns) == 1 else columns,
            "expectation": kind,
            "suite": first(get(meta, "expectation_suite_name"), validation.value.get("suite_name")),
            "unexpected_percent": percent,
            "observed_value": observed,
            "batch_id": first(get(meta, "batch_id"), get(meta, "batch_kwargs.ge_batch_id")),
        },
    )


def _columns(kwargs: Any) -> tuple[str, ...]:
    found: list[str] = []
    for key in _COLUMN_KEYS:
        value = get(kwargs, key)
        for item in value if isinstance(value, list) else [value]:
            name = text(item)
            if name is not None:
                found.append(name.strip('"`'))
    return tuple(dict.fromkeys(found))


def _title(
    kind: str, columns: tuple[str, ...], percent: Any, observed: Any, error: str | None
) -> str:
    said = f"{kind} failed"
    if columns:
        said += f" on {', '.join(columns[:5])}"
    if isinstance(percent, int | float) and not is_missing(percent):
        return f"{said}: {percent:.3g} % unexpected"
    if error:
        return f"{said}: {error[:200]}"
    return said if is_missing(observed) else f"{said}: observed {(text(observed) or '')[:80]}"


def _time_of_run(run_id: Any) -> Any:
    """Return the time in an old run id, which was text as ``20200727T171932.959193Z``."""
    return text(run_id) if isinstance(run_id, str) else get(run_id, "run_name")


def sniff_soda(record: Mapping[str, Any]) -> float:
    """Return how surely a record is the result of a scan."""
    checks = record.get("checks")
    if isinstance(checks, list) and any(isinstance(c, Mapping) and "outcome" in c for c in checks):
        return 0.95
    scan = {"definitionName", "scanStartTimestamp", "checks"}
    return 0.95 if scan <= record.keys() else 0.0


def parse_soda(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each check that warned, failed or could not be evaluated."""
    for record in records:
        for check in children(record, "checks"):
            outcome = (text(check.value.get("outcome")) or "not evaluated").lower()
            if outcome in ("pass", "passed"):
                yield LeftOut(check.where, PASSED)
            else:
                yield _check(record, check, outcome)


def _check(scan: Record, check: Record, outcome: str) -> Draft:
    value = check.value
    table = text(first(value.get("table"), value.get("dataset")))
    name = text(first(value.get("name"), value.get("definition"))) or "check"
    return Draft(
        check.where,
        ts=first(
            scan.value.get("dataTimestamp"),
            scan.value.get("scanStartTimestamp"),
            scan.value.get("scanEndTimestamp"),
        ),
        kind="data_quality",
        event_id=None,
        title=f"{name} {outcome}",
        target=table,
        status=outcome,
        inputs=[table] if table else (),
        scope={
            "table": table,
            "column": value.get("column"),
            "check": first(value.get("identity"), value.get("name")),
            "observed_value": get(value, "diagnostics.value"),
            "scan": scan.value.get("definitionName"),
        },
    )


GREAT_EXPECTATIONS = Source("great expectations", sniff_gx, parse_gx)
SODA = Source("soda", sniff_soda, parse_soda)
