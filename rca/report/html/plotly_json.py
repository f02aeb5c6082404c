"""Read a plotly figure from its JSON: typed arrays, template and colours resolved."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from rca.plots.theme import COLORWAY

TAG: Final = re.compile(
    r"</?(?:b|i|u|s|em|strong|sub|sup|span|a|br)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
"""Tags that plotly understands in a text; any other stays text, as it does there."""
BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)


def plain(value: Any) -> Any:
    """Return JSON with every typed array (``{"dtype", "bdata", "shape"}``) as nested lists.

    plotly 6 and later write numpy data this way. An array that cannot be decoded becomes an empty
    list, as the browser would draw nothing for it.

    Examples
    --------
    >>> plain({"y": {"dtype": "i1", "bdata": "AQID"}})
    {'y': [1, 2, 3]}
    """
    if isinstance(value, Mapping):
        if "bdata" in value and "dtype" in value:
            return _decoded(value)
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def merged(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` overlaid by ``top``, mappings merged key by key.

    Examples
    --------
    >>> merged({"font": {"size": 12, "color": "grey"}}, {"font": {"size": 20}})
    {'font': {'size': 20, 'color': 'grey'}}
    """
    result = dict(base)
    for key, value in top.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merged(old, value)
        result[key] = value
    return result


def layout_of(figure: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout of a figure laid over the layout of its template."""
    own = figure.get("layout") or {}
    template = (own.get("template") or {}).get("layout") or {}
    axes = {key for key in own if re.fullmatch(r"[xy]axis\d*", key)}
    shared = {key: template.get(key[0] + "axis") or {} for key in axes}
    return merged(
        {**template, **shared}, {key: value for key, value in own.items() if key != "template"}
    )


def traces_of(figure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the visible traces, each with its ``type`` and ``_color`` filled in."""
    colorway = layout_of(figure).get("colorway") or COLORWAY
    traces = []
    for position, trace in enumerate(figure.get("data") or []):
        if trace.get("visible", True) is not True:
            continue
        color = colorway[position % len(colorway)]
        traces.append({"type": "scatter", **trace, "_color": color})
    return traces


def title_of(part: Mapping[str, Any] | None) -> str:
    """Return the title of a layout, an axis or a colour bar as plain text.

    Examples
    --------
    >>> title_of({"title": {"text": "<b>Errors</b><br>by region"}})
    'Errors by region'
    """
    title = (part or {}).get("title")
    text = title.get("text") if isinstance(title, Mapping) else title
    return " ".join(text_lines(text))


def text_lines(text: object) -> list[str]:
    """Return the lines of plotly's pseudo-HTML text, its tags dropped and entities resolved.

    Examples
    --------
    >>> text_lines("<i>p</i> &lt; 0.05<br>n = 40")
    ['p < 0.05', 'n = 40']
    >>> text_lines("<script>x</script>")
    ['<script>x</script>']
    """
    if text is None:
        return []
    lines = BREAK.split(str(text))
    return [html.unescape(TAG.sub("", line)).strip() for line in lines]


def _decoded(value: Mapping[str, Any]) -> Any:
    try:
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]))
        if "shape" in value:
            shape = value["shape"]
            parts = shape.split(",") if isinstance(shape, str) else np.atleast_1d(shape)
            array = array.reshape([int(part) for part in parts])
    except (binascii.Error, TypeError, ValueError):
        return []
    return array.tolist()
