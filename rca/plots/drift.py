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


def sides(table: pd.DataFrame, *, column: str, ordered: bool, title: str = "") -> go.Figure:
    """Return one column's cells on both sides.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cell`` (words), ``baseline`` and ``current`` (shares), in the order to be shown.
    ordered : bool
        Whether cells are bins of a number, drawn as columns; categories are drawn as bars.
    """
    import plotly.graph_objects as go

    shown = table if ordered else table.head(_MOST).iloc[::-1]
    figure = go.Figure()
    pairs = (("baseline", theme.BASELINE), ("current", theme.CURRENT))
    for side, colour in pairs if ordered else reversed(pairs):
        cells, shares = shown["cell"].tolist(), shown[side].tolist()
        figure.add_trace(
            go.Bar(
                x=cells if ordered else shares,
                y=shares if ordered else cells,
                orientation="v" if ordered else "h",
                marker={"color": colour},
                name=side,
                hovertemplate=f"{side}: %{{{'y' if ordered else 'x'}:.2%}}"
                f"<br>%{{{'x' if ordered else 'y'}}}<extra></extra>",
            )
        )
    value, cell = (figure.update_yaxes, figure.update_xaxes)
    if not ordered:
        value, cell = cell, value
    value(title="share of rows", tickformat=".0%", rangemode="tozero")
    cell(title=column, type="category")
    figure.update_layout(barmode="group", legend={"traceorder": "normal"})
    return theme.apply(figure, title=title, height=None if ordered else 150 + 30 * len(shown))


def onsets(table: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Return since when each drifted column is another one, with its 90 % interval."""
    import plotly.graph_objects as go

    shown = table[table["onset"].notna()].sort_values("onset", ascending=False).tail(_MOST)
    low, at, high = (
        shown[name].dt.tz_localize(None).tolist() for name in ("onset_low", "onset", "onset_high")
    )
    names = shown["column"].tolist()
    figure = go.Figure(
        go.Scatter(
            x=[time for pair in zip(low, high, strict=True) for time in (*pair, None)],
            y=[part for name in names for part in (name, name, None)],
            mode="lines",
            line={"color": theme.CURRENT, "width": 5},
            opacity=0.5,
            name="90 % interval",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=at,
            y=names,
            mode="markers",
            marker={"size": 10, "color": theme.CURRENT},
            customdata=shown[["fault_text"]].to_numpy().tolist(),
            hovertemplate="%{y}: since %{x}<br>%{customdata[0]}<extra></extra>",
            name="onset",
        )
    )
    figure.update_xaxes(title="time (UTC)", type="date")
    figure.update_yaxes(type="category")
    return theme.apply(figure, title=title, height=max(240, 140 + 26 * len(shown)))
