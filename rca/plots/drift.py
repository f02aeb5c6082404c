"""Figures of drift: columns ranked by effect, one column on both sides, onsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_MOST = 25


def ranked(table: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Return columns by effect size, each with its own noise floor."""
    import plotly.graph_objects as go

    shown = table.head(_MOST).iloc[::-1]
    colours = [theme.CURRENT if moved else theme.NEUTRAL for moved in shown["drifted"]]
    figure = go.Figure(
        go.Bar(
            x=shown["effect_size"].tolist(),
            y=shown["column"].tolist(),
            orientation="h",
            marker={"color": colours},
            name="effect size",
            customdata=shown[["fault_text", "q_value"]].to_numpy().tolist(),
            hovertemplate="%{y}: w = %{x:.3g}<br>%{customdata[0]}<br>q = %{customdata[1]:.2g}"
            "<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=shown["noise"].tolist(),
            y=shown["column"].tolist(),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 14, "color": theme.TEXT},
            name="noise: exceeded by chance and days in 1 of 100",
            hovertemplate="%{y}: noise %{x:.3g}<extra></extra>",
        )
    )
    figure.update_xaxes(title="effect size (Cohen's w)", rangemode="tozero")
    figure.update_yaxes(type="category")
    return theme.apply(figure, title=title, height=max(260, 120 + 24 * len(shown)))
