"""A picture of a plotly figure as SVG, for pages without JavaScript, for print, for a first sight.

It draws the kinds of traces that this package makes: ``scatter``, ``bar``, ``histogram``,
``waterfall`` and ``heatmap``, with error bars, bands, shapes, annotations, subplots, second axes,
linear, logarithmic, date and category axes. Text takes the colour of the page around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rca.plots.theme import HEIGHT
from rca.report.html.plotly_json import layout_of, plain, text_lines, title_of, traces_of
from rca.report.html.svg import arrange, boxes, frame, points
from rca.report.html.svg.bars import BAR_KINDS, histogram_as_bars, is_horizontal
from rca.report.html.svg.panel import Panel
from rca.report.html.svg.text import attr, color, text

WIDTH: Final = 820
DRAWN: Final = frozenset({"scatter", "scattergl", "bar", "histogram", "waterfall", "heatmap"})


def undrawn(figure: Mapping[str, Any]) -> list[str]:
    """Return the kinds of traces of a figure that :func:`render` leaves out.

    Examples
    --------
    >>> undrawn({"data": [{"type": "bar"}, {"type": "pie"}]})
    ['pie']
    """
    return sorted({trace["type"] for trace in traces_of(figure)} - DRAWN)


def render(figure: Mapping[str, Any], *, label: str | None = None) -> str:
    """Return a plotly figure as an SVG element.

    Parameters
    ----------
    figure : mapping
        ``data`` and ``layout`` as ``figure.to_plotly_json()`` or a notebook holds them. Typed
        arrays of plotly 6 and later are understood. Nulls break a line and leave a bar or cell out.

    label : str, optional
        What a screen reader says; by default the title of the figure.

    Returns
    -------
    str
        One ``<svg>``, every text escaped. Traces of other kinds are left out: :func:`undrawn`
        names them. More than 1,500 points are thinned to what differs by a pixel.

    Examples
    --------
    >>> picture = render({"data": [{"type": "bar", "x": ["eu"], "y": [3]}], "layout": {}})
    >>> picture.count("<rect")
    1
    """
    full = plain(figure)
    layout = layout_of(full)
    traces = [_as_drawn(trace) for trace in traces_of(full) if trace["type"] in DRAWN]
    title = text_lines((layout.get("title") or {}).get("text")) if layout.get("title") else []
    entries = _legend_entries(traces, layout)
    rows = max((row for _, row in frame.legend_places(entries, WIDTH - 20)), default=-1) + 1
    head = 18.0 + 20 * len(title) + 18 * rows
    height = float(layout.get("height") or HEIGHT)
    groups = arrange.subplots(traces)
    scales = arrange.scales_of(groups, layout)
    paper = arrange.paper_of(scales, groups, layout, width=WIDTH, height=height, head=head)
    panels = {ids: arrange.panel_of(ids, scales, layout, paper) for ids in groups}
    shapes = layout.get("shapes") or []
    parts = [
        *(text(4, 18 + 20 * i, line, class_="title", limit=100) for i, line in enumerate(title)),
        frame.legend(entries, 4.0, 16.0 + 20 * len(title), WIDTH - 20),
        *(frame.axes(panel, layout, ids) for ids, panel in panels.items()),
        *(frame.shape(s, panels, paper) for s in shapes if s.get("layer") == "below"),
        *(_marks(groups[ids], panel, layout, ids) for ids, panel in panels.items()),
        *(frame.shape(s, panels, paper) for s in shapes if s.get("layer") != "below"),
        *(frame.annotation(note, panels, paper) for note in layout.get("annotations") or []),
    ]
    sheet = attr(viewBox=f"0 0 {WIDTH} {height:.0f}", role="img")
    sheet += attr(
        aria_label=label or title_of(layout) or "chart", font_size=12, fill="currentColor"
    )
    return f'<svg class="rca-svg"{sheet}>{"".join(parts)}</svg>'


def _as_drawn(trace: dict[str, Any]) -> dict[str, Any]:
    return histogram_as_bars(trace) if trace["type"] == "histogram" else trace


def _marks(
    traces: Sequence[Mapping[str, Any]],
    panel: Panel,
    layout: Mapping[str, Any],
    ids: tuple[str, str],
) -> str:
    parts = []
    for trace in traces:
        if trace["type"] == "heatmap":
            parts.append(boxes.heatmap(trace, panel, layout))
            parts.append(frame.color_bar(trace, layout, panel))
    upright = [trace for trace in traces if trace["type"] in BAR_KINDS]
    if upright:
        position = panel.y if is_horizontal(upright[0]) else panel.x
        parts.append(boxes.bars(arrange.bars_in(upright, layout, position), panel))
    edge: list[tuple[float, float]] = []
    for trace in traces:
        if trace["type"] in ("scatter", "scattergl"):
            svg, edge = points.scatter(trace, panel, edge)
            parts.append(svg)
    marks = "".join(parts)
    if not any((layout.get(frame.axis_key(name)) or {}).get("range") for name in ids):
        return marks
    box = {"x": panel.left, "y": panel.top, "width": panel.width, "height": panel.height}
    view = f"{panel.left:.1f} {panel.top:.1f} {panel.width:.1f} {panel.height:.1f}"
    return f"<svg{attr(**box, viewBox=view)}>{marks}</svg>"


def _legend_entries(
    traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    named = [trace for trace in traces if trace["type"] not in ("heatmap",)]
    shown = [trace for trace in named if trace.get("showlegend") is not False]
    asked = layout.get("showlegend", any(trace.get("showlegend") for trace in named))
    if not shown or layout.get("showlegend") is False or (len(named) < 2 and not asked):
        return []
    entries = []
    for position, trace in enumerate(shown):
        name = " ".join(text_lines(trace.get("name"))) or f"trace {position}"
        entries.append((name, _legend_color(trace), _legend_kind(trace)))
    return list(dict.fromkeys(entries))


def _legend_color(trace: Mapping[str, Any]) -> str:
    for part in ("line", "marker"):
        given = (trace.get(part) or {}).get("color")
        if isinstance(given, str) and (trace["type"] not in BAR_KINDS or part == "marker"):
            return color(given)
    return color(trace.get("fillcolor") or trace["_color"])


def _legend_kind(trace: Mapping[str, Any]) -> str:
    mode = str(trace.get("mode") or "lines")
    filled = str(trace.get("fill") or "none") != "none"
    if trace["type"] in BAR_KINDS or (filled and not (trace.get("line") or {}).get("width", 2)):
        return "box"
    return "line" if "lines" in mode else "point"
