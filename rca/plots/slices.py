"""Figures of slices: what each adds to a shift, how far each moved, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rca.plots import theme

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_SHOWN = 10


def waterfall(
    table: pd.DataFrame, *, by: str, unit: str, title: str, start: float, end: float
) -> go.Figure:
    """Return the way from the baseline's value to the current one, slice by slice, rate and mix.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``slice``, ``rate`` and ``mix``, the largest first; those beyond ten are one step.
    by, unit, title : str
        The column, the unit of the parts, and the sentence above.
    start, end : float
        The two sides' values, in the unit of the parts.
    """
    import plotly.graph_objects as go

    factor, suffix = _scale(unit)
    labels, steps = _steps(table)
    figure = go.Figure()
    at = start
    for name, part, color in (
        ("its own change", "rate", theme.CURRENT),
        ("its change of share", "mix", theme.COLORWAY[2]),
    ):
        values = [step[part] for step in steps]
        bases = []
        for step in steps:
            bases.append(at if part == "rate" else at + step["rate"])
            at += step["rate"] + step["mix"]
        at = start
        figure.add_bar(
            x=labels,
            y=[factor * value for value in values],
            base=[factor * base for base in bases],
            name=name,
            marker_color=color,
            hovertemplate="%{x}: %{customdata:+.4g} " + suffix + "<extra>" + name + "</extra>",
            customdata=[factor * value for value in values],
        )
    figure.add_bar(
        x=["baseline", "current"],
        y=[factor * start, factor * end],
        name="value",
        marker_color=theme.NEUTRAL,
    )
    order = ["baseline", *labels, "current"]
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(
        categoryorder="array", categoryarray=order, type="category", title_text=by, tickangle=-30
    )
    seen = _reached(start, end, steps)
    room = 0.15 * (max(seen) - min(seen) or abs(end) or 1.0)
    ends = [factor * (min(seen) - room), factor * (max(seen) + room)]
    figure.update_yaxes(title_text=suffix, range=ends)
    return theme.apply(figure, title=title, height=420)


def _steps(table: pd.DataFrame) -> tuple[list[str], list[dict[str, float]]]:
    shown, rest = table.head(_SHOWN), table.iloc[_SHOWN:]
    labels = [str(value) for value in shown["slice"]]
    steps = [
        {"rate": float(rate), "mix": float(mix)}
        for rate, mix in zip(shown["rate"], shown["mix"], strict=True)
    ]
    if len(rest):
        labels.append(f"{len(rest)} others")
        steps.append({"rate": float(rest["rate"].sum()), "mix": float(rest["mix"].sum())})
    return labels, steps


def _reached(start: float, end: float, steps: Sequence[dict[str, float]]) -> list[float]:
    seen, at = [start, end], start
    for step in steps:
        seen += [at + step["rate"], at + step["rate"] + step["mix"]]
        at = seen[-1]
    return seen


def forest(table: pd.DataFrame, *, unit: str, title: str) -> go.Figure:
    """Return each slice's shift with its 95 % interval: columns ``rule``, ``shift`` and ``ci``."""
    import plotly.graph_objects as go

    shown = table.head(2 * _SHOWN)
    factor, suffix = _scale(unit, shift=True)
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


def treemap(
    table: pd.DataFrame, *, unit: str, title: str, shift: float, worse: str = "both"
) -> go.Figure:
    """Return rows as areas and shifts as colours: the slices found, and all other rows.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``rule``, ``n_current`` and ``shift``: disjoint slices that are all rows together.
    unit, title : str
        The unit of the shifts, and the sentence above.
    shift : float
        The whole's shift, the colour of all rows together.
    worse : {"up", "down", "both"}
        The bad direction: it gets the warm colours.
    """
    import plotly.graph_objects as go

    factor, suffix = _scale(unit, shift=True)
    labels = ["all rows", *map(str, table["rule"])]
    shifts = factor * np.array([shift, *table["shift"]], dtype=float)
    most = float(np.nanmax(np.abs(shifts))) or 1.0
    figure = go.Figure()
    figure.add_treemap(
        labels=labels,
        parents=["", *["all rows"] * len(table)],
        values=[int(table["n_current"].sum()), *map(int, table["n_current"])],
        branchvalues="total",
        marker={
            "colors": shifts.tolist(),
            "colorscale": [list(stop) for stop in theme.DIVERGING],
            "reversescale": worse == "down",
            "cmid": 0,
            "cmin": -most,
            "cmax": most,
            "colorbar": {"title": {"text": suffix}},
        },
        text=[f"{value:+.3g} {suffix}" for value in shifts],
        textinfo="label+text",
        hovertemplate="%{label}: %{text}, %{value:,} rows<extra></extra>",
    )
    return theme.apply(figure, title=title, height=420)


def _scale(unit: str, *, shift: bool = False) -> tuple[float, str]:
    """Return the factor and the word by which values of a unit are drawn."""
    if unit == "share":
        return 100.0, "points" if shift else "%"
    return 1.0, unit
