"""The picture of a watch: hourly shares beside their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def watch_figure(hours: pd.DataFrame, table: pd.DataFrame) -> go.Figure:
    """Return each objective's hourly share as a line with markers, and its limit, dashed.

    Parameters
    ----------
    hours : pandas.DataFrame
        Columns objective, start, value and n.
    table : pandas.DataFrame
        Columns objective and limit, one row an objective.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(table.to_dict("records")):
        colour = theme.COLORWAY[place % len(theme.COLORWAY)]
        of = hours[hours["objective"] == row["objective"]]
        name = theme.literal(row["objective"])
        figure.add_scatter(
            x=of["start"],
            y=of["value"],
            mode="lines+markers",
            name=name,
            line={"color": colour},
            customdata=of[["n"]],
            hovertemplate="%{x}: %{y:.2%}, n = %{customdata[0]:,.0f}",
        )
        if len(of):
            figure.add_scatter(
                x=[of["start"].iloc[0], of["start"].iloc[-1]],
                y=[row["limit"]] * 2,
                mode="lines",
                name=f"limit of {name}",
                line={"color": colour, "dash": "dash", "width": 1},
                hovertemplate="limit %{y:.2%}",
            )
    figure.update_yaxes(title="share", tickformat=".2%", rangemode="tozero")
    return theme.apply(figure, title="Each hour after the fix")
