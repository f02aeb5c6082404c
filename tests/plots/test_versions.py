"""The pictures of a version diff: what they hold, that they are valid, that they read anywhere."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from rca.plots import versions
from rca.plots.changed_page import changed_page, marked
from rca.plots.scores import reliability, score_distributions
from rca.stats.calibration import calibration

VERDICTS = ("regressed", "improved", "no_regression", "cannot_tell")


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "label": ["all rows", "region=eu", "region=<i>us</i>", "region=apac"],
            "shift": [-0.02, -0.08, 0.03, 0.001],
            "low": [-0.03, -0.1, 0.01, -0.05],
            "high": [-0.01, -0.06, 0.05, 0.052],
            "verdict": VERDICTS,
            "n": [4000, 1000, 2000, 1000],
        }
    )


def figures(table):
    counts = np.random.default_rng(1).integers(1, 50, (2, 2, 9)).astype(float)
    said = np.linspace(0.1, 0.9, 10)
    of = calibration([50] * 10, 50 * said, (50 * said).round(), [8.0] * 10)
    return [
        versions.forest(table, title="Shift", unit="share", worse="down", margin=0.02),
        versions.discordance((3, 23, 2, 22), title="Pairs", baseline="v1", current="v2"),
        score_distributions(np.linspace(0.1, 0.9, 8), counts, (0.5, 0.6), names=("v1", "v2")),
        reliability((of, of), names=("v1", "v2")),
    ]


def test_figures_are_valid_json_of_plotly(table):
    for figure in figures(table):
        text = figure.to_json(validate=True)
        again = go.Figure(json.loads(text))
        assert again.to_plotly_json().keys() == figure.to_plotly_json().keys()
        assert figure.layout.title.text
        assert figure.layout.xaxis.title.text
        assert "bdata" not in text


def test_a_forest_has_every_row_with_its_interval_in_points(table):
    figure = versions.forest(table, title="Shift", unit="share", worse="down", margin=0.02)
    names = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert names[1] == "region=&lt;i&gt;us&lt;/i&gt;"
    drawn = {
        names[y]: (x, x - low, x + high)
        for trace in figure.data
        for y, x, low, high in zip(
            trace.y, trace.x, trace.error_x.arrayminus, trace.error_x.array, strict=True
        )
    }
    assert drawn["region=eu"] == pytest.approx((-8, -10, -6))
    assert len(drawn) == 4
    assert {trace.marker.symbol for trace in figure.data} == {
        "triangle-down",
        "triangle-up",
        "circle",
        "circle-open",
    }
    lines = [shape.x0 for shape in figure.layout.shapes]
    assert lines == [0, -2]


def test_a_forest_of_many_slices_is_bounded(table):
    many = pd.concat([table] * 30, ignore_index=True)
    many["label"] = [f"s{i}" for i in range(len(many))]
    figure = versions.forest(many, title="Shift", unit="ms", worse="up")
    assert sum(len(trace.y) for trace in figure.data) == versions.MOST_ROWS


def test_the_discordance_matrix_holds_the_counts():
    figure = versions.discordance((3, 23, 2, 22), title="Pairs", baseline="v1", current="v2")
    assert [list(row) for row in figure.data[0].z] == [[22, 2], [23, 3]]
    assert "46.0%" in figure.data[0].text[1][0]


def test_differences_are_marked_on_their_side():
    old, new = marked("the quick fox", "the slow fox & dog")
    assert old == "the <del>quick</del> fox"
    assert new == "the <ins>slow</ins> fox<ins> &amp; dog</ins>"
    assert marked("same", "same") == ("same", "same")
    assert marked("", "new") == ("", "<ins>new</ins>")


def test_long_answers_are_compared_by_line():
    lines = [f"line {i} of an answer\n" for i in range(600)]
    changed = [*lines[:300], "another\n", *lines[301:]]
    old, new = marked("".join(lines), "".join(changed))
    assert old.count("<del>") == 1
    assert "<ins>another\n</ins>" in new


def test_a_page_without_texts_shows_the_values():
    rows = pd.DataFrame({"key": ["a"], "baseline": [100.0], "current": [300.0]})
    page = changed_page(rows, title="Changed", baseline="v1", current="v2", note="1 of 1")
    assert "a: 100 → 300" in page
    assert "<script" not in page
