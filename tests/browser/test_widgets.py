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
