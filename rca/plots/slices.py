"""Figures of slices: what each adds to a shift, and how far each moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_SHOWN = 12


def waterfall(table: pd.DataFrame, *, by: str, unit: str, title: str) -> go.Figure:
    """Return the rate and mix effects of the largest slices, side by side, the rest as one."""
    import plotly.graph_objects as go

    shown = table.head(_SHOWN)
    rest = table.iloc[_SHOWN:]
    labels = [str(value) for value in shown["slice"]]
    rate, mix = list(shown["rate"]), list(shown["mix"])
    if len(rest):
        labels.append(f"{len(rest)} others")
        rate.append(float(rest["rate"].sum()))
        mix.append(float(rest["mix"].sum()))
    factor, suffix = (100.0, "points") if unit == "share" else (1.0, unit)
    figure = go.Figure()
    for name, values, color in (
        ("its own change", rate, theme.CURRENT),
        ("its change of share", mix, theme.BASELINE),
    ):
        figure.add_bar(
            x=[factor * value for value in values],
            y=labels,
            name=name,
            orientation="h",
            marker_color=color,
        )
    figure.update_layout(barmode="relative")
    figure.update_yaxes(autorange="reversed", title_text=by, type="category")
    figure.update_xaxes(title_text=f"adds to the shift, {suffix}".rstrip(", "), zeroline=True)
    return theme.apply(figure, title=title, height=160 + 28 * len(labels))


def forest(table: pd.DataFrame, *, unit: str, title: str) -> go.Figure:
    """Return each slice's shift with its 95 % interval."""
    import plotly.graph_objects as go

    shown = table.head(_SHOWN)
    factor, suffix = (100.0, "points") if unit == "share" else (1.0, unit)
    shift = factor * shown["shift"].to_numpy(dtype=float)
    low, high = (np.array([factor * ci[i] for ci in shown["ci"]], dtype=float) for i in (0, 1))
    figure = go.Figure()
    figure.add_scatter(
        x=shift,
        y=[str(rule) for rule in shown["rule"]],
        mode="markers",
        marker={"size": 10, "color": theme.CURRENT},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": high - shift,
            "arrayminus": shift - low,
            "color": theme.CURRENT,
        },
        name="shift with 95 % interval",
        showlegend=False,
    )
    figure.add_vline(x=0, line_color=theme.LINE)
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(title_text=f"shift of the slice, {suffix}".rstrip(", "))
    return theme.apply(figure, title=title, height=180 + 32 * max(1, len(shown)))
