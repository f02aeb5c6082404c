"""Every notebook runs top to bottom, defines nothing, and is kept without outputs."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from rca.report import export_html
from rca.report.execute import execute

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEMPLATE = ROOT / "rca" / "report" / "templates" / "triage.ipynb"
#: Notebooks on real exports, which stand beside the repository.
ON_SHARED = {"real_traces"}


def by_name(path: Path) -> str:
    return path.stem


def code_cells(path: Path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_the_template_of_the_package_is_the_notebook():
    assert TEMPLATE.read_bytes() == (ROOT / "notebooks" / "triage.ipynb").read_bytes()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_no_output_and_no_count_is_kept(path):
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in nbformat.read(path, 4).metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_a_notebook_defines_nothing(path):
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, defining)], cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_a_notebook_is_text_that_leads_to_code(path):
    cells = nbformat.read(path, 4).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    n_text = sum(cell.cell_type == "markdown" for cell in cells)
    assert n_text >= len(cells) / 4


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_a_notebook_runs_and_exports(path, request, tmp_path):
    if path.stem in ON_SHARED:
        request.getfixturevalue("shared")
    notebook = nbformat.read(path, 4)
    execute(notebook, folder=path.parent)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.get("name") != "stderr", output.text
    nbformat.write(notebook, tmp_path / path.name)
    report = export_html(tmp_path / path.name)
    drawn = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert report.n_figures == len(drawn) > 0
    assert report.n_bytes < 6_000_000
