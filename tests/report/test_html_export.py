import base64
import hashlib
import re
import subprocess
import sys

import nbformat
import plotly.graph_objects as go
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError
from rca.report.export import export_html
from rca.report.html.page import plotly_js

PLOTLY = "application/vnd.plotly.v1+json"


def figure_cell(name):
    figure = go.Figure(go.Bar(x=["a"], y=[1]), layout={"title": {"text": name}}).to_plotly_json()
    figure["layout"].pop("template", None)
    data = {PLOTLY: {"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": figure["layout"]}}
    return new_code_cell(f"plot('{name}')", outputs=[new_output("display_data", data)])


@pytest.fixture
def notebook(tmp_path):
    cells = [
        new_markdown_cell("# Findings of *today*\n\n$x < y$ ![p](p.png)"),
        *(figure_cell(f"f{i}") for i in range(12)),
        new_code_cell("hidden_by_tag()", metadata={"tags": ["remove_input"]},
                      outputs=[new_output("stream", text="shown")]),
        new_code_cell("gone()", metadata={"tags": ["remove_cell"]}),
        new_code_cell("folded()", metadata={"jupyter": {"source_hidden": True}}),
    ]  # fmt: skip
    path = tmp_path / "today.ipynb"
    (tmp_path / "p.png").write_bytes(b"png")
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_report_is_one_small_file_with_plotly_once(notebook):
    report = export_html(notebook)
    page = report.path.read_text()
    assert report.path == notebook.with_suffix(".html")
    assert (report.n_figures, report.n_bytes) == (12, report.path.stat().st_size)
    assert report.n_bytes < 3_000_000
    assert page.count('id="rca-plotly"') == 1
    assert page.count('class="rca-spec"') == page.count('class="rca-svg"') == 12
    assert "<title>Findings of today</title>" in page
    assert "data:image/png;base64,cG5n" in page
    assert "12 figures, opens without a network" in str(report)


def test_nothing_in_the_page_is_to_be_fetched(notebook):
    page = export_html(notebook).path.read_text()
    text = re.sub(r'<script type="text/plain".*?</script>', "", page, flags=re.DOTALL)
    assert re.findall(r"<(?:link|iframe|object|embed|base)\b|\bsrcset=|@import", text) == []
    assert re.findall(r'\bsrc="(?!data:)', text) == []
    assert re.findall(r"https?://[^\s\"'<]+", text) == []


def test_policy_names_the_scripts_of_the_page_and_no_other(notebook):
    page = export_html(notebook, compress=False).path.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy.split("script-src")[1].split(";")[0]
    run = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    plotly = re.search(r'id="rca-plotly">(.*?)</script>', page, re.DOTALL)[1]
    assert plotly == plotly_js()
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in (run, plotly)}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert page.index("Content-Security-Policy") < page.index("<style")


def test_compression_saves_more_than_half(notebook, tmp_path):
    small = export_html(notebook, tmp_path / "small.html")
    large = export_html(notebook, tmp_path / "large.html", compress=False)
    assert 2 * small.n_bytes < large.n_bytes < 6_000_000


def test_report_without_figures_carries_no_script(tmp_path):
    nb = new_notebook(cells=[new_markdown_cell("words")])
    report = export_html(nb, tmp_path / "words.html")
    page = report.path.read_text()
    assert "script-src 'none'" in page
    assert "<script" not in page
    assert report.n_bytes < 20_000


def test_inputs_are_hidden_on_request_and_by_tag(notebook, tmp_path):
    page = export_html(notebook).path.read_text()
    assert "plot" in page and "hidden_by_tag" not in page and "shown" in page
    assert "gone" not in page and "folded" not in page
    bare = export_html(notebook, tmp_path / "bare.html", hide_inputs=True).path.read_text()
    assert 'class="rca-input"' in page
    assert 'class="rca-input"' not in bare
    assert bare.count('class="rca-spec"') == 12


def test_same_notebook_gives_the_same_bytes(notebook, tmp_path):
    one, other = (export_html(notebook, tmp_path / f"{i}.html").path for i in range(2))
    assert one.read_bytes() == other.read_bytes()


def test_nbconvert_finds_the_exporter_by_name(notebook, tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "rca_html", "--no-input",
               "--output-dir", str(tmp_path / "out"), str(notebook)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = (tmp_path / "out" / "today.html").read_text()
    assert page.count('class="rca-spec"') == 12
    assert 'class="rca-input"' not in page


def test_missing_notebook_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.ipynb.*Give the path of an \.ipynb"):
        export_html(tmp_path / "none.ipynb")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"cells": 3}', b"\xff\xfe\x00"])
def test_what_is_no_notebook_is_refused_and_nothing_written(tmp_path, content):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"broken\.ipynb is not a readable notebook"):
        export_html(path)
    assert [p.name for p in tmp_path.iterdir()] == ["broken.ipynb"]


def test_missing_attachment_is_refused(tmp_path):
    nb = new_notebook(cells=[new_markdown_cell("![a](attachment:a.png)")])
    with pytest.raises(CorruptFileError, match="missing attachment"):
        export_html(nb, tmp_path / "a.html")


def test_notebook_without_a_file_needs_a_path():
    with pytest.raises(BadValueError, match="Give path="):
        export_html(new_notebook())


def test_target_that_cannot_be_written_is_named(notebook, tmp_path):
    with pytest.raises(OutputError, match="no folder"):
        export_html(notebook, tmp_path / "none" / "a.html")
    with pytest.raises(OutputError, match="is a folder"):
        export_html(notebook, tmp_path)


def test_failed_write_leaves_the_old_report_and_no_draft(notebook, tmp_path, monkeypatch):
    target = tmp_path / "out.html"
    target.write_text("old")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        export_html(notebook, target)
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".out*"))
