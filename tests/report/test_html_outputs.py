import base64
import json
import re

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest
from rca.report.html.figures import json_in_html
from rca.report.html.outputs import PLOTLY, WIDGET, Outputs


def render(data=None, state=None, **output):
    output = {"output_type": "display_data", "data": data or {}, **output}
    return Outputs(state or {}, None).one(output)


def spec_of(html):
    return json.loads(re.search(r'class="rca-spec"[^>]*>(.*?)</script>', html)[1])


def saved(widget):
    """Return the state of a widget as a notebook saves it, and the output that shows it."""
    from ipywidgets.embed import dependency_state

    state = dependency_state(widget)
    shown = {WIDGET: {"model_id": widget.model_id}, "text/plain": repr(widget)}
    return render(shown, state)


def test_streams_keep_their_text_and_colours_but_no_markup():
    text = "step 1\rstep 2\r\n\x1b[31mbad\x1b[0m <b>user text</b>\n"
    html = render(output_type="stream", name="stdout", text=text)
    assert "step 1" not in html
    assert "step 2" in html
    assert '<span class="ansi-red-fg">bad</span> &lt;b&gt;user text&lt;/b&gt;' in html


def test_errors_show_their_traceback_as_text():
    html = render(output_type="error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: <v>"])
    assert '<span class="ansi-red-fg">E</span>: &lt;v&gt;' in html


def test_figure_has_picture_numbers_and_data_for_the_live_one():
    figure = go.Figure(go.Bar(x=["eu", "us"], y=[1.25, 2]), layout={"title": {"text": "Errors"}})
    html = render({PLOTLY: json.loads(figure.to_json())})
    assert '<figure class="rca-figure" aria-label="Errors"><figcaption>Errors</figcaption>' in html
    assert html.count("<svg") == 1
    assert "<td>eu</td><td>1.25</td>" in html
    spec = spec_of(html)
    assert spec["data"][0]["type"] == "bar"
    assert "title" not in spec["layout"]


def test_many_points_have_no_table_and_maps_stay_a_table():
    many = go.Figure(go.Scatter(y=np.arange(61)))
    assert "<table" not in render({PLOTLY: json.loads(many.to_json())})
    globe = go.Figure(go.Scattergeo(lon=[1.5], lat=[2.5]))
    html = render({PLOTLY: json.loads(globe.to_json())})
    assert "rca-spec" not in html
    assert "<td>1.5</td>" in html and "<td>2.5</td>" in html
    assert "Points of the scattergeo chart" in html


def test_webgl_traces_are_drawn_without_webgl():
    html = render({PLOTLY: json.loads(go.Figure(go.Scattergl(y=[1, 2])).to_json())})
    assert spec_of(html)["data"][0]["type"] == "scatter"
    assert "<svg" in html


def test_broken_figures_do_not_stop_a_report():
    html = render(
        {PLOTLY: {"data": [{"type": "bar", "x": 3, "y": [1]}], "layout": {"height": 300}}}
    )
    assert "no picture could be made" in html


def test_json_cannot_close_its_script_and_has_no_nan():
    text = json_in_html({"a": "</script><!--", "b": [float("nan"), float("inf"), 1.5]})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": [None, None, 1.5]}


def test_html_comes_before_text_and_scripts_alone_give_way_to_what_can_be_shown():
    assert (
        render({"text/html": "<b>h</b>", "text/plain": "t"})
        == '<div class="rca-html"><b>h</b></div>'
    )
    injected = {"text/html": "<script>/* plotly.js */</script>"}
    assert render(injected) == ""
    assert "<em>m</em>" in render({**injected, "text/markdown": "*m*"})
    assert "data:image/png;base64,AAAA" in render({**injected, "image/png": "AA\nAA\n"})
    assert "t &amp; t" in render({"text/plain": ["t &", " t"]})


def test_svg_outputs_become_inert_images():
    html = render({"image/svg+xml": "<svg onload='x()'></svg>", "text/plain": "<Figure>"})
    content = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    assert content == b"<svg onload='x()'></svg>"
    assert html.startswith("<img") and 'alt="&lt;Figure&gt;"' in html


def test_controls_say_what_was_chosen():
    box = ipywidgets.VBox(
        [
            ipywidgets.Dropdown(options=["v41", "v42"], value="v42", description="Version:"),
            ipywidgets.SelectMultiple(options=["eu", "us", "ap"], value=("eu", "ap")),
            ipywidgets.IntRangeSlider(value=(3, 7), description="Hours"),
            ipywidgets.Checkbox(value=True, description="worst first"),
            ipywidgets.HTML("<i>kept</i><script>x()</script>"),
            ipywidgets.Label("<raw>"),
            ipywidgets.Button(description="Run"),
        ]
    )
    html = saved(box)
    for part in ("Version:</span> <b>v42", "<b>eu, ap", "<b>3 to 7", "<b>yes", "<i>kept</i>"):
        assert part in html
    assert "&lt;raw&gt;" in html
    assert "Run" not in html and "script" not in html


def test_tabs_become_open_sections_and_captured_outputs_are_shown():
    out = ipywidgets.Output()
    out.outputs = ({"output_type": "stream", "name": "stdout", "text": "captured <b>"},)
    html = saved(ipywidgets.Tab([out, ipywidgets.Label("two")], titles=["One", ""]))
    assert html.count("<details open") == 2
    assert "<summary>One</summary>" in html and "<summary>Part 2</summary>" in html
    assert "captured &lt;b&gt;" in html


def test_our_widgets_bring_their_static_face():
    state = {
        "m": {"model_name": "AnyModel", "state": {"static_html": "<p>face</p><script></script>"}}
    }
    assert render({WIDGET: {"model_id": "m"}}, state) == "<p>face</p>"
    html = render({WIDGET: {"model_id": "m"}, "text/html": "<p>bundle</p>"}, state)
    assert html == '<div class="rca-html"><p>bundle</p></div>'


def test_widgets_without_saved_state_are_named_as_missing():
    assert "live notebook" in render({WIDGET: {"model_id": "gone"}, "text/plain": "VBox()"})


@pytest.mark.parametrize("keys", [("_data", "_layout"), ("_widget_data", "_widget_layout")])
def test_figure_widgets_of_both_plotly_versions_get_their_buffers_back(keys):
    y = np.array([1.0, 4.0, 9.0])
    model = {
        "model_name": "FigureModel" if keys[0] == "_data" else "AnyModel",
        "state": {keys[0]: [{"type": "scatter", "y": {"dtype": "float64", "shape": [3]}}],
                  keys[1]: {"title": {"text": "Saved"}}},
        "buffers": [{"path": [keys[0], 0, "y", "buffer"], "encoding": "base64",
                     "data": base64.b64encode(y.tobytes()).decode()}],
    }  # fmt: skip
    html = render({WIDGET: {"model_id": "f"}}, {"f": model})
    assert "<td>2</td><td>9</td>" in html
    assert 'aria-label="Saved"' in html
