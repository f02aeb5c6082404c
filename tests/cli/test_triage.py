"""``rca triage`` answers, in text, in JSON, as a notebook and as a page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from rca import samples

from .conftest import left_in
from .contract import broken

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_data"


@pytest.fixture(scope="session")
def answers():
    """The machine-readable answer of each sample, asked for once."""
    known = {}

    def answer(name):
        if name not in known:
            done = subprocess.run(
                [sys.executable, "-c", "import sys; from rca.cli import main; sys.exit(main())",
                 "triage", str(SAMPLES / name), "--json", "-"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            known[name] = json.loads(done.stdout)
        return known[name]

    return answer


@pytest.mark.slow
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_sample_is_answered_rightly_at_rank_1(name, answers):
    answer = answers(name)
    scored = samples.compare(samples.read_truth(SAMPLES / name), answer)
    assert scored.right, [
        (c["kind"], c["event_id"], c["probability"]) for c in answer["candidates"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_json_alone_is_on_standard_output_and_keeps_the_contract(name, answers):
    assert broken(answers(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["traffic_mix", "seasonal_dip", "labels_stopped"])
def test_a_trap_is_not_blamed_on_an_event(name, answers):
    first = answers(name)["candidates"][0]
    assert first["event_id"] is None
    blamed = sum(c["probability"] for c in answers(name)["candidates"] if c["event_id"])
    assert blamed < first["probability"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy_drop", "latency_spike", "unsafe_outputs"])
def test_the_onset_interval_holds_the_true_onset(name, answers):
    onset = answers(name)["incident"]["onset"]
    truth = samples.read_truth(SAMPLES / name).cause.onset
    assert onset["low"] <= truth.replace("Z", ".000000Z") <= onset["high"]


@pytest.mark.slow
def test_the_truth_is_not_opened(tmp_path, command):
    import shutil

    shutil.copytree(SAMPLES / "latency_spike", tmp_path / "copy")
    (tmp_path / "copy" / "truth.toml").write_text("this is not TOML", encoding="utf-8")
    assert command("triage", tmp_path / "copy", "--json", "-").status == 0


@pytest.mark.slow
def test_the_plain_command_prints_and_writes_a_notebook_and_a_page(command):
    ran = command("triage", SAMPLES / "unsafe_outputs")
    assert ran.status == 0
    assert "Candidates:\n  1. " in ran.out
    assert "chg-580" in ran.out
    assert left_in(Path()) == ["triage.html", "triage.ipynb"]
    steps = [line for line in ran.err.splitlines() if "✓" in line]
    assert len(steps) > 8, "progress is shown"
    notebook = nbformat.read("triage.ipynb", 4)
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "it was executed top to bottom"
    page = Path("triage.html").read_text(encoding="utf-8")
    assert "chg-580" in page
    assert "<svg" in page, "pictures are there without JavaScript"
    assert len(page) < 6_000_000


def test_json_goes_to_a_file_made_with_its_folder(incident, command):
    ran = command("triage", incident(), "--metric", "mean_latency", "--json", "new/answer.json")
    assert ran.status == 0
    answer = json.loads(Path("new/answer.json").read_text(encoding="utf-8"))
    assert broken(answer) == []
    assert answer["candidates"][0]["kind"] == "none"
    assert left_in(Path()) == ["answer.json", "new"]
    assert "wrote new/answer.json" in ran.out


def test_nothing_happened_is_an_answer(incident, command):
    ran = command("triage", incident(), "--json", "-")
    assert ran.status == 0
    answer = json.loads(ran.out)
    assert broken(answer) == []
    assert answer["incident"]["verdict"] != "shifted"
    assert answer["incident"]["onset"] is None
    assert any("scanned" in caveat for caveat in answer["caveats"]), "what was tried is said"


def test_an_alert_and_a_metric_given_win_over_the_folder(incident, command):
    place = incident(incident__toml='metric = "requests"\nalerted_at = 2026-03-01T02:00:00Z\n')
    ran = command("triage", place, "--metric", "mean_latency", "--at", "2026-03-01T08:00:00Z",
                  "--json", "-")  # fmt: skip
    found = json.loads(ran.out)["incident"]
    assert (found["metric"], found["alerted_at"]) == ("mean_latency", "2026-03-01T08:00:00Z")


def test_the_real_trace_is_triaged_with_nothing_but_a_metric(shared, tmp_path, command):
    trace = shared / "traces" / "azure_llm" / "AzureLLMInferenceTrace_code.csv"
    (tmp_path / "requests.csv").write_bytes(trace.read_bytes())
    ran = command("triage", tmp_path, "--metric", "output_tokens", "--json", "-")
    assert ran.status == 0
    answer = json.loads(ran.out)
    assert broken(answer) == []
    incident = answer["incident"]
    n_rows = trace.read_bytes().count(b"\n") - 1
    assert incident["n_baseline"] + incident["n_current"] <= n_rows + 1
    low, high = incident["shift_ci"]
    assert low <= incident["shift"] <= high
    assert all(c["event_id"] is None for c in answer["candidates"]), "no events were given"
