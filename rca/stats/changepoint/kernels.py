"""Compiled loops. Imported only when a series is segmented: numba takes half a second to load."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@njit(cache=True)
def optimal_levels(y: Floats, w: Floats, penalty: float) -> Ints:
    """Return the starts of all segments but the first, minimising weighted squares + penalty.

    Functional pruning (FPOP: Maidstone, Hocking, Rigaill & Fearnhead 2017): the cost of the best
    segmentation as a function of its last level is kept as a list of quadratics on intervals, so
    that the work stays near n log n even when nothing changes, where PELT needs n squared.
    """
    n = len(y)
    low, high = y.min() - 1.0, y.max() + 1.0
    size = 256
    left, right = np.empty(size), np.empty(size)
    a, b, c = np.empty(size), np.empty(size), np.empty(size)
    start = np.empty(size, np.int64)
    left2, right2 = np.empty(size), np.empty(size)
    a2, b2, c2 = np.empty(size), np.empty(size), np.empty(size)
    start2 = np.empty(size, np.int64)
    last = np.zeros(n + 1, np.int64)
    count = 1
    left[0], right[0], a[0], b[0], c[0], start[0] = low, high, 0.0, 0.0, 0.0, 0
    best = 0.0
    for t in range(n + 1):
        best = np.inf
        for i in range(count):
            mu = 0.0
            if a[i] > 0:
                mu = -b[i] / (2 * a[i])
            mu = min(max(mu, left[i]), right[i])
            cost = (a[i] * mu + b[i]) * mu + c[i]
            if cost < best:
                best = cost
                last[t] = start[i]
        if t == n:
            break
        if t > 0:
            bound = best + penalty
            if 3 * count + 3 > size:
                size = 4 * count + 64
                left2, right2 = np.empty(size), np.empty(size)
                a2, b2, c2 = np.empty(size), np.empty(size), np.empty(size)
                start2 = np.empty(size, np.int64)
            m = 0
            for i in range(count):
                lo, hi = right[i], left[i]
                gap = b[i] * b[i] - 4 * a[i] * (c[i] - bound)
                if gap >= 0 and a[i] > 0:
                    root = np.sqrt(gap)
                    lo = max(left[i], (-b[i] - root) / (2 * a[i]))
                    hi = min(right[i], (-b[i] + root) / (2 * a[i]))
                if lo >= hi:
                    lo = right[i]
                    hi = right[i]
                if lo > left[i]:
                    if m > 0 and start2[m - 1] == t:
                        right2[m - 1] = lo
                    else:
                        left2[m], right2[m], start2[m] = left[i], lo, t
                        a2[m], b2[m], c2[m] = 0.0, 0.0, bound
                        m += 1
                if hi > lo:
                    left2[m], right2[m], start2[m] = lo, hi, start[i]
                    a2[m], b2[m], c2[m] = a[i], b[i], c[i]
                    m += 1
                    if hi < right[i]:
                        left2[m], right2[m], start2[m] = hi, right[i], t
                        a2[m], b2[m], c2[m] = 0.0, 0.0, bound
                        m += 1
            left, left2 = left2, left
            right, right2 = right2, right
            a, a2 = a2, a
            b, b2 = b2, b
            c, c2 = c2, c
            start, start2 = start2, start
            count = m
            if len(left2) < size:
                left2, right2 = np.empty(size), np.empty(size)
                a2, b2, c2 = np.empty(size), np.empty(size), np.empty(size)
                start2 = np.empty(size, np.int64)
        weight, value = w[t], y[t]
        for i in range(count):
            a[i] += weight
            b[i] -= 2 * weight * value
            c[i] += weight * value * value
    found = 0
    s = last[n]
    while s > 0:
        found += 1
        s = last[s]
    starts = np.empty(found, np.int64)
    s = last[n]
    while s > 0:
        found -= 1
        starts[found] = s
        s = last[s]
    return starts


@njit(cache=True)
def whiten(columns: Floats, position: Ints, rho: float, share: float) -> Floats:
    """Return columns with the correlation of white + autoregressive noise taken out.

    One pass of the Kalman filter of ``x_t = u_t + e_t``, ``u_t = rho u_{t-1} + ...``; a gap of d
    buckets decays by ``rho^d``. Innovations have unit variance when the noise has.
    """
    n, m = columns.shape
    white = np.empty((n, m))
    state = np.zeros(m)
    spread = share
    for t in range(n):
        total = spread + 1.0 - share
        gain, scale = spread / total, 1.0 / np.sqrt(total)
        decay = rho ** (position[t + 1] - position[t]) if t + 1 < n else 0.0
        for j in range(m):
            surprise = columns[t, j] - state[j]
            white[t, j] = surprise * scale
            state[j] = decay * (state[j] + gain * surprise)
        spread = decay * decay * spread * (1 - gain) + share * (1 - decay * decay)
    return white


@njit(cache=True)
def transition_scores(
    times: Floats,
    position: Ints,
    root: Floats,
    width: float,
    target: Floats,
    level: Floats,
    onset: Floats,
    length: Floats,
    rho: float,
    share: float,
    sd: float,
    beyond: float,
) -> tuple[Floats, Floats, Floats]:
    """Return information, score and largest exposure of each transition, the level fitted out.

    ``target`` and ``level`` are whitened, with their outer rows at the end; ``beyond`` is what the
    row of the buckets after the window holds for a finished transition (0: there is none).
    """
    n, m = len(times), len(onset)
    gain, scale, decay = np.empty(n), np.empty(n), np.zeros(n)
    spread = share
    for t in range(n):
        total = spread + 1.0 - share
        gain[t], scale[t] = spread / total, 1.0 / (np.sqrt(total) * sd)
        if t + 1 < n:
            decay[t] = rho ** (position[t + 1] - position[t])
        spread = decay[t] ** 2 * spread * (1 - gain[t]) + share * (1 - decay[t] ** 2)
    norm, with_level = 0.0, 0.0
    for t in range(len(level)):
        norm += level[t] * level[t]
        with_level += target[t] * level[t]
    information, score, seen = np.empty(m), np.empty(m), np.zeros(m)
    for j in range(m):
        state, squares, cross, level_cross = 0.0, 0.0, 0.0, 0.0
        before = 0.0
        start = max(0, np.searchsorted(times, onset[j] - width, side="right"))
        for t in range(start, n):
            past = times[t] + width - onset[j]
            if t == start or position[t] - position[t - 1] != 1:
                before = _area(past - width, length[j])
            after = _area(past, length[j])
            share_seen = (after - before) / width
            before = after
            surprise = share_seen * root[t] - state
            state = decay[t] * (state + gain[t] * surprise)
            value = surprise * scale[t]
            squares += value * value
            cross += value * target[t]
            level_cross += value * level[t]
            seen[j] = share_seen
        if beyond > 0:
            value, last = beyond, len(target) - 1
            squares += value * value
            cross += value * target[last]
            level_cross += value * level[last]
        information[j] = max(squares - level_cross * level_cross / norm, 1e-12)
        score[j] = cross - with_level * level_cross / norm
    return information, score, seen


@njit(cache=True)
def _area(x: float, length: float) -> float:
    """Return the integral of a ramp of ``length`` from 0 to ``x``."""
    if x <= 0:
        return 0.0
    if x < length:
        return x * x / (2 * length)
    return x - length / 2
