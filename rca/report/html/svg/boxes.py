"""Bars and the cells of heat maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rca.plots.theme import SEQUENTIAL
from rca.report.html.plotly_json import text_lines
from rca.report.html.svg.bars import Bar, item
from rca.report.html.svg.panel import Panel, error_bar, error_end
from rca.report.html.svg.scales import Scale, as_number
from rca.report.html.svg.text import (
    attr,
    color,
    color_at,
    colorscale,
    filled,
    ink_on,
    text,
    width_of,
)


def bars(spans: Iterable[Bar], panel: Panel) -> str:
    """Return the SVG of bars, with their labels and error bars."""
    return "".join(_bar(bar, panel) for bar in spans)


def heatmap(trace: Mapping[str, Any], panel: Panel, layout: Mapping[str, Any]) -> str:
    """Return the SVG of a heat map, its numbers written in when the trace asks for it."""
    rows = trace.get("z") or []
    stops, low, high = heat_scale(trace, layout)
    x_edges = cell_edges(trace.get("x"), max(map(len, rows), default=0), panel.x)
    y_edges = cell_edges(trace.get("y"), len(rows), panel.y)
    parts = []
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            number = as_number(value, "linear")
            if number is None or c + 1 >= len(x_edges) or r + 1 >= len(y_edges):
                continue
            box = panel.box(x_edges[c], y_edges[r], x_edges[c + 1], y_edges[r + 1])
            fill = color_at(stops, (number - low) / (high - low) if high > low else 0.5)
            parts.append(f"<rect{attr(**box, fill=fill, shape_rendering='crispEdges')}/>")
            words = _cell_text(trace, r, c, number)
            if words and width_of(words) < box["width"] + 4:
                x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 4
                parts.append(text(x, y, words, fill=ink_on(fill), text_anchor="middle"))
    return "".join(parts)


def heat_scale(
    trace: Mapping[str, Any], layout: Mapping[str, Any]
) -> tuple[Sequence[Sequence[Any]], float, float]:
    """Return the colour stops and the two ends of the values of a heat map."""
    shared = layout.get(trace.get("coloraxis") or "") or {}
    spec = {
        **trace,
        **{f"z{key[1:]}": v for key, v in shared.items() if key in ("cmin", "cmax", "cmid")},
    }
    default = (layout.get("colorscale") or {}).get("sequential") or SEQUENTIAL
    stops = colorscale(shared.get("colorscale") or trace.get("colorscale"), default)
    if spec.get("reversescale") or shared.get("reversescale"):
        stops = [[1 - at, name] for at, name in reversed(list(stops))]
    values = [
        n for row in trace.get("z") or [] for v in row if (n := as_number(v, "linear")) is not None
    ]
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = low if spec.get("zmin") is None else float(spec["zmin"])
    high = high if spec.get("zmax") is None else float(spec["zmax"])
    if spec.get("zmid") is not None and spec.get("zmin") is None:
        reach = max(abs(high - spec["zmid"]), abs(low - spec["zmid"]))
        low, high = spec["zmid"] - reach, spec["zmid"] + reach
    return stops, low, high


def cell_edges(centres: Sequence[Any] | None, n: int, scale: Scale) -> list[float]:
    """Return the ``n + 1`` borders of heat map cells, in numbers of the axis."""
    values = list(centres) if centres is not None else list(range(n))
    numbers = [number for value in values if (number := scale.number(value)) is not None]
    if len(numbers) == n + 1:
        return numbers
    if len(numbers) < 2:
        return [numbers[0] - 0.5, numbers[0] + 0.5] if numbers else []
    middles = [(a + b) / 2 for a, b in pairwise(numbers)]
    first, last = numbers[0] * 2 - middles[0], numbers[-1] * 2 - middles[-1]
    return [first, *middles, last]


def _bar(bar: Bar, panel: Panel) -> str:
    scale = panel.x if bar.horizontal else panel.y
    floor = min(scale.low, scale.high)
    base, end = (as_number(v, scale.kind) for v in (bar.base, bar.end))
    base, end = floor if base is None else base, floor if end is None else end
    sides = (bar.centre - bar.width / 2, bar.centre + bar.width / 2)
    corners = (base, sides[0], end, sides[1]) if bar.horizontal else (sides[0], base, sides[1], end)
    box = panel.box(*corners)
    marker = bar.trace.get("marker") or {}
    outline = marker.get("line") or {}
    opacity = item(marker.get("opacity"), bar.index) or bar.trace.get("opacity")
    look = attr(
        **box,
        fill=color(bar.color, "#7f7f7f"),
        opacity=opacity,
        stroke=color(item(outline.get("color"), bar.index), "none")
        if outline.get("width")
        else None,
    )
    error = _bar_error(bar, panel)
    return f"<rect{look}/>{error}{_bar_label(bar, box)}"


def _bar_error(bar: Bar, panel: Panel) -> str:
    axis = "x" if bar.horizontal else "y"
    spec = bar.trace.get(f"error_{axis}") or {}
    at = panel.along(bar.centre, horizontal=not bar.horizontal)
    ends = error_end(spec, bar.index, bar.end)
    return error_bar(panel, at, ends, axis=axis, ink=color(spec.get("color"), "currentColor"))


def _bar_label(bar: Bar, box: Mapping[str, float]) -> str:
    words = " ".join(text_lines(item(bar.trace.get("text"), bar.index)))
    template = item(bar.trace.get("texttemplate"), bar.index)
    if template:
        value = bar.end - bar.base
        names = {"x": value, "y": value, "value": value, "text": words, "label": words}
        words = " ".join(text_lines(filled(str(template), names)))
    where = str(item(bar.trace.get("textposition"), bar.index) or "auto")
    if not words or where == "none":
        return ""
    long = box["width"] if bar.horizontal else box["height"]
    need = width_of(words) + 8 if bar.horizontal else 16
    inside = where == "inside" or (where == "auto" and long > need)
    fill = ink_on(str(bar.color)) if inside else "currentColor"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 4
    if inside:
        return text(x, y, words, fill=fill, text_anchor="middle")
    down = bar.end < bar.base
    if bar.horizontal:
        x = box["x"] - 4 if down else box["x"] + box["width"] + 4
        return text(x, y, words, fill=fill, text_anchor="end" if down else "start")
    y = box["y"] + box["height"] + 13 if down else box["y"] - 4
    return text(x, y, words, fill=fill, text_anchor="middle")


def _cell_text(trace: Mapping[str, Any], r: int, c: int, number: float) -> str:
    template = trace.get("texttemplate")
    if not template:
        return ""
    words = item(item(trace.get("text"), r), c)
    return " ".join(text_lines(filled(str(template), {"z": number, "text": words})))
