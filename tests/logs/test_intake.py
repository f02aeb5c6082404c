"""What was taken in: files, doubts, proposals."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import rca
from rca.logs.propose import proposals


def day(number: int, n: int = 48, **more: object) -> pd.DataFrame:
    times = pd.date_range(f"2026-03-{number:02}", periods=n, freq="30min")
    ids = [f"{number}-{i}" for i in range(n)]
    return pd.DataFrame({"ts": times, "request_id": ids, "latency_ms": 5.0, **more})


def write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_gaps_and_overlaps_between_files_are_named(tmp_path: Path, form: str) -> None:
    for number in (1, 2, 4, 5):
        write(day(number), tmp_path / f"{number}.{form}")
    write(pd.concat([day(5).tail(9), day(6)]), tmp_path / f"6.{form}")
    report = rca.read_logs(tmp_path).intake
    said = " ".join(report.caveats)
    assert "no file covers 2026-03-02 23:30 to 2026-03-04 00:00 UTC" in said
    assert f"6.{form} overlaps 5.{form} in time" in said
    assert said.count("no file covers") == 1
    assert report.table["n_kept"].tolist() == [48, 48, 48, 48, 57]
    assert report.table["first"].iloc[0] == pd.Timestamp("2026-03-01")
    if form == "csv":
        assert report.n_repeated == 9
        assert "9 of them with a repeated id" in report.summary()


def test_files_that_differ_are_named(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write(day(number), tmp_path / f"{number}.csv")
    write(day(4, region="eu").drop(columns="latency_ms"), tmp_path / "4.csv")
    said = " ".join(rca.read_logs(tmp_path).caveats)
    assert "4.csv has other columns than most: without latency_ms, with region" in said


@pytest.mark.parametrize(
    ("n", "round_"), [(1000, True), (10_000, True), (999, False), (100, False)]
)
def test_a_count_that_is_suspiciously_round_is_said(tmp_path: Path, n: int, round_: bool) -> None:
    write(day(1, n), tmp_path / "log.csv")
    caveats = rca.read_logs(tmp_path / "log.csv").intake.caveats
    assert any(f"exactly {n:,} rows: an export that was cut" in c for c in caveats) == round_


def test_a_good_log_has_no_doubts_and_draws(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write(day(number), tmp_path / f"{number}.csv")
    report = rca.read_logs(tmp_path).intake
    assert report.caveats == ()
    assert report.findings() == ()
    assert report.summary() == "3 files taken as CSV of rows: 144 of 144 rows kept."
    assert len(report.plot().data[0].y) == 3
    assert list(report.table.columns) == list(report.columns)


def test_doubts_are_findings(tmp_path: Path) -> None:
    write(day(1, 1000), tmp_path / "log.csv")
    (finding,) = rca.read_logs(tmp_path / "log.csv").intake.findings()
    assert finding.code == "INTAKE"
    assert finding.n == 1000


def test_weak_proposals_are_shown_and_never_applied(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = [
        {"when": f"2026-03-01T10:00:0{i}Z", "took_millis": 10.5 + i, "price_of_call": 0.1}
        for i in range(5)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = rca.sniff(path)
    proposed = {guess.name: guess for guess in report.proposals}
    assert proposed["ts"].column == "when"
    assert proposed["latency_ms"].column == "took_millis"
    assert not any(guess.applied for guess in report.proposals)
    logs = rca.read_logs(path)
    assert set(logs.columns) == {"when", "took_millis", "price_of_call"}
    assert "Perhaps" in logs.intake.summary()
    mapping = {guess.name: guess.column for guess in report.proposals}
    assert {"ts", "latency_ms"} <= set(rca.read_logs(path, mapping=mapping).columns)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["2026-03-01T10:00:00Z"], "ts"),
        ([1_772_359_200, 1_772_359_201], "ts"),
    ],
)
def test_times_are_proposed_by_their_values(values: list[object], name: str) -> None:
    found = proposals([{"xyz": value} for value in values])
    assert [guess.name for guess in found][:1] == [name]


def test_sniffing_a_folder_of_many_tools(shared: Path) -> None:
    report = rca.sniff(shared / "formats")
    takes = dict(zip(report.table["file"], report.table["takes"], strict=True))
    assert takes["genai_traces_1_37.jsonl"] == "requests"
    assert takes["spend_logs_payload.json"] == "requests"
    assert takes["run_results_fail.json"] == "events"
    assert takes["query_matrix_2.json"] == "series"
    assert takes["metrics.json"] == "nothing"
    assert takes["README.md"] == "nothing"
    formats = dict(zip(report.table["file"], report.table["format"], strict=True))
    assert formats["traces.jsonl"] == "MLflow traces"
    assert (report.table["why"].str.len() > 0).all()
