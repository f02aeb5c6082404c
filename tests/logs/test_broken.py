"""Broken and hostile files: a clear error, or rows that are left out, counted and named."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import rca
from rca.errors import CorruptFileError, EmptyLogError
from rca.logs.convert import SMALL
from tests.logs import samples
from tests.logs.samples import attributes, otlp

GOOD = {"timestamp": "2026-03-01T10:00:00Z", "latency_ms": 12.5, "region": "eu"}


def text(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def spend(number: int, **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"r{number}",
        "spend": 0.5,
        "startTime": f"2026-03-01 10:00:{number % 60:02}.5",
        "endTime": f"2026-03-01 10:00:{number % 60:02}.9",
        "model": "m",
        **more,
    }


def whole(logs: rca.Logs) -> None:
    """Rows in are rows kept and rows left out with a reason."""
    report = logs.intake
    assert report.n_kept == logs.n_rows
    assert report.n_rows == report.n_kept + sum(report.left_out.values())
    for file in report.files:
        assert (file.n_rows or 0) == (file.n_kept or 0) + sum(file.left_out.values())


@pytest.mark.parametrize("records", [[GOOD, GOOD], [spend(1), spend(2)]], ids=["flat", "known"])
@pytest.mark.parametrize(
    ("broken", "n"), [('{"timestamp": "2026-', 1), ("not JSON\n[1, 2]\n7", 3), ("\n\n", 0)]
)
def test_lines_that_are_not_whole_are_left_out_and_counted(
    tmp_path: Path, records: list[dict[str, Any]], broken: str, n: int
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text(*records) + broken)
    logs = rca.read_logs(path)
    assert logs.n_rows == 2
    whole(logs)
    assert logs.intake.n_rows == 2 + n
    assert dict(logs.intake.left_out) == ({"not whole JSON": n} if n else {})
    said = f"{n} of {2 + n} rows of log.jsonl left out: not whole JSON"
    assert any(said in caveat for caveat in logs.caveats) == bool(n)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["log.jsonl", "log.csv"])
def test_a_byte_order_mark_does_no_harm(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / name
    rows = pd.DataFrame([GOOD, GOOD])
    plain = rows.to_csv(index=False) if name.endswith("csv") else text(GOOD, GOOD)
    path.write_text(plain, encoding=encoding)
    logs = rca.read_logs(path)
    assert list(logs.columns) == ["ts", "latency_ms", "region"]
    assert logs.n_rows == 2
    whole(logs)
    assert logs.intake.files[0].path == path


def test_a_byte_order_mark_within_a_packing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(text(GOOD, GOOD).encode("utf-8-sig")))
    assert rca.read_logs(path).n_rows == 2


@pytest.mark.parametrize("make", [spend, lambda _: GOOD], ids=["known", "flat"])
def test_nan_and_infinity_are_empty_values(tmp_path: Path, make: Any) -> None:
    key = "spend" if "spend" in make(1) else "latency_ms"
    path = tmp_path / "log.jsonl"
    path.write_text(text(make(1), make(2) | {key: float("nan")}, make(3) | {key: float("inf")}))
    logs = rca.read_logs(path)
    assert logs.n_rows == 3
    metric = "cost_per_request" if key == "spend" else "mean_latency"
    sums = rca.Comparison.of(logs, logs, metric=metric)
    values = [row["y_"] for row in logs.engine.rows(sums.rows_sql())]
    assert max(values) < float("inf")


def test_values_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text(spend(1), spend(2, spend="much"), spend(3, startTime="soon")))
    logs = rca.read_logs(path)
    assert dict(logs.intake.unread) == {"cost_usd": 1, "ts": 1}
    assert "1 values of cost_usd could not be read and are empty" in logs.caveats


@pytest.mark.parametrize("record", [GOOD, spend(1)], ids=["flat", "known"])
def test_a_line_of_twenty_megabytes_is_read(tmp_path: Path, record: dict[str, Any]) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text(record, record | {"messages": "x" * 20 * 2**20}, record))
    assert rca.read_logs(path).n_rows == 3


def test_mixed_forms_in_one_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text(GOOD))
    (tmp_path / "b.jsonl").write_text(text(spend(1)))
    with pytest.raises(
        rca.RCAError, match=r"several forms.*JSON lines.*a\.jsonl.*LiteLLM.*b\.json"
    ):
        rca.read_logs(tmp_path)
    report = rca.sniff(tmp_path)
    assert report.table["takes"].tolist() == ["requests", "requests"]


def test_what_holds_no_rows_in_a_folder_is_left_out_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text(GOOD, GOOD))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "profile.bin").write_bytes(b"WHY1\x00\x01")
    (tmp_path / "README.md").write_text("# Logs\n\nOf the service, by hour.\n")
    (tmp_path / "empty.jsonl").touch()
    logs = rca.read_logs(tmp_path)
    whole(logs)
    assert logs.n_rows == 2
    said = " ".join(logs.caveats)
    for name, why in (
        ("model.pkl", "a Python pickle"),
        ("profile.bin", "a whylogs profile"),
        ("README.md", "no table"),
        ("empty.jsonl", "empty"),
    ):
        assert f"{name} was left out: it is" in said
        assert why in said


@pytest.mark.parametrize(
    ("name", "data", "error", "says"),
    [
        ("empty.csv", b"", EmptyLogError, "empty"),
        ("blank.jsonl", b"\n \n", EmptyLogError, "no rows|blank"),
        ("header.csv", b"ts,latency_ms\n", EmptyLogError, "no rows"),
        ("model.pkl", pickle.dumps([1]), CorruptFileError, "pickle.*not row data"),
        ("x.bin", b"WHY1\x00", CorruptFileError, "whylogs profile.*no rows"),
        ("mlflow.db", b"SQLite format 3\x00", CorruptFileError, "SQLite"),
        ("a.avro", b"Obj\x01abc", CorruptFileError, "Avro"),
        ("noise", bytes(range(256)) * 20, CorruptFileError, "binary"),
        ("words.txt", b"hello there\nworld\n", CorruptFileError, "no table"),
        ("cut.json", b'[{"ts": "2026-03-01T10:00:00Z", "a": 1}, {"ts": ', CorruptFileError, "cut"),
        (
            "cut2.json",
            b'{"ts": "2026-03-01T10:00:00Z", "a": {"b": [1,',
            CorruptFileError,
            "JSON|cut",
        ),
        ("list.json", b"[1, 2, 3]", CorruptFileError, "record|object"),
        ("a.parquet", b"PAR1" + bytes(50), CorruptFileError, "Parquet"),
        ("a.zip", b"PK\x03\x04" + bytes(50), CorruptFileError, "zip"),
    ],
)
def test_each_is_one_clear_line(
    tmp_path: Path, name: str, data: bytes, error: type[Exception], says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(error, match=says) as caught:
        rca.read_logs(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("cut", [8, 200, 4000])
@pytest.mark.parametrize("record", [GOOD, spend(1)], ids=["flat", "known"])
def test_a_truncated_gzip_is_an_error(tmp_path: Path, record: dict[str, Any], cut: int) -> None:
    path = tmp_path / "log.jsonl.gz"
    many = text(*[record | {"request_id": str(i * 7919 % 1_000_003)} for i in range(3000)])
    path.write_bytes(gzip.compress(many.encode())[:-cut])
    with pytest.raises(CorruptFileError, match=r"log\.jsonl\.gz"):
        rca.read_logs(path)


def test_a_name_says_nothing(tmp_path: Path) -> None:
    gz = tmp_path / "log.csv"
    gz.write_bytes(gzip.compress(text(GOOD, GOOD).encode()))
    assert rca.read_logs(gz).n_rows == 2
    frame = tmp_path / "data.json"
    pd.DataFrame([GOOD]).to_parquet(frame)
    assert rca.read_logs(frame).n_rows == 1


def test_deep_nesting_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    deep = '{"a":' * 50_000 + "1" + "}" * 50_000
    path.write_text(text(spend(1)) + deep + "\n" + text(spend(2)))
    logs = rca.read_logs(path)
    whole(logs)
    assert logs.n_rows in (2, 3)
    path.write_text("[" * 100_000)
    with pytest.raises(rca.RCAError):
        rca.read_logs(path)


def evaluation(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": samples.INSPECT_EVAL}))
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = evaluation(tmp_path / "a.eval", {"samples/1.json": b'"' + b"0" * 50 * 2**20 + b'"'})
    with pytest.raises(CorruptFileError, match="zip bomb"):
        rca.read_logs(path)
    many = {f"samples/{i}.json": bytes(65 * 2**20) for i in range(1)}
    with pytest.raises(CorruptFileError, match="more than is read"):
        rca.read_logs(evaluation(tmp_path / "b.eval", many))


@pytest.mark.parametrize("name", ["../../evil.json", "/etc/evil.json", "a\\..\\..\\evil.json"])
def test_names_that_leave_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    sample = json.dumps(samples.INSPECT_SAMPLE).encode()
    path = evaluation(tmp_path / "a.eval", {"samples/1.json": sample, name: b"{}"})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(CorruptFileError, match="leads out of the archive"):
        rca.read_logs(path)
    assert set(tmp_path.rglob("*")) == before


def test_a_broken_sample_in_an_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="no JSON"):
        rca.read_logs(evaluation(tmp_path / "a.eval", {"samples/1.json": b"{"}))


def test_hostile_text_in_a_log_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "x'; drop table y; --.jsonl"
    evil = {"region'\"; drop": "<script>alert(1)</script>", "a{b|c}d": 1}
    path.write_text(text(spend(1, **evil), spend(2)))
    logs = rca.read_logs(path)
    assert logs.n_rows == 2
    assert "<script>" not in logs._repr_html_()
    call = {"gen_ai__operation__name": "chat"}
    named = [*attributes(**call), {"key": "x'\"}{|", "value": {"stringValue": "'"}}]
    path.write_text(text(otlp(named)))
    assert rca.read_logs(path).n_rows == 1


def test_the_small_are_parsed_into_memory_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RCA_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "log.jsonl"
    path.write_text(text(spend(1)))
    rca.read_logs(path)
    assert path.stat().st_size < SMALL
    assert not (tmp_path / "cache").exists()
    assert sorted(tmp_path.iterdir()) == [path]
