"""Which trace stands in which subplot, with which scales, and where on the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rca.report.html.svg import frame
from rca.report.html.svg.bars import BAR_KINDS, Bar, bars_of, is_horizontal
from rca.report.html.svg.boxes import cell_edges
from rca.report.html.svg.panel import Panel, error_end
from rca.report.html.svg.points import xy_of
from rca.report.html.svg.scales import Scale, as_number, axis_kind, category_key, scale_of
from rca.report.html.svg.text import width_of

Ids = tuple[str, str]
Trace = Mapping[str, Any]
BAR_ROOM: Final = 74


def subplots(traces: Iterable[Trace]) -> dict[Ids, list[Trace]]:
    """Return the traces by the names of their two axes."""
    groups: dict[Ids, list[Trace]] = {}
    for trace in traces:
        ids = (str(trace.get("xaxis") or "x"), str(trace.get("yaxis") or "y"))
        groups.setdefault(ids, []).append(trace)
    return groups


def scales_of(groups: Mapping[Ids, list[Trace]], layout: Mapping[str, Any]) -> dict[str, Scale]:
    """Return the scale of every axis in use; axes that ``match`` another share its scale."""
    values: dict[str, list[Any]] = {}
    feet: dict[str, list[float]] = {}
    for ids, traces in groups.items():
        for axis in ids:
            root = _root(axis, layout)
            for trace in traces:
                values.setdefault(root, []).extend(_raw(trace, axis[0]))
            feet.setdefault(root, [])
    for ids, traces in groups.items():
        x, y = (_root(axis, layout) for axis in ids)
        _add_bars(traces, layout, values, feet, (x, y))
        _add_cells(traces, layout, values, feet, (x, y))
    made = {
        root: scale_of(
            layout.get(frame.axis_key(root)) or {},
            found,
            anchors=feet[root],
            n_ticks=8 if root.startswith("x") else 6,
        )
        for root, found in values.items()
    }
    return {axis: made[_root(axis, layout)] for ids in groups for axis in ids}


def bars_in(traces: Iterable[Trace], layout: Mapping[str, Any], position: Scale) -> list[Bar]:
    """Return the bars of a subplot, placed on the scale of their positions."""
    upright = [trace for trace in traces if trace["type"] in BAR_KINDS]
    return bars_of(upright, layout, position.number)


def paper_of(
    scales: Mapping[str, Scale],
    groups: Mapping[Ids, list[Trace]],
    layout: Mapping[str, Any],
    *,
    width: float,
    height: float,
    head: float,
) -> Panel:
    """Return the rectangle that all subplots share, once the labels around have their room."""
    left, right, foot = 24.0, 24.0, 46.0
    for x_id, y_id in groups:
        y_axis = layout.get(frame.axis_key(y_id)) or {}
        labels = [1.15 * width_of(label[: frame.LABEL_LIMIT]) for _, label in scales[y_id].ticks]
        need = max(labels, default=0.0) + (38 if y_axis.get("title") else 14)
        if y_axis.get("side") == "right":
            right = max(right, need + 8)
        else:
            left = max(left, need)
        flat = Panel(scales[x_id], scales[y_id], left, 0, _share(layout, x_id) * (width - left), 1)
        if frame.x_labels_tilt(flat):
            labels = [width_of(label[: frame.LABEL_LIMIT]) for _, label in scales[x_id].ticks]
            foot = max(foot, 46 + 0.62 * max(labels, default=0.0))
    if any(_has_color_bar(trace, layout) for traces in groups.values() for trace in traces):
        right = max(right, BAR_ROOM)
    any_x = next(iter(scales.values()), Scale("linear", 0, 1))
    return Panel(any_x, any_x, left, head, width - left - right, max(height - head - foot, 40.0))


def panel_of(
    ids: Ids, scales: Mapping[str, Scale], layout: Mapping[str, Any], paper: Panel
) -> Panel:
    """Return the rectangle of one subplot."""
    x0, x1 = _domain(layout, ids[0])
    y0, y1 = _domain(layout, ids[1])
    return Panel(
        scales[ids[0]],
        scales[ids[1]],
        paper.left + x0 * paper.width,
        paper.top + (1 - y1) * paper.height,
        (x1 - x0) * paper.width,
        (y1 - y0) * paper.height,
    )


def _raw(trace: Trace, axis: str) -> list[Any]:
    if trace["type"] == "heatmap":
        rows = trace.get("z") or []
        n = len(rows) if axis == "y" else max(map(len, rows), default=0)
        return list(trace.get(axis) or range(n))
    if trace["type"] in BAR_KINDS and (axis == "x") == is_horizontal(trace):
        return []
    if trace["type"] in BAR_KINDS:
        levels = trace.get(axis) or []
        if len(levels) == 2 and all(isinstance(level, list) for level in levels):
            return [category_key(pair) for pair in zip(*levels, strict=False)]
        return list(levels) or list(range(len(trace.get("x") or trace.get("y") or [])))
    side = 0 if axis == "x" else 1
    found = [point[side] for point in xy_of(trace)]
    ends = [error_end(trace.get(f"error_{axis}"), i, value) for i, value in enumerate(found)]
    zero = [0] if str(trace.get("fill") or "") == f"tozero{axis}" else []
    return [*found, *(end for pair in ends if pair for end in pair), *zero]


def _add_bars(
    traces: Iterable[Trace],
    layout: Mapping[str, Any],
    values: dict[str, list[Any]],
    feet: dict[str, list[float]],
    roots: Ids,
) -> None:
    upright = [trace for trace in traces if trace["type"] in BAR_KINDS]
    if not upright:
        return
    lying = is_horizontal(upright[0])
    place, value = (roots[1], roots[0]) if lying else roots
    axis = layout.get(frame.axis_key(place)) or {}
    kind = axis_kind(axis, values[place])
    rough = scale_of(axis, values[place])
    bars = bars_in(upright, layout, rough)
    name = "x" if lying else "y"
    for bar in bars:
        ends = error_end(bar.trace.get(f"error_{name}"), bar.index, bar.end) or ()
        values[value] += [end for end in (bar.end, *ends) if end is not None]
        feet[value] += [0.0] if bar.base == 0 else []
        if kind != "category":
            feet[place] += [bar.centre - bar.width / 2, bar.centre + bar.width / 2]
    log = (layout.get(frame.axis_key(value)) or {}).get("type") == "log"
    if not log:
        values[value] += [bar.base for bar in bars]


def _add_cells(
    traces: Iterable[Trace],
    layout: Mapping[str, Any],
    values: Mapping[str, list[Any]],
    feet: dict[str, list[float]],
    roots: Ids,
) -> None:
    for trace in traces:
        if trace["type"] != "heatmap":
            continue
        for root in roots:
            scale = scale_of(layout.get(frame.axis_key(root)) or {}, values[root])
            if scale.kind != "category":
                raw = _raw(trace, root[0])
                feet[root] += cell_edges(raw, len(raw), scale)


def _has_color_bar(trace: Trace, layout: Mapping[str, Any]) -> bool:
    shared = layout.get(str(trace.get("coloraxis") or "")) or {}
    shown = trace.get("showscale") is not False and shared.get("showscale") is not False
    return trace["type"] == "heatmap" and shown


def _root(axis: str, layout: Mapping[str, Any]) -> str:
    seen = {axis}
    while (follows := (layout.get(frame.axis_key(axis)) or {}).get("matches")) not in (None, *seen):
        axis = str(follows)
        seen.add(axis)
    return axis


def _domain(layout: Mapping[str, Any], name: str) -> tuple[float, float]:
    axis = layout.get(frame.axis_key(name)) or {}
    over = axis.get("overlaying")
    if over and not axis.get("domain"):
        axis = layout.get(frame.axis_key(str(over))) or {}
    low, high = axis.get("domain") or (0.0, 1.0)
    return as_number(low, "linear") or 0.0, as_number(high, "linear") or 1.0


def _share(layout: Mapping[str, Any], name: str) -> float:
    low, high = _domain(layout, name)
    return high - low
