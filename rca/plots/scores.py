"""Pictures of scores: their distributions by label, and whether they come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rca.plots import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from rca.stats.calibration import Calibration

Array = NDArray[np.float64]
_COLOURS = (theme.BASELINE, theme.CURRENT)
_DASHES = ("solid", "dash")


def score_distributions(
    edges: Array,
    counts: Array,
    thresholds: tuple[float, float],
    *,
    names: tuple[str, str],
) -> go.Figure:
    """Return the share of rows scored at or above each score, by side and label.

    Parameters
    ----------
    edges : array, shape (bins - 1,)
        Scores between bins.
    counts : array, shape (2 sides, 2 labels, bins)
        Rows.
    thresholds : tuple of float
        Where each side calls rows positive; drawn as lines.
    names : tuple of str
        What to call the sides.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for side, name in enumerate(names):
        for label, dash in ((1, _DASHES[0]), (0, _DASHES[1])):
            rows = counts[side, label]
            above = 100 * (1 - np.cumsum(rows)[:-1] / max(rows.sum(), 1))
            figure.add_scatter(
                x=edges.tolist(),
                y=above.tolist(),
                mode="lines",
                line={"color": _COLOURS[side], "dash": dash, "shape": "hv"},
                name=f"{theme.literal(name)}, label {label}",
                hovertemplate="%{y:.1f}% at %{x:.4g} or above",
            )
        if np.isfinite(thresholds[side]):
            line = {"color": _COLOURS[side], "width": 1, "dash": "dot"}
            figure.add_vline(x=thresholds[side], line=line)
    figure.update_xaxes(title={"text": "score (dotted: thresholds)"})
    figure.update_yaxes(title={"text": "share of rows at or above (%)"}, range=[0, 100])
    return theme.apply(figure, title="Scores by label: share at or above each score")


def reliability(
    calibrations: tuple[Calibration, Calibration], *, names: tuple[str, str]
) -> go.Figure:
    """Return the share of positives against the mean score, with Wilson's intervals."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": theme.LINE, "dash": "dot"},
        name="as said",
        hoverinfo="skip",
    )
    for side, (name, of) in enumerate(zip(names, calibrations, strict=True)):
        figure.add_scatter(
            x=of.said.tolist(),
            y=of.seen.tolist(),
            mode="lines+markers",
            name=theme.literal(name),
            line={"color": _COLOURS[side]},
            marker={"symbol": ("circle", "diamond")[side], "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (of.high - of.seen).tolist(),
                "arrayminus": (of.seen - of.low).tolist(),
            },
            customdata=of.n.reshape(-1, 1).tolist(),
            hovertemplate="said %{x:.3f}, seen %{y:.3f}, n = %{customdata[0]:,}",
        )
    figure.update_xaxes(title={"text": "mean score"})
    figure.update_yaxes(title={"text": "share of positives"})
    return theme.apply(figure, title="Calibration: do scores come true as often as they say?")
