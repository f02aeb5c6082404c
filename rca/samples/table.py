"""From a record to an Arrow table with the canonical columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rca.samples import vocabulary as words
from rca.samples.outcomes import Record
from rca.samples.service import Array, BoolArray, FloatArray, IntArray, Service

ORDER = (
    "ts",
    "request_id",
    "service",
    "environment",
    "operation",
    "provider",
    "model",
    "model_version",
    "app_version",
    "prompt_template",
    "prompt_version",
    "region",
    "tenant",
    "client",
    "user_id",
    "session_id",
    "query_type",
    "status",
    "error_type",
    "http_status",
    "retries",
    "finish_reason",
    "latency_ms",
    "ttft_ms",
    "retrieval_ms",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "prediction",
    "label",
    "score",
    "correct",
    "flagged",
)
INTEGERS = frozenset(
    {"http_status", "retries", "input_tokens", "cached_input_tokens", "output_tokens"}
)


def to_table(
    record: Record, service: Service, *, first_id: int, rng: np.random.Generator
) -> pa.Table:
    """Return the logged columns as Arrow, with missing values and duplicate rows as drawn.

    Text columns are strings, counts 64-bit integers, times microseconds in UTC. Ids are numbered
    from ``first_id`` and have one width.
    """
    n = len(record.rows)
    for column, rate in service.null_rates.items():
        if service.logs(column):
            record.lose(column, rng.random(n) < rate)
    numbered = _numbered("req-", np.arange(first_id, first_id + n), 10)
    columns: dict[str, pa.Array] = {"ts": _times(record.rows.ts), "request_id": numbered}
    users = _numbered("u", record.rows.user, 5)
    constant = {
        "service": service.name,
        "environment": "production",
        "operation": "classify" if service.classifies else "chat",
    }
    for name in (*ORDER[2:], *(feature.name for feature in service.features)):
        if not service.logs(name):
            continue
        if name in constant:
            columns[name] = pa.repeat(constant[name], n)
        elif name == "user_id":
            columns[name] = users
        elif name == "session_id":
            hour = pc.cast(pa.array((record.rows.ts // 3600).astype(np.int64)), pa.string())
            columns[name] = pc.binary_join_element_wise(users, hour, "-")
        else:
            columns[name] = _column(record, name)
    if service.text:
        columns["input"], columns["output"] = _texts(record, rng)
    copies = record.copies
    if service.duplicate_rate:
        copies = copies + (rng.random(n) < service.duplicate_rate)
    table = pa.table(columns)
    return table if (copies == 1).all() else table.take(pa.array(np.repeat(np.arange(n), copies)))


def _column(record: Record, name: str) -> pa.Array:
    values, null = record.values[name], record.nulls.get(name)
    if name in record.words:
        return _decoded(values, record.words[name], null)
    if name in INTEGERS:
        return pa.array(values.astype(np.int64), mask=null)
    return pa.array(values, mask=null)


def _decoded(codes: Array, of: tuple[str, ...], null: BoolArray | None) -> pa.Array:
    return pa.array(of, pa.string()).take(pa.array(codes, pa.int64(), mask=null))


def _times(ts: FloatArray) -> pa.Array:
    millis = np.round(ts * 1e3).astype(np.int64)
    return pa.array(millis * 1000).cast(pa.timestamp("us", tz="UTC"))


def _numbered(prefix: str, numbers: IntArray, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _texts(record: Record, rng: np.random.Generator) -> tuple[pa.Array, pa.Array]:
    """Return short inputs and outputs; odd rows and one call in 500 are hostile."""
    n, variants = len(record.rows), 40
    kinds = record.words["query_type"]
    templates = [words.QUESTIONS[kind] for kind in kinds] + list(words.HOSTILE)
    hostile = record.rows.odd | (rng.random(n) < 0.002)
    which = record.values["query_type"]
    which = np.where(hostile, len(kinds) + rng.integers(0, len(words.HOSTILE), n), which)
    asked = _filled(templates, variants).take(
        pa.array(which * variants + rng.integers(0, variants, n))
    )
    code = rng.integers(0, len(words.ANSWERS) * variants, n)
    said = _filled(list(words.ANSWERS), variants).take(
        pa.array(code, mask=record.nulls.get("finish_reason"))
    )
    return asked, said


def _filled(templates: list[str], variants: int) -> pa.Array:
    filled = [
        text.replace("{n}", str(2 + i % 9)).replace("{m}", str(4000 + 37 * i))
        for text in templates
        for i in range(variants)
    ]
    return pa.array(filled, pa.string())
