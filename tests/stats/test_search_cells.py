from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import rca.stats.search_cells as module
from rca.stats.ratio import SUMS, Sums
from rca.stats.search_cells import Measures, blocks_of, sum_cells, sum_crosses

SIZES = [3, 4, 7, 2, 300]


def _rows(kind: str, n: int = 3000) -> tuple[list[np.ndarray], Measures]:  # type: ignore[type-arg]
    rng = np.random.default_rng(5)
    codes = [rng.integers(0, size, n).astype(np.min_scalar_type(size)) for size in SIZES]
    side = rng.integers(0, 2, n).astype(np.uint8)
    if kind == "share":
        return codes, Measures(side, rng.integers(0, 2, n).astype(np.uint8))
    y = rng.lognormal(0, 1, n)
    if kind == "mean":
        return codes, Measures(side, y)
    return codes, Measures(side, y, rng.random(n), rng.random(n) + 0.5)


def _plain(codes: list[np.ndarray], cross: tuple[int, ...], rows: Measures) -> list[Sums]:  # type: ignore[type-arg]
    """Sum cell by cell, as the definition says."""
    y = rows.y.astype(float)
    x = np.ones(len(y)) if rows.x is None else rows.x
    w = np.ones(len(y)) if rows.w is None else rows.w
    shape = [SIZES[i] for i in cross]
    index = np.ravel_multi_index([codes[i].astype(int) for i in cross], shape)
    parts = [np.ones(len(y)), w * x, w * y, (w * x) ** 2, w * x * w * y, (w * y) ** 2]
    out = []
    for side in (0, 1):
        here = rows.side == side
        sums = []
        for part in parts:
            total = np.zeros(int(np.prod(shape)))
            np.add.at(total, index[here], part[here])
            sums.append(total)
        out.append(Sums(*sums))
    return out


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", ["share", "mean", "weighted"])
def test_sums_are_those_of_the_definition(
    kind: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPILED_FROM", 0 if compiled else 10**12)
    codes, rows = _rows(kind)
    crosses = [c for k in (1, 2, 3) for c in combinations(range(4), k)] + [(0, 4), (4,)]
    for cross, found in zip(crosses, sum_crosses(codes, SIZES, crosses, rows), strict=True):
        for side, plain in zip(found, _plain(codes, cross, rows), strict=True):
            for name in SUMS:
                np.testing.assert_allclose(getattr(side, name), getattr(plain, name), rtol=1e-12)


def test_no_column_is_one_cell_of_all_rows() -> None:
    _, rows = _rows("mean")
    baseline, current = sum_cells([], [], rows)
    assert baseline.n.tolist() == [(rows.side == 0).sum()]
    assert current.y[0] == pytest.approx(rows.y[rows.side == 1].sum())


def test_blocks_hold_every_cross_once_and_stay_small() -> None:
    sizes = [10] * 12
    crosses = [c for k in (1, 2) for c in combinations(range(12), k)]
    blocks = blocks_of(sizes, crosses)
    held = [cross for _, wanted in blocks for cross in wanted]
    assert sorted(held) == sorted(crosses)
    assert len(blocks) < 20
    assert all(10 ** len(block) <= 16_384 for block, _ in blocks)
    assert all(set(cross) <= set(block) for block, wanted in blocks for cross in wanted)
