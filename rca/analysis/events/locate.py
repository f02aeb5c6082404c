"""Where and when the metric moved: the whole log first, then its slices, values clipped or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rca.analysis.events.onset import Onset, find_onset
from rca.analysis.events.scan import SliceOnset, scan_slices
from rca.analysis.events.scope import ALL_ROWS, Scope
from rca.analysis.events.timeline import Timeline, bucket_width, timelines
from rca.engine.sql import both, lit
from rca.model.incident import Incident
from rca.model.logs import Logs
from rca.model.metric import Metric

#: Values above this quantile count as the quantile when an onset is looked for: the mean of a
#: heavy tail is noise, while the time of a shift is in the body.
_CLIP_AT = 0.99
#: A slice's onset replaces the whole's when it stands out this much more, in standard errors.
_CLEARER = 1.0
#: A shift that only the largest values show must be this sure.
_SURE = 1e-3
#: Rows outside a slice that moved by this part of its shift moved with it.
_ALIKE = 0.5


@dataclass(frozen=True, eq=False)
class Located:
    """The metric over time, and the change that the incident began with.

    ``whole`` is the onset seen in all rows; ``onset`` the clearest one, found in ``searched``, the
    series of the rows of ``seen_in``; ``p_value`` is corrected for the slices screened. ``scope``
    is where the shift lives: the same rows, or all when the others moved alike. ``timeline`` is
    the metric of all rows, as it is.
    """

    timeline: Timeline
    searched: Timeline
    whole: Onset
    onset: Onset
    seen_in: Scope
    scope: Scope
    p_value: float
    slices: tuple[SliceOnset, ...]

    @property
    def z(self) -> float:
        """The size of the change in standard errors; 0 without one."""
        return abs(self.onset.change.z) if self.onset.change else 0.0


def locate(incident: Incident, *, progress: Callable[[str], None] = lambda _: None) -> Located:
    """Return when, and in which rows, the metric of an incident moved."""
    logs, metric = incident.logs, incident.metric
    assert metric is not None
    span = logs.span
    assert span is not None
    alert = incident.alerted_at.timestamp()
    width = bucket_width(logs, span)
    progress("the metric over time")
    clipped = _clipped(metric, logs)
    wanted = [metric] if clipped is None else [metric, clipped]
    lines = timelines(logs, wanted, width_s=width)
    onsets = [find_onset(line, alert, metric) for line in lines]
    best = _clearest(onsets)
    whole, line = onsets[best], lines[best]
    p = min(1.0, whole.change.p_value * len(lines)) if whole.change else 1.0
    progress("the metric over time in each slice")
    slices = scan_slices(logs, line, alert, metric, whole.changes.season)
    if not slices or not (
        whole.change is None
        or not metric.is_worse(whole.change.shift)
        or slices[0].z > _z(whole) + _CLEARER
    ):
        return Located(lines[0], line, whole, whole, ALL_ROWS, ALL_ROWS, p, slices)
    first = slices[0]
    scope = ALL_ROWS if _others_moved(first, line) else first.scope
    return Located(
        lines[0], first.timeline, whole, first.onset, first.scope, scope, first.p_value, slices
    )


def _others_moved(found: SliceOnset, line: Timeline) -> bool:
    """Tell whether the rows outside a slice moved as the slice did, at least by half."""
    before, now = found.onset.masks(line)
    inner, outer = found.timeline.sums, line.sums - found.timeline.sums
    if line.metric.family == "per_hour":
        return False
    (b_in, c_in), (b_out, c_out) = (
        (sums[before].total(), sums[now].total()) for sums in (inner, outer)
    )
    inside, outside = float(c_in.value - b_in.value), float(c_out.value - b_out.value)
    error = float(np.sqrt(b_out.variance + c_out.variance))
    return bool(outside / inside > _ALIKE and abs(outside) > 3 * error) if inside else False


def _clearest(onsets: list[Onset]) -> int:
    """Return which series tells more: the clipped one, unless the tail itself surely moved."""
    if len(onsets) == 1:
        return 0
    raw, cut = onsets[0].change, onsets[1].change
    if raw is None:
        return 1
    surer = cut is not None and abs(raw.z) < abs(cut.z) + _CLEARER
    return 1 if surer or raw.p_value > _SURE else 0


def _z(onset: Onset) -> float:
    return abs(onset.change.z) if onset.change else 0.0


def _clipped(metric: Metric, logs: Logs) -> Metric | None:
    """Return a metric with its largest values cut, or None where it has no tail to cut."""
    if metric.binary or metric.family not in ("mean", "per_hour") or metric.numerator == "1e0":
        return None
    sample = logs.engine.sample(logs.relation, 200_000)
    value = f"case when {metric.measured} then {metric.numerator} end"
    quantile = logs.engine.dialect.quantile
    row = logs.engine.one(
        f"select {quantile(value, _CLIP_AT)} as high_, {quantile(value, 0.5)} as middle_, "
        f"max({value}) as most_ from {sample}"
    )
    high, middle, most = row["high_"], row["middle_"], row["most_"]
    if high is None or not np.isfinite(high) or most <= high or high <= middle:
        return None
    cut = f"case when ({metric.numerator}) > {lit(high)} then {lit(high)} "
    return replace(
        metric,
        numerator=f"{cut}else ({metric.numerator}) end",
        counted=both(metric.counted, f"({metric.numerator}) is not null"),
    )
