"""A plotly figure that answers: clicks, selections, zoom and windows one can drag.

plotly's own ``FigureWidget`` sends its whole library with every figure; here a page asks for
plotly.js once.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import traitlets as t

from rca.widgets.live import Live, module

if TYPE_CHECKING:
    import plotly.graph_objects as go


@cache
def _packed() -> bytes:
    """Return plotly.js of the installed plotly, deflated."""
    from plotly.offline import get_plotlyjs

    return zlib.compress(get_plotlyjs().encode(), 6)


def _version() -> str:
    import plotly

    return str(plotly.__version__)


class FigView(Live):
    """A live plotly figure.

    Attributes
    ----------
    figure : str
        The figure as plotly's JSON; set it with :meth:`update`.
    clicked, selected : dict
        ``points`` of the last click and of the last box or lasso: curve, index, x, y, customdata.
    zoomed : dict
        ``range`` of the x axis that a reader has zoomed to; None for all of it.
    ranges : list of dict
        Windows with handles, in milliseconds since 1970: key, label, low, high, fill, line.
    step_ms : float
        How far an arrow key moves a handle.
    label : str
        What a screen reader says.
    """

    _esm = module("figview.js")
    figure = t.Unicode("{}").tag(sync=True)
    label = t.Unicode("chart").tag(sync=True)
    clicked = t.Dict().tag(sync=True)
    selected = t.Dict().tag(sync=True)
    zoomed = t.Dict().tag(sync=True)
    ranges: Any = t.List().tag(sync=True)
    step_ms = t.Float(60_000.0).tag(sync=True)
    plotly_version = t.Unicode().tag(sync=True)

    def __init__(self, figure: go.Figure, **traits: Any) -> None:
        super().__init__(
            figure=figure.to_json(), label=_label(figure), plotly_version=_version(), **traits
        )
        self.on_msg(self._answer)

    def update(self, figure: go.Figure) -> None:
        """Draw another figure in the same place."""
        text = figure.to_json()
        if text != self.figure:
            with self.hold_sync():
                self.figure, self.label = text, _label(figure)
                self.touch()

    def _answer(self, _: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("ask") == "plotly":
            self.send({"plotly": self.plotly_version}, [_packed()])


def _label(figure: go.Figure) -> str:
    return str(figure.layout.title.text or "chart")
