"""What stands around the marks: axes, grid, shapes, annotations, legend, colour bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from rca.report.html.plotly_json import text_lines, title_of
from rca.report.html.svg.boxes import heat_scale
from rca.report.html.svg.panel import Panel
from rca.report.html.svg.points import dash_of, symbol
from rca.report.html.svg.scales import formatted
from rca.report.html.svg.text import attr, color, color_at, text, width_of

LABEL_LIMIT: Final = 30
GRID: Final = 'class="grid"'


def axes(panel: Panel, layout: Mapping[str, Any], ids: tuple[str, str]) -> str:
    """Return grid, tick labels and titles of the two axes of a subplot."""
    x_axis, y_axis = (layout.get(axis_key(name)) or {} for name in ids)
    over = bool(y_axis.get("overlaying"))
    return ("" if over else _x_axis(panel, x_axis)) + _y_axis(panel, y_axis)


def axis_key(name: str) -> str:
    """Return the layout's name of an axis.

    Examples
    --------
    >>> axis_key("x"), axis_key("y2")
    ('xaxis', 'yaxis2')
    """
    return f"{name[0]}axis{name[1:]}"


def shape(spec: Mapping[str, Any], panels: Mapping[tuple[str, str], Panel], paper: Panel) -> str:
    """Return the SVG of a line or rectangle; other shapes are left out."""
    panel = _panel_of(spec, panels, paper)
    xs = [_place(panel, paper, spec, "x", spec.get(end)) for end in ("x0", "x1")]
    ys = [_place(panel, paper, spec, "y", spec.get(end)) for end in ("y0", "y1")]
    if spec.get("type") not in ("line", "rect") or None in xs or None in ys:
        return ""
    line = spec.get("line") or {}
    look = {
        "stroke": color(line.get("color")),
        "stroke_width": line.get("width", 2),
        "stroke_dasharray": dash_of(line),
        "opacity": spec.get("opacity"),
    }
    (x0, x1), (y0, y1) = ([float(v or 0) for v in pair] for pair in (xs, ys))
    if spec["type"] == "line":
        return f"<line{attr(x1=x0, y1=y0, x2=x1, y2=y1, **look)}/>"
    box = {"x": min(x0, x1), "y": min(y0, y1), "width": abs(x1 - x0), "height": abs(y1 - y0)}
    return f"<rect{attr(**box, **look, fill=color(spec.get('fillcolor'), 'none'))}/>"


def annotation(
    spec: Mapping[str, Any], panels: Mapping[tuple[str, str], Panel], paper: Panel
) -> str:
    """Return the SVG of an annotation: its lines of text, and its pointer."""
    panel = _panel_of(spec, panels, paper)
    x = _place(panel, paper, spec, "x", spec.get("x"))
    y = _place(panel, paper, spec, "y", spec.get("y"))
    lines = text_lines(spec.get("text"))
    if spec.get("visible") is False or x is None or y is None or not any(lines):
        return ""
    parts = []
    if spec.get("showarrow", True):
        ay = spec.get("ay")
        ax, ay = x + float(spec.get("ax") or 0), y + float(-30 if ay is None else ay)
        parts.append(f"<line{attr(x1=ax, y1=ay, x2=x, y2=y, stroke='currentColor')}/>")
        x, y = ax, ay
    x, y = x + (spec.get("xshift") or 0), y - (spec.get("yshift") or 0)
    anchor = _anchor(spec, x, paper, max(map(width_of, lines)))
    y += {"top": 14, "bottom": -4 - 14 * (len(lines) - 1)}.get(
        str(spec.get("yanchor")), 4 - 7 * (len(lines) - 1)
    )
    ink = color((spec.get("font") or {}).get("color"))
    parts += [
        text(x, y + 14 * i, words, fill=ink, text_anchor=anchor, class_="note", limit=90)
        for i, words in enumerate(lines)
    ]
    return "".join(parts)


def legend(entries: Sequence[tuple[str, str, str]], left: float, top: float, width: float) -> str:
    """Return the legend: ``entries`` are name, colour and ``line``, ``point`` or ``box``."""
    parts = []
    for (name, ink, kind), (x, row) in zip(entries, legend_places(entries, width), strict=True):
        x, y = left + x, top + row * 18
        if kind == "box":
            parts.append(f"<rect{attr(x=x, y=y - 9, width=14, height=10, fill=color(ink))}/>")
        elif kind == "point":
            parts.append(symbol("circle", x + 7, y - 4, 8, ink))
        else:
            mark = {"stroke": color(ink), "stroke_width": 2.5}
            parts.append(f"<line{attr(x1=x, x2=x + 16, y1=y - 4, y2=y - 4, **mark)}/>")
        parts.append(text(x + 21, y, name, limit=LABEL_LIMIT))
    return "".join(parts)


def legend_places(entries: Sequence[tuple[str, str, str]], width: float) -> list[tuple[float, int]]:
    """Return the left edge and the row of each entry of a legend."""
    places, x, row = [], 0.0, 0
    for name, _, _ in entries:
        need = width_of(name[:LABEL_LIMIT]) + 38
        if x and x + need > width:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += need
    return places


def color_bar(trace: Mapping[str, Any], layout: Mapping[str, Any], panel: Panel) -> str:
    """Return the colour bar of a heat map, to the right of its subplot."""
    shared = layout.get(trace.get("coloraxis") or "") or {}
    if trace.get("showscale") is False or shared.get("showscale") is False:
        return ""
    stops, low, high = heat_scale(trace, layout)
    spec = trace.get("colorbar") or shared.get("colorbar") or {}
    x, n = panel.left + panel.width + 14, 24
    step = panel.height / n
    parts = []
    for i in range(n):
        fill = color_at(stops, 1 - (i + 0.5) / n)
        parts.append(
            f"<rect{attr(x=x, y=panel.top + i * step, width=12, height=step + 0.5, fill=fill)}/>"
        )
    for share in (0.0, 0.5, 1.0):
        words = formatted(low + (high - low) * share, spec.get("tickformat") or ".3")
        parts.append(text(x + 17, panel.top + (1 - share) * panel.height + 4, words))
    parts.append(text(x, panel.top - 9, title_of(spec), limit=14))
    return "".join(parts)


def x_labels_tilt(panel: Panel) -> bool:
    """Tell whether the labels of the horizontal axis would overlap when written flat."""
    edges = sorted(
        (panel.x.fraction(n) * panel.width, width_of(label[:LABEL_LIMIT]))
        for n, label in panel.x.ticks
    )
    pairs = pairwise(edges)
    return any(b[0] - a[0] < (a[1] + b[1]) / 2 + 6 for a, b in pairs)


def _x_axis(panel: Panel, axis: Mapping[str, Any]) -> str:
    foot = panel.top + panel.height
    if axis.get("visible") is False:
        return ""
    parts = [f"<path {GRID}{attr(d=f'M{panel.left:.1f} {foot:.1f}h{panel.width:.1f}')}/>"]
    tilt = x_labels_tilt(panel)
    every = max(1, round(len(panel.x.ticks) * 14 / panel.width)) if tilt else 1
    depth = 0.0
    for number, label in panel.x.ticks[::every]:
        x = panel.left + panel.x.fraction(number) * panel.width
        if axis.get("showgrid", True) and panel.x.kind != "category":
            parts.append(f"<path {GRID}{attr(d=f'M{x:.1f} {panel.top:.1f}v{panel.height:.1f}')}/>")
        words = " ".join(text_lines(label))
        turn = f"rotate(-38 {x:.1f} {foot + 16:.1f})" if tilt else None
        side = "end" if tilt else "middle"
        parts.append(text(x, foot + 16, words, text_anchor=side, transform=turn, limit=LABEL_LIMIT))
        depth = max(depth, width_of(words[:LABEL_LIMIT]) * 0.62 if tilt else 0)
    middle = panel.left + panel.width / 2
    parts.append(text(middle, foot + 36 + depth, title_of(axis), text_anchor="middle"))
    return "".join(parts)


def _y_axis(panel: Panel, axis: Mapping[str, Any]) -> str:
    if axis.get("visible") is False:
        return ""
    right = axis.get("side") == "right"
    edge = panel.left + panel.width if right else panel.left
    parts, widest = [], 0.0
    for number, label in panel.y.ticks:
        y = panel.along(number, horizontal=False)
        if axis.get("showgrid", True) and panel.y.kind != "category" and not axis.get("overlaying"):
            parts.append(f"<path {GRID}{attr(d=f'M{panel.left:.1f} {y:.1f}h{panel.width:.1f}')}/>")
        words = " ".join(text_lines(label))
        x, side = (edge + 6, "start") if right else (edge - 6, "end")
        parts.append(text(x, y + 4, words, text_anchor=side, limit=LABEL_LIMIT))
        widest = max(widest, width_of(words[:LABEL_LIMIT]))
    title = title_of(axis)
    x = edge + widest * 1.15 + 22 if right else edge - widest * 1.15 - 16
    y = panel.top + panel.height / 2
    turn = f"rotate(-90 {x:.1f} {y:.1f})"
    parts.append(text(x, y, title, text_anchor="middle", transform=turn) if title else "")
    return "".join(parts)


def _panel_of(
    spec: Mapping[str, Any], panels: Mapping[tuple[str, str], Panel], paper: Panel
) -> Panel:
    wanted = [str(spec.get(ref) or "paper").split(" ")[0] for ref in ("xref", "yref")]
    for (x_id, y_id), panel in panels.items():
        if wanted[0] in (x_id, "paper") and wanted[1] in (y_id, "paper"):
            return panel
    return paper


def _place(
    panel: Panel, paper: Panel, spec: Mapping[str, Any], axis: str, value: Any
) -> float | None:
    ref = str(spec.get(f"{axis}ref") or "paper")
    if ref != "paper" and not ref.endswith(" domain"):
        return panel.px(value) if axis == "x" else panel.py(value)
    frame = paper if ref == "paper" else panel
    share = 0.5 if value is None else float(value)
    if axis == "x":
        return frame.left + share * frame.width
    return frame.top + (1 - share) * frame.height


def _anchor(spec: Mapping[str, Any], x: float, paper: Panel, width: float) -> str:
    given = {"left": "start", "right": "end", "center": "middle"}.get(str(spec.get("xanchor")))
    if given:
        return given
    if x + width / 2 > paper.left + paper.width:
        return "end"
    return "start" if x - width / 2 < 0 else "middle"
