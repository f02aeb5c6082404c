"""Local transitions: which neighbouring changes are one ramp, and when each began."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint import segment
from rca.stats.changepoint.data import Data, pooled, reach_in_sd
from rca.stats.changepoint.locate import Transition, Window, locate
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.segment import Segments
from rca.stats.changepoint.series import Series

Floats = npt.NDArray[np.float64]

#: Buckets on each side of a change whose order matters for its time; the rest count by their mean.
REACH = 120
MAX_WINDOW = 320
#: With more changes than this a third of the reach must do.
MANY = 40


@dataclass(frozen=True)
class Group:
    """Changes ``first..last`` that are one transition, and where it lies."""

    first: int
    last: int
    transition: Transition


def group_steps(series: Series, data: Data, chosen: Segments) -> list[Group]:
    """Join consecutive changes in one direction that a single ramp explains better."""
    jumps = np.diff(chosen.fit.levels)
    groups: list[Group] = []
    first = 0
    while first < len(jumps):
        last = first
        while last + 1 < len(jumps) and jumps[last + 1] * jumps[first] > 0 and last - first < 8:
            last += 1
        while True:
            found = _one_transition(series, data, chosen, first, last)
            if found is not None:
                break
            last -= 1
        groups.append(Group(first, last, found))
        first = last + 1
    return groups


def _one_transition(
    series: Series, data: Data, chosen: Segments, first: int, last: int
) -> Transition | None:
    window = _window(series, data, chosen, first, last)
    span = window.times[-1] + window.width_s - window.times[0]
    found = locate(window, max_length_s=span if last > first else span / 2)
    if last == first:
        return found
    steps = chosen.starts[first : last + 1]
    penalty = 0.5 * segment.change_cost(len(data.y))
    as_steps = _steps_cost(window, data.times[steps]) + penalty * len(steps)
    return found if found.residual_cost + 1.2 * penalty <= as_steps else None


def _steps_cost(window: Window, at: Floats) -> float:
    edges = np.concatenate(([0], np.searchsorted(window.times, at), [len(window.times)]))
    cost = 0.0
    for a, b in itertools.pairwise(edges):
        if b > a:
            w, part = window.weight[a:b], window.y[a:b]
            cost += float(w @ (part - w @ part / w.sum()) ** 2)
    return 0.5 * cost / (window.noise.variance * window.noise.long_run)


def _window(series: Series, data: Data, chosen: Segments, first: int, last: int) -> Window:
    """Return the buckets from the change before to the change after, the far ones as means."""
    starts = np.concatenate(([0], chosen.starts, [len(data.y)]))
    low, high = int(starts[first]), int(starts[last + 2])
    whole = _between(series, data, chosen, slice(low, high), chosen.fit.levels[first : last + 2])
    reach = REACH if len(chosen.starts) <= MANY else REACH // 3
    near = max(0, int(starts[first + 1]) - reach - low)
    far = min(high - low, int(starts[last + 1]) + reach - low)
    noise = chosen.noise
    local = _cut(whole, slice(near, far))
    step = -(-int(local.position[-1] + 1) // MAX_WINDOW)
    if step > 1:
        local = pooled(local, step)
        noise = replace(
            noise, variance=noise.variance * float(noise.inflation(step)), rho=noise.rho**step
        )
    return Window(
        local.times,
        local.position,
        local.y,
        local.weight,
        local.width_s,
        noise,
        _outer(_cut(whole, slice(0, near)), chosen.noise),
        _outer(_cut(whole, slice(far, None)), chosen.noise),
    )


def _between(series: Series, data: Data, chosen: Segments, inside: slice, levels: Floats) -> Data:
    """Return buckets without season, linearised half-way between the levels on both sides.

    There a bucket of a rate or a count weighs evidence for either level alike, however far they
    are apart. Outliers are pulled towards the range that the levels span.
    """
    times = data.times[inside]
    effect = chosen.season.effect(times, data.width_s)
    weight, information = data.weight[inside], np.full(len(times), np.nan)
    if data.variance is None or series.kind not in ("rate", "count"):
        y = series.working[inside] - effect
        around = levels[:, None]
    else:
        ends = series.native(levels[[0, -1]])
        around = series.native(series.link(ends.mean(keepdims=True)) + effect)
        slope = series.slope(series.link(around))
        y = (series.value[inside] - around) / slope
        information = series.n[inside] * slope
        excess = float(np.median(1 / weight - data.variance[inside]))
        weight = 1 / (1 / information + max(0.0, excess))
        around = (series.native(levels[:, None] + effect) - around) / slope
    sd = np.sqrt(chosen.noise.variance / weight)
    reach = sd * reach_in_sd(series, information)
    y = np.clip(y, around.min(0) - reach, around.max(0) + reach)
    return Data(times, data.position[inside], y, weight, None, data.slots[inside], data.width_s)


def _cut(data: Data, inside: slice) -> Data:
    position = data.position[inside]
    return replace(
        data,
        times=data.times[inside],
        position=position - position[0] if len(position) else position,
        y=data.y[inside],
        weight=data.weight[inside],
        slots=data.slots[inside],
    )


def _outer(data: Data, noise: Noise) -> tuple[float, float] | None:
    if not len(data.y):
        return None
    mass = float(data.weight.sum())
    spread = noise.variance * float(noise.inflation(len(data.y))) / mass
    return float(data.weight @ data.y) / mass, spread
