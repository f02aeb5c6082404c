"""The metric over time, its onset, and the events in lanes below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rca.model.window import at

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_MOST_EVENTS = 200
_SHOWN = 0.02
_SERIES_PX, _LANES_PX, _LANE_PX, _FRAME_PX = 270, 105, 22, 145


def timeline_figure(
    *,
    times: Any,
    values: Any,
    errors: Any,
    title: str,
    unit: str,
    events: pd.DataFrame,
    onset: tuple[float, float, float] | None = None,
    windows: tuple[tuple[float, float], ...] = (),
    expected: Any = None,
    changes: Sequence[tuple[float, float, float]] = (),
) -> go.Figure:
    """Return a figure of a series with 95 % bars, its onset interval, and events by kind.

    Parameters
    ----------
    times, values, errors : arrays
        Middle of each bucket in seconds since 1970, the metric, and its standard error.
    events : pandas.DataFrame
        With ``event_id``, ``ts``, ``kind``, ``title`` and ``probability``.
    onset : (low, at, high), optional
        Seconds since 1970, 90 % interval.
    windows : of (start, end)
        The baseline and the incident window.
    expected : array, optional
        The seasonal expectation of the baseline.
    changes : of (low, at, high), optional
        Further changes of the series, with their 90 % intervals.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    from rca.plots import theme

    lanes = max(_LANES_PX, _LANE_PX * events["kind"][events["ts"].notna()].nunique())
    heights = [_SERIES_PX, lanes]
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.04
    )
    clock = [at(float(t)) for t in times]
    figure.add_trace(
        go.Scatter(
            x=clock,
            y=values,
            error_y=_bars(np.asarray(values, dtype=float), 1.96 * np.asarray(errors), unit),
            mode="lines+markers",
            marker={"size": 4, "color": theme.BASELINE},
            line={"width": 1, "color": theme.BASELINE},
            name=title,
        ),
        row=1,
        col=1,
    )
    if expected is not None:
        figure.add_trace(
            go.Scatter(
                x=clock,
                y=expected,
                mode="lines",
                line={"dash": "dot", "color": theme.NEUTRAL},
                name="expected from the season",
            ),
            row=1,
            col=1,
        )
    fills = (theme.BASELINE_FILL, theme.INCIDENT_FILL)
    for (start, end), fill in zip(windows, fills, strict=False):
        figure.add_vrect(
            x0=at(start), x1=at(end), fillcolor=fill, line_width=0, layer="below", row=1, col=1
        )
    for ends in changes:
        first, middle, last = map(at, ends)
        figure.add_vrect(x0=first, x1=last, fillcolor=theme.GRID, line_width=0, row=1, col=1)
        figure.add_vline(x=middle, line={"color": theme.NEUTRAL, "dash": "dot"}, row=1, col=1)
    if onset is not None:
        low, when, high = (at(t) for t in onset)
        figure.add_vrect(x0=low, x1=high, fillcolor=theme.LINE, line_width=0, row="all", col=1)
        figure.add_vline(x=when, line={"color": theme.WORSE, "width": 2}, row="all", col=1)
    _lanes(figure, events.dropna(subset=["ts"]).head(_MOST_EVENTS))
    figure.update_yaxes(title_text=unit or "value", row=1, col=1)
    figure.update_yaxes(type="category", tickmode="linear", tick0=0, dtick=1, row=2, col=1)
    figure.update_xaxes(title_text="time, UTC", row=2, col=1)
    figure.update_layout(
        title=title, height=_FRAME_PX + sum(heights), showlegend=expected is not None
    )
    theme.apply(figure)
    return figure


def ramps_figure(table: pd.DataFrame, *, title: str) -> go.Figure:
    """Return the shares of versions over time: columns ``ts``, ``version``, ``share``."""
    import plotly.graph_objects as go

    from rca.plots import theme

    figure = go.Figure()
    dashes = ("solid", "dash", "dot", "dashdot")
    for i, (version, part) in enumerate(table.groupby("version", sort=False)):
        figure.add_scatter(
            x=part["ts"].tolist(),
            y=part["share"].tolist(),
            mode="lines",
            line={"dash": dashes[i // len(theme.COLORWAY) % 4], "shape": "hv"},
            name=theme.literal(version),
        )
    figure.update_yaxes(title_text="share of rows", range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(title_text="time, UTC")
    return theme.apply(figure, title=title, height=280)


def _bars(values: Any, half: Any, unit: str) -> dict[str, Any]:
    """Return 95 % bars; those of a share end at 0 and 1."""
    low, high = values - half, values + half
    if unit == "share":
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    ends = {"array": high - values, "arrayminus": values - low, "symmetric": False}
    return ends | {"type": "data", "width": 0, "thickness": 1}


def _lanes(figure: go.Figure, events: pd.DataFrame) -> None:
    import plotly.graph_objects as go

    from rca.plots import theme

    likely = events["probability"].fillna(0.0) >= _SHOWN
    for part, color, name in (
        (events[~likely], theme.NEUTRAL, "unlikely"),
        (events[likely], theme.WORSE, "candidate"),
    ):
        figure.add_trace(
            go.Scatter(
                x=part["ts"].tolist(),
                y=part["kind"].tolist(),
                mode="markers",
                marker={
                    "symbol": "diamond" if name == "candidate" else "circle-open",
                    "size": (8 + 12 * part["probability"].fillna(0.0)).tolist(),
                    "color": color,
                },
                text=[_label(row) for row in part.to_dict("records")],
                hoverinfo="text",
                name=name,
                showlegend=False,
            ),
            row=2,
            col=1,
        )


def _label(row: Mapping[Any, Any]) -> str:
    from rca.plots.theme import literal

    title = literal(str(row["title"])[:120])
    return f"{literal(str(row['event_id']))}<br>{title}<br>{row['probability']:.1%}"
