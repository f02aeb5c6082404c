"""Change points of a bucketed metric that need no tuning.

Series ─▶ detect ─▶ ChangePoints: when (with a posterior), how far, step or ramp, season, noise
"""

from rca.stats.changepoint.detect import detect
from rca.stats.changepoint.results import (
    ChangePoint,
    ChangePoints,
    Segment,
    TimePosterior,
    Transient,
)
from rca.stats.changepoint.series import Series

__all__ = [
    "ChangePoint",
    "ChangePoints",
    "Segment",
    "Series",
    "TimePosterior",
    "Transient",
    "detect",
]
