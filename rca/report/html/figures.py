"""A plotly figure in the report: a picture at once, live once in sight, and its numbers."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rca.plots.theme import HEIGHT
from rca.report.html import static_svg
from rca.report.html.plotly_json import merged, plain, title_of, traces_of
from rca.report.html.svg.points import xy_of
from rca.report.html.svg.scales import category_key, formatted

TITLE_ROOM: Final = 32
"""Pixels that a figure is lower because its title stands above it, as text of the page."""
MAX_TABLE: Final = 60
"""Up to so many points a figure also carries its numbers as a table."""
COMPACT: Final[dict[str, Any]] = {
    "separators": (",", ":"),
    "ensure_ascii": False,
    "default": str,
}
MAX_SUBSTITUTE: Final = 500
"""Up to so many rows stand in the table that replaces a trace no picture is made of."""
LIVE: Final = static_svg.DRAWN | {
    "box", "violin", "pie", "sunburst", "treemap", "icicle", "funnel", "indicator", "table",
    "contour", "histogram2d", "histogram2dcontour", "candlestick", "ohlc", "scatterpolar",
    "barpolar", "sankey",
}  # fmt: skip
"""Kinds that plotly.js draws without WebGL, code made at run time, or a map from a server."""


def render(figure: Mapping[str, Any], number: int) -> str:
    """Return a figure as HTML that reads the same with JavaScript off.

    Parameters
    ----------
    figure : mapping
        ``data``, ``layout`` and ``config`` as a notebook holds them.
    number : int
        The place of the figure in the report, from 1: its identifier.
    """
    full = plain(figure)
    layout = full.get("layout") or {}
    title = title_of(layout)
    name = html.escape(title or f"Figure {number}")
    untitled = {**full, "layout": {k: v for k, v in layout.items() if k != "title"}}
    kinds = {trace["type"] for trace in traces_of(full)}
    live = "" if kinds - LIVE else _live(figure, number)
    still, numbers = _still(untitled, title or f"Figure {number}")
    height = float(layout.get("height") or HEIGHT) - (TITLE_ROOM if title else 0)
    caption = f"<figcaption>{name}</figcaption>" if title else ""
    space = f'<div class="rca-live" hidden style="height:{height:.0f}px"></div>' if live else ""
    return (
        f'<figure class="rca-figure" aria-label="{name}">{caption}{space}'
        f'<div class="rca-static">{still}</div>'
        f"{live}{numbers}</figure>"
    )


def json_in_html(value: object) -> str:
    """Return JSON that may stand inside a script element.

    Examples
    --------
    >>> json_in_html({"a": "</script>"})
    '{"a":"\\\\u003c/script>"}'
    """
    try:
        text = json.dumps(value, allow_nan=False, **COMPACT)
    except ValueError:
        text = json.dumps(_finite(value), **COMPACT)
    for character in ("<", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a plain table, escaped, numbers to six digits."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{html.escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _still(figure: Mapping[str, Any], label: str) -> tuple[str, str]:
    """Return picture and numbers; a figure that is not sound plotly JSON must not stop a report."""
    try:
        drawable = {trace["type"] for trace in traces_of(figure)} & static_svg.DRAWN
        picture = static_svg.render(figure, label=label) if drawable else ""
        return picture + _substitute(figure), _numbers(figure)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return '<p class="rca-missing">[no picture could be made of this figure]</p>', ""


def _finite(value: object) -> object:
    """Return JSON with ``null`` for numbers that JSON has not: NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _live(figure: Mapping[str, Any], number: int) -> str:
    data = [_without_webgl(trace) for trace in figure.get("data") or []]
    own = figure.get("layout") or {}
    layout = {k: v for k, v in own.items() if k not in ("width", "height", "title")}
    if title_of(own) and "t" not in (own.get("margin") or {}):
        layout["margin"] = {**(own.get("margin") or {}), "t": 76 - TITLE_ROOM}
    config = figure.get("config") or {}
    kept = {key: config[key] for key in ("scrollZoom", "staticPlot") if key in config}
    spec = json_in_html({"data": data, "layout": layout, "config": kept})
    return (
        f'<script type="application/json" class="rca-spec" id="rca-spec-{number}">{spec}</script>'
    )


def _without_webgl(trace: Mapping[str, Any]) -> dict[str, Any]:
    return merged(trace, {"type": "scatter"}) if trace.get("type") == "scattergl" else dict(trace)


def _numbers(figure: Mapping[str, Any]) -> str:
    rows = [row for trace in traces_of(figure) for row in _rows(trace)]
    if not 0 < len(rows) <= MAX_TABLE or {t["type"] for t in traces_of(figure)} - static_svg.DRAWN:
        return ""
    width = max(map(len, rows))
    header = ["series", "x", "y", "z"][:width]
    filled = [[*row, *[None] * (width - len(row))] for row in rows]
    return (
        '<details class="rca-numbers"><summary>Numbers of this figure</summary>'
        f'<div class="rca-scroll">{table("Points drawn", header, filled)}</div></details>'
    )


def _rows(trace: Mapping[str, Any]) -> list[list[object]]:
    name = str(trace.get("name") or "")
    if trace["type"] == "histogram":
        return []
    if trace["type"] == "heatmap":
        z = trace.get("z") or []
        xs = trace.get("x") or list(range(max(map(len, z), default=0)))
        ys = trace.get("y") or list(range(len(z)))
        return [
            [name, x, y, value]
            for y, row in zip(ys, z, strict=False)
            for x, value in zip(xs, row, strict=False)
        ]
    return [[name, x, y] for x, y in xy_of(trace)]


def _substitute(figure: Mapping[str, Any]) -> str:
    tables = []
    for trace in traces_of(figure):
        if trace["type"] in static_svg.DRAWN:
            continue
        columns = {key: value for key, value in trace.items() if _is_column(value)}
        n = max(map(len, columns.values()), default=0)
        rows = [
            [value[i] if i < len(value) else None for value in columns.values()]
            for i in range(min(n, MAX_SUBSTITUTE))
        ]
        more = f", first {MAX_SUBSTITUTE} of {n}" if n > MAX_SUBSTITUTE else ""
        caption = f"Points of the {trace['type']} chart {trace.get('name') or ''}".strip() + more
        tables.append(f'<div class="rca-scroll">{table(caption, list(columns), rows)}</div>')
    return "".join(tables)


def _is_column(value: object) -> bool:
    return isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return formatted(value) if abs(value) < 0.001 and value else format(value, ".6g")
    return category_key(value)
