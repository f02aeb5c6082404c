import pytest

pytestmark = pytest.mark.browser

FIGURE = """
import plotly.graph_objects as go
import rca.widgets
view = rca.widgets.FigView(go.Figure(go.Bar(x=list("abc"), y=[1, 3, 2])))
view
"""
DRAWN = "document.querySelectorAll('.rca-figure-view .main-svg').length > 0"


def click_bar(notebook, number):
    """Click a bar as a person does: plotly takes no click where the pointer was not seen before."""
    bar = notebook.page.locator(".barlayer .point path").nth(number)
    box = bar.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for step in (2, 0):
        notebook.page.mouse.move(x - step, y)
        notebook.page.wait_for_timeout(200)
    notebook.page.mouse.down()
    notebook.page.mouse.up()


def clean(notebook):
    assert notebook.errors == []
    assert notebook.requests == []


def test_a_click_on_a_figure_is_read_in_the_kernel(open_notebook):
    notebook = open_notebook(FIGURE)
    notebook.run_all()
    notebook.until(DRAWN)
    click_bar(notebook, 1)
    notebook.page.wait_for_timeout(300)
    assert notebook.ask("view.clicked['points'][0]['x']") == "b"
    clean(notebook)


CONSOLE = """
import rca
incident = rca.read_incident("{folder}")
console = rca.widgets.console(incident)
console
"""


def shots(notebook, artifacts, name):
    """Take pictures: light and dark, wide and narrow."""
    page = notebook.page
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        page.screenshot(path=artifacts / f"{name}-{theme.lower()}.png")
    page.set_viewport_size({"width": 620, "height": 1500})
    notebook.command("application:toggle-left-area")
    page.wait_for_timeout(800)
    page.screenshot(path=artifacts / f"{name}-narrow.png")


@pytest.fixture(scope="session")
def sample():
    from pathlib import Path

    return Path(__file__).resolve().parents[2] / "sample_data" / "accuracy_drop"


def test_the_console_answers_choices_windows_and_a_second_run(open_notebook, artifacts, sample):
    notebook = open_notebook(CONSOLE.format(folder=sample))
    page = notebook.page
    notebook.run_all()
    notebook.until(DRAWN)
    first = notebook.ask("console.candidate.claim")
    page.locator(".rca-row").nth(1).click()
    page.get_by_role("tab", name="Slices").click()
    page.locator(".rca-panel").get_by_text("slices looked at").first.wait_for()
    assert notebook.ask("console.candidate.rank") == 2
    assert notebook.ask("console.candidate.claim") != first
    shots(notebook, artifacts, "console")
    clean(notebook)
