"""What the passes over both sides bring back: counts of cells in blocks of time, and samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rca.analysis.drift.columns import Profiled
from rca.stats.histogram import is_single

Array = NDArray[np.float64]

#: Cells of a text that are no value: null, and all values that are not counted by themselves.
NULL, REST = "\x01null", "\x01rest"
#: Codes of a number's cells that are no bin.
NULL_BIN, ODD_BIN = 998, 999


@dataclass(frozen=True)
class Blocks:
    """Cells of time on each side: start in seconds, width, rows."""

    side: NDArray[np.int64]
    start: Array
    n: Array
    width_s: float
    timed: bool

    def after(self, time: float) -> Array:
        """Return the part of each block that lies after a time, 0 to 1."""
        if time == float("-inf"):
            return np.ones(len(self.start))
        return np.asarray(np.clip((self.start + self.width_s - time) / self.width_s, 0.0, 1.0))


@dataclass(frozen=True)
class Clock:
    """How time is cut into blocks: block ``i`` starts at ``origin + i * width`` seconds."""

    width: float
    origin: float


@dataclass(frozen=True)
class Counted:
    """Counts of one column's cells in each block.

    ``counts`` is blocks x cells. The first cell is null; of numbers, the second is NaN and
    infinities, and cell ``2 + i`` is bin ``i`` of ``edges``. Of texts, ``labels`` names the cells.
    """

    column: Profiled
    counts: Array
    edges: Array
    labels: tuple[str, ...]
    discrete: bool
    samples: tuple[pa.ChunkedArray, pa.ChunkedArray]
    times: tuple[Array, Array]
    values_counted: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether cells are bins of a number."""
        return self.column.kind in ("number", "time")

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which cells hold one value only."""
        if not self.numeric:
            return np.array([label not in (NULL, REST) for label in self.labels])
        return np.concatenate([[False, False], is_single(self.edges, discrete=self.discrete)])

    @property
    def bin_codes(self) -> list[str]:
        """The codes, as text, of the cells after the first two."""
        if not self.numeric:
            return list(self.labels[2:])
        return [str(i) for i in range(len(self.edges) + 1)]

    @property
    def names(self) -> list[str]:
        """What each cell holds, in words."""
        if not self.numeric:
            return [{NULL: "null", REST: "(others)"}.get(label, label) for label in self.labels]
        if not len(self.edges):
            return ["null", "not finite", "any value"]
        low, high = (f"{edge:.4g}" for edge in (self.edges[0], self.edges[-1]))
        single = self.single[2:]
        inner = [
            f"{a:.4g}" if single[i + 1] else f"{a:.4g} to {b:.4g}"
            for i, (a, b) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True))
        ]
        last = high if single[-1] else f"from {high}"
        return ["null", "not finite", f"below {low}", *inner, last]

    def side(self, blocks: Blocks, side: int) -> Array:
        """Return the counts of cells on a side."""
        return np.asarray(self.counts[blocks.side == side].sum(axis=0))

    def cell_of(self, codes: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the cell of each code that SQL made of a row."""
        if self.numeric:
            cell = codes.to_numpy()
            return np.where(cell == NULL_BIN, 0, np.where(cell == ODD_BIN, 1, cell + 2)).astype(
                np.int64
            )
        found = pc.index_in(codes, value_set=pa.array(self.labels, pa.string()))
        return np.asarray(found.fill_null(1).to_numpy(zero_copy_only=False), dtype=np.int64)

    def during(self, kept: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> Counted:
        """Return the same counts with the rows of the samples that a mask keeps."""
        cut = tuple(s.filter(pa.array(k)) for s, k in zip(self.samples, kept, strict=True))
        times = tuple(t[k] for t, k in zip(self.times, kept, strict=True))
        return replace(self, samples=(cut[0], cut[1]), times=(times[0], times[1]))

    def values(self, side: int) -> Array:
        """Return the finite values of a side's sample, sorted."""
        sample = self.samples[side].to_numpy().astype(np.float64)
        return np.sort(sample[np.isfinite(sample)])


@dataclass(frozen=True)
class Scan:
    """Everything the passes brought back; ``cells`` is SQL of the cell of each column."""

    blocks: Blocks
    columns: Mapping[str, Counted]
    cells: Mapping[str, str]
    clock: Clock
    sql: tuple[str, ...]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The blocks in the order of time."""
        return np.argsort(self.blocks.start, kind="stable").astype(np.int64)

    @cached_property
    def order_start(self) -> Array:
        """Their starts in that order."""
        return np.asarray(self.blocks.start[self.order])
