"""Each output of a notebook cell as one piece of safe HTML."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from nbconvert.filters import ansi2html, markdown2html

from rca.report.html import figures
from rca.report.html.sanitize import clean
from rca.report.html.widgets import SavedWidgets

PLOTLY: Final = "application/vnd.plotly.v1+json"
WIDGET: Final = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE: Final = "application/vnd.jupyter.widget-state+json"
PICTURES: Final = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
SHOWS: Final = re.compile(r"<(?:img|svg|progress|meter|input|hr)\b", re.IGNORECASE)
STYLE: Final = re.compile(r"<style\b.*?</style>", re.DOTALL | re.IGNORECASE)
TWIN: Final = "rca_twin"
"""Metadata of a widget of our own that is followed by the same as a plain output."""
LIVE_ONLY: Final = '<p class="rca-missing">[a control of the live notebook]</p>'


class Outputs:
    """Turns outputs into HTML and numbers the figures among them.

    Parameters
    ----------
    widget_state : mapping
        The widget models saved in the notebook.
    folder : Path, optional
        Where pictures with a relative address are looked up.
    """

    def __init__(self, widget_state: Mapping[str, Any], folder: Path | None) -> None:
        self.n_figures = 0
        self._folder = folder
        self._widgets = SavedWidgets(widget_state, self.figure, self.all)

    def figure(self, figure: Mapping[str, Any]) -> str:
        """Return one plotly figure."""
        self.n_figures += 1
        return figures.render(figure, self.n_figures)

    def all(self, outputs: Iterable[Mapping[str, Any]]) -> str:
        """Return several outputs, one below the other; empty ones leave nothing."""
        return "".join(part for output in outputs if (part := self.one(output)))

    def one(self, output: Mapping[str, Any]) -> str:
        """Return one output in the richest form that needs neither kernel nor network."""
        kind = output.get("output_type")
        if kind == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return _pre(_overwritten(_joined(output.get("text"))), f"rca-{name}")
        if kind == "error":
            lines = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
            return _pre("\n".join(map(str, lines)), "rca-error")
        return self._display(output.get("data") or {}, output.get("metadata") or {})

    def _display(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        if isinstance(data.get(PLOTLY), Mapping):
            return self.figure(data[PLOTLY])
        if WIDGET in data and metadata.get(TWIN):
            return ""
        markup = clean(_joined(data.get("text/html")), self._folder)
        if _says_something(markup):
            return f'<div class="rca-html">{markup}</div>'
        if WIDGET in data:
            widget = self._widgets.html(str((data[WIDGET] or {}).get("model_id")))
            if widget is not None:
                return widget
        if data.get("text/markdown"):
            return clean(markdown2html(_joined(data["text/markdown"])), self._folder)
        for mime in PICTURES:
            if data.get(mime):
                return _picture(
                    mime, _joined(data[mime]), metadata, _joined(data.get("text/plain"))
                )
        text = _joined(data.get("text/plain") or data.get("text/latex"))
        if WIDGET in data:
            return LIVE_ONLY
        return _pre(text, "rca-text") if text and not data.get("text/html") else ""


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _overwritten(text: str) -> str:
    """Keep of each line what a terminal would show after carriage returns."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def _pre(text: str, name: str) -> str:
    return f'<pre class="{name}" tabindex="0">{_coloured(text)}</pre>' if text.strip() else ""


def _coloured(text: str) -> str:
    return str(ansi2html(text))  # type: ignore[no-untyped-call]


def _says_something(markup: str) -> bool:
    seen = STYLE.sub("", markup)
    return bool(SHOWS.search(seen) or re.sub(r"<[^>]*>", "", seen).strip())


def _picture(mime: str, content: str, metadata: Mapping[str, Any], text: str) -> str:
    if mime == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    hints = metadata.get(mime) if isinstance(metadata.get(mime), Mapping) else {}
    alt = (hints or {}).get("alt") or metadata.get("alt") or text[:200] or "picture"
    source = re.sub(r"[^A-Za-z0-9+/=]", "", content)
    return (
        f'<img class="rca-picture" alt="{html.escape(str(alt))}" src="data:{mime};base64,{source}">'
    )
