"""Which cells of a cube of leaves deviate together from what was expected of them.

A leaf with actual value a and expected value f deviates by u = (a - f) / max(a, f), between -1 and
1. When all leaves of a cell deviate by the same factor (the ripple effect: Sun et al. 2018,
HotSpot) with noise of variance s^2, the log-likelihood gained by saying so is

    gain = (sum u / s^2)^2 / (2 sum 1 / s^2)        over the leaves of the cell

A wider cell dilutes the sum and a narrower one loses a part of it, so the gain is largest at the
cell that deviates: no layer weights, no cutoff of leaves. Noise is read from the leaves that
deviate the other way, and so is the threshold: the same search with the sign turned finds chance
alone (a target-decoy search: Elias and Gygi 2007, Nature Methods 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Deviations smaller than this are no deviations.
_LEAST_NOISE = 1e-3
_NORMAL_MEDIAN = 0.6744897501960817
_SIZE_BINS = 8
#: How far above the largest gain of the turned search a gain must lie.
_SLACK = 1.25
#: A whole of more cells is not searched at once.
MOST_CELLS = 60_000_000


@dataclass(frozen=True)
class Deviant:
    """One cell: a code per column, -1 where it holds all values, and its evidence.

    ``gain`` had to be more than ``threshold``, of which ``cost`` is for having looked at all cells.
    """

    codes: tuple[int, ...]
    gain: float
    threshold: float
    cost: float
    deviation: float
    standard_error: float
    n_leaves: int

    @property
    def depth(self) -> int:
        """How many columns the cell fixes."""
        return sum(code >= 0 for code in self.codes)


def deviations(actual: Array, expected: Array) -> Array:
    """Return each leaf's relative deviation; NaN where nothing was seen and nothing expected.

    >>> deviations(np.array([5.0, 10.0, 0.0]), np.array([10.0, 5.0, 0.0])).tolist()
    [-0.5, 0.5, nan]
    """
    size = np.maximum(np.abs(actual), np.abs(expected))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.clip((actual - expected) / size, -1.0, 1.0), np.nan)


def noise(deviation: Array, size: Array, direction: float) -> Array:
    """Return each leaf's standard deviation of noise, from those that deviate the other way.

    Small leaves of real traffic are noisier than large ones: the noise is read in bins of size,
    and is one for all where the bins say the same within a factor of 1.5.
    """
    against = np.sign(deviation) == -direction
    whole = _scale(np.abs(deviation[against]))
    known = np.isfinite(deviation)
    if not known.any():
        return np.full(len(size), whole)
    edges = np.quantile(size[known], np.arange(1, _SIZE_BINS) / _SIZE_BINS)
    bins = np.searchsorted(edges, size, side="right")
    found = np.full(_SIZE_BINS, whole)
    for i in range(_SIZE_BINS):
        inside = against & (bins == i)
        if inside.sum() >= 50:
            found[i] = _scale(np.abs(deviation[inside]))
    if found.max() <= 1.5 * found.min():
        found[:] = whole
    return np.asarray(found[bins])


def _scale(sizes: Array) -> float:
    if sizes.size < 5:
        return _LEAST_NOISE
    return max(_LEAST_NOISE, float(np.median(sizes)) / _NORMAL_MEDIAN)


def deviants(
    codes: Sequence[Ints],
    sizes: Sequence[int],
    deviation: Array,
    noise: Array,
    direction: float,
    *,
    depth: int,
    most: int,
) -> list[Deviant]:
    """Return the disjoint cells that deviate in a direction, best first.

    The cell of the largest gain is taken; where cells inside it explain more by themselves, they
    are taken instead; their leaves are set aside, and the search is repeated on the others.

    Parameters
    ----------
    codes, sizes : sequences
        Each column's codes, one per leaf, and how many it has.
    deviation, noise : array
        Of each leaf; NaN deviations are left out.
    direction : float
        1 for more than expected, -1 for less.
    depth, most : int
        How many columns a cell may fix, and how many cells to return.
    """
    known = np.isfinite(deviation)
    index = np.ravel_multi_index([c[known] for c in codes], tuple(sizes))
    information = 1.0 / noise[known] ** 2
    cells = int(np.prod(sizes))
    cube = _Cube(
        _dense(index, information * deviation[known] * direction, cells, sizes),
        _dense(index, information, cells, sizes),
        _dense(index, np.ones(index.size), cells, sizes),
        depth,
    )
    found: list[Deviant] = []
    while len(found) < most:
        chosen = cube.best()
        if chosen is None:
            break
        inner = cube.inside(chosen, most - len(found))
        for one in inner or [chosen]:
            found.append(one)
            cube.remove(one.codes)
    return found


class _Cube:
    """Sums over leaves, from which cells can be taken away."""

    def __init__(self, score: Array, information: Array, count: Array, depth: int) -> None:
        self.score, self.information, self.count = score, information, count
        self.depth = depth
        self.allowed = _allowed(score.shape, depth)

    def best(self, *, least: float = 0.0) -> Deviant | None:
        """Return the cell of the largest gain, if that is more than chance and ``least``."""
        score, information = _rolled(self.score), _rolled(self.information)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(information > 0, score * np.abs(score) / (2 * information), 0.0)
        gain = np.where(self.allowed, gain, 0.0)
        n_cells = int((information > 0).sum())
        cost = max(least, float(np.log(max(n_cells, 2))) + 2)
        threshold = max(cost, _SLACK * float(-gain.min()))
        at = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if not gain[at] > threshold:
            return None
        places = zip(at, self.score.shape, strict=True)
        codes = tuple(int(i) if i < size else -1 for i, size in places)
        return Deviant(
            codes=codes,
            gain=float(gain[at]),
            threshold=threshold,
            cost=cost,
            deviation=float(score[at] / information[at]),
            standard_error=float(1 / np.sqrt(information[at])),
            n_leaves=int(self.count[_place(codes)].sum()),
        )

    def inside(self, outer: Deviant, most: int) -> list[Deviant]:
        """Return the cells inside one that together explain more than it does, or none."""
        left = self.depth - outer.depth
        if left < 1 or -1 not in outer.codes:
            return []
        at = _place(outer.codes)
        sums = (self.score[at].copy(), self.information[at].copy(), self.count[at].copy())
        # Leaves that deviate unevenly are no sign of cells inside: they are measured by how much.
        wide = _uneven(*sums[:2])
        part = _Cube(sums[0] / wide, sums[1] / wide, sums[2], left)
        found: list[Deviant] = []
        explained = 0.0
        while len(found) < most:
            inner = part.best(least=outer.cost)
            if inner is None:
                break
            part.remove(inner.codes)
            free = iter(inner.codes)
            codes = tuple(code if code >= 0 else next(free) for code in outer.codes)
            found.append(replace(inner, codes=codes))
            explained += inner.gain - inner.cost
        return found if explained > outer.gain / wide - outer.cost else []

    def remove(self, codes: tuple[int, ...]) -> None:
        """Set a cell's leaves aside."""
        for sums in (self.score, self.information, self.count):
            sums[_place(codes)] = 0.0


def _uneven(score: Array, information: Array) -> float:
    """Return the leaves' variance about their middle in units of their noise, at least 1."""
    seen = information > 0
    deviation = score[seen] / information[seen]
    if deviation.size < 3:
        return 1.0
    apart = np.abs(deviation - np.median(deviation)) * np.sqrt(information[seen])
    return max(1.0, (float(np.median(apart)) / _NORMAL_MEDIAN) ** 2)


def _place(codes: tuple[int, ...]) -> tuple[int | slice, ...]:
    return tuple(slice(None) if code < 0 else code for code in codes)


def _dense(index: Ints, values: Array, cells: int, sizes: Sequence[int]) -> Array:
    summed = np.bincount(index, values, minlength=cells).astype(np.float64)
    return summed.reshape(tuple(sizes))


def _rolled(leaves: Array) -> Array:
    """Return the sums of every cuboid: each axis gets one more place, for all its values."""
    for axis in range(leaves.ndim):
        whole = leaves.sum(axis=axis, keepdims=True)
        leaves = np.concatenate([leaves, whole], axis=axis)
    return leaves


def _allowed(sizes: Sequence[int], depth: int) -> NDArray[np.bool_]:
    """Tell which cells fix from one column to ``depth``."""
    fixed = np.zeros([size + 1 for size in sizes], dtype=np.int8)
    for axis, size in enumerate(sizes):
        shape = [1] * len(sizes)
        shape[axis] = size + 1
        fixed += (np.arange(size + 1) < size).astype(np.int8).reshape(shape)
    found: NDArray[np.bool_] = (fixed >= 1) & (fixed <= depth)
    return found
