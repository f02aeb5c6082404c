"""dbt: run_results.json, sources.json, manifest.json and the structured log.

Run results say what ran and how it went; the manifest says which table that is and what it was
made from. Given together they are joined by ``unique_id``; two manifests are compared, so that
each node whose code changed is an event. https://docs.getdbt.com/reference/artifacts/dbt-artifacts
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rca.logs.events.quality import PASSED
from rca.logs.events.source import Draft, LeftOut, Parsed, Record, Remark, Source, children
from rca.logs.events.times import sort_key
from rca.logs.events.values import first, get, names, text

_CHECKS = {"test", "unit_test"}
_FINE = {"success", "pass"}


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is an artifact of dbt or a line of its log."""
    if _artifact(record):
        return 0.95
    logged = {"name", "invocation_id", "ts"}
    info = record.get("info")
    return 0.9 if isinstance(info, Mapping) and logged <= info.keys() else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a draft for each node that ran, each check that failed and each node changed."""
    by_kind: dict[str, list[Record]] = {}
    for record in records:
        by_kind.setdefault(_artifact(record.value) or "log", []).append(record)
    manifests = sorted(
        by_kind.pop("manifest", []), key=lambda record: sort_key(_generated_at(record))
    )
    tables = _Tables.of(manifests)
    seen: set[str] = set()
    for record in by_kind.pop("run-results", []):
        yield from _run_results(record, tables, seen)
    yield from _log(by_kind.pop("log", []), tables, seen)
    for record in by_kind.pop("sources", []):
        yield from _freshness(record, tables)
    yield from _changes(manifests)
    if seen and not manifests:
        yield Remark(
            "dbt run results without a manifest.json: what each table was made from is not known"
        )
    for kind, rest in by_kind.items():
        yield from (LeftOut(record.where, f"a dbt {kind} holds no runs") for record in rest)


def _artifact(value: Mapping[str, Any]) -> str | None:
    """Return ``run-results``, ``manifest``, ``sources``, ... from the address of the schema."""
    schema = text(get(value, "metadata.dbt_schema_version")) or ""
    return schema.split("/dbt/", 1)[1].partition("/")[0] if "/dbt/" in schema else None


def _generated_at(record: Record) -> str:
    return text(get(record.value, "metadata.generated_at")) or ""


@dataclass(frozen=True)
class _Tables:
    """What the last manifest tells of each node."""

    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, manifests: Sequence[Record]) -> _Tables:
        nodes: dict[str, Mapping[str, Any]] = {}
        for record in manifests:
            for part in ("sources", "nodes"):
                nodes |= _nodes(record.value.get(part))
        return cls(nodes)

    def relation(self, unique_id: str, given: Any = None) -> str | None:
        """Return the table of a node, unquoted: ``shop.main.orders``."""
        found = text(first(given, get(self.nodes.get(unique_id), "relation_name")))
        return found.replace('"', "").replace("`", "") if found else None

    def inputs(self, unique_id: str) -> tuple[str, ...]:
        """Return the tables a node is made from; by their ids where they have no table."""
        parents = names(get(self.nodes.get(unique_id), "depends_on.nodes"))
        return tuple(self.relation(parent) or parent for parent in parents)

    def column(self, unique_id: str) -> str | None:
        """Return the column a test looks at."""
        node = self.nodes.get(unique_id)
        given = get(node, "test_metadata.kwargs.column_name")
        named = text(first(get(node, "column_name"), given))
        return named.strip('"`') if named else None


def _nodes(value: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): node for key, node in value.items() if isinstance(node, Mapping)}


def _run_results(record: Record, tables: _Tables, seen: set[str]) -> Parsed:
    metadata = record.value.get("metadata")
    invocation = text(get(metadata, "invocation_id")) or ""
    fallback = first(get(metadata, "invocation_started_at"), get(metadata, "generated_at"))
    scope = {"dbt_target": get(record.value, "args.target"), "invocation_id": invocation}
    for result in children(record, "results"):
        unique_id = text(result.value.get("unique_id")) or ""
        seen.add(f"{invocation}/{unique_id}")
        yield _node(result, result.value, unique_id, tables, fallback, scope)


def _node(
    place: Record,
    result: Mapping[str, Any],
    unique_id: str,
    tables: _Tables,
    fallback: Any,
    scope: Mapping[str, Any],
) -> Draft | LeftOut:
    status = (text(result.get("status")) or "").lower()
    resource = unique_id.partition(".")[0]
    check = resource in _CHECKS
    if status in ("skipped", "no-op"):
        return LeftOut(place.where, f"{status}, so it changed nothing")
    if check and status in _FINE:
        return LeftOut(place.where, PASSED)
    start, end = _times(result)
    relation = tables.relation(unique_id, result.get("relation_name"))
    inputs = tables.inputs(unique_id)
    about = inputs[0] if check and len(inputs) == 1 else relation
    message = text(result.get("message"))
    return Draft(
        place.where,
        ts=first(start, fallback),
        ts_end=end,
        kind="data_quality" if check else "pipeline",
        event_id=f"{scope.get('invocation_id')}/{unique_id}",
        title=f"dbt {resource} {_name(unique_id)} {status}"
        + (f": {message[:300]}" if message and status not in _FINE else ""),
        target=unique_id,
        status=status,
        inputs=inputs,
        outputs=[relation] if relation and not check else (),
        scope={
            **scope,
            "table": about,
            "column": tables.column(unique_id),
            "rows_affected": get(result.get("adapter_response"), "rows_affected"),
            "failures": first(result.get("failures"), result.get("num_failures") or None),
        },
    )


def _name(unique_id: str) -> str:
    """Return the name in ``model.project.name`` or ``test.project.name.hash``."""
    parts = unique_id.split(".")
    return parts[2] if len(parts) > 2 else unique_id


def _times(result: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return when the node executed; what only compiled gives the time of that."""
    steps = first(result.get("timing"), result.get("timing_info"))
    found = {
        text(step.get("name")): (step.get("started_at"), step.get("completed_at"))
        for step in (steps if isinstance(steps, list) else [])
        if isinstance(step, Mapping)
    }
    empty: tuple[Any, Any] = (None, None)
    return found.get("execute", found.get("compile", empty))


def _log(records: Sequence[Record], tables: _Tables, seen: set[str]) -> Parsed:
    """Yield a draft for each node that the log says finished."""
    for record in records:
        info, data = record.value.get("info"), record.value.get("data")
        unique_id = text(get(data, "node_info.unique_id")) or ""
        result = get(data, "run_result")
        if get(info, "name") != "NodeFinished" or not isinstance(result, Mapping):
            yield LeftOut(record.where, "a line of the dbt log that finishes no node")
            continue
        invocation = text(get(info, "invocation_id")) or ""
        key = f"{invocation}/{unique_id}"
        if key in seen:
            yield LeftOut(record.where, "told by run_results.json too")
            continue
        seen.add(key)
        relation = get(data, "node_info.node_relation.relation_name")
        told = {**result, "relation_name": relation}
        fallback = get(info, "ts")
        yield _node(record, told, unique_id, tables, fallback, {"invocation_id": invocation})


def _freshness(record: Record, tables: _Tables) -> Parsed:
    """Yield a draft for each source that was not fresh when it was looked at."""
    for result in children(record, "results"):
        value = result.value
        status = (text(value.get("status")) or "").lower()
        if status in _FINE:
            yield LeftOut(result.where, PASSED)
            continue
        unique_id = text(value.get("unique_id")) or ""
        table = tables.relation(unique_id) or unique_id.removeprefix("source.")
        age = value.get("max_loaded_at_time_ago_in_s")
        late = f", last loaded {age / 3600:.1f} h before" if isinstance(age, int | float) else ""
        yield Draft(
            result.where,
            ts=first(value.get("snapshotted_at"), get(record.value, "metadata.generated_at")),
            kind="data_quality",
            event_id=f"freshness-{unique_id}-{text(value.get('snapshotted_at'))}",
            title=f"source {table} is stale ({status}{late})",
            target=unique_id,
            status=status,
            inputs=[table],
            scope={"table": table, "max_loaded_at": value.get("max_loaded_at"), "age_s": age},
        )


def _changes(manifests: Sequence[Record]) -> Iterator[Draft | LeftOut]:
    """Yield a draft for each node whose code differs from that of the manifest before."""
    for record in manifests:
        yield LeftOut(record.where, "a manifest: it names the tables of the runs")
    for before, after in pairwise(manifests):
        old, new = (_nodes(record.value.get("nodes")) for record in (before, after))
        tables = _Tables.of([after])
        for unique_id in sorted(old.keys() | new.keys()):
            was, now = (text(get(side.get(unique_id), "checksum.checksum")) for side in (old, new))
            if was == now:
                continue
            what = "added" if was is None else "removed" if now is None else "changed"
            relation = tables.relation(unique_id)
            yield Draft(
                after.where,
                ts=_generated_at(after),
                kind="pipeline",
                event_id=f"dbt-{what}-{unique_id}-{now or was}",
                title=f"dbt code of {_name(unique_id)} {what}",
                target=unique_id,
                from_version=was[:12] if was else None,
                version=now[:12] if now else None,
                inputs=tables.inputs(unique_id),
                outputs=[relation] if relation else (),
                scope={"table": relation, "change": what},
            )


DBT = Source("dbt", sniff, parse)
