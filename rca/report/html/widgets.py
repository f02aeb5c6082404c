"""Saved ipywidgets as plain HTML: what was shown and chosen, without dead controls."""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from rca.report.html.sanitize import clean

BOXES: Final = {
    "VBoxModel": "rca-column",
    "BoxModel": "rca-column",
    "StackModel": "rca-column",
    "HBoxModel": "rca-row",
    "GridBoxModel": "rca-row",
}
SILENT: Final = ("ButtonModel", "FileUploadModel", "PlayModel", "ControllerModel")
MAX_DEPTH: Final = 20
STATIC_TRAIT: Final = "static_html"
"""A synced trait in which a widget of our own keeps the HTML that stands for it in a report."""


class SavedWidgets:
    """The widgets whose state a notebook has saved.

    Parameters
    ----------
    state : mapping
        From model identifier to its saved model.
    figure : callable
        Renders a plotly figure.
    outputs : callable
        Renders the outputs that an ``Output`` widget has captured.
    """

    def __init__(
        self,
        state: Mapping[str, Any],
        figure: Callable[[Mapping[str, Any]], str],
        outputs: Callable[[list[Mapping[str, Any]]], str],
    ) -> None:
        self._models = {key: _with_buffers(model) for key, model in state.items()}
        self._figure = figure
        self._outputs = outputs

    def html(self, model_id: str, depth: int = 0) -> str | None:
        """Return a widget as HTML, ``None`` when its state was not saved or says nothing."""
        model = self._models.get(str(model_id).removeprefix("IPY_MODEL_"))
        if model is None or depth > MAX_DEPTH:
            return None
        kind, state = str(model.get("model_name")), model.get("state") or {}
        figure = _figure_of(kind, state)
        if figure is not None:
            return self._figure(figure)
        if state.get(STATIC_TRAIT):
            return clean(str(state[STATIC_TRAIT]))
        if kind in BOXES:
            return self._box(BOXES[kind], state, depth)
        if kind in ("TabModel", "AccordionModel"):
            return self._tabs(state, depth)
        if kind == "OutputModel":
            return self._outputs(list(state.get("outputs") or []))
        return "" if kind in SILENT else _leaf(kind, state)

    def _children(self, state: Mapping[str, Any], depth: int) -> list[str]:
        return [self.html(child, depth + 1) or "" for child in state.get("children") or []]

    def _box(self, name: str, state: Mapping[str, Any], depth: int) -> str:
        return f'<div class="{name}">{"".join(self._children(state, depth))}</div>'

    def _tabs(self, state: Mapping[str, Any], depth: int) -> str:
        titles = list(state.get("titles") or [])
        parts = []
        for place, inside in enumerate(self._children(state, depth)):
            title = titles[place] if place < len(titles) and titles[place] else f"Part {place + 1}"
            parts.append(
                f'<details open class="rca-tab"><summary>{html.escape(str(title))}</summary>'
                f"{inside}</details>"
            )
        return "".join(parts)


def _leaf(kind: str, state: Mapping[str, Any]) -> str | None:
    label = str(state.get("description") or "").rstrip(": ")
    if kind in ("HTMLModel", "HTMLMathModel"):
        lead = f"<span>{html.escape(label)}: </span>" if label else ""
        return f"<div>{lead}{clean(str(state.get('value') or ''))}</div>"
    if kind == "LabelModel":
        return f"<div>{html.escape(str(state.get('value') or ''))}</div>"
    shown = _chosen(state)
    if shown is None:
        return None
    lead = f"<span>{html.escape(label)}:</span> " if label else ""
    return f'<div class="rca-chosen">{lead}<b>{html.escape(shown)}</b></div>'


def _chosen(state: Mapping[str, Any]) -> str | None:
    options, index = state.get("_options_labels"), state.get("index")
    if options is not None:
        chosen = index if isinstance(index, (list, tuple)) else [] if index is None else [index]
        return ", ".join(str(options[i]) for i in chosen if 0 <= i < len(options)) or "none"
    if "value" not in state:
        return None
    value = state["value"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " to ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _figure_of(kind: str, state: Mapping[str, Any]) -> dict[str, Any] | None:
    for data, layout in (("_widget_data", "_widget_layout"), ("_data", "_layout")):
        if data in state and (kind == "FigureModel" or data == "_widget_data"):
            return {"data": _arrays(state[data]), "layout": _arrays(state.get(layout) or {})}
    return None


def _with_buffers(model: Mapping[str, Any]) -> dict[str, Any]:
    """Put the binary parts of a saved state back where they were taken out."""
    state = _copied(model.get("state") or {})
    for buffer in model.get("buffers") or []:
        place: Any = state
        path = list(buffer.get("path") or [])
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = buffer["data"]
        except (IndexError, KeyError, TypeError):
            continue
    return {**model, "state": state}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, (list, tuple)) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, Mapping):
        content = value.get("buffer", value.get("value"))
        if "dtype" in value and isinstance(content, str):
            return _array(value, content)
        return {key: _arrays(item) for key, item in value.items()}
    return [_arrays(item) for item in value] if isinstance(value, list) else value


def _array(spec: Mapping[str, Any], content: str) -> list[Any]:
    try:
        array = np.frombuffer(base64.b64decode(content), dtype=np.dtype(spec["dtype"]))
        values: list[Any] = array.reshape(spec.get("shape") or [-1]).tolist()
    except (binascii.Error, TypeError, ValueError):
        return []
    return values
