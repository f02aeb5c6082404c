"""Change points of a bucketed metric that need no tuning.

Series ─▶ detect ─▶ ChangePoints: when (with a posterior), how far, step or ramp, season, noise
"""

from rca.stats.changepoint.detect import detect
from rca.stats.changepoint.expectation import Expectation, ShiftTest, expected, shift_test
from rca.stats.changepoint.refine import Refined, refine
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
    "Expectation",
    "Refined",
    "Segment",
    "Series",
    "ShiftTest",
    "TimePosterior",
    "Transient",
    "detect",
    "expected",
    "refine",
    "shift_test",
]
