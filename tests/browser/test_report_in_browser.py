import time

import pytest

pytestmark = pytest.mark.browser

N_FIGURES = 6
DRAWN = "document.querySelectorAll('.rca-live .main-svg:first-child').length"
BODY = "getComputedStyle(document.body)"


def until(page, expression, timeout_s=30.0):
    """Poll from outside: the policy of the page forbids the code that playwright would evaluate."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(50)


def wait_until_drawn(page):
    until(page, f"{DRAWN} === {N_FIGURES}")
    page.wait_for_timeout(200)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_opens_offline_without_a_request_or_an_error(
    open_report, exported, artifacts, scheme, width
):
    opened = open_report(
        exported.path, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = opened.page
    wait_until_drawn(page)
    page.screenshot(path=artifacts / f"report-{scheme}-{width}.png", full_page=True)
    assert opened.requests == []
    assert opened.errors == []
    assert page.locator("[data-problem]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, back = page.evaluate(f"[{BODY}.color, {BODY}.backgroundColor]")
    light = [sum(map(int, rgb[4:-1].split(","))) for rgb in (ink, back)]
    assert light[0] < light[1] if scheme == "light" else light[0] > light[1]
    title = page.locator(".rca-live .ytick text").first
    assert page.evaluate("e => getComputedStyle(e).fill", title.element_handle()) == ink


def test_figures_follow_a_change_of_scheme(open_report, exported):
    opened = open_report(exported.path, color_scheme="light")
    page = opened.page
    wait_until_drawn(page)
    tick = "getComputedStyle(document.querySelector('.rca-live .ytick text')).fill"
    before = page.evaluate(tick)
    page.emulate_media(color_scheme="dark")
    until(page, f"{tick} !== '{before}'")
    assert page.evaluate(tick) == page.evaluate("getComputedStyle(document.body).color")
    assert opened.errors == []


def test_nothing_smuggled_into_cells_runs(open_report, exported):
    opened = open_report(exported.path)
    page = opened.page
    wait_until_drawn(page)
    page.locator("a.lure").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert page.url.startswith("file:")
    assert "<script>window.ran = 1</script>" in page.locator(".rca-stdout").inner_text()
    assert page.locator(".rca-html p", has_text="kept text").is_visible()


def test_policy_alone_stops_scripts_that_pass_the_allow_list(open_report, exported, tmp_path):
    smuggled = '<script>window.ran = 1</script><img src="data:," onerror="window.ran = 2"><main'
    page_with_script = exported.path.read_text().replace("<main", smuggled, 1)
    path = tmp_path / "smuggled.html"
    path.write_text(page_with_script)
    opened = open_report(path)
    wait_until_drawn(opened.page)
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in error for error in opened.errors)


def test_without_javascript_every_picture_and_table_is_there(open_report, exported, artifacts):
    opened = open_report(exported.path, java_script_enabled=False)
    page = opened.page
    page.screenshot(path=artifacts / "report-no-javascript.png", full_page=True)
    pictures = page.locator(".rca-static svg.rca-svg")
    assert pictures.count() == N_FIGURES - 1
    assert all(pictures.nth(i).is_visible() for i in range(pictures.count()))
    assert page.get_by_role("cell", name="60").is_visible()
    assert page.locator("table.dataframe").is_visible()
    assert page.locator(".rca-live").first.is_hidden()
    assert opened.requests == opened.errors == []


def test_figures_are_drawn_only_when_they_come_into_sight(open_report, exported):
    opened = open_report(exported.path, eager=False, viewport={"width": 1000, "height": 600})
    page = opened.page
    page.locator(".rca-live .main-svg").first.wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate(DRAWN) < N_FIGURES
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.locator("figure.rca-figure").last.locator(".main-svg").first.wait_for()


def test_paper_shows_the_pictures_dark_on_white(open_report, exported, artifacts):
    opened = open_report(exported.path, color_scheme="dark")
    page = opened.page
    wait_until_drawn(page)
    page.emulate_media(media="print", color_scheme="dark")
    page.screenshot(path=artifacts / "report-print.png", full_page=True)
    assert page.locator(".rca-static svg.rca-svg").first.is_visible()
    assert page.locator(".rca-live").first.is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_no_accessibility_violation(browser, exported):
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    context = browser.new_context(offline=True, bypass_csp=True)
    page = context.new_page()
    page.goto(exported.path.as_uri() + "#eager")
    wait_until_drawn(page)
    found = axe.run(page)["violations"]
    context.close()
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []
