"""The triage notebook: what is filled in, what is written, and what is not."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import rca
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rca.diagnose.hypotheses import INFERRED_KINDS, PRIORS
from rca.errors import MissingFileError, OutputError, UnknownNameError
from rca.model.event import EVENT_KINDS
from rca.report import next_steps, version_diff, write_triage
from rca.report import triage as triage_module
from rca.report.execute import execute
from rca.report.files import check_writable, drafts, write_text
from rca.report.next_steps import STEPS
from rca.report.triage import filled, parameters, template

ROOT = Path(__file__).resolve().parents[2]


def ran(*sources):
    notebook = new_notebook(cells=[new_markdown_cell("# Heading"), *map(new_code_cell, sources)])
    said = []
    execute(notebook, progress=said.append)
    return notebook.cells[1:], said


def text_of(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_the_kernel_is_this_interpreter_and_needs_none_registered(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    kernels = tmp_path / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        '{"argv": ["/nowhere/python"], "display_name": "Broken", "language": "python"}'
    )
    (cell,), _ = ran("import sys; print(sys.executable)")
    assert text_of(cell).strip() == sys.executable


def test_each_heading_is_said_once():
    _, said = ran("1", "2", "3")
    assert said == ["notebook: heading"]


def test_figures_are_kept_as_data():
    (cell,), _ = ran("import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 2]))")
    assert list(cell.outputs[0].data) == ["application/vnd.plotly.v1+json"]


def test_an_error_of_ours_comes_back_as_it_was():
    with pytest.raises(UnknownNameError, match="Did you mean 'p95_latency'"):
        ran(
            "from rca.errors import UnknownNameError as E\n"
            "raise E.of('metric', 'p95_latncy', ['p95_latency'])"
        )


def test_any_other_error_is_a_bug_and_names_its_cell():
    with pytest.raises(CellExecutionError, match="1 / 0"):
        ran("1 / 0")


def test_a_running_loop_is_no_hindrance():
    import asyncio

    async def inside():
        return ran("print(1)")[0]

    assert text_of(asyncio.run(inside())[0]) == "1\n"


def test_what_is_given_is_filled_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = filled("week's/in`cid`ent", metric="p95_latency",
                      alerted_at=datetime(2026, 3, 1, 12, tzinfo=UTC))  # fmt: skip
    values = {}
    exec(parameters(notebook).source, values)
    assert values["folder"] == str(tmp_path / "week's/in`cid`ent")
    assert values["metric"] == "p95_latency"
    assert values["alerted_at"] == "2026-03-01T12:00:00Z"
    assert notebook.cells[0].source.startswith("# Triage of `` incident ``\n")
    assert parameters(template()).source != parameters(notebook).source


def test_nothing_is_written_when_a_cell_fails(tmp_path):
    with pytest.raises(MissingFileError, match="nowhere"):
        write_triage(tmp_path / "nowhere", tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_when_the_page_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(triage_module, "execute", lambda *_, **__: None)
    monkeypatch.setattr(triage_module, "export_html", full)
    with pytest.raises(OutputError, match="No space left"):
        write_triage("anything", tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_is_there_stays_when_the_next_one_fails(tmp_path):
    (tmp_path / "triage.html").write_text("the last one")
    with pytest.raises(MissingFileError):
        write_triage(tmp_path / "nowhere", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["triage.html"]
    assert (tmp_path / "triage.html").read_text() == "the last one"


@pytest.mark.parametrize("folder", ["/dev/null/x", "/proc/x"])
def test_a_folder_that_cannot_be_written_is_refused_at_once(folder, monkeypatch):
    monkeypatch.setattr(triage_module, "execute", lambda *_, **__: pytest.fail("too late"))
    with pytest.raises(OutputError, match=folder):
        write_triage("anything", folder)
    with pytest.raises(OutputError, match=folder):
        write_text(Path(folder) / "answer.json", "{}")


def test_asking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_drafts_move_together_or_not_at_all(tmp_path):
    with pytest.raises(OutputError, match="cannot write"), drafts(tmp_path, ["a", "b"]) as draft:
        (draft / "b").write_text("b")
    assert not (tmp_path / "a").exists()
    with drafts(tmp_path / "deep" / "er", ["a", "b"]) as draft:
        (draft / "a").write_text("1")
        (draft / "b").write_text("2")
    assert sorted(p.name for p in (tmp_path / "deep" / "er").iterdir()) == ["a", "b"]


@pytest.fixture(scope="module")
def diagnosis(tmp_path_factory):
    """A rollout that answers billing worse, with two versions side by side."""
    folder = tmp_path_factory.mktemp("rollout")
    n = 2400
    new = [i >= 1600 for i in range(n)]
    topic = [("billing", "search", "chat")[i % 3] for i in range(n)]
    wrong = [
        late and t == "billing" and i % 2 == 0
        for i, (late, t) in enumerate(zip(new, topic, strict=True))
    ]
    pd.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(n)],
            "ts": pd.date_range("2026-03-01", periods=n, freq="min", tz="UTC"),
            "model_version": ["v2" if late else "v1" for late in new],
            "query_type": topic,
            "correct": [i % 11 != 0 and not w for i, w in enumerate(wrong)],
        }
    ).to_parquet(folder / "requests.parquet")
    (folder / "events.csv").write_text(
        "event_id,ts,kind,title,from_version,version,model_version\n"
        "d1,2026-03-02T02:39:00Z,deploy,Roll out v2,v1,v2,v2\n"
        "d0,2026-03-01T05:00:00Z,flag,Quiet,,,\n"
    )
    return rca.diagnose(rca.read_incident(folder, metric="accuracy"))


def test_the_versions_of_the_likeliest_candidate_are_compared(diagnosis):
    found = version_diff(diagnosis)
    assert found is not None
    assert found.table.iloc[0]["n_current"] == 800
    assert found.verdict == "regressed"
    assert "query_type" in set(found.table["dimension"])


def test_no_candidate_with_versions_no_diff(diagnosis):
    unlikely = tuple(replace(c, probability=0.01) for c in diagnosis.candidates)
    assert version_diff(replace(diagnosis, candidates=unlikely)) is None
    without = tuple(replace(c, event_id=None) for c in diagnosis.candidates)
    assert version_diff(replace(diagnosis, candidates=without)) is None


def test_the_next_step_names_the_event_and_the_metric(diagnosis):
    first = next_steps(diagnosis).steps[0]
    assert first.candidate.startswith("d1 (")
    assert "Undo d1" in first.text
    assert "accuracy" in first.text
    assert len(eval(first.call, {"incident": diagnosis.facts.incident})) == 20


def test_every_kind_of_candidate_has_a_next_step(diagnosis):
    silent = {"annotation", "unlogged", "quiet"}
    kinds = (set(EVENT_KINDS) | set(PRIORS) | set(INFERRED_KINDS.values())) - silent
    assert kinds <= set(STEPS)
    candidate = diagnosis.candidates[0]
    for kind in kinds:
        told = next_steps(replace(diagnosis, candidates=(replace(candidate, kind=kind),)))
        assert "{" not in told.steps[0].text


def test_next_steps_are_escaped(diagnosis):
    hostile = replace(diagnosis.candidates[0], slice={"query_type": "<script>x</script>'"})
    told = next_steps(replace(diagnosis, candidates=(hostile,)))
    assert "<script>" not in told._repr_html_()
    call = told.steps[0].call
    assert len(eval(call, {"incident": diagnosis.facts.incident})) == 0


def test_steps_stop_at_what_is_unlikely(diagnosis):
    shares = (0.6, 0.3, 0.06, 0.04)
    many = tuple(replace(diagnosis.candidates[0], rank=i + 1, probability=p)
                 for i, p in enumerate(shares))  # fmt: skip
    assert len(next_steps(replace(diagnosis, candidates=many)).steps) == 2


@pytest.mark.slow
def test_the_notebook_runs_again_from_its_own_folder(diagnosis, tmp_path):
    notebook, page = write_triage(diagnosis.facts.incident.folder, tmp_path, metric="accuracy")
    assert page.read_text(encoding="utf-8").count("<svg") >= 4
    again = nbformat.read(notebook, 4)
    first = [cell.outputs for cell in again.cells if cell.cell_type == "code"]
    execute(again, folder=tmp_path)
    second = [cell.outputs for cell in again.cells if cell.cell_type == "code"]
    assert first[1] == second[1]
    assert len(first) == len(second)


@pytest.mark.slow
def test_a_wheel_carries_templates_and_command(tmp_path):
    import subprocess

    code = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)  # fmt: skip
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert "rca = rca.cli:main" in wheel.read(entry).decode()
    assert "rca/report/templates/triage.ipynb" in names
    assert {"rca/report/html/templates/rca/index.html.j2"} <= names
    assert not [name for name in names if name.startswith(("tests", "notebooks", "sample_data"))]
