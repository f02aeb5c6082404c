"""Every cell of single columns and pairs, in one flat table of sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.rows import Rows, is_version
from rca.engine.cube import Codes
from rca.stats.decompose import succeed
from rca.stats.ratio import SUMS, Sums
from rca.stats.search_cells import Measures, sum_crosses

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: How many values of a column are told apart, by the number of columns crossed; the rest is one.
MOST_VALUES = {1: 10_000, 2: 60, 3: 16}


@dataclass(frozen=True)
class Axis:
    """One column with its few values that matter; all others share the last code."""

    name: str
    codes: Codes
    labels: tuple[str, ...]
    rest: bool

    @property
    def size(self) -> int:
        """The number of codes."""
        return len(self.labels) + self.rest

    def take(self, rows: Bools) -> Axis:
        """Return the column over some rows."""
        return Axis(self.name, self.codes[rows], self.labels, self.rest)


@dataclass(frozen=True)
class Cells:
    """Cells of crosses of axes, flat: one entry per cell of the sums of both sides.

    ``baseline`` is what the current rows are compared with: of a new version, the baseline rows
    that it replaced. ``own`` is the baseline's rows that have the cell's values; ``whole`` are
    both sides' rows, whatever their cell.
    """

    axes: tuple[Axis, ...]
    crosses: tuple[tuple[int, ...], ...]
    cross: Ints
    code: Ints
    baseline: Sums
    current: Sums
    own: Sums
    whole: tuple[Sums, Sums]

    def values(self, cell: int) -> dict[str, str]:
        """Return a cell's columns and values."""
        return {axis.name: axis.labels[code] for axis, code in self.parts(cell)}

    def parts(self, cell: int) -> list[tuple[Axis, int]]:
        """Return a cell's axes and its code on each."""
        axes = [self.axes[i] for i in self.crosses[self.cross[cell]]]
        codes = np.unravel_index(int(self.code[cell]), [axis.size for axis in axes])
        return [(axis, int(code)) for axis, code in zip(axes, codes, strict=True)]

    def mask(self, cell: int) -> Bools:
        """Return which rows are in a cell."""
        (axis, code), *others = self.parts(cell)
        inside: Bools = axis.codes == code
        for axis, code in others:
            inside &= axis.codes == code
        return inside

    def depth(self) -> Ints:
        """Return the number of columns of each cell."""
        return np.array([len(c) for c in self.crosses])[self.cross]

    def named(self) -> Bools:
        """Return which cells have a value on every axis, rather than the pooled rest."""
        out = np.ones(len(self.cross), dtype=bool)
        for i, cross in enumerate(self.crosses):
            here = self.cross == i
            sizes = [self.axes[k].size for k in cross]
            for axis, code in zip(cross, np.unravel_index(self.code[here], sizes), strict=True):
                if self.axes[axis].rest:
                    out[here] &= code < len(self.axes[axis].labels)
        return out


def axes_of(
    rows: Rows, names: Sequence[str], *, min_rows: int, depth: int
) -> tuple[list[Axis], list[tuple[int, ...]]]:
    """Return the columns, with as many values as each depth bears, and which of them to cross.

    By itself a column shows every value with enough rows; crossed with others, those that matter
    most.
    """
    axes: list[Axis] = []
    crosses: list[tuple[int, ...]] = []
    level: list[int] = []
    for k in range(1, depth + 1):
        found = [_axis(rows, name, min_rows=min_rows, most=MOST_VALUES[k]) for name in names]
        made = [a for a in found if a is not None]
        if k == 1 or [a.size for a in made] != [axes[i].size for i in level]:
            wider = {axes[i].name: i for i in level}
            level = []
            for a in made:
                known = wider.get(a.name)
                if known is None or axes[known].size != a.size:
                    axes.append(a)
                    known = len(axes) - 1
                level.append(known)
        crosses += [tuple(sorted(chosen)) for chosen in combinations(level, k)]
    return axes, crosses


def _axis(rows: Rows, name: str, *, min_rows: int, most: int) -> Axis | None:
    """Return a column's values with enough rows, or None where it tells no rows apart.

    At most ``most`` are kept, by their rows and by their part of the metric's sum: one caller's few
    but enormous requests count.
    """
    codes, n_values = rows.codes[name], len(rows.values[name])
    baseline, current = rows.singles[name]
    enough = np.maximum(baseline.n, current.n) >= min_rows
    # The mean of both sides: values chosen for being high on one would fall back on the other.
    weight = np.zeros(n_values)
    for s in (baseline, current):
        for part in (s.n, np.abs(s.y)):
            weight += part / max(float(part.sum()), 1e-300)
    order = np.lexsort((np.arange(n_values), -weight))
    kept = np.sort(order[enough[order]][:most])
    there = (baseline.n + current.n) > 0
    if there.sum() < 2 or kept.size == 0:
        return None
    rest = bool(there.sum() > kept.size)
    remap = np.full(n_values, kept.size, dtype=np.min_scalar_type(kept.size))
    remap[kept] = np.arange(kept.size)
    labels = tuple(rows.label(name, int(code)) for code in kept)
    return Axis(name, remap[codes], labels, rest)


def cells(axes: Sequence[Axis], crosses: Sequence[tuple[int, ...]], measures: Measures) -> Cells:
    """Sum the rows over the cells of each cross."""
    sizes = [axis.size for axis in axes]
    sums = sum_crosses([axis.codes for axis in axes], sizes, crosses, measures)
    cross, code = [], []
    joined: tuple[list[Sums], list[Sums], list[Sums]] = ([], [], [])
    for i, (chosen, (own, current)) in enumerate(zip(crosses, sums, strict=True)):
        baseline = _succeeded(own, current, [axes[k] for k in chosen])
        there = np.flatnonzero((own.n > 0) | (current.n > 0))
        cross.append(np.full(there.size, i))
        code.append(there)
        for parts, s in zip(joined, (baseline, current, own), strict=True):
            parts.append(s[there])
    return Cells(
        tuple(axes),
        tuple(crosses),
        np.concatenate(cross),
        np.concatenate(code),
        _joined(joined[0]),
        _joined(joined[1]),
        _joined(joined[2]),
        whole=(sums[0][0].total(), sums[0][1].total()),
    )


def _succeeded(baseline: Sums, current: Sums, axes: Sequence[Axis]) -> Sums:
    """Give new versions the baseline that they replaced, within each value of the other columns."""
    shape = [axis.size for axis in axes]
    for i, axis in enumerate(axes):
        if is_version(axis.name):
            b, c = (_moved(s, shape, i, -1) for s in (baseline, current))
            moved = [shape[k] for k in range(len(shape)) if k != i] + [shape[i]]
            baseline = _moved(succeed(b, c), moved, -1, i, flat=True)
    return baseline


def _moved(s: Sums, shape: Sequence[int], source: int, target: int, *, flat: bool = False) -> Sums:
    def move(values: Array) -> Array:
        out = np.moveaxis(values.reshape(shape), source, target)
        return out.reshape(-1) if flat else out

    return Sums(*(move(getattr(s, name)) for name in SUMS))


def _joined(parts: Sequence[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(p, name) for p in parts]) for name in SUMS))
