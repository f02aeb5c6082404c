"""A headless Chromium without a network, and a notebook with everything a report may hold."""

import base64
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from plotly.subplots import make_subplots
from rca.plots import theme
from rca.report.export import export_html

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ATTACKS = (
    "<script>window.ran = 1</script>"
    '<img src="x" onerror="window.ran = 2">'
    "<svg onload='window.ran = 3'></svg>"
    '<iframe srcdoc="<script>parent.ran = 4</script>"></iframe>'
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">'
    '<link rel="stylesheet" href="https://evil.example/a.css">'
    '<style>body { background: url("https://evil.example/b.png") }</style>'
    '<img src="https://evil.example/c.png">'
    '<a class="lure" href="javascript:window.ran = 5">link</a>'
    '<form action="https://evil.example"><button onclick="window.ran = 6">b</button></form>'
    "<details open ontoggle='window.ran = 7'><summary>s</summary></details>"
)


@pytest.fixture(scope="session")
def browser():
    path = os.environ.get("RCA_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        words = "no Chromium or no playwright: the report was NOT opened in a browser."
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A page, what it asked for besides itself, and what went wrong in it."""

    page: object
    requests: list = field(default_factory=list)
    errors: list = field(default_factory=list)


@pytest.fixture
def open_report(browser):
    contexts = []

    def opened(path, *, eager=True, **settings):
        context = browser.new_context(offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        found = Opened(page)
        page.on("request", lambda r: found.requests.append(r.url))
        page.on("console", lambda m: found.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: found.errors.append(str(e)))
        address = path.resolve().as_uri() + ("#eager" if eager else "")
        page.goto(address)
        found.requests = [
            url for url in found.requests if url.split("#")[0] != address.split("#")[0]
        ]
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    folder = os.environ.get("RCA_ARTIFACTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screens")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """One JupyterLab for the session."""
    try:
        import jupyterlab  # noqa: F401
    except ImportError:
        words = "no jupyterlab: the widgets were NOT opened in a notebook."
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    from tests.browser.lab import lab_server

    root = tmp_path_factory.mktemp("lab")
    # One context: JupyterLab's own files are fetched once.
    context = browser.new_context()
    with lab_server(root) as url:
        yield url, root, context
    context.close()


@pytest.fixture
def open_notebook(lab, request):
    """Open a notebook of these cells in JupyterLab; it must ask nothing of other hosts."""
    from tests.browser.lab import Notebook, api, write_notebook

    url, root, context = lab
    pages = []

    def opened(*cells, width=1300, height=1500):
        path = root / f"{request.node.name.split('[')[0]}-{len(pages)}.ipynb"
        write_notebook(path, cells)
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(60_000)
        notebook = Notebook(page, url, path)
        own = (url, url.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: r.url.startswith(own) or notebook.requests.append(r.url))
        page.on("console", lambda m: m.type == "error" and notebook.errors.append(m.text))
        page.on("pageerror", lambda e: notebook.errors.append(str(e)))
        notebook.open()
        return notebook

    yield opened
    for page in pages:
        page.close()
    for session in api(url, "sessions"):
        api(url, f"sessions/{session['id']}", "DELETE")


def figures():
    rng = np.random.default_rng(7)
    times = pd.date_range("2026-03-01", periods=96, freq="15min", tz="UTC")
    value = 0.91 + rng.normal(0, 0.008, 96)
    value[60:] -= 0.12
    onset = go.Figure()
    onset.add_scatter(x=times, y=value - 0.03, line={"width": 0}, showlegend=False, mode="lines")
    onset.add_scatter(x=times, y=value + 0.03, fill="tonexty", fillcolor=theme.BASELINE_FILL,
                      line={"width": 0}, mode="lines", name="95 % interval")  # fmt: skip
    onset.add_scatter(x=times, y=value, mode="lines", name="accuracy")
    onset.add_vrect(x0=times[57], x1=times[62], fillcolor=theme.INCIDENT_FILL, line_width=0)
    onset.add_vline(x=times[60].timestamp() * 1000, line_dash="dash", line_color=theme.WORSE)
    onset.update_yaxes(tickformat=".0%", title={"text": "accuracy"})
    yield theme.apply(onset, title="Accuracy fell by 12 points at 15:00 UTC")
    slices = go.Figure()
    for name, factor in (("baseline", 1.0), ("current", 1.7)):
        slices.add_bar(x=["eu-west", "us-east", "<b onclick=x>"], y=[3 * factor, 4, 5 * factor],
                       name=name, error_y={"array": [0.4, 0.4, 0.6]})  # fmt: skip
    yield theme.apply(slices, title="Errors per hour by region")
    z = rng.normal(size=(4, 6))
    heat = go.Heatmap(z=z, x=list("abcdef"), y=["v1", "v2", "v3", "v4"], texttemplate="%{z:.1f}",
                      zmid=0, colorscale=[list(stop) for stop in theme.DIVERGING])  # fmt: skip
    yield theme.apply(go.Figure(heat), title="Shift by slice and version", height=300)
    pair = make_subplots(rows=1, cols=2, subplot_titles=["baseline", "current"])
    pair.add_histogram(x=rng.normal(size=400), row=1, col=1, name="baseline")
    pair.add_scatter(x=[1, 10, 100], y=[3.0, None, 2.0], mode="markers", row=1, col=2, name="gap")
    pair.update_xaxes(type="log", row=1, col=2)
    yield theme.apply(pair, title="Distribution of <script>window.ran=8</script>")
    fall = go.Waterfall(x=["baseline", "mix", "rate", "current"], y=[91, 1, -13, 0],
                        measure=["absolute", "relative", "relative", "total"])  # fmt: skip
    yield go.Figure(fall, layout={"title": {"text": "Mix and rate"}})
    yield go.Figure(go.Pie(labels=["eu", "us"], values=[60, 40]), layout={"title": {"text": "Pie"}})


def display(data, **metadata):
    return new_output("display_data", data, metadata=metadata)


def figure_output(figure):
    return display({"application/vnd.plotly.v1+json": json.loads(figure.to_json())})


@pytest.fixture(scope="session")
def report_notebook():
    frame = pd.DataFrame(
        {
            "slice": ["region=eu-west", "region=us-east", "prompt=<script>window.ran=9</script>"],
            "rows": [12034, 9120, 311],
            "shift": [-0.121, 0.004, -0.020],
            "q": [0.0001, 0.81, 0.04],
        }
    )
    log = "2026-03-01 15:02 ERROR user said: " + ATTACKS + "\n\x1b[31mtimeout\x1b[0m after 30 s\n"
    cells = [
        new_markdown_cell(
            r"""# Accuracy drop in `chat`, 1 March 2026

Accuracy fell **from 91 % to 79 %** (95 % interval of the shift: -13.1 to -10.8 points,
n = 21,465) at **15:00 UTC**, two minutes after [prompt v42](https://git.example/v42).

| candidate | probability | why |
|---|---|---|
| prompt v42 | 0.86 | onset, scope |
| traffic mix | 0.09 | share of eu-west |

- onset within 4 minutes
- `region=eu-west` carries $\Delta = \sum_i p_i$

> Only a person writes *cause*.

![dot](dot.png)
"""
        ),
        new_markdown_cell("## Hostile markdown\n\n" + ATTACKS),
        *(
            new_code_cell(f"rca.plot({i})  # figure {i}", outputs=[figure_output(figure)])
            for i, figure in enumerate(figures())
        ),
        new_markdown_cell("## Slices"),
        new_code_cell(
            "slices.table", outputs=[display({"text/html": frame.to_html(), "text/plain": "t"})]
        ),
        new_markdown_cell("## Log lines"),
        new_code_cell("print(log)", outputs=[new_output("stream", name="stdout", text=log)]),
        new_code_cell("HTML(log)", outputs=[display({"text/html": f"<p>kept text</p>{ATTACKS}"})]),
        new_code_cell(
            "1 / 0",
            outputs=[
                new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: <i>v</i>"])
            ],
        ),
        new_code_cell("secret()", metadata={"tags": ["remove_cell"]}),
    ]
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


@pytest.fixture(scope="session")
def exported(report_notebook, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "dot.png").write_bytes(PIXEL)
    nbformat.write(report_notebook, folder / "report.ipynb")
    return export_html(folder / "report.ipynb")
