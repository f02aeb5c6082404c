"""When the incident began: the change of the metric that was in effect at the alert."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rca.analysis.events.timeline import Timeline
from rca.errors import WindowError
from rca.model.metric import Metric
from rca.model.window import Window, at
from rca.stats.changepoint import ChangePoint, ChangePoints, Series, TimePosterior, detect
from rca.stats.season import Season

Mask = NDArray[np.bool_]

_SAME_RUN_S = 24 * 3600
_SMALL_STEP = 0.15
#: A change that ends this near to the usual level, in parts of itself, is a return.
_BACK = 0.35
_UNCHANGED_S = 6 * 3600
_LEAST_BASELINE_BUCKETS = 24
_LEAST_BASELINE_S = 6 * 3600


@dataclass(frozen=True, eq=False)
class Onset:
    """The change that an incident began with, or none.

    Attributes
    ----------
    change : ChangePoint or None
        None when the metric did not change, as far as can be seen.
    changes : ChangePoints
        Everything found in the series.
    ended_at : float or None
        When the level came back, in seconds since 1970.
    baseline, current : Window
        The times before, and the times in which the shift was in effect.
    """

    change: ChangePoint | None
    changes: ChangePoints
    baseline: Window
    current: Window
    ended_at: float | None = None

    @property
    def posterior(self) -> TimePosterior | None:
        """Where the onset lies."""
        return self.change.time_posterior if self.change else None

    def masks(self, timeline: Timeline) -> tuple[Mask, Mask]:
        """Tell which buckets lie wholly in the baseline and in the current window."""
        ends = timeline.times + timeline.width_s

        def within(window: Window) -> Mask:
            slack = 0.5 * timeline.width_s
            low, high = window.start.timestamp(), window.end.timestamp()
            inside: Mask = (timeline.times >= low - slack) & (ends <= high + slack)
            return inside

        return within(self.baseline), within(self.current)


def find_onset(
    timeline: Timeline, alerted_at: float, metric: Metric, *, season: Season | None = None
) -> Onset:
    """Return the change in effect at the alert and the windows that follow from it.

    Changes in the metric's bad direction come first; of a staircase in one direction within a
    day, the first step that matters is the onset. Without any change the newest hours (a tenth of
    the log, six hours at most) stand against the rest. A ``season`` that is known already (of all
    rows, for the few of a slice) is taken off first.
    """
    found = detect(_without(timeline, season) if season else timeline.series)
    start, end = float(timeline.times[0]), float(timeline.times[-1] + timeline.width_s)
    before = [
        point
        for point in found.points
        if point.low <= alerted_at + timeline.width_s and not _returns(point, found)
    ]
    worse = [p for p in before if metric.is_worse(p.shift)] or before
    if not worse:
        length = min(max(4 * timeline.width_s, 0.1 * (end - start)), _UNCHANGED_S)
        split = max(start + timeline.width_s, min(alerted_at, end) - length)
        if split >= end:
            raise WindowError(
                f"all rows lie within {timeline.width_s:g} s, so there is no time before the "
                "incident to compare with. Export more of the time before."
            )
        return Onset(None, found, Window(at(start), at(split)), Window(at(split), at(end)))
    change = _first_step(found.points, _main(worse, alerted_at, end - start))
    recovery = next(
        (
            p
            for p in found.points
            if p.at > change.at
            and p.shift * change.shift < 0
            and abs(p.shift) > 0.5 * abs(change.shift)
        ),
        None,
    )
    ended = recovery.at if recovery else None
    current_start = _between(change.high, start, end, timeline.width_s)
    if change.shape == "ramp":
        # Half-way up a ramp the shift is mostly in effect.
        current_start = max(current_start, (change.at + change.ramp_end) / 2)
        current_start = min(current_start, end - timeline.width_s)
    current_end = min(end, max(recovery.low, current_start + timeline.width_s)) if recovery else end
    quiet_from = _quiet_from(found.points, change, start, timeline.width_s)
    baseline_end = max(change.low, quiet_from + timeline.width_s)
    return Onset(
        change,
        found,
        Window(at(quiet_from), at(baseline_end)),
        Window(at(current_start), at(current_end)),
        ended,
    )


def _without(timeline: Timeline, season: Season) -> Series:
    """Return the series less a season on the working scale."""
    series = timeline.series
    effect = season.effect(timeline.times, timeline.width_s)
    return replace(series, working=series.working - effect)


def _returns(point: ChangePoint, found: ChangePoints) -> bool:
    """Tell whether a change only brings the level back to where it was most of the time before."""
    earlier = [s for s in found.segments if s.end <= point.at + 1.0]
    if len(earlier) < 2:
        return False
    levels = np.array([s.level for s in earlier])
    order = np.argsort(levels)
    mass = np.cumsum(np.array([s.n_buckets for s in earlier], dtype=float)[order])
    usual = float(levels[order][np.searchsorted(mass, 0.5 * mass[-1])])
    return (point.after - usual) * point.shift < _BACK * point.shift**2


def _main(changes: list[ChangePoint], alerted_at: float, span: float) -> ChangePoint:
    """Return the change that matters: large in noise units, and recent."""

    def weight(point: ChangePoint) -> float:
        age = max(0.0, alerted_at - point.at) / span
        return float(min(abs(point.z), 12.0) * np.exp(-2.0 * age))

    return max(changes, key=weight)


def _first_step(points: tuple[ChangePoint, ...], main: ChangePoint) -> ChangePoint:
    earlier = [p for p in points if p.at < main.at]
    chosen = main
    for point in reversed(earlier):
        same = point.shift * main.shift > 0 and abs(point.shift) > _SMALL_STEP * abs(main.shift)
        if not same or chosen.at - point.at > _SAME_RUN_S:
            break
        chosen = point
    return chosen


def _quiet_from(
    points: tuple[ChangePoint, ...], change: ChangePoint, start: float, width_s: float
) -> float:
    """Return where the baseline starts: after the change before, if enough is left."""
    previous = max((p.high for p in points if p.at < change.at), default=start)
    length = change.low - previous
    enough = length >= max(_LEAST_BASELINE_S, _LEAST_BASELINE_BUCKETS * width_s)
    return previous if enough else start


def _between(value: float, low: float, high: float, width_s: float) -> float:
    return float(min(max(value, low + width_s), high - width_s))
