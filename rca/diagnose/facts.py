"""Everything that is looked at, once: the four verbs and the health of the measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import numpy as np

from rca.analysis.cost import CostShifts, explain_cost
from rca.analysis.drift import DriftProfile, profile_drift
from rca.analysis.events import EventCorrelation, correlate_events
from rca.analysis.events.locate import Located
from rca.analysis.slices import SliceSearch, find_slices
from rca.diagnose.callers import FewCallers, few_callers
from rca.diagnose.health import Broken, broken_measurements
from rca.errors import RCAError, WindowError
from rca.model.comparison import Comparison
from rca.model.incident import Incident
from rca.model.metric import Metric
from rca.stats.changepoint import ShiftTest, shift_test

Answer = TypeVar("Answer")

#: At least this many rows at like hours make a better baseline than all rows do.
_LEAST_LIKE_ROWS = 500
#: Lengths of the newest window that a dip of unknown length is looked for in.
_NEWEST_HOURS = (1.5, 3.0, 5.0, 8.0, 12.0)


@dataclass(frozen=True, eq=False)
class Facts:
    """What was found, before any of it is weighed.

    ``test`` is the shift against the seasonal expectation; ``naive`` the z of the same shift
    against all of the baseline, season or not.
    """

    incident: Incident
    correlation: EventCorrelation
    comparison: Comparison | None
    search: SliceSearch | None
    drift: DriftProfile | None
    broken: tuple[Broken, ...]
    callers: FewCallers | None
    cost: CostShifts | None
    test: ShiftTest | None
    naive_z: float
    seasonal_z: float
    caveats: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def located(self) -> Located:
        """Where and when the metric moved."""
        assert self.correlation.located is not None
        return self.correlation.located


class Clock:
    """Names the steps as they start and keeps their seconds."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self._open: tuple[str, float] | None = None

    def step(self, text: str) -> None:
        """Start a step; the one before has ended."""
        self.stop()
        self.progress(text)
        self._open = (text, perf_counter())

    def stop(self) -> None:
        """End the step under way."""
        if self._open:
            text, since = self._open
            self.seconds[text] = self.seconds.get(text, 0.0) + perf_counter() - since
            self._open = None


def gather(incident: Incident, clock: Clock) -> Facts:
    """Look at everything: the onset and events, slices, drift, and the measurement itself."""
    clock.step("the metric over time, and events")
    correlation = correlate_events(incident)
    located = correlation.located
    assert located is not None
    caveats: list[str] = []
    comparison = _comparison(incident, located, caveats)
    search = drift = None
    broken: list[Broken] = []
    callers = cost = None
    if comparison is not None:
        clock.step("slices")
        search = _tried(lambda: find_slices(comparison), "slices", caveats)
        clock.step("drift of columns")
        drift = _tried(lambda: profile_drift(comparison), "drift", caveats)
        clock.step("callers")
        callers = few_callers(comparison)
        if "cost_usd" in comparison.metric.columns:
            clock.step("what the money went to")
            cost = _tried(lambda: explain_cost(comparison), "cost", caveats)
        clock.step("health of the measurement")
        broken = broken_measurements(comparison, located, incident.alerted_at.timestamp())
    clock.step("season")
    test = _shift_test(located)
    assert incident.metric is not None
    naive, seasonal = _naive(located, incident.metric)
    clock.stop()
    return Facts(
        incident,
        correlation,
        comparison,
        search,
        drift,
        tuple(broken),
        callers,
        cost,
        test,
        naive,
        seasonal,
        tuple(caveats),
        dict(clock.seconds),
    )


def _comparison(incident: Incident, located: Located, caveats: list[str]) -> Comparison | None:
    """Return before against since, at like hours of day where there are rows enough."""
    assert incident.metric is not None
    onset = located.onset
    try:
        plain = Comparison.by_time(
            incident.logs,
            baseline=incident.baseline_window or onset.baseline,
            incident=incident.incident_window or onset.current,
            metric=incident.metric,
        )
    except WindowError as error:
        caveats.append(f"the two windows could not be compared: {error}")
        return None
    alike = plain.at_like_hours()
    if alike is plain:
        return plain
    relation = incident.logs.relation
    count = f"select count(*) as n_ from {relation} where {alike.baseline.predicate}"
    n_alike = incident.logs.engine.one(count)["n_"]
    if n_alike < _LEAST_LIKE_ROWS:
        return plain
    caveats.append("slices and columns are compared with the baseline's like hours of day")
    return alike


def _tried(ask: Callable[[], Answer], what: str, caveats: list[str]) -> Answer | None:
    """Return an answer, or None with the reason among the caveats."""
    try:
        return ask()
    except RCAError as error:
        caveats.append(f"{what} could not be looked at: {error}")
        return None


def _shift_test(located: Located) -> ShiftTest | None:
    onset = located.onset
    line = located.searched
    series = line.series
    # Up to the recovery, where there was one: what came after is no part of the shift.
    if onset.ended_at is not None:
        series = series.part(series.times < onset.current.end.timestamp())
    try:
        return shift_test(series, onset.baseline.end.timestamp(), onset.current.start.timestamp())
    except RCAError:
        return None


def _naive(located: Located, metric: Metric) -> tuple[float, float]:
    """Return the worst z of the newest hours against all before, and the z that the season expects.

    Windows of several lengths up to the alert are tried, since a dip has a length of its own; with
    a lasting change its own window is the only one.
    """
    line, onset = located.searched, located.whole
    current = onset.masks(line)[1]
    if not current.any():
        return 0.0, 0.0
    end = float(line.times[current][-1]) + line.width_s
    starts = [float(line.times[current][0])]
    if onset.change is None:
        starts += [end - hours * 3600 for hours in _NEWEST_HOURS if hours * 3600 > line.width_s]
    found = [_against_before(located, start, end) for start in starts]
    sign = {"up": 1.0, "down": -1.0, "both": 0.0}[metric.worse]
    return max(found, key=lambda pair: pair[0] * sign if sign else abs(pair[0]))


def _against_before(located: Located, start: float, end: float) -> tuple[float, float]:
    """Return z of a window against all before it, and of its seasonal expectation alike."""
    line = located.searched
    before, now = line.times < start, (line.times >= start) & (line.times < end)
    if not before.any() or not now.any():
        return 0.0, 0.0
    sums_b, sums_c = line.sums[before].total(), line.sums[now].total()
    variance = float(sums_b.variance) + float(sums_c.variance)
    if not np.isfinite(variance) or variance <= 0:
        return 0.0, 0.0
    error = float(np.sqrt(variance))
    naive = float(sums_c.value - sums_b.value) / error
    weight = line.sums.n
    if weight[before].sum() == 0 or weight[now].sum() == 0:
        return naive, 0.0
    effect = located.whole.changes.season.effect(line.times, line.width_s)
    expected = float(
        np.average(effect[now], weights=weight[now])
        - np.average(effect[before], weights=weight[before])
    )
    slope = line.series.slope(np.asarray(line.series.working[now]))
    seasonal = expected * float(np.nanmean(slope)) / error
    return naive, seasonal if np.isfinite(seasonal) else 0.0
