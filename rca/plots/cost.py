"""Pictures of money: the steps of a change of spend, and prices over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def waterfall(table: pd.DataFrame, *, baseline: float, current: float) -> go.Figure:
    """Return the spend before, a step for each part, and the spend now, in dollars per hour.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns model, part, shift, low and high; the rows of ``(all)`` are drawn.
    baseline, current : float
        Dollars per hour.
    """
    import plotly.graph_objects as go

    parts = table[table["model"] == "(all)"]
    steps = parts["shift"].tolist()
    figure = go.Figure(
        go.Waterfall(
            x=["baseline", *parts["part"], "current"],
            y=[baseline, *steps, current],
            measure=["absolute", *["relative"] * len(steps), "total"],
            text=[f"{baseline:.4g}", *(f"{step:+.4g}" for step in steps), f"{current:.4g}"],
            customdata=[
                "",
                *(
                    "" if low != low else f"95 % CI {low:+.4g} to {high:+.4g}"
                    for low, high in zip(parts["low"], parts["high"], strict=True)
                ),
                "",
            ],
            hovertemplate="%{x}: %{text} USD per hour<br>%{customdata}<extra></extra>",
            increasing={"marker": {"color": theme.WORSE}},
            decreasing={"marker": {"color": theme.BETTER}},
            totals={"marker": {"color": theme.NEUTRAL}},
            connector={"line": {"color": theme.LINE, "width": 1}},
        )
    )
    figure.update_yaxes(title="USD per hour", rangemode="tozero")
    return theme.apply(figure, title="What moved spend")


def price_lines(table: pd.DataFrame, *, factor: float) -> go.Figure:
    """Return each model's price over its usual one, in time, with the band that is no jump.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns model, start, ratio, usual and n.
    factor : float
        Half the width of the band, as a factor.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_hrect(y0=1 / factor, y1=factor, fillcolor=theme.BASELINE_FILL, line_width=0)
    for place, (model, of) in enumerate(table.groupby("model", sort=True)):
        figure.add_scatter(
            x=of["start"],
            y=of["ratio"] / of["usual"],
            mode="lines+markers",
            name=theme.literal(model),
            line={"color": theme.COLORWAY[place % len(theme.COLORWAY)]},
            customdata=of[["n"]],
            hovertemplate="%{x}: %{y:.3g} times, n = %{customdata[0]:,}",
        )
    figure.update_yaxes(title="times the usual price", type="log")
    return theme.apply(figure, title="Implied price per token")
