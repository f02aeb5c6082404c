"""Lines, points, filled bands and error bars of scatter traces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from rca.plots.theme import SEQUENTIAL
from rca.report.html.plotly_json import text_lines
from rca.report.html.svg.bars import item
from rca.report.html.svg.panel import Panel, Point, error_bar, error_end
from rca.report.html.svg.scales import as_number
from rca.report.html.svg.text import attr, color, color_at, colorscale, text

DASHES: Final = {"dot": "2 3", "dash": "7 4", "longdash": "12 5", "dashdot": "7 3 2 3"}
MAX_POINTS: Final = 1500
Pixel = tuple[float | None, float | None]


def xy_of(trace: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the points of a trace; a missing coordinate counts up as plotly does."""
    xs, ys = trace.get("x"), trace.get("y")
    n = len(ys if ys is not None else xs or [])
    if xs is None:
        xs = [(trace.get("x0") or 0) + i * (trace.get("dx") or 1) for i in range(n)]
    if ys is None:
        ys = [(trace.get("y0") or 0) + i * (trace.get("dy") or 1) for i in range(n)]
    return list(zip(xs, ys, strict=False))


def scatter(trace: Mapping[str, Any], panel: Panel, below: list[Point]) -> tuple[str, list[Point]]:
    """Return the SVG of a scatter trace, and its line: the edge of a next ``tonexty`` fill."""
    points = xy_of(trace)
    pixels = [(panel.px(x), panel.py(y)) for x, y in points]
    runs = _runs(pixels, joined=bool(trace.get("connectgaps")))
    mode = trace.get("mode") or ("lines+markers" if len(points) < 20 else "lines")
    parts = [_band(trace, runs, panel, below)]
    if "lines" in mode:
        parts += [_line(trace, run) for run in runs]
    parts.append(_error_bars(trace, panel, points))
    if "markers" in mode:
        parts.append(_markers(trace, pixels))
    if "text" in mode:
        parts.append(_labels(trace, pixels))
    return "".join(parts), [point for run in runs for point in run]


def symbol(name: object, x: float, y: float, size: float, paint: str) -> str:
    """Return one marker; an ``-open`` one is an outline."""
    shape = str(name or "circle")
    ink = color(paint)
    look: dict[str, object] = {"fill": ink}
    if shape.endswith("-open") or shape in ("x-thin", "cross-thin", "line-ns", "line-ew"):
        look = {"fill": "none", "stroke": ink, "stroke_width": 1.5}
    r = size / 2
    outlines = {
        "square": f"M{x - r:.1f} {y - r:.1f}h{size:.1f}v{size:.1f}h{-size:.1f}z",
        "diamond": f"M{x:.1f} {y - r * 1.3:.1f}l{r * 1.3:.1f} {r * 1.3:.1f}l{-r * 1.3:.1f} "
        f"{r * 1.3:.1f}l{-r * 1.3:.1f} {-r * 1.3:.1f}z",
        "triangle-up": f"M{x:.1f} {y - r:.1f}l{r:.1f} {size:.1f}h{-size:.1f}z",
        "triangle-down": f"M{x:.1f} {y + r:.1f}l{r:.1f} {-size:.1f}h{-size:.1f}z",
        "line-ns": f"M{x:.1f} {y - r:.1f}v{size:.1f}",
        "line-ew": f"M{x - r:.1f} {y:.1f}h{size:.1f}",
    }
    crossed = f"M{x - r:.1f} {y - r:.1f}l{size:.1f} {size:.1f}m0 {-size:.1f}l{-size:.1f} {size:.1f}"
    base = shape.removesuffix("-open")
    if base in ("x", "x-thin", "cross", "cross-thin"):
        return f"<path{attr(d=crossed, stroke=ink, stroke_width=2, fill='none')}/>"
    if base in outlines:
        return f"<path{attr(d=outlines[base], **look)}/>"
    return f"<circle{attr(cx=x, cy=y, r=r, **look)}/>"


def dash_of(line: Mapping[str, Any]) -> str | None:
    """Return the dash pattern of a line in SVG's terms."""
    return DASHES.get(str(line.get("dash") or ""))


def _runs(pixels: Sequence[Pixel], *, joined: bool) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for x, y in pixels:
        if x is not None and y is not None:
            runs[-1].append((x, y))
        elif runs[-1] and not joined:
            runs.append([])
    return [run for run in runs if run]


def _line(trace: Mapping[str, Any], run: Sequence[Point]) -> str:
    line = trace.get("line") or {}
    width = line.get("width", 2)
    if not width:
        return ""
    points = _stepped(_thinned(run), line.get("shape"))
    ink = color(line.get("color") or (trace.get("marker") or {}).get("color"), trace["_color"])
    look = attr(
        points=_points(points),
        fill="none",
        stroke=ink,
        stroke_width=width,
        stroke_dasharray=dash_of(line),
        stroke_linejoin="round",
        opacity=trace.get("opacity"),
    )
    return f"<polyline{look}/>"


def _band(
    trace: Mapping[str, Any], runs: Sequence[Sequence[Point]], panel: Panel, below: list[Point]
) -> str:
    fill = trace.get("fill") or "none"
    edge = [point for run in runs for point in run]
    if fill == "none" or not edge:
        return ""
    edge = _stepped(edge, (trace.get("line") or {}).get("shape"))
    if fill in ("tonexty", "tonextx") and below:
        outline = [*edge, *reversed(below)]
    elif fill in ("tozeroy", "tonexty"):
        foot = panel.py(0)
        floor = panel.top + panel.height if foot is None else foot
        outline = [*edge, (edge[-1][0], floor), (edge[0][0], floor)]
    elif fill in ("tozerox", "tonextx"):
        side = panel.px(0)
        wall = panel.left if side is None else side
        outline = [*edge, (wall, edge[-1][1]), (wall, edge[0][1])]
    else:
        outline = edge
    ink = (trace.get("line") or {}).get("color") or trace["_color"]
    given = trace.get("fillcolor")
    opacity = None if given else 0.25
    return (
        f"<polygon{attr(points=_points(outline), fill=color(given or ink), fill_opacity=opacity)}/>"
    )


def _error_bars(trace: Mapping[str, Any], panel: Panel, points: Sequence[tuple[Any, Any]]) -> str:
    parts = []
    for axis in ("x", "y"):
        spec = trace.get(f"error_{axis}") or {}
        ink = color(spec.get("color") or (trace.get("line") or {}).get("color"), trace["_color"])
        for index, (x, y) in enumerate(points):
            ends = error_end(spec, index, x if axis == "x" else y)
            at = panel.px(x) if axis == "y" else panel.py(y)
            parts.append(error_bar(panel, at, ends, axis=axis, ink=ink))
    return "".join(parts)


def _markers(trace: Mapping[str, Any], pixels: Sequence[Pixel]) -> str:
    marker = trace.get("marker") or {}
    paints = _paints(trace)
    parts, taken = [], set()
    for index, (x, y) in enumerate(pixels):
        if x is None or y is None:
            continue
        cell = (round(x), round(y), paints(index))
        if len(pixels) > MAX_POINTS and cell in taken:
            continue
        taken.add(cell)
        size = float(item(marker.get("size"), index) or 6)
        parts.append(symbol(item(marker.get("symbol"), index), x, y, min(size, 40), paints(index)))
    opacity = marker.get("opacity", trace.get("opacity"))
    opacity = opacity if isinstance(opacity, (int, float)) else None
    return f"<g{attr(opacity=opacity)}>{''.join(parts)}</g>"


def _paints(trace: Mapping[str, Any]) -> Callable[[int], str]:
    marker = trace.get("marker") or {}
    given = marker.get("color")
    default = (trace.get("line") or {}).get("color") or trace["_color"]
    numbers = [as_number(v, "linear") for v in given] if isinstance(given, list) else []
    known = [n for n in numbers if n is not None]
    if not known:
        return lambda index: str(item(given, index) or default)
    stops = colorscale(marker.get("colorscale"), SEQUENTIAL)
    low = min(known) if marker.get("cmin") is None else float(marker["cmin"])
    high = max(known) if marker.get("cmax") is None else float(marker["cmax"])

    def paint(index: int) -> str:
        number = numbers[index] if index < len(numbers) else None
        if number is None:
            return str(default)
        return color_at(stops, (number - low) / (high - low) if high > low else 0.5)

    return paint


def _labels(trace: Mapping[str, Any], pixels: Sequence[Pixel]) -> str:
    parts = []
    ink = color((trace.get("textfont") or {}).get("color"), "currentColor")
    for index, (x, y) in enumerate(pixels):
        words = " ".join(text_lines(item(trace.get("text"), index)))
        if x is None or y is None or not words:
            continue
        where = str(item(trace.get("textposition"), index) or "middle center")
        dy = -8 if "top" in where else 16 if "bottom" in where else 4
        anchor = "end" if "left" in where else "start" if "right" in where else "middle"
        dx = {"end": -8, "start": 8, "middle": 0}[anchor]
        parts.append(text(x + dx, y + dy, words, fill=ink, text_anchor=anchor, limit=60))
    return "".join(parts)


def _stepped(points: Sequence[Point], shape: object) -> list[Point]:
    if shape not in ("hv", "vh", "hvh", "vhv"):
        return list(points)
    result: list[Point] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        turns = {
            "hv": [(x1, y0)],
            "vh": [(x0, y1)],
            "hvh": [(middle, y0), (middle, y1)],
            "vhv": [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2)],
        }[str(shape)]
        result += [(x0, y0), *turns]
    return [*result, points[-1]]


def _thinned(run: Sequence[Point]) -> Sequence[Point]:
    """Keep first, lowest, highest and last point of each pixel column: the line looks the same."""
    if len(run) <= MAX_POINTS:
        return run
    columns: dict[int, list[Point]] = {}
    for point in run:
        columns.setdefault(math.floor(point[0]), []).append(point)
    kept: list[Point] = []
    for column in columns.values():
        low, high = min(column, key=lambda p: p[1]), max(column, key=lambda p: p[1])
        chosen = {id(p): p for p in (column[0], low, high, column[-1])}
        kept += [p for p in column if id(p) in chosen]
    return kept


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
