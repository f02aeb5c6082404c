"""Where bars stand: grouped, stacked, overlaid, counted from raw values, or a waterfall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from rca.report.html.svg.scales import as_number, axis_kind, category_key, rounded_up

BAR_KINDS: Final = ("bar", "waterfall")
MAX_BINS: Final = 200
WATERFALL: Final = {"increasing": "#3d9970", "decreasing": "#ff4136", "totals": "#4499ff"}
"""Colours plotly gives a waterfall that has none of its own."""


@dataclass(frozen=True)
class Bar:
    """One bar: ``centre`` and ``width`` along positions, ``base`` to ``end`` along values."""

    trace: Mapping[str, Any]
    index: int
    centre: float
    width: float
    base: float
    end: float
    color: object
    horizontal: bool


def item(value: Any, index: int, default: Any = None) -> Any:
    """Return the ``index``-th of a list, or a value that holds for all."""
    if isinstance(value, (list, tuple)):
        return value[index] if index < len(value) else default
    return default if value is None else value


def is_horizontal(trace: Mapping[str, Any]) -> bool:
    """Tell whether the bars of a trace lie."""
    return trace.get("orientation") == "h"


def bars_of(
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    number: Callable[[Any], float | None],
) -> list[Bar]:
    """Return the bars of one subplot.

    Parameters
    ----------
    traces : sequence of mapping
        Traces of kind ``bar`` and ``waterfall`` that share both axes.
    layout : mapping
        ``barmode``, ``bargap`` and ``bargroupgap`` are read.
    number : callable
        From a position to its number on the axis, ``None`` when there is none.
    """
    mode = layout.get("barmode") or "group"
    bargap = layout.get("bargap")
    room = (1 - float(0.2 if bargap is None else bargap)) * _gap(traces, number)
    split = len(traces) if mode == "group" else 1
    slot = room / max(split, 1)
    bars: list[Bar] = []
    tops: dict[tuple[float, bool], float] = {}
    for place, trace in enumerate(traces):
        shift = (place - (split - 1) / 2) * slot if split > 1 else 0.0
        for index, (position, value) in enumerate(_pairs(trace)):
            centre = number(position)
            spans = _spans(trace, index, value)
            if centre is None or spans is None:
                continue
            base, end = spans
            if mode in ("stack", "relative") and trace["type"] == "bar":
                key = (centre, end < 0)
                base = tops.get(key, 0.0)
                end += base
                tops[key] = end
            thick = item(trace.get("width"), index)
            thick = slot * (1 - (layout.get("bargroupgap") or 0)) if thick is None else thick
            bars.append(
                Bar(
                    trace, index, centre + shift, float(thick), base, end,
                    _bar_color(trace, index, base, end), is_horizontal(trace),
                )
            )  # fmt: skip
    return bars


def histogram_as_bars(trace: Mapping[str, Any]) -> dict[str, Any]:
    """Return a histogram of raw values as a bar trace of counts or of shares.

    Bins are those that ``xbins`` or ``nbinsx`` ask for (``y`` for a lying one), else about two
    standard deviations over n to the power 0.4, as plotly has it.
    """
    lying = trace.get("x") is None
    axis, other = ("y", "x") if lying else ("x", "y")
    values = [value for value in trace.get(axis) or [] if value is not None]
    kind = axis_kind({}, values)
    if kind == "category":
        names = list(dict.fromkeys(map(category_key, values)))
        keys = [category_key(value) for value in values]
        counts = [float(keys.count(name)) for name in names]
        return {**trace, "type": "bar", axis: names, other: _normed(trace, counts),
                "orientation": "h" if lying else "v"}  # fmt: skip
    numbers = [n for n in (as_number(value, kind) for value in values) if n is not None]
    counted, edges = np.histogram(numbers, bins=_bins(trace, axis, kind, numbers))
    centres = (edges[1:] + edges[:-1]) / 2
    unit = 1000.0 if kind == "date" else 1.0
    return {
        **trace,
        "type": "bar",
        axis: (centres * unit).tolist(),
        other: _normed(trace, [float(count) for count in counted]),
        "width": np.diff(edges).tolist(),
        "orientation": "h" if lying else "v",
    }


def _bins(trace: Mapping[str, Any], axis: str, kind: str, numbers: Sequence[float]) -> Any:
    bins = trace.get(f"{axis}bins") or {}
    start, end = (as_number(bins.get(name), kind) for name in ("start", "end"))
    size = as_number(bins.get("size"), "linear")
    if start is not None and end is not None and size:
        size = size / 1000.0 if kind == "date" else size
        return np.arange(start, end + size * 0.5, size)
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    wanted = trace.get(f"nbins{axis}")
    spread = float(np.std(numbers)) if numbers else 0.0
    rough = (high - low) / wanted if wanted else 2 * spread / max(len(numbers), 1) ** 0.4
    if rough <= 1e-12 * max(abs(low), abs(high), 1e-280):
        half = max(abs(low) * 1e-3, 0.5)
        return np.array([low - half, high + half])
    step = rounded_up(max(rough if wanted else rough * 0.7, (high - low) / MAX_BINS))
    return np.arange(np.floor(low / step) * step, high + step * 1.001, step)


def _normed(trace: Mapping[str, Any], counts: list[float]) -> list[float]:
    total = sum(counts) or 1.0
    factor = {"probability": 1 / total, "percent": 100 / total}.get(
        trace.get("histnorm") or "", 1.0
    )
    return [count * factor for count in counts]


def _pairs(trace: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    names = ("y", "x") if is_horizontal(trace) else ("x", "y")
    positions, values = trace.get(names[0]), trace.get(names[1]) or []
    if positions and all(isinstance(level, list) for level in positions) and len(positions) == 2:
        positions = list(zip(*positions, strict=False))
    return list(zip(positions or range(len(values)), values, strict=False))


def _gap(traces: Sequence[Mapping[str, Any]], number: Callable[[Any], float | None]) -> float:
    places = sorted({n for t in traces for p, _ in _pairs(t) if (n := number(p)) is not None})
    gaps = [b - a for a, b in pairwise(places)]
    return min(gaps) if gaps else 1.0


def _spans(trace: Mapping[str, Any], index: int, value: Any) -> tuple[float, float] | None:
    if trace["type"] == "waterfall":
        return _waterfall_span(trace, index)
    number = as_number(value, "linear")
    if number is None:
        return None
    base = as_number(item(trace.get("base"), index, 0.0), "linear") or 0.0
    return base, base + number


def _waterfall_span(trace: Mapping[str, Any], index: int) -> tuple[float, float]:
    total = as_number(trace.get("base"), "linear") or 0.0
    start = total
    for place, (_, value) in enumerate(_pairs(trace)[: index + 1]):
        measure = item(trace.get("measure"), place, "relative")
        number = as_number(value, "linear") or 0.0
        start = total if measure == "relative" else 0.0
        total = number if measure == "absolute" else total
        total += number if measure == "relative" else 0.0
    return start, total


def _bar_color(trace: Mapping[str, Any], index: int, base: float, end: float) -> object:
    if trace["type"] == "waterfall":
        measure = item(trace.get("measure"), index, "relative")
        name = "totals" if measure != "relative" else "increasing" if end >= base else "decreasing"
        marker = (trace.get(name) or {}).get("marker") or {}
        return marker.get("color") or WATERFALL[name]
    return item((trace.get("marker") or {}).get("color"), index) or trace["_color"]
