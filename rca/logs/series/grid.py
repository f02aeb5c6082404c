"""From samples at odd times to an even grid, and from a counter to its increases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rca.errors import BadValueError

Floats = NDArray[np.float64]

MAX_WINDOWS = 5_000_000
_SNAP = 0.1  # of a step: a sample further from its place on the grid is said to be moved


class Grid(NamedTuple):
    """Samples on an even grid; NaN where there was none."""

    times: Floats
    values: Floats
    step_s: float
    n_moved: int
    n_replaced: int


def on_grid(times: Floats, values: Floats) -> Grid:
    """Put samples on a grid of the step that most of them keep.

    The step is the commonest difference of successive times, to the millisecond. A sample goes to
    the nearest place on the grid; of several at one place the last stays; a place that none
    reaches is NaN.

    Raises
    ------
    BadValueError
        If the grid would have more than 5 million windows.

    Examples
    --------
    >>> grid = on_grid(np.array([0.0, 60.0, 180.0]), np.array([1.0, 2.0, 4.0]))
    >>> grid.values.tolist()
    [1.0, 2.0, nan, 4.0]
    """
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    gaps = np.round(np.diff(times), 3)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        n_replaced = len(times) - 1
        return Grid(times[-1:], values[-1:], float("nan"), 0, n_replaced)
    lengths, counts = np.unique(gaps, return_counts=True)
    step = float(lengths[np.argmax(counts)])
    wanted = (times - times[0]) / step
    if wanted[-1] >= MAX_WINDOWS:
        raise BadValueError(
            f"the series spans {wanted[-1]:.3g} windows of {step:g} s. Ask for a longer step or"
            " for fewer days."
        )
    places = np.round(wanted).astype(np.int64)
    grid = np.full(places[-1] + 1, np.nan)
    grid[places] = values
    n_moved = int((np.abs(wanted - places) > _SNAP).sum())
    n_replaced = len(places) - len(np.unique(places))
    even = times[0] + step * np.arange(len(grid))
    return Grid(even, grid, step, n_moved, n_replaced)


def increases(counter: Floats) -> tuple[Floats, int, int]:
    """Return the increase of a counter in each window, its resets, and the windows after gaps.

    A counter that falls was restarted at 0, so that what it shows now is its increase since, a
    lower bound. The first window has no increase; nor has the first one after a gap, because its
    difference spans several windows and would look like a spike.

    Examples
    --------
    >>> found, n_resets, n_after_gap = increases(np.array([5.0, 9.0, 2.0, np.nan, 8.0, 9.0]))
    >>> found.tolist(), n_resets, n_after_gap
    ([nan, 4.0, 2.0, nan, nan, 1.0], 1, 1)
    """
    found = np.full(len(counter), np.nan)
    before, now = counter[:-1], counter[1:]
    found[1:] = np.where(now >= before, now - before, now)
    found[1:][np.isnan(before) | np.isnan(now)] = np.nan
    n_resets = int((now < before).sum())
    seen = np.isfinite(counter)
    n_after_gap = int((seen[1:] & ~seen[:-1] & np.maximum.accumulate(seen)[:-1]).sum())
    return found, n_resets, n_after_gap
