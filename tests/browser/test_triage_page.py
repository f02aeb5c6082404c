"""The page of a triage, opened from disk with the network off."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from rca.report import write_triage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "accuracy_drop"
DRAWN = "document.querySelectorAll('.rca-live .main-svg:first-child').length"


@pytest.fixture(scope="module")
def triage(tmp_path_factory):
    return write_triage(SAMPLE, tmp_path_factory.mktemp("triage"))


def n_figures(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return sum("application/vnd.plotly.v1+json" in o.get("data", {}) for o in outputs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_opens_offline_without_a_request_or_an_error(
    open_report, triage, artifacts, scheme, width
):
    notebook, page_path = triage
    opened = open_report(page_path, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = opened.page
    end = time.monotonic() + 60
    while page.evaluate(DRAWN) < n_figures(notebook):
        assert time.monotonic() < end, "not every figure was drawn"
        page.wait_for_timeout(100)
    page.screenshot(path=artifacts / f"triage-{scheme}-{width}.png", full_page=True)
    assert opened.requests == []
    assert opened.errors == []
    assert page.locator("[data-problem]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_every_finding_is_there(open_report, triage, artifacts):
    notebook, page_path = triage
    opened = open_report(page_path, java_script_enabled=False)
    page = opened.page
    page.screenshot(path=artifacts / "triage-no-javascript.png", full_page=True)
    pictures = page.locator(".rca-static svg.rca-svg")
    assert pictures.count() == n_figures(notebook) >= 4
    assert all(pictures.nth(i).is_visible() for i in range(pictures.count()))
    text = page.locator("body").inner_text()
    headings = ("What moved", "Since when", "Why in this order", "Where", "What else moved",
                "Events", "Versions", "What to do next", "How to recompute")  # fmt: skip
    assert [heading for heading in headings if heading not in text] == []
    assert "dep-429" in text
    assert re.search(r"95 % -?\+?\d", text), "the shift has its interval"
    assert page.get_by_role("cell", name=re.compile("dep-429")).first.is_visible()
    assert opened.requests == opened.errors == []


def test_it_passes_the_accessibility_rules(browser, triage):
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    context = browser.new_context(offline=True, bypass_csp=True)
    page = context.new_page()
    page.goto(triage[1].as_uri())
    page.wait_for_timeout(1500)
    found = axe.run(page)["violations"]
    context.close()
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []
