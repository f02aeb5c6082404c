"""What all widgets have in common: a result, the call behind it, one status line, a static face."""

from __future__ import annotations

import html
import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ipywidgets as w
import traitlets as t

from rca.errors import RCAError
from rca.model.render import table_html
from rca.model.result import Result
from rca.report.html import static_svg
from rca.report.html.plotly_json import plain, title_of
from rca.widgets.callbar import ToolbarCall
from rca.widgets.live import Live, later

if TYPE_CHECKING:
    import plotly.graph_objects as go

Progress = Callable[[str], None]
_STALE = "This view no longer hears the kernel. Run the cell again to bring it up to date."
#: The face follows the choices when nobody has clicked for so long.
_FACE_AFTER_S = 1.5


class Panel(w.VBox):  # type: ignore[misc]
    """Controls over verbs with one ``result``.

    Attributes
    ----------
    result : Result
        What is shown, as the verb returned it.
    code : str
        The call that computes it again.
    static_html : str
        The same as plain HTML; what an exported notebook shows.
    """

    result = t.Any(None)
    static_html = t.Unicode("").tag(sync=True)

    def __init__(self, title: str, children: Sequence[w.Widget]) -> None:
        self.title = title
        self.status = w.HTML()
        self.callbar = ToolbarCall()
        self._mark = f"rca-face-{uuid4().hex[:12]}"
        self._handle: Any = None
        self._pending: Any = None
        head = w.HTML(
            f"<style>.{self._mark}{{display:none}}</style><h3>{html.escape(self.title)}</h3>"
        )
        super().__init__([head, self.status, *children, self.callbar])
        self.add_class("rca-panel")
        for view in _views(children):
            view.observe(self._note_stale, "stale")

    @property
    def code(self) -> str:
        """The call that computes the result again."""
        return str(self.callbar.code)

    def show(self, result: Result, code: str) -> None:
        """Take a result and the call behind it."""
        self.result = result
        self.callbar.code = code
        self._refresh()

    def figures(self) -> Sequence[go.Figure]:
        """Return the figures of the static face."""
        return (self.result.plot(),)

    def details(self) -> str:
        """Return further HTML of the static face: what was chosen."""
        return ""

    def face(self) -> str:
        """Return the widget as plain HTML: sentence, caveats, table, pictures and call."""
        if self.result is None:
            return f"<h3>{html.escape(self.title)}</h3>"
        pictures = "".join(map(picture, self.figures()))
        return (
            f"<section><h3>{html.escape(self.title)}</h3>{self.result._repr_html_()}{pictures}"
            f"{self.details()}<pre>{html.escape(self.code)}</pre></section>"
        )

    @contextmanager
    def guard(self, doing: str) -> Iterator[Progress]:
        """Say what is being done, and show what goes wrong in the widget.

        JupyterLab shows exceptions of callbacks nowhere: here is their edge.
        """
        since = perf_counter()

        def progress(text: str) -> None:
            words = f"{doing}: {text}" if text else doing
            self.status.value = (
                f'<div role="status"><progress aria-label="{html.escape(doing)}"></progress> '
                f"{html.escape(words)} …</div>"
            )

        progress("")
        try:
            yield progress
        except RCAError as error:
            self.status.value = alert(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of the widget
            self.status.value = alert(f"{type(error).__name__}: {error}", traceback.format_exc())
        else:
            self.status.value = _said(f"{doing}: done in {perf_counter() - since:.1f} s")

    def _note_stale(self, change: Any) -> None:
        self.status.value = alert(_STALE) if change["new"] else ""

    def _refresh(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        if not self.static_html:
            self._set_face()
            return
        self._pending = later(_FACE_AFTER_S, self._set_face)

    def _set_face(self) -> None:
        self._pending = None
        self.static_html = self.face()
        if self._handle is not None:
            self._handle.update(self._twin(), raw=True)

    def _twin(self) -> dict[str, str]:
        shown = f'<div class="{self._mark}">{self.static_html}</div>'
        return {"text/html": shown, "text/plain": str(self.result)}

    def _ipython_display_(self) -> None:
        """Show the widget, and beside it the same as plain output for whoever has no kernel.

        JupyterLab shows "model not found" for a saved widget, whatever else its output holds. While
        the widget lives it hides its twin.
        """
        from IPython.display import display

        view = {
            "text/plain": str(self.result),
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            },
        }
        display(view, raw=True, metadata={"rca_twin": "below"})  # type: ignore[no-untyped-call]
        handle = display(self._twin(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handle = handle

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_()
        return {**bundle, "text/html": self.static_html, "text/plain": str(self.result)}

    def __str__(self) -> str:
        return str(self.result)


def picture(figure: go.Figure) -> str:
    """Return a figure as an SVG picture with its title above."""
    content = plain(json.loads(figure.to_json()))
    layout = content.get("layout") or {}
    title = title_of(layout)
    untitled = {**content, "layout": {k: v for k, v in layout.items() if k != "title"}}
    drawn = static_svg.render(untitled, label=title or "chart")
    caption = f"<figcaption>{html.escape(title)}</figcaption>"
    return f'<figure style="margin:8px 0">{caption}{drawn}</figure>'


def alert(text: str, trace: str = "") -> str:
    """Return an error as a reader should see it, at once."""
    more = f"<details><summary>traceback</summary><pre>{html.escape(trace)}</pre></details>"
    return f'<div role="alert">{html.escape(text)}{more if trace else ""}</div>'


def numbers(row: Any, meanings: Mapping[str, str], *, caption: str) -> str:
    """Return one row of a result as a table of what each number is, folded."""
    import pandas as pd

    values = [value.item() if hasattr(value, "item") else value for value in row.values]
    table = pd.DataFrame({"what": [meanings[name] for name in row.index], "value": values})
    shown = table_html(table.astype(object), rows=len(table))
    return f"<details open><summary>{html.escape(caption)}</summary>{shown}</details>"


def wrap(*children: w.Widget) -> w.Box:
    """Return children side by side where there is room, one below the other where not."""
    return w.Box(list(children), layout=w.Layout(flex_flow="row wrap", width="100%"))


def part(*children: w.Widget, width: str = "420px", grow: int = 1) -> w.VBox:
    """Return a column that is at least so wide, or as wide as a narrower page."""
    layout = w.Layout(flex=f"{grow} 1 {width}", min_width="0", max_width="100%", padding="0 6px")
    return w.VBox(list(children), layout=layout)


def _said(text: str) -> str:
    return f'<div role="status">{html.escape(text)}</div>'


def _views(children: Sequence[w.Widget]) -> Iterator[Live]:
    for child in children:
        if isinstance(child, Live):
            yield child
        yield from _views(getattr(child, "children", ()))
