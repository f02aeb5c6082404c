"""Bad input gives exit status 2 and one clear line, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import rca.logs
from rca.cli import triage as triage_command

from .conftest import N, left_in, requests

GOOD_EVENT = '{"ts": "2026-03-01T02:00:00Z", "kind": "deploy", "title": "v2"}\n'
MIXED_ZONES = [
    f"2026-03-01T{i // 60:02d}:{i % 60:02d}:00" + ("Z" if i % 2 else "") for i in range(N)
]

BAD = {
    "an empty log": (requests().head(0), {}, [], "no rows"),
    "no timestamp column": (requests().drop(columns="ts"), {}, [], "no timestamp column"),
    "unparsable times": (requests(ts="soon"), {}, [], "'ts'"),
    "a time zone mix": (requests(ts=MIXED_ZONES), {}, [], "mixes times with a zone"),
    "an unknown metric": (None, {}, ["--metric", "p95_latncy"], "Did you mean 'p95_latency'"),
    "a metric without its column": (None, {}, ["--metric", "accuracy"], "accuracy"),
    "a metric without a value": (
        requests(latency_ms=None), {}, ["--metric", "mean_latency"], "empty",
    ),
    "an alert after the log": (None, {}, ["--at", "2027-01-01T00:00:00Z"], "outside the log"),
    "an alert that is no time": (None, {}, ["--at", "at noon"], "'at noon' is not a time"),
    "no baseline rows": (
        None,
        {"incident__toml": 'baseline_window = ["2026-02-01", "2026-02-02"]\n'},
        ["--metric", "mean_latency"],
        "no baseline rows",
    ),
    "an alert at the first row": (None, {}, ["--at", "2026-03-01T00:00:00Z"], "no baseline rows"),
    "a broken line of events": (None, {"events__jsonl": GOOD_EVENT + '{"ts": "20'}, [], "line 2"),
    "a column of mixed types": (
        requests(latency_ms=["fast", *[1.5] * (N - 1)]), {}, [], "mixes types",
    ),
    "settings that are not TOML": (None, {"incident__toml": "metric = \n"}, [], "not TOML"),
}  # fmt: skip


def one_line(ran, *says):
    assert ran.status == 2
    lines = ran.err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("rca: ")
    assert "Traceback" not in ran.err
    for words in says:
        assert words in lines[0]


@pytest.mark.parametrize("what", BAD)
def test_bad_input_of_triage(what, incident, command):
    table, files, options, says = BAD[what]
    place = incident(table, **files)
    before = left_in(place)
    ran = command("triage", place, *options)
    one_line(ran, says)
    assert ran.out == ""
    assert left_in(Path()) == []
    assert left_in(place) == before


@pytest.mark.parametrize("how", [["--json", "-"], ["--json", "answer.json"], ["--out", "new/deep"]])
def test_no_way_of_asking_leaves_half_an_answer(how, incident, command):
    ran = command("triage", incident(requests(ts="soon")), *how)
    one_line(ran, "'ts'")
    assert ran.out == ""
    assert left_in(Path()) == []


def test_a_folder_that_is_not_there(command):
    one_line(command("triage", "nowhere"), "nowhere")


def test_a_file_in_place_of_a_folder(incident, command):
    one_line(command("triage", incident() / "requests.csv"), "requests.csv")


@pytest.mark.parametrize("content", [b"PAR1 and then nothing", b"", b"\x00" * 64])
def test_a_corrupt_parquet_file(content, tmp_path, command):
    (tmp_path / "requests.parquet").write_bytes(content)
    one_line(command("triage", tmp_path, "--json", "-"), "requests.parquet")


def test_a_parquet_file_cut_in_the_middle(tmp_path, command):
    requests().to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "requests.parquet").write_bytes(whole[: len(whole) // 2] + whole[-400:])
    one_line(command("triage", tmp_path, "--json", "-"), "requests.parquet")


@pytest.mark.parametrize("target", ["/dev/null/out", "/proc/rca-out"])
def test_a_folder_nobody_can_write_is_found_out_before_the_work(
    target, incident, command, monkeypatch
):
    monkeypatch.setattr(rca.logs, "read_incident", lambda *_, **__: pytest.fail("it was too late"))
    place = incident()
    one_line(command("triage", place, "--out", target), "cannot write", target)
    one_line(command("triage", place, "--json", f"{target}/a.json"), "cannot write", target)


def test_the_answer_cannot_replace_a_folder(incident, command):
    Path("answer.json").mkdir()
    one_line(command("triage", incident(), "--json", "answer.json"), "is a folder")


def test_arguments_that_nobody_knows(command):
    one_line(command("triage", "x", "--metrik", "accuracy"), "--metrik", "--help")
    one_line(command("diagnose", "x"), "diagnose")
    one_line(command("triage"), "DIR")


def test_a_notebook_that_is_none(command):
    one_line(command("export", "nothing.ipynb"), "nothing.ipynb")
    Path("broken.ipynb").write_text("{", encoding="utf-8")
    one_line(command("export", "broken.ipynb"), "not a readable notebook")
    assert left_in(Path()) == ["broken.ipynb"]


def test_control_characters_of_a_log_do_not_reach_the_terminal(incident, command):
    ran = command("triage", incident(requests(ts="\x1b[31mred\x07")))
    assert ran.status == 2
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err


def test_a_bug_is_no_bad_input(incident, command, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(triage_command, "_check_targets", broken)
    with pytest.raises(ZeroDivisionError):
        command("triage", incident())


def test_repeated_requests_are_counted_once_and_said(incident, command):
    import json

    twice = pd.concat([requests(), requests().head(10)])
    ran = command("triage", incident(twice), "--metric", "mean_latency", "--json", "-")
    assert ran.status == 0
    answer = json.loads(ran.out)
    assert answer["incident"]["n_baseline"] + answer["incident"]["n_current"] <= N
    assert any("10 rows repeat a request_id" in caveat for caveat in answer["caveats"])
