"""The notebook on real exports: it stops, and says why, where they are missing."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from rca.report.execute import execute

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "real_traces.ipynb"


@pytest.mark.slow
def test_without_the_traces_it_stops_at_its_first_cell_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("RCA_SHARED", str(tmp_path / "nowhere"))
    notebook = nbformat.read(NOTEBOOK, 4)
    with pytest.raises(CellExecutionError, match="set RCA_SHARED to the folder that holds them"):
        execute(notebook, folder=NOTEBOOK.parent)
    first, second = [cell for cell in notebook.cells if cell.cell_type == "code"][:2]
    error = next(output for output in first.outputs if output.output_type == "error")
    assert error.ename == "SystemExit"
    assert str(tmp_path / "nowhere") in error.evalue
    assert second.outputs == []
