"""The static picture of a figure: geometry worked by hand, text that stays text."""

import base64
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.subplots import make_subplots
from rca.plots import theme
from rca.report.html.plotly_json import plain
from rca.report.html.static_svg import render, undrawn
from rca.report.html.svg.bars import histogram_as_bars
from rca.report.html.svg.points import MAX_POINTS
from rca.report.html.svg.scales import scale_of


def drawn(figure, **layout):
    """Return the parsed picture of a figure, or of its traces."""
    if isinstance(figure, go.Figure):
        figure = json.loads(figure.to_json())
    elif isinstance(figure, list):
        figure = {"data": figure, "layout": layout}
    return ET.fromstring(render(figure))


def boxes(svg):
    return [{k: float(e.get(k)) for k in ("x", "y", "width", "height")} for e in svg.iter("rect")]


def words(svg):
    return [e.text for e in svg.iter("text") if e.text]


def path_of(svg):
    points = next(svg.iter("polyline")).get("points")
    return [tuple(map(float, pair.split(","))) for pair in points.split()]


def test_heights_of_bars_are_in_proportion_and_stand_on_zero():
    first, second, third = boxes(drawn([{"type": "bar", "x": ["a", "b", "c"], "y": [1, 2, -1]}]))
    assert second["height"] == pytest.approx(2 * first["height"], abs=0.2)
    assert third["height"] == pytest.approx(first["height"], abs=0.2)
    foot = first["y"] + first["height"]
    assert second["y"] + second["height"] == pytest.approx(foot, abs=0.2)
    assert third["y"] == pytest.approx(foot, abs=0.2)


def test_stacked_bars_stand_on_each_other_and_grouped_ones_side_by_side():
    data = [{"type": "bar", "x": ["a"], "y": [1]}, {"type": "bar", "x": ["a"], "y": [2]}]
    lower, upper = boxes(drawn(data, barmode="stack", showlegend=False))
    assert upper["y"] + upper["height"] == pytest.approx(lower["y"], abs=0.2)
    assert upper["x"] == lower["x"]
    left, right = boxes(drawn(data, barmode="group", showlegend=False))
    assert right["x"] == pytest.approx(left["x"] + left["width"], abs=0.2)


def test_lying_bars_grow_to_the_right():
    short, long = boxes(drawn([{"type": "bar", "y": ["a", "b"], "x": [1, 3], "orientation": "h"}]))
    assert long["width"] == pytest.approx(3 * short["width"], abs=0.3)
    assert long["y"] < short["y"]


def test_waterfall_carries_its_running_total():
    trace = {
        "type": "waterfall",
        "x": ["baseline", "mix", "rate", "current"],
        "y": [100, 20, -50, 0],
        "measure": ["absolute", "relative", "relative", "total"],
    }
    start, up, down, end = boxes(drawn([trace]))
    unit = start["height"] / 100
    assert [round(b["height"] / unit) for b in (up, down, end)] == [20, 50, 70]
    assert up["y"] + up["height"] == pytest.approx(start["y"], abs=0.2)
    assert down["y"] == pytest.approx(up["y"], abs=0.2)
    assert end["y"] == pytest.approx(down["y"] + down["height"], abs=0.2)


def test_logarithmic_axis_spaces_decades_evenly():
    trace = {"x": [1, 2, 3], "y": [1, 10, 100], "mode": "lines"}
    path = path_of(drawn([trace], yaxis={"type": "log"}))
    assert path[0][1] - path[1][1] == pytest.approx(path[1][1] - path[2][1], abs=0.2)


def test_dates_are_read_with_and_without_zone():
    trace = {
        "x": ["2026-03-01", "2026-03-01T12:00:00Z", "2026-03-02T02:00:00+02:00"],
        "y": [1, 2, 3],
        "mode": "lines",
    }
    svg = drawn([trace])
    path = path_of(svg)
    assert path[1][0] - path[0][0] == pytest.approx(path[2][0] - path[1][0], abs=0.2)
    assert "01 Mar 12:00" in words(svg) or "12:00" in words(svg)


def test_null_breaks_a_line_unless_gaps_are_joined():
    trace = {"x": [1, 2, 3, 4, 5], "y": [1, 2, None, 2, 1], "mode": "lines"}
    assert len(list(drawn([trace]).iter("polyline"))) == 2
    assert len(list(drawn([{**trace, "connectgaps": True}]).iter("polyline"))) == 1


def test_error_bars_reach_from_low_to_high_end():
    trace = {"x": [1, 2], "y": [10, 20], "mode": "markers",
             "error_y": {"array": [5, 5], "arrayminus": [10, 10]}}  # fmt: skip
    svg = drawn([trace])
    bars = [e.get("d") for e in svg.iter("path") if e.get("stroke-width") == "1.5"]
    low, high = map(float, re.match(r"M[\d.]+ ([\d.]+)V([\d.]+)", bars[0]).groups())
    one, other = (float(c.get("cy")) for c in svg.iter("circle"))
    unit = (one - other) / 10
    assert one - high == pytest.approx(5 * unit, abs=0.2)
    assert low - one == pytest.approx(10 * unit, abs=0.2)


def test_heat_map_has_a_cell_for_each_number_and_none_for_null():
    cells = boxes(drawn([{"type": "heatmap", "z": [[1, 2], [None, 4]], "showscale": False}]))
    assert len(cells) == 3
    stops = [[0, "#000000"], [1, "#ffffff"]]
    svg = drawn([{"type": "heatmap", "z": [[0, 1]], "colorscale": stops, "showscale": False}])
    assert [e.get("fill") for e in svg.iter("rect")] == ["rgb(0,0,0)", "rgb(255,255,255)"]


def test_histogram_counts_every_value_once():
    values = np.random.default_rng(0).normal(size=300).tolist()
    bars = histogram_as_bars({"type": "histogram", "x": values})
    assert sum(bars["y"]) == 300
    edges = [c - w / 2 for c, w in zip(bars["x"], bars["width"], strict=True)]
    assert edges[0] <= min(values) and edges[-1] + bars["width"][-1] >= max(values)
    assert sum(histogram_as_bars({"x": values, "histnorm": "percent"})["y"]) == pytest.approx(100)
    assert histogram_as_bars({"x": ["a", "b", "a"]})["y"] == [2, 1]
    assert histogram_as_bars({"x": []})["y"] == [0]
    assert sum(histogram_as_bars({"x": [5, 5, 5]})["y"]) == 3


def test_typed_arrays_draw_the_same_picture_as_lists():
    typed = {
        "x": {"dtype": "i1", "bdata": "AQID"},
        "y": {"dtype": "f8", "bdata": ""},
        "mode": "lines",
    }
    y = np.array([1.5, 3.0, 2.0])

    typed["y"]["bdata"] = base64.b64encode(y.tobytes()).decode()
    listed = {"x": [1, 2, 3], "y": y.tolist(), "mode": "lines"}
    assert render({"data": [typed]}) == render({"data": [listed]})
    z = {"dtype": "u1", "bdata": "AQIDBAUG", "shape": "2, 3"}
    assert plain(z) == [[1, 2, 3], [4, 5, 6]]
    assert plain({"dtype": "f8", "bdata": "AQ=="}) == []


def test_every_text_of_a_hostile_figure_is_escaped():
    evil = "<script>alert(1)</script>"
    figure = go.Figure(go.Bar(x=[evil], y=[1], text=[evil], name=evil, marker={"color": "red"}))
    figure.update_layout(title={"text": evil}, showlegend=True, xaxis={"title": {"text": evil}})
    figure.add_annotation(text=evil, x=0, y=1)
    svg = drawn(figure)
    assert {e.tag for e in svg.iter()} <= {"svg", "g", "path", "rect", "text", "line", "title"}
    assert words(svg).count(evil) == 6
    spec = {"data": [{"type": "bar", "x": [1], "y": [1], "marker": {"color": '"/><script>'}}]}
    assert "<script" not in render(spec)


def test_shapes_stand_where_the_data_says():
    figure = go.Figure(go.Scatter(x=[0, 10], y=[0, 1], mode="lines"))
    figure.add_vline(x=5)
    figure.add_hrect(y0=0, y1=0.5, fillcolor="red", line_width=0)
    svg = drawn(figure)
    (x0, y0), (x1, _) = path_of(svg)
    line = next(svg.iter("line"))
    assert float(line.get("x1")) == float(line.get("x2")) == pytest.approx((x0 + x1) / 2, abs=0.2)
    rect = boxes(svg)[0]
    assert rect["y"] + rect["height"] == pytest.approx(y0, abs=0.2)


def test_subplots_have_their_own_axes_and_second_axis_its_own_scale():
    figure = make_subplots(rows=1, cols=2)
    figure.add_bar(x=["a"], y=[1], row=1, col=1)
    figure.add_bar(x=["a"], y=[1000], row=1, col=2)
    left, right = boxes(drawn(figure.update_layout(showlegend=False)))
    assert left["x"] + left["width"] < right["x"]
    assert left["height"] == pytest.approx(right["height"], abs=0.5)


def test_range_that_is_given_cuts_what_lies_outside():
    svg = drawn([{"x": [0, 1, 2], "y": [0, 1, 100]}], yaxis={"range": [0, 2]})
    assert len(list(svg.iter("svg"))) == 2
    assert "100" not in words(svg)


def test_long_line_is_thinned_but_keeps_its_extremes():
    y = np.random.default_rng(1).normal(size=20_000)
    y[12_345] = 40.0
    path = path_of(drawn([{"y": y.tolist(), "mode": "lines"}]))
    assert len(path) < 4 * 820
    assert len(path) > MAX_POINTS
    highest = min(path, key=lambda point: point[1])
    assert highest[0] == pytest.approx(
        path[0][0] + (path[-1][0] - path[0][0]) * 12_345 / 19_999, abs=1
    )


def test_kinds_that_are_not_drawn_are_named():
    figure = json.loads(go.Figure([go.Pie(values=[1]), go.Scatter(y=[1])]).to_json())
    assert undrawn(figure) == ["pie"]
    assert len(list(drawn(figure).iter("circle"))) == 1


@pytest.mark.parametrize(
    "figure",
    [
        {},
        {"data": []},
        {"data": [{"type": "bar"}]},
        {"data": [{"type": "heatmap", "z": []}]},
        {"data": [{"x": [], "y": []}]},
        {"data": [{"x": [1], "y": [None]}], "layout": {"title": None}},
        {"data": [{"type": "histogram", "x": [float("nan")]}]},
    ],
)
def test_empty_figures_give_an_empty_picture(figure):
    assert drawn(figure).tag == "svg"


@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_infinity=True), st.text(max_size=5), st.booleans()),
        max_size=8,
    ),
    st.sampled_from(["bar", "scatter", "waterfall", "histogram"]),
    st.sampled_from([{}, {"type": "log"}, {"type": "date"}, {"type": "category"}]),
)
def test_any_values_give_well_formed_svg(values, kind, axis):
    figure = {"data": [{"type": kind, "x": values, "y": values[::-1]}], "layout": {"xaxis": axis}}
    visible = "".join(c for c in render(figure) if c >= " ")
    assert "nan" not in re.findall(r'="([^"]*)"', visible)
    assert ET.fromstring(re.sub(r"[\ufffe\uffff\ud800-\udfff]", "", visible)).tag == "svg"


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_every_value_lies_inside_its_scale_and_ticks_rise(values):
    scale = scale_of({}, values)
    assert all(-1e-9 <= scale.position(value) <= 1 + 1e-9 for value in values)
    places = [place for place, _ in scale.ticks]
    assert places == sorted(set(places))


def test_figures_of_this_package_read_without_colour_of_their_own_text():
    svg = drawn(theme.apply(go.Figure(go.Scatter(y=[1, 2])), title="T"))
    assert svg.get("fill") == "currentColor"
    assert not [e for e in svg.iter("text") if e.get("fill") not in (None, "currentColor")]
