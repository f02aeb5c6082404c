"""Local transitions: which neighbouring changes are one ramp, and when each began."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint import segment
from rca.stats.changepoint.locate import Transition, Window, locate
from rca.stats.changepoint.noise import Noise
from rca.stats.changepoint.segment import Data, Segments

Floats = npt.NDArray[np.float64]

#: Buckets on each side of a change whose order matters for its time; the rest count by their mean.
REACH = 120
MAX_WINDOW = 320


@dataclass(frozen=True)
class Group:
    """Changes ``first..last`` that are one transition, and where it lies."""

    first: int
    last: int
    transition: Transition


def group_steps(data: Data, chosen: Segments) -> list[Group]:
    """Join consecutive changes in one direction that a single ramp explains better."""
    y = data.y - chosen.season.effect(data.times, data.width_s)
    jumps = np.diff(chosen.fit.levels)
    groups: list[Group] = []
    first = 0
    while first < len(jumps):
        last = first
        while last + 1 < len(jumps) and jumps[last + 1] * jumps[first] > 0 and last - first < 8:
            last += 1
        while True:
            found = _one_transition(data, chosen, y, first, last)
            if found is not None:
                break
            last -= 1
        groups.append(Group(first, last, found))
        first = last + 1
    return groups


def _one_transition(
    data: Data, chosen: Segments, y: Floats, first: int, last: int
) -> Transition | None:
    window = _window(data, chosen, y, first, last)
    span = window.times[-1] + window.width_s - window.times[0]
    found = locate(window, max_length_s=span if last > first else span / 2)
    if last == first:
        return found
    steps = chosen.starts[first : last + 1]
    penalty = segment.CHANGE_COST * np.log(len(data.y))
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


def _window(data: Data, chosen: Segments, y: Floats, first: int, last: int) -> Window:
    """Return the buckets from the change before to the change after, the far ones as means."""
    starts = np.concatenate(([0], chosen.starts, [len(y)]))
    low, high = int(starts[first]), int(starts[last + 2])
    reach = REACH if len(chosen.starts) <= 100 else REACH // 3
    near = max(low, int(starts[first + 1]) - reach)
    far = min(high, int(starts[last + 1]) + reach)
    noise = chosen.noise
    inside = slice(near, far)
    local = Data(
        data.times[inside],
        data.position[inside],
        y[inside],
        data.weight[inside],
        None,
        data.slots[inside],
        data.width_s,
    )
    step = -(-int(local.position[-1] - local.position[0] + 1) // MAX_WINDOW)
    if step > 1:
        local = segment.pooled(replace(local, position=local.position - local.position[0]), step)
        noise = Noise(
            noise.variance * float(noise.inflation(step)),
            noise.rho**step,
            noise.share,
            noise.degrees,
        )
    return Window(
        local.times,
        local.position,
        local.y,
        local.weight,
        local.width_s,
        noise,
        _outer(y, data.weight, low, near, chosen.noise),
        _outer(y, data.weight, far, high, chosen.noise),
    )


def _outer(
    y: Floats, weight: Floats, low: int, high: int, noise: Noise
) -> tuple[float, float] | None:
    if high <= low:
        return None
    w = weight[low:high]
    mass = float(w.sum())
    spread = noise.variance * float(noise.inflation(high - low)) / mass
    return float(w @ y[low:high]) / mass, spread
