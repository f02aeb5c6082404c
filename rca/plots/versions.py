"""Pictures of a version diff: shifts with intervals, and which answers changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_COLOURS = {
    "regressed": theme.WORSE,
    "improved": theme.BETTER,
    "no_regression": theme.COLORWAY[2],
    "cannot_tell": theme.NEUTRAL,
}
_SYMBOLS = {
    "regressed": "triangle-down",
    "improved": "triangle-up",
    "no_regression": "circle",
    "cannot_tell": "circle-open",
}
MOST_ROWS = 40
_LONGEST = 60


def forest(
    table: pd.DataFrame,
    *,
    title: str,
    unit: str,
    worse: str,
    margin: float | None = None,
    names: Mapping[str, str] | None = None,
) -> go.Figure:
    """Return shifts with their 95 % intervals, one line each, coloured by verdict.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns label, shift, low, high, verdict and n; at most the first 40 rows are drawn.
    title, unit : str
        The sentence above, and the unit of the shift; a ``share`` is drawn in points.
    worse : {"up", "down", "both"}
        The bad direction, told on the axis.
    margin : float, optional
        Drawn as a dotted line on the bad side.
    names : mapping, optional
        What the legend calls a verdict.
    """
    import plotly.graph_objects as go

    scale, shown_unit = (100.0, "points") if unit == "share" else (1.0, unit)
    shown = table.head(MOST_ROWS).iloc[::-1].reset_index(drop=True)
    names_shown = [_label(text) for text in shown["label"]]
    figure = go.Figure()
    for verdict, colour in _COLOURS.items():
        part = shown[shown["verdict"] == verdict]
        if part.empty:
            continue
        x = (scale * part["shift"]).tolist()
        figure.add_scatter(
            x=x,
            y=part.index.tolist(),
            mode="markers",
            name=(names or {}).get(verdict, verdict.replace("_", " ")),
            marker={"color": colour, "symbol": _SYMBOLS[verdict], "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (scale * (part["high"] - part["shift"])).tolist(),
                "arrayminus": (scale * (part["shift"] - part["low"])).tolist(),
                "color": colour,
            },
            customdata=[[names_shown[i], int(part["n"][i])] for i in part.index],
            hovertemplate="%{customdata[0]}<br>shift %{x:.4g} "
            + shown_unit
            + "<br>n = %{customdata[1]:,}",
        )
    figure.add_vline(x=0, line={"color": theme.LINE, "width": 1})
    for sign in {"up": (1,), "down": (-1,)}.get(worse, (-1, 1)):
        if margin is not None:
            line = {"color": theme.WORSE, "width": 1, "dash": "dot"}
            figure.add_vline(x=sign * scale * margin, line=line)
    better = {"up": ", less is better", "down": ", more is better"}.get(worse, "")
    figure.update_xaxes(title={"text": f"shift ({shown_unit}{better})".replace("()", "")})
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=names_shown)
    figure.update_layout(showlegend=True)
    return theme.apply(figure, title=theme.literal(title), height=160 + 26 * max(4, len(shown)))


def discordance(
    counts: tuple[int, int, int, int], *, title: str, baseline: str, current: str
) -> go.Figure:
    """Return the two-by-two matrix of pairs: 1 on both sides, only before, only after, neither."""
    import plotly.graph_objects as go

    both, fell, rose, neither = counts
    n = max(1, sum(counts))
    z = [[neither, rose], [fell, both]]
    text = [[f"{value:,}<br>{value / n:.1%}" for value in row] for row in z]
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=["0", "1"],
            y=["0", "1"],
            text=text,
            texttemplate="%{text}",
            colorscale=[list(stop) for stop in theme.SEQUENTIAL],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="before: %{y}<br>after: %{x}<br>%{z:,} pairs<extra></extra>",
        )
    )
    figure.update_xaxes(title={"text": _label(current)}, type="category", showgrid=False)
    figure.update_yaxes(title={"text": _label(baseline)}, type="category", showgrid=False)
    return theme.apply(figure, title=theme.literal(title))


def _label(text: object) -> str:
    shown = str(text)
    return theme.literal(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…")
