"""Anything may stand in a file: the readers answer, or raise an error of ours."""

from __future__ import annotations

import copy
import gzip
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import rca
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.logs import samples

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", "NaN", "2026-03-01", "'", '"', "{", "}", "|", "\u0000", "null", "-1"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
)
SEEDS: list[Any] = [
    samples.otlp(samples.attributes(gen_ai__operation__name="chat", gen_ai__request__model="m")),
    samples.PHOENIX,
    samples.LANGFUSE_EXPORT,
    samples.LANGFUSE_API,
    samples.LANGSMITH,
    samples.OPENAI_USAGE,
    samples.HELICONE,
    *samples.WEAVE,
    *samples.KSERVE,
    samples.SAGEMAKER,
    *samples.DATABRICKS.values(),
    {"eval": samples.INSPECT_EVAL, "samples": [samples.INSPECT_SAMPLE]},
    {"request_id": "r", "spend": 0.1, "startTime": "2026-03-01 10:00:00", "metadata": "{}"},
    {"info": {"trace_id": "t"}, "data": {"spans": [{"attributes": {}}]}},
    {"ts": "2026-03-01T10:00:00Z", "latency_ms": 5, "model": "m"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    if isinstance(value, (dict, list)):
        for key, part in inner:
            found += (
                places(part, (*path, key)) if isinstance(part, (dict, list)) else [(*path, key)]
            )
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real record of some tool with a few of its values replaced or gone."""
    record = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        *path, last = draw(st.sampled_from(places(record)))
        at = record
        try:
            for key in path:
                at = at[key]
            if isinstance(at, dict) and draw(st.booleans()):
                at.pop(last, None)
            else:
                at[last] = draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue
    return record


def reads(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(data)
        try:
            logs = rca.read_logs(path)
        except rca.RCAError as error:
            assert "\n" not in str(error).strip(), error
            return
        report = logs.intake
        logs.engine.table(f"select * from {logs.relation}")
        assert report.n_kept == logs.n_rows
        assert report.n_rows == report.n_kept + sum(report.left_out.values())


#: A longer run: RCA_FUZZ=1000 pytest tests/logs/test_fuzz.py
_EXAMPLES = int(os.environ.get("RCA_FUZZ", "20"))
FUZZ = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize="RCA_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@FUZZ
@given(st.lists(mutated(), min_size=1, max_size=3))
def test_records_of_tools_with_values_replaced(records: list[Any]) -> None:
    reads("\n".join(json.dumps(record) for record in records).encode("utf-8", "surrogatepass"))


@FUZZ
@given(mutated(), st.integers(0, 3000), st.binary(max_size=8))
def test_records_with_bytes_replaced(record: Any, place: int, noise: bytes) -> None:
    data = (json.dumps(record) + "\n").encode("utf-8", "surrogatepass") * 3
    place %= len(data)
    reads(data[:place] + noise + data[place + len(noise) :])


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    reads(data)


@FUZZ
@given(st.text(alphabet='{}[]",:\\ \n\t\r0aé\ufeff;|', max_size=80))
def test_any_text(text: str) -> None:
    reads(text.encode())


@FUZZ
@given(st.lists(st.lists(st.text(max_size=6), min_size=2, max_size=4), min_size=1, max_size=6))
def test_any_table_of_text(rows: list[list[str]]) -> None:
    lines = ["ts,latency_ms,model", *(",".join(row) for row in rows)]
    reads("\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_each_cut_short_in_every_packing(seed: int) -> None:
    data = json.dumps(SEEDS[seed]).encode()
    for share in (0.3, 0.9):
        cut = data[: int(share * len(data))]
        reads(cut)
        reads(gzip.compress(cut))
        reads(gzip.compress(data)[: int(share * len(gzip.compress(data)))])
