"""Every widget in a real JupyterLab: opened, clicked, and its effect read back in the kernel."""

from pathlib import Path

import pytest
from rca.report.export import export_html

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "accuracy_drop"
READ = f"import rca\nincident = rca.read_incident({str(SAMPLE)!r})"
DRAWN = "document.querySelectorAll('.rca-figure-view .main-svg').length > 0"
PAIR = f"""
import rca
incident = rca.read_incident({str(SAMPLE)!r})
onset = rca.correlate_events(incident).onset
comparison = incident.comparison(onset=onset)
import pandas as pd
hostile = "<img src=x onerror=window.ran=1>"
answers = rca.read_logs(pd.DataFrame({{
    "model_version": ["v1"] * 40 + ["v2"] * 40,
    "question_id": [*range(40)] * 2,
    "region": ["eu", "us"] * 40,
    "correct": [1] * 40 + [0] * 15 + [1] * 25,
    "input": [hostile + str(i) for i in range(40)] * 2,
    "output": ["yes"] * 40 + ["no " + hostile] * 40,
}}))
"""


def shots(notebook, artifacts, name):
    """Take pictures: light and dark, wide and narrow."""
    page = notebook.page
    notebook.theme("Dark")
    page.screenshot(path=artifacts / f"{name}-dark.png")
    page.set_viewport_size({"width": 640, "height": 1500})
    notebook.command("application:toggle-left-area")
    page.wait_for_timeout(800)
    assert page.locator(".rca-panel").first.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    page.screenshot(path=artifacts / f"{name}-dark-narrow.png")
    notebook.command("application:toggle-left-area")
    page.set_viewport_size({"width": 1300, "height": 1500})
    notebook.theme("Light")
    page.screenshot(path=artifacts / f"{name}.png")


def clean(notebook):
    assert notebook.errors == []
    assert notebook.requests == []
    assert notebook.page.evaluate("window.ran") is None


def violations(page):
    """Return what axe finds wrong in the widgets, which are ours but for ipywidgets' controls."""
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    found = axe.run(page, context=".rca-panel")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def click_bar(notebook, number):
    """Click a bar as a person does: plotly takes no click where the pointer was not seen before."""
    box = notebook.page.locator(".barlayer .point path").nth(number).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for step in (2, 0):
        notebook.page.mouse.move(x - step, y)
        notebook.page.wait_for_timeout(200)
    notebook.page.mouse.down()
    notebook.page.mouse.up()


def test_a_figure_answers_a_click_and_follows_the_kernel_and_the_theme(open_notebook):
    notebook = open_notebook(
        "import plotly.graph_objects as go\nimport rca.widgets\n"
        "view = rca.widgets.FigView(go.Figure(go.Bar(x=list('abc'), y=[1, 3, 2])))\n"
        "two = go.Figure(go.Bar(x=list('ab'), y=[1, 2]))\n"
        "view.observe(lambda _: view.update(two), 'clicked')\n"
        "view"
    )
    notebook.run_all()
    notebook.until(DRAWN)
    ink = "getComputedStyle(document.querySelector('.xtick text')).fill"
    light = notebook.page.evaluate(ink)
    click_bar(notebook, 1)
    notebook.until("document.querySelectorAll('.barlayer .point').length === 2")
    assert notebook.ask("view.clicked['points'][0]['x']") == "b"
    assert notebook.ask("(view.ack == view.revision > 0, view.stale)") == (True, False)
    notebook.theme("Dark")
    notebook.until(f"{ink} !== '{light}'")
    notebook.theme("Light")
    clean(notebook)


def test_the_console_shows_evidence_takes_windows_and_keeps_its_choices(open_notebook, artifacts):
    notebook = open_notebook(READ, "console = rca.widgets.console(incident)\nconsole")
    page = notebook.page
    notebook.run_all()
    notebook.until(DRAWN)
    panel = page.locator(".rca-panel")
    panel.locator(".rca-row").nth(1).click()
    page.get_by_role("tab", name="Slices").click()
    panel.get_by_text("slices looked at").first.wait_for()
    assert notebook.ask("console.candidate.rank") == 2
    shots(notebook, artifacts, "console")

    assert violations(page) == []
    handle = panel.get_by_role("slider", name="start of the baseline window")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40, steps=4)
    page.mouse.up()
    panel.get_by_text("The windows have changed").wait_for()
    assert panel.get_by_label("Baseline from").input_value() != "2025-12-28T16:00:00Z"
    panel.get_by_role("button", name="Diagnose").click()
    panel.get_by_text("rca.diagnose: done").wait_for()
    assert notebook.ask("console.result.shift.baseline == console.result.windows[0]")
    assert "baseline_window=rca.Window.of(" in notebook.ask("console.code")

    chosen = notebook.ask("console.candidate.claim")
    notebook.run_all()
    notebook.until(DRAWN)
    again = notebook.ask("(console.candidate.claim, console.tabs.selected_index)")
    assert again == (chosen, 2)
    clean(notebook)


def test_keys_stay_in_the_widget_and_errors_are_shown_there(open_notebook):
    notebook = open_notebook(READ, "timeline = rca.widgets.timeline(incident)\ntimeline", "x = 1")
    page = notebook.page
    notebook.run_all()
    notebook.until(DRAWN)
    n_cells = page.locator(".jp-Cell").count()
    page.locator(".rca-row").first.click()
    for key in ("ArrowDown", "ArrowDown", "d", "d", "a", "Enter"):
        page.keyboard.press(key)
    page.wait_for_timeout(400)
    assert page.locator(".jp-Cell").count() == n_cells
    third = notebook.ask("timeline.list.groups[0]['rows'][2]['key']")
    assert notebook.ask("timeline.event_id") == third
    page.locator(".rca-panel").get_by_label("From").fill("yesterday")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("From = 'yesterday' is not a time").wait_for()
    clean(notebook)


def test_slices_are_kept_by_a_click_and_saved_as_plain_html(
    open_notebook, open_report, artifacts, tmp_path
):
    notebook = open_notebook(PAIR, "slices = rca.widgets.slices(comparison)\nslices")
    page = notebook.page
    notebook.run_all()
    page.locator(".rca-row[data-at^='query_type']", has_text="refund").click()
    page.locator(".rca-panel").get_by_text("accuracy in query_type=refund moved").wait_for()
    assert notebook.ask("slices.chosen") == {"query_type": ("refund",)}
    assert "query_type" in notebook.ask("slices.predicate")
    assert not page.locator("[class^='rca-face']").is_visible()
    page.get_by_role("region", name="Slices that carry the shift").get_by_role(
        "button"
    ).first.click()
    page.get_by_text("Why is it here?").first.wait_for()
    shots(notebook, artifacts, "slices")
    exported_alike(notebook, open_report, artifacts, tmp_path)
    page.get_by_role("button", name="Keep all rows").click()
    page.locator(".rca-panel").get_by_text("accuracy in all rows moved").wait_for()
    assert notebook.ask("slices.result.chosen") == {}
    clean(notebook)


def exported_alike(notebook, open_report, artifacts, folder):
    """A saved notebook shows what was chosen without a kernel, exported even without JavaScript."""
    face = "document.querySelector('[class^=rca-face]')"
    notebook.until(f"{face}.textContent.includes('query_type=refund moved')")
    saved = notebook.save()
    faces = [o.get("data", {}).get("text/html", "") for o in saved.cells[1].outputs]
    assert sum("accuracy in query_type=refund moved" in face for face in faces) == 1
    report = export_html(saved, folder / "slices.html")
    opened = open_report(report.path, java_script_enabled=False)
    seen = opened.page.locator("main").inner_text()
    assert "accuracy in query_type=refund moved" in seen
    assert "a control of the live notebook" not in seen
    assert opened.page.locator("svg.rca-svg").first.is_visible()
    opened.page.screenshot(path=artifacts / "slices-exported.png", full_page=True)
    assert opened.requests == opened.errors == []


def test_drift_versions_timeline_and_examples_answer(open_notebook, artifacts):
    notebook = open_notebook(
        PAIR,
        "drift = rca.widgets.drift(comparison)\ndrift",
        "timeline = rca.widgets.timeline(incident)\ntimeline",
        "versions = rca.widgets.versions(answers)\nversions",
        "rows = rca.widgets.examples(answers, metric='accuracy', page=3)\nrows",
    )
    page = notebook.page
    notebook.run_all()
    notebook.until(DRAWN)
    panels = page.locator(".rca-panel")
    for i, name in enumerate(("drift", "timeline", "versions", "examples")):
        panels.nth(i).scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        panels.nth(i).screenshot(path=artifacts / f"{name}.png")
    panels.nth(0).locator(".rca-row").nth(2).click()
    page.wait_for_timeout(600)
    assert notebook.ask("drift.column == drift.list.groups[0]['rows'][2]['key']")
    panels.nth(1).get_by_label("From").fill("2026-01-12T00:00:00Z")
    page.keyboard.press("Enter")
    panels.nth(1).get_by_text("events lie in the window").wait_for()
    assert notebook.ask("str(timeline.window).startswith('2026-01-12T00:00:00Z')")
    panels.nth(2).get_by_text("1 to 5 of 15 pairs").wait_for()
    panels.nth(2).get_by_role("button", name="Next page").click()
    panels.nth(2).get_by_text("6 to 10 of 15 pairs").wait_for()
    panels.nth(2).get_by_label("Slices by").select_option("region")
    page.wait_for_timeout(800)
    assert notebook.ask("set(versions.result.table['dimension'])") == {"", "region"}
    panels.nth(3).get_by_role("button", name="Next page").click()
    panels.nth(3).get_by_text("Rows 4 to 6 of 80").wait_for()
    assert notebook.ask("rows.result.offset") == 3
    clean(notebook)
