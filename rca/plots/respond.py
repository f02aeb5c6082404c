"""Pictures of what is done after an incident: counts of outcomes, shares, seconds of a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def counts_figure(outcomes: pd.Series[str], *, title: str, unit: str = "cases") -> go.Figure:
    """Return how often each outcome occurs, as bars."""
    import plotly.graph_objects as go

    counts = outcomes.value_counts()
    figure = go.Figure(
        go.Bar(
            y=[theme.literal(name) for name in counts.index],
            x=counts.tolist(),
            orientation="h",
            marker={"color": theme.NEUTRAL},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figure.update_xaxes(title=unit)
    return theme.apply(figure, title=title)


def shares_figure(table: pd.DataFrame, *, title: str) -> go.Figure:
    """Return shares with their intervals: columns cases, share, low, high and n."""
    import plotly.graph_objects as go

    shown = table[table["n"] > 0]
    figure = go.Figure(
        go.Scatter(
            x=shown["share"],
            y=[theme.literal(name) for name in shown["cases"]],
            mode="markers",
            marker={"size": 9, "color": theme.CURRENT},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": shown["high"] - shown["share"],
                "arrayminus": shown["share"] - shown["low"],
            },
            customdata=shown[["n"]],
            hovertemplate="%{y}: %{x:.1%}, n = %{customdata[0]}<extra></extra>",
        )
    )
    figure.update_xaxes(title="share", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    return theme.apply(figure, title=title)


def seconds_figure(table: pd.DataFrame, *, budget_s: float, title: str) -> go.Figure:
    """Return the seconds of each step as one stacked bar: columns step and seconds."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(table.to_dict("records")):
        figure.add_bar(
            x=[row["seconds"]],
            y=[""],
            orientation="h",
            name=theme.literal(row["step"]),
            marker={"color": theme.COLORWAY[place % len(theme.COLORWAY)]},
            hovertemplate="%{x:.3f} s",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=f"seconds, of a budget of {budget_s:,.0f}")
    return theme.apply(figure, title=title, height=220)
