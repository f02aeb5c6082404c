"""Flat files and frames as logs in canonical columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rca
from rca.errors import (
    BadValueError,
    CorruptFileError,
    EmptyLogError,
    InputError,
    MissingColumnError,
    MissingFileError,
)

ROWS = {
    "Start Time": ["2026-03-01T10:00:00Z", "2026-03-01T10:00:01.5Z", "2026-03-01T10:00:02Z"],
    "prompt_tokens": [10, 20, 30],
    "latency_s": [0.5, 1.5, 2.5],
    "region": ["eu", "us", "eu"],
}


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({**ROWS, **columns})


def values(logs: rca.Logs, column: str) -> list[object]:
    return [row[column] for row in logs.engine.rows(f"select {column} from {logs.relation}")]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "jsonl", "json", "parquet"])
def test_every_form_of_flat_file_reads_the_same(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"log.{form}"
    if form == "parquet":
        frame().to_parquet(path)
    elif "json" in form:
        frame().to_json(path, orient="records", lines=form == "jsonl")
    else:
        frame().to_csv(path, index=False, sep="\t" if form == "tsv" else ",")
    logs = rca.read_logs(path)
    assert values(logs, "latency_ms") == [500.0, 1500.0, 2500.0]
    assert values(logs, "input_tokens") == [10.0, 20.0, 30.0]
    assert values(logs, "region") == ["eu", "us", "eu"]
    assert [t.isoformat() for t in values(logs, "ts")][1] == "2026-03-01T10:00:01.500000"


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, pl.LazyFrame])
def test_frames_come_in_at_the_door(make: object) -> None:
    logs = rca.read_logs(make(ROWS))  # type: ignore[operator]
    assert logs.n_rows == 3
    assert values(logs, "input_tokens") == [10.0, 20.0, 30.0]


def test_a_relation_of_duckdb_comes_in() -> None:
    import duckdb

    relation = duckdb.connect().sql("select timestamp '2026-03-01' as ts, 7 as prompt_tokens")
    assert values(rca.read_logs(relation), "input_tokens") == [7.0]


def test_a_folder_a_glob_and_a_list_name_the_same_files(tmp_path: Path) -> None:
    for number in (1, 2):
        frame().to_csv(tmp_path / f"part-{number}.csv", index=False)
    for source in (tmp_path, f"{tmp_path}/*.csv", sorted(tmp_path.iterdir())):
        assert rca.read_logs(source).n_rows == 6


def test_the_azure_trace_is_read_with_no_options(shared: Path) -> None:
    logs = rca.read_logs(shared / "traces" / "azure_llm" / "AzureLLMInferenceTrace_code.csv")
    assert logs.n_rows == 8819
    assert list(logs.columns) == ["ts", "input_tokens", "output_tokens"]
    first = logs.engine.one(f"select min(ts) as t, sum(input_tokens) as s from {logs.relation}")
    assert first["t"].isoformat() == "2023-11-16T18:17:03.979960"
    raw = pd.read_csv(shared / "traces" / "azure_llm" / "AzureLLMInferenceTrace_code.csv")
    assert first["s"] == raw["ContextTokens"].sum()


def test_the_llmdrift_answers_are_read_with_no_options(shared: Path) -> None:
    path = shared / "traces" / "llmdrift" / "LEETCODE_EASY_EVAL.csv"
    logs = rca.read_logs(path)
    raw = pd.read_csv(path)
    assert logs.n_rows == len(raw) == 200
    assert values(logs, "latency_ms") == pytest.approx(list(raw["latency"] * 1000))
    assert values(logs, "ts")[0].isoformat() == "2023-07-11T01:04:13"  # type: ignore[attr-defined]
    assert "request_id" not in logs.columns
    assert set(values(logs, "id")) == set(raw["id"])
    assert not [name for name in logs.columns if "Unnamed" in name or name.startswith("column0")]
    said = " ".join(logs.caveats)
    assert "both day first and month first" in said
    assert "names no single request" in said
    assert "row numbers were left out" in said


def test_dates_that_only_fit_day_first_are_read_so_and_said() -> None:
    logs = rca.read_logs(
        pd.DataFrame({"date_time": ["31/12/2025 23:00:00", "01/02/2026 01:00:00"]})
    )
    assert [t.isoformat() for t in values(logs, "ts")] == [
        "2025-12-31T23:00:00",
        "2026-02-01T01:00:00",
    ]
    assert any("day first" in c and "nothing else fits" in c for c in logs.caveats)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("10/Oct/2025:13:55:36 +0200", "2025-10-10T11:55:36"),
        ("12/31/2025 11:05:00 PM", "2025-12-31T23:05:00"),
        ("Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10:00:00"),
        ("2026-03-01 10:00:00+05:30", "2026-03-01T04:30:00"),
        ("2026-03-01T10:00:00.1234567Z", "2026-03-01T10:00:00.123456"),
    ],
)
def test_times_as_programs_write_them(text: str, iso: str) -> None:
    assert values(rca.read_logs(pd.DataFrame({"ts": [text]})), "ts")[0].isoformat() == iso  # type: ignore[attr-defined]


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
def test_numbers_since_1970_are_read_by_their_size(scale: float) -> None:
    start = 1_772_359_200
    for cast in (int, lambda x: str(int(x))):
        logs = rca.read_logs(pd.DataFrame({"ts": [cast(start * scale), cast((start + 1) * scale)]}))
        assert values(logs, "ts")[0].isoformat() == "2026-03-01T10:00:00"  # type: ignore[attr-defined]


def test_times_shared_by_whole_batches_are_said() -> None:
    logs = rca.read_logs(pd.DataFrame({"ts": ["2026-03-01T10:00:00Z"] * 60}))
    assert any("only 1 different times in 60 rows" in c for c in logs.caveats)
    single = [f"2026-03-01T10:{m:02}:00Z" for m in range(60)]
    assert not rca.read_logs(pd.DataFrame({"ts": single})).caveats


def test_a_mapping_wins_over_the_aliases() -> None:
    logs = rca.read_logs(frame(took=[1, 2, 3]), mapping={"latency_ms": "took"})
    assert values(logs, "latency_ms") == [1.0, 2.0, 3.0]
    assert values(logs, "latency_s") == [0.5, 1.5, 2.5]


def test_a_latency_without_unit_is_said() -> None:
    logs = rca.read_logs(pd.DataFrame({"ts": ["2026-03-01T10:00:00Z"], "latency": [1.5]}))
    assert values(logs, "latency_ms") == [1500.0]
    assert any("read as seconds" in c for c in logs.caveats)


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("/nowhere/requests.csv", MissingFileError, "no log at"),
        (pd.DataFrame({"ts": []}), EmptyLogError, "no rows"),
        (frame(**{"Start Time": ["soon", "later", "2026-03-01T10:00:00Z"]}), BadValueError, "soon"),
        (frame(prompt_tokens=["10", "many", "30"]), BadValueError, "mixes types: 1 values.*many"),
        (
            frame(
                **{"Start Time": ["2026-03-01T10:00:00Z", "2026-03-01 10:00", "2026-03-01 11:00"]}
            ),
            BadValueError,
            r"with a zone \(1 rows\) and without one \(2 rows\)",
        ),
        (frame(correct=["yes", "no", "maybe"]), BadValueError, "true or false.*maybe"),
    ],
)
def test_bad_input_is_one_clear_line(source: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        rca.read_logs(source)
    assert "\n" not in str(caught.value)


def test_a_mapping_to_nothing_names_the_nearest() -> None:
    with pytest.raises(MissingColumnError, match="Did you mean 'region'"):
        rca.read_logs(frame(), mapping={"tenant": "regoin"})
    with pytest.raises(MissingColumnError, match="Did you mean 'tenant'"):
        rca.read_logs(frame(), mapping={"tennant": "region"})


def test_broken_files_are_one_clear_line(tmp_path: Path) -> None:
    broken = tmp_path / "a.parquet"
    frame().to_parquet(broken)
    broken.write_bytes(broken.read_bytes()[:-20] + b"garbage0PAR1")
    with pytest.raises(CorruptFileError, match="Export it again"):
        rca.read_logs(broken)
    cut = tmp_path / "b.csv.gz"
    cut.write_bytes(gzip.compress(b"ts,x\n" + b"2026-03-01T10:00:00Z,1\n" * 5000)[:-40])
    with pytest.raises(InputError, match=r"b\.csv\.gz"):
        rca.read_logs(cut)


@pytest.mark.parametrize("clock", [[0.0, 1.5, 2.5], ["0", "1500", "2500"]])
def test_a_clock_that_starts_at_zero_is_no_time(tmp_path: Path, clock: list[object]) -> None:
    table = frame(**{"Start Time": clock})
    table.to_csv(tmp_path / "requests.csv", index=False)
    logs = rca.read_logs(tmp_path / "requests.csv")
    assert "ts" not in logs.columns
    kept = logs.engine.rows(f'select "Start Time" as v from {logs.relation}')
    assert [float(row["v"]) for row in kept] == [float(str(x)) for x in clock]
    assert logs.intake.times == "relative"
    assert any("relative clock" in caveat for caveat in logs.caveats)
    with pytest.raises(MissingColumnError, match=r"relative clock.*cannot be put beside events"):
        rca.read_incident(tmp_path)
    with pytest.raises(BadValueError, match="no time since 1970"):
        rca.read_logs(table, mapping={"ts": "Start Time"})
