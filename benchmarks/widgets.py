"""From a click on a slice to the redrawn screen: in JupyterLab, at one and at ten million rows.

    python benchmarks/widgets.py [--rows 1000000] [--clicks 50] [--out results.json]

A log with a planted fault is written, opened in ``rca.widgets.slices`` in a headless Chromium, and
bars are clicked one after another. Each interaction is timed in the page, from the click to the
first frame after the bars were redrawn, and split into the query (the crossfilter, timed in the
kernel), all other work of the kernel (tables, texts), and transport with redraw.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CELL = """
import time
import rca
incident = rca.read_incident({folder!r})
span = incident.logs.span
split = span.start + 0.8 * span.duration
comparison = rca.Comparison.by_time(
    incident.logs, baseline=rca.Window(span.start, split), incident=rca.Window(split, span.end),
    metric="error_rate")
began = time.perf_counter()
slices = rca.widgets.slices(comparison)
opened_s = time.perf_counter() - began
times = []
sums, answer = slices.slicer._cross.sums, slices._answer
def timed_sums(kept):
    began = time.perf_counter()
    found = sums(kept)
    times[-1]["query"] = 1e3 * (time.perf_counter() - began)
    return found
def timed_answer(chosen):
    times.append({{}})
    began = time.perf_counter()
    answer(chosen)
    times[-1]["kernel"] = 1e3 * (time.perf_counter() - began)
slices.slicer._cross.sums, slices._answer = timed_sums, timed_answer
slices
"""
#: Clicks a bar and resolves to the milliseconds until the frame after the redraw.
CLICK = """([column, place]) => new Promise((done, failed) => {
  const root = document.querySelector(".rca-rows");
  const bars = [...root.querySelectorAll(".rca-row")].filter(b => b.dataset.at.startsWith(column));
  const began = performance.now(), before = root.dataset.drawn;
  const watch = new MutationObserver(() => {
    if (root.dataset.drawn === before) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  });
  watch.observe(root, { attributes: true });
  setTimeout(() => { watch.disconnect(); failed("no redraw within 30 s"); }, 30000);
  bars[place % bars.length].click();
})"""


def clicked(notebook, n_clicks: int) -> list[dict[str, float]]:
    """Click through the columns; the first click in each is its first view and not counted."""
    page = notebook.page
    columns = page.evaluate(
        "[...document.querySelectorAll('.rca-rows ul')].filter(u => u.children.length > 1)"
        ".map(u => u.dataset.group)"
    )
    found, seen = [], set()
    n = 0
    while len(found) < n_clicks:
        column = columns[n % len(columns)]
        total = page.evaluate(CLICK, [column, n // len(columns)])
        page.wait_for_timeout(120)
        own = notebook.ask("times[-1]")
        if column in seen:
            rest = {"other_kernel": own["kernel"] - own["query"], "total": total}
            found.append({"query": own["query"], **rest, "screen": total - own["kernel"]})
        seen.add(column)
        n += 1
        page.locator("button", has_text="Keep all rows").click()
        page.wait_for_timeout(300 + total)
    return found


def measured(rows: int, n_clicks: int, folder: Path) -> dict[str, object]:
    from playwright.sync_api import sync_playwright
    from rca.samples.big import big_log
    from tests.browser.conftest import FLAGS
    from tests.browser.lab import Notebook, lab_server, write_notebook

    log = folder / f"log-{rows}"
    big_log(rows, 1, log)
    root = folder / f"lab-{rows}"
    root.mkdir()
    write_notebook(root / "slices.ipynb", [CELL.format(folder=str(log))])
    chromium = os.environ.get("RCA_CHROMIUM", "/usr/bin/chromium")
    with lab_server(root) as url, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        page = browser.new_context(viewport={"width": 1300, "height": 1500}).new_page()
        page.set_default_timeout(120_000)
        notebook = Notebook(page, url, root / "slices.ipynb")
        notebook.open()
        notebook.run_all(timeout_s=900)
        page.wait_for_selector(".rca-row")
        page.wait_for_timeout(1000)
        times = clicked(notebook, n_clicks)
        opened = float(notebook.ask("opened_s"))
        browser.close()
    parts = {name: quantiles([t[name] for t in times]) for name in times[0]}
    return {"rows": rows, "clicks": len(times), "opened_s": round(opened, 2), "ms": parts}


def quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    results = []
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            results.append(measured(rows, given.clicks, Path(folder)))
            results[-1]["seconds"] = round(time.perf_counter() - began)
        results[-1]["load"] = [round(part, 1) for part in os.getloadavg()]
        print(json.dumps(results[-1]), flush=True)
    if given.out:
        given.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
