"""One subplot: its rectangle, its two scales, and the small marks that several kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rca.report.html.svg.bars import item
from rca.report.html.svg.scales import Scale, as_number
from rca.report.html.svg.text import attr

Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """The rectangle of one subplot in pixels, with its two scales."""

    x: Scale
    y: Scale
    left: float
    top: float
    width: float
    height: float

    def px(self, value: Any) -> float | None:
        """Return the pixel of a value on the horizontal axis."""
        share = self.x.position(value)
        return None if share is None else self.left + share * self.width

    def py(self, value: Any) -> float | None:
        """Return the pixel of a value on the vertical axis."""
        share = self.y.position(value)
        return None if share is None else self.top + (1 - share) * self.height

    def box(self, x0: float, y0: float, x1: float, y1: float) -> dict[str, float]:
        """Return the pixel rectangle between two corners given in numbers of the axes."""
        xs = sorted(self.along(n, horizontal=True) for n in (x0, x1))
        ys = sorted(self.along(n, horizontal=False) for n in (y0, y1))
        return {"x": xs[0], "y": ys[0], "width": xs[1] - xs[0], "height": ys[1] - ys[0]}

    def along(self, number: float, *, horizontal: bool) -> float:
        """Return the pixel of a number that is already in units of its axis."""
        if horizontal:
            return self.left + self.x.fraction(number) * self.width
        return self.top + (1 - self.y.fraction(number)) * self.height


def error_end(spec: Mapping[str, Any] | None, index: int, value: Any) -> tuple[float, float] | None:
    """Return the low and the high end of the error bar of one value, ``None`` when it has none."""
    number = as_number(value, "linear")
    if not spec or spec.get("visible") is False or number is None:
        return None
    if spec.get("type") in ("percent", "constant"):
        size = float(spec.get("value") or 0)
        up = down = abs(number) * size / 100 if spec["type"] == "percent" else size
    else:
        up = as_number(item(spec.get("array"), index), "linear") or 0.0
        low = item(spec.get("arrayminus"), index)
        down = up if low is None or spec.get("symmetric") else as_number(low, "linear") or 0.0
    return (number - down, number + up) if up or down else None


def error_bar(
    panel: Panel, at: float | None, ends: tuple[float, float] | None, *, axis: str, ink: str
) -> str:
    """Return the SVG of an error bar along ``axis``, standing at pixel ``at`` of the other axis."""
    if ends is None or at is None:
        return ""
    low, high = (panel.py(end) if axis == "y" else panel.px(end) for end in ends)
    if high is None:
        return ""
    if low is None:
        low = panel.top + panel.height if axis == "y" else panel.left
    if axis == "y":
        path = f"M{at:.1f} {low:.1f}V{high:.1f}M{at - 3:.1f} {low:.1f}h6M{at - 3:.1f} {high:.1f}h6"
    else:
        path = f"M{low:.1f} {at:.1f}H{high:.1f}M{low:.1f} {at - 3:.1f}v6M{high:.1f} {at - 3:.1f}v6"
    return f"<path{attr(d=path, stroke=ink, stroke_width=1.5, fill='none')}/>"
