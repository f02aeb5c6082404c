"""What every check of the measurement returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rca.model.finding import Finding
from rca.stats.changepoint import ChangePoint, Series, detect

Fault = Literal["LABELS_STOPPED", "DUPLICATED_ROWS", "METERING_DOUBLE", "PRICE_CHANGED"]


@dataclass(frozen=True)
class Broken:
    """One way in which the measurement broke, the log-odds it is worth, and its finding."""

    code: Fault
    column: str
    log_odds: float
    finding: Finding
    onset: ChangePoint | None = None
    share: float | None = None
    models: tuple[str, ...] = ()


def clearest_change(series: Series, alert: float, *, rising: bool) -> ChangePoint | None:
    """Return the clearest change in one direction that began by the alert."""
    points = [p for p in detect(series).points if p.low <= alert + series.width_s]
    points = [p for p in points if (p.shift > 0) == rising]
    return max(points, key=lambda p: abs(p.z), default=None)
