"""Data for the slice benchmarks: planted logs, an Adult-sized table and cubes of leaves.

The cubes follow the description of the synthetic sets S and L in Kalander (2022), "RiskLoc:
Localization of Multi-dimensional Root Causes by Weighted Risk", arXiv:2205.10004: Weibull values, a
part of them zero, symmetric relative forecast noise, and anomalies that scale leaves down by a
severity with a deviation, in the direction in which the noise already leans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Cause = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class CubeSetting:
    """Ranges from which a case is drawn."""

    sizes: tuple[int, ...]
    noise: tuple[float, float]
    severity: tuple[float, float]
    deviation: tuple[float, float]
    anomalies: tuple[int, int]
    elements: tuple[int, int]
    only_leaves: bool


SETTINGS = {
    "S": CubeSetting((10, 12, 10, 8, 5), (0, 0.25), (0.2, 1), (0, 0.1), (1, 3), (1, 3), False),
    "L": CubeSetting((10, 24, 10, 15), (0, 0.1), (0.5, 1), (0, 0), (1, 5), (1, 1), True),
}


@dataclass(frozen=True)
class CubeCase:
    """A table of leaves and the causes planted in it."""

    columns: dict[str, NDArray[np.str_]]
    actual: Array
    expected: Array
    causes: frozenset[Cause]

    @property
    def dimensions(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)


def cubes(which: str, n: int, *, seed: int) -> Iterator[CubeCase]:
    """Draw cases of S or L."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield _cube(SETTINGS[which], rng)


def _cube(setting: CubeSetting, rng: np.random.Generator) -> CubeCase:
    shape = setting.sizes
    level = rng.uniform(*setting.noise)
    truth = rng.weibull(rng.uniform(0.5, 1.0), shape) * 100
    truth *= rng.random(shape) > rng.uniform(0, 0.25)
    shaken = np.maximum(truth + truth * rng.normal(0, level, shape), 0.0) if level else truth
    turned = rng.random(shape) < 0.5
    actual, expected = np.where(turned, shaken, truth), np.where(turned, truth, shaken)
    up = actual.sum() > expected.sum()
    planted: list[tuple[tuple[int, ...], list[tuple[int, ...]]]] = []
    for _ in range(int(rng.integers(setting.anomalies[0], setting.anomalies[1] + 1))):
        dims, cells = _places(setting, planted, truth, rng)
        planted.append((dims, cells))
        severity = rng.uniform(*setting.severity) + level
        deviation = rng.uniform(*setting.deviation)
        for cell in cells:
            at: list[slice | int] = [slice(None)] * len(shape)
            for dim, code in zip(dims, cell, strict=True):
                at[dim] = code
            one = tuple(at)
            kept = np.maximum(1 - rng.normal(severity, deviation, np.shape(truth[one])), 0.0)
            if up:
                expected[one] = actual[one] * kept
            else:
                actual[one] = expected[one] * kept
    names = "abcdefgh"[: len(shape)]
    grid = np.indices(shape).reshape(len(shape), -1)
    columns = {
        name: np.array([f"{name}{i + 1}" for i in range(size)])[codes]
        for name, size, codes in zip(names, shape, grid, strict=True)
    }
    causes = frozenset(
        frozenset((names[d], f"{names[d]}{c + 1}") for d, c in zip(dims, cell, strict=True))
        for dims, cells in planted
        for cell in cells
    )
    return CubeCase(columns, actual.reshape(-1), expected.reshape(-1), causes)


def _places(
    setting: CubeSetting,
    planted: list[tuple[tuple[int, ...], list[tuple[int, ...]]]],
    truth: Array,
    rng: np.random.Generator,
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Draw the cells of one anomaly: other columns than before, and other values in shared ones."""
    n_dims = len(setting.sizes)
    while True:
        depth = n_dims if setting.only_leaves else int(rng.integers(1, n_dims + 1))
        dims = tuple(sorted(rng.choice(n_dims, depth, replace=False).tolist()))
        if depth < n_dims and dims in [used for used, _ in planted]:
            continue
        free = []
        for dim in dims:
            taken = {c[used.index(dim)] for used, cs in planted if dim in used for c in cs}
            free.append([code for code in range(setting.sizes[dim]) if code not in taken])
        if not all(free):
            continue
        wanted = int(rng.integers(setting.elements[0], setting.elements[1] + 1))
        drawn = [rng.choice(codes, wanted).tolist() for codes in free]
        cells = list(zip(*drawn, strict=True))
        if len(set(cells)) < wanted:
            continue
        if depth == n_dims and any(truth[cell] == 0 for cell in cells):
            continue
        return dims, cells


CARDINALITIES = (3, 4, 5, 8, 10, 10, 12, 20, 50, 200, 500, 10_000)


def write_log(path: str, n: int, dims: int, *, plant: bool = True) -> None:
    """Write a log of two halves as Parquet; in the second, errors come in d2=v1 and d3=v2&d4=v3."""
    import duckdb

    sizes = [CARDINALITIES[k % len(CARDINALITIES)] for k in range(dims)]
    columns = ", ".join(
        f"'v' || (hash(range * {k + 1} + {k * 7919}) % {size})::varchar as d{k}"
        for k, size in enumerate(sizes)
    )
    later = f"range >= {n // 2}"
    broken = f"({later}) and (d2 = 'v1' or (d3 = 'v2' and d4 = 'v3')) and hash(range + 99) % 4 = 0"
    wrong = f"hash(range + 7) % 10 = 0 or ({broken})" if plant else "hash(range + 7) % 10 = 0"
    step = 1_000_000 / n
    duckdb.sql(
        f"copy (select * exclude (range), case when {wrong} then 0.0 else 1.0 end as correct, "
        f"exp(6 + (hash(range + 3) % 1000) / 400.0) as latency_ms from (select range, "
        f"timestamp '2026-01-01' + to_milliseconds((range * {step} * 1000)::bigint) as ts, "
        f"{columns} from range({n}))) to '{path}'"
    )


#: The numbers of values of the 14 columns of the Adult census table, numbers cut in bins.
ADULT_SIZES = (10, 9, 10, 16, 16, 7, 15, 6, 5, 2, 10, 10, 10, 42)


def adult_like(n: int = 48_842, *, seed: int = 0) -> tuple[list[NDArray[np.int64]], Array]:
    """Draw codes of an Adult-sized table and errors that are more frequent in some slices."""
    rng = np.random.default_rng(seed)
    codes = [rng.choice(s, n, p=rng.dirichlet(np.full(s, 0.6))) for s in ADULT_SIZES]
    often = [int(np.bincount(code).argmax()) for code in codes]
    chance = np.full(n, 0.06)
    chance += 0.35 * ((codes[3] == often[3]) & (codes[5] == often[5]))
    chance += 0.25 * ((codes[7] == often[7]) & (codes[9] == often[9]) & (codes[0] == often[0]))
    return codes, (rng.random(n) < chance).astype(float)
