"""``rca sniff``: what each file is taken for and why, its rows and times, what to doubt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import requests

PROSE = "# Exports\n\nFiles of one week.\n"
DEPLOY = {"ts": "2026-03-01T04:00:00Z", "kind": "deploy", "title": "checkout 7"}


def told_of(text: str, path: Path) -> list[str]:
    """Return the lines below a file's name."""
    lines = text.splitlines()
    at = lines.index(str(path))
    below = lines[at + 1 :]
    return [line.strip() for line in below[: below.index("")]]


def test_a_folder_is_told_file_by_file(incident, command):
    folder = incident(events__jsonl=json.dumps(DEPLOY) + "\n", README__md=PROSE)
    ran = command("sniff", folder)
    assert (ran.status, ran.err) == (0, "")
    first = ran.out.splitlines()[0]
    assert first == "3 files: 1 file of requests, 1 file of events, 1 left out."
    requests_lines = told_of(ran.out, folder / "requests.csv")
    assert requests_lines[0].startswith("requests: CSV of rows (50% sure: no tool's keys, but")
    assert requests_lines[1] == "600 of 600 rows kept, 2026-03-01 00:00:00 to 09:59:00 UTC"
    assert told_of(ran.out, folder / "events.jsonl") == [
        "events (80% sure: its kind is 'deploy')",
        "1 event, 2026-03-01 04:00:00 UTC",
    ]
    assert told_of(ran.out, folder / "README.md") == ["left out: it is text that is no table"]
    assert "ts, request_id, latency_ms, and 1 of their own" in ran.out
    assert "To doubt:" not in ran.out


def test_a_log_with_a_type_is_no_file_of_events(tmp_path, command):
    row = {"ts": "2026-03-01T04:00:00Z", "type": "prompt", "latency_ms": 12}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert "1 file: 1 file of requests." in command("sniff", tmp_path / "log.jsonl").out


def test_a_guess_is_shown_as_one(tmp_path, command):
    rows = [
        {"when": f"2026-03-01T10:00:0{i}Z", "took_millis": 10.5 + i, "region": "eu"}
        for i in range(5)
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = command("sniff", path).out
    assert "Columns to map, where these guesses are right:" in out
    assert "latency_ms = 'took_millis'" in out
    assert "5 of 5 rows kept, without a time" in out
    assert "Columns understood:\n- JSON lines of rows" in out
    assert ": none, and 3 of their own" in out


def test_gaps_and_cut_exports_of_several_files_are_doubted(tmp_path, command):
    table = requests()
    for name, rows in (("a", table[:500]), ("b", table[500:520]), ("c", table[590:])):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    out = command("sniff", f"{tmp_path}/*.csv").out
    doubts = out[out.index("To doubt:") :]
    assert "a.csv has exactly 500 rows: an export that was cut there?" in doubts
    assert "no file covers 2026-03-01 08:39 to 2026-03-01 09:50 UTC" in doubts


def test_unrelated_tables_are_read_apart(tmp_path, command):
    for name, header in (("one", "timestamp,spend"), ("two", "start_time,prompt_tokens")):
        (tmp_path / name).mkdir()
        rows = "".join(f"2026-03-01T10:00:0{i}Z,{i}\n" for i in range(3))
        (tmp_path / name / "x.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    out = command("sniff", tmp_path).out
    assert out.count("3 of 3 rows kept, 2026-03-01 10:00:00 to 10:00:02 UTC") == 2
    assert "shares no column with most: another table?" in out


def test_a_file_that_breaks_when_it_is_read_says_so_and_stops_nothing(incident, command):
    broken = '{"ts": "2026-03-01T04:00:00Z", "kind": "deploy", "title": "a"}\n{"ts": \n'
    folder = incident(events__jsonl=broken)
    ran = command("sniff", folder)
    assert ran.status == 0
    told = told_of(ran.out, folder / "events.jsonl")[1]
    assert told.startswith("cannot be read: ")
    assert "line 2 is not whole JSON" in told
    assert "600 of 600 rows kept" in ran.out


def test_large_files_are_told_by_their_first_records_only(incident, command, monkeypatch):
    monkeypatch.setattr("rca.cli.sniff._READ_BYTES", 100)
    folder = incident()
    told = told_of(command("sniff", folder).out + "\n", folder / "requests.csv")
    assert told[1].startswith("rows not counted")


@pytest.mark.parametrize("beside", [False, True])
def test_a_missing_path_is_bad_input(incident, command, beside):
    given = [incident()] if beside else []
    ran = command("sniff", *given, "no-such-file.csv")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "rca: no log at 'no-such-file.csv'. Give a file, a folder or a glob.\n"


def test_no_path_is_bad_input(command):
    assert command("sniff").status == 2


def test_no_name_of_a_column_can_drive_the_terminal(tmp_path, command):
    (tmp_path / "x.csv").write_text("timestamp,\x1b[31mred\n2026-03-01,1\n", encoding="utf-8")
    out = command("sniff", tmp_path / "x.csv").out
    assert "\x1b" not in out
    assert "red" in out


def test_every_real_export_is_told(shared, command):
    ran = command("sniff", shared / "formats")
    assert ran.status == 0
    out = ran.out
    place = shared / "formats"
    argo = told_of(out, place / "argocd" / "application.yaml")
    assert argo[0].startswith("events (kubernetes)")
    assert argo[1].startswith("10 events, 2024-03-04 22:00 to")
    assert told_of(out, place / "mlflow" / "traces.jsonl")[1].startswith("3 of 6 rows kept")
    assert "3 of 6 rows of traces.jsonl left out: a step that is no call of a model" in out
    assert told_of(out, place / "otel-otlp" / "metrics.json")[0].startswith("left out: it has no")
    assert "cannot be read" not in out
