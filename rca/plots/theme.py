"""The look of every figure: quiet, the same in light and dark, told apart without colour vision.

A figure carries no background and no text colour that only suits one theme: both are transparent or
a grey that reads on white and on near black. A page that knows its own colours (a widget, an
exported report) may set them on top.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLORWAY: Final = ("#2e7ebb", "#d55e00", "#009e73", "#a8408e", "#a67c00", "#6f5fae", "#7f7f7f")
"""Colours of series in order: each has a contrast of 3 or more on white and on near black."""

BASELINE: Final = COLORWAY[0]
CURRENT: Final = COLORWAY[1]
WORSE: Final = COLORWAY[1]
BETTER: Final = COLORWAY[0]
NEUTRAL: Final = COLORWAY[6]
TEXT: Final = "#767676"
GRID: Final = "rgba(128,128,128,0.22)"
LINE: Final = "rgba(128,128,128,0.55)"

BASELINE_FILL: Final = "rgba(46,126,187,0.14)"
INCIDENT_FILL: Final = "rgba(213,94,0,0.14)"
"""Translucent bands for the two windows and for intervals around the two series."""

SEQUENTIAL: Final = ((0.0, "#e3eef7"), (0.35, "#8dbbe0"), (0.7, "#2e7ebb"), (1.0, "#0b3c66"))
DIVERGING: Final = (
    (0.0, "#0b4f86"),
    (0.25, "#6aa8d6"),
    (0.5, "#ececec"),
    (0.75, "#ee9a5f"),
    (1.0, "#a63f00"),
)
"""Blue (better, less) over grey to vermilion (worse, more); set ``zmid=0`` or ``cmid=0``."""

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT: Final = 380


def layout() -> dict[str, Any]:
    """Return the layout every figure starts from, as plain values.

    Returns
    -------
    dict
        Properties of ``plotly.graph_objects.Layout`` that exist under the same name in plotly 5.24
        and in plotly 7. A new dict each time: callers may change it.

    Examples
    --------
    >>> layout()["paper_bgcolor"]
    'rgba(0,0,0,0)'
    """
    axis = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": LINE,
        "tickcolor": LINE,
        "zeroline": False,
        "title": {"standoff": 10},
    }
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(COLORWAY),
        "colorscale": {
            "sequential": [list(stop) for stop in SEQUENTIAL],
            "sequentialminus": [list(stop) for stop in reversed_scale(SEQUENTIAL)],
            "diverging": [list(stop) for stop in DIVERGING],
        },
        "font": {"family": FONT, "size": 13, "color": TEXT},
        "title": {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 14},
            "font": {"size": 16},
        },
        "margin": {"l": 56, "r": 24, "t": 76, "b": 48},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": LINE, "activecolor": COLORWAY[0]},
        "bargap": 0.25,
        "xaxis": axis,
        "yaxis": {**axis, "title": {"standoff": 8}},
    }


def apply(figure: Figure, *, title: str | None = None, height: int | None = None) -> Figure:
    """Give a figure the look of this package; what the figure has set itself stays.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    title : str, optional
        Sentence above the figure, also the name a screen reader says in an exported report.
    height : int, optional
        Height in pixels; ``HEIGHT`` when neither this nor the figure's own height is given.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure, for chaining.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> figure = apply(go.Figure(go.Bar(x=["eu", "us"], y=[3, 1])), title="Errors by region")
    >>> figure.layout.title.text, figure.layout.height
    ('Errors by region', 380)
    """
    figure.layout.template = {"layout": layout()}
    if figure.layout.bargap is None and any(t.type == "histogram" for t in figure.data):
        figure.update_layout(bargap=0.03)
    height = height or figure.layout.height or HEIGHT
    if figure.layout.legend.y is None and any(
        _is_subplot_title(a) for a in figure.layout.annotations
    ):
        figure.update_layout(legend={"y": 1.02 + 22 / max(height - 124, 40)})
    if title is not None:
        figure.update_layout(title={"text": title})
    figure.update_layout(height=height)
    return figure


def literal(text: object) -> str:
    """Return text that a figure shows as it is; plotly would read ``<b>`` as a tag.

    Use it for every label that comes from data.

    Examples
    --------
    >>> literal("<b>7</b> & more")
    '&lt;b&gt;7&lt;/b&gt; &amp; more'
    """
    return html.escape(str(text), quote=False)


def reversed_scale(scale: tuple[tuple[float, str], ...]) -> tuple[tuple[float, str], ...]:
    """Return a colour scale turned round.

    Examples
    --------
    >>> reversed_scale(((0.0, "white"), (1.0, "black")))
    ((0.0, 'black'), (1.0, 'white'))
    """
    return tuple((1.0 - at, colour) for at, colour in reversed(scale))


def _is_subplot_title(annotation: Any) -> bool:
    return annotation.yref == "paper" and annotation.y is not None and annotation.y > 0.98
