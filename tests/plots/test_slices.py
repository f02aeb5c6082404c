from __future__ import annotations

import pandas as pd
import pytest
from rca.plots.slices import forest, treemap, waterfall


def test_a_waterfall_leads_from_one_value_to_the_other() -> None:
    table = pd.DataFrame({"slice": ["eu", "us"], "rate": [-0.06, 0.0], "mix": [-0.052, -0.088]})
    figure = waterfall(table, by="region", unit="share", title="t", start=0.82, end=0.62)
    rate, mix, ends = figure.data
    assert list(rate.base) == pytest.approx([82.0, 70.8])
    assert list(rate.y) == pytest.approx([-6.0, 0.0])
    assert list(mix.base) == pytest.approx([76.0, 70.8])
    assert mix.base[-1] + mix.y[-1] == pytest.approx(ends.y[1])
    low, high = figure.layout.yaxis.range
    assert low < 62 < 82 < high


def test_many_slices_are_one_last_step() -> None:
    table = pd.DataFrame(
        {"slice": [str(i) for i in range(30)], "rate": [1.0] * 30, "mix": [0.5] * 30}
    )
    figure = waterfall(table, by="tenant", unit="ms", title="t", start=100, end=145)
    assert figure.data[0].x[-1] == "20 others"
    assert figure.data[0].y[-1] == pytest.approx(20)
    assert sum(figure.data[0].y) + sum(figure.data[1].y) == pytest.approx(45)


def test_a_forest_shows_intervals_about_the_shift() -> None:
    table = pd.DataFrame({"rule": ["a=1"], "shift": [0.1], "ci": [(0.05, 0.2)]})
    (points,) = forest(table, unit="share", title="t").data
    assert points.x[0] - points.error_x.arrayminus[0] == pytest.approx(5)
    assert points.x[0] + points.error_x.array[0] == pytest.approx(20)


def test_a_treemap_of_slices_and_the_rest_is_all_rows() -> None:
    table = pd.DataFrame({"rule": ["a=1", "rest"], "n_current": [10, 90], "shift": [3.0, -1.0]})
    (areas,) = treemap(table, unit="ms", title="t", shift=-0.6, worse="down").data
    assert areas.marker.reversescale
    assert list(areas["values"]) == [100, 10, 90]
    assert areas.marker.cmid == 0 and areas.marker.cmax == 3
