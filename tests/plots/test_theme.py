import itertools
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from rca.plots import theme

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_formula_on_known_pair():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
@pytest.mark.parametrize("colour", [*theme.COLORWAY, theme.TEXT])
def test_every_colour_stands_out_in_light_and_dark(colour, background):
    assert contrast(colour, background) >= (3.0 if colour != theme.TEXT else 4.0)


@pytest.mark.parametrize("matrix", [np.eye(3), *map(np.array, BLINDNESS.values())])
def test_first_four_series_differ_without_colour_vision(matrix):
    seen = [lab(matrix @ linear(colour)) for colour in theme.COLORWAY[:4]]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 14


def test_baseline_and_current_are_far_apart_for_everyone():
    for matrix in map(np.array, BLINDNESS.values()):
        one, other = (lab(matrix @ linear(c)) for c in (theme.BASELINE, theme.CURRENT))
        assert np.linalg.norm(one - other) > 40


def test_own_settings_of_a_figure_win_over_the_theme():
    figure = go.Figure(go.Scatter(y=[1, 2]), layout={"height": 200, "showlegend": True})
    figure.update_layout(margin={"l": 5}, title={"text": "mine"})
    theme.apply(figure)
    assert (figure.layout.height, figure.layout.margin.l) == (200, 5)
    assert figure.layout.title.text == "mine"


def test_json_is_small_and_carries_the_palette():
    figure = theme.apply(go.Figure(go.Heatmap(z=[[1, 2]])), title="t")
    text = figure.to_json()
    assert len(text) < 3000
    assert json.loads(text)["layout"]["template"]["layout"]["colorway"] == list(theme.COLORWAY)


def test_layout_is_new_each_time():
    theme.layout()["xaxis"]["gridcolor"] = "red"
    assert theme.layout()["xaxis"]["gridcolor"] == theme.GRID
