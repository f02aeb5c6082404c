from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from rca.stats.search_errors import worst_slices

SIZES = [4, 5, 3, 6, 2]


def _all(codes, errors, k: int, depth: int, least: int, alpha: float = 0.95):  # type: ignore[no-untyped-def]
    """Score every slice, one by one."""
    n, total, found = len(errors), errors.sum(), []
    for d in range(1, depth + 1):
        for columns in combinations(range(len(codes)), d):
            shape = [SIZES[c] for c in columns]
            index = np.ravel_multi_index([codes[c] for c in columns], shape)
            rows, error = np.bincount(index), np.bincount(index, errors)
            for i in np.flatnonzero((rows >= least) & (error > 0)):
                worse = alpha * ((error[i] / rows[i]) / (total / n) - 1)
                score = worse - (1 - alpha) * (n / rows[i] - 1)
                values = (int(v) for v in np.unravel_index(i, shape))
                if score > 0:
                    found.append((score, int(rows[i]), tuple(zip(columns, values, strict=True))))
    return sorted(found, key=lambda one: (-one[0], -one[1], one[2]))[:k]


@pytest.mark.parametrize("kind", ["wrong", "squared"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_are_those_of_looking_at_every_slice(kind: str, depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, 3000) for size in SIZES]
    chance = 0.1 + 0.7 * ((codes[0] == 1) & (codes[1] == 2)) + 0.4 * (codes[3] == 5)
    errors = (rng.random(3000) < np.minimum(chance, 1)).astype(float)
    if kind == "squared":
        errors *= rng.exponential(1, 3000)
    found = worst_slices(codes, SIZES, errors, k=6, depth=depth)
    wanted = _all(codes, errors, 6, depth, 30)
    assert wanted
    assert [one.items for one in found] == [items for _, _, items in wanted]
    assert [one.score for one in found] == pytest.approx([score for score, _, _ in wanted])
    assert [one.n_rows for one in found] == [rows for _, rows, _ in wanted]


def test_no_errors_no_slices() -> None:
    assert worst_slices([np.zeros(10, dtype=int)], [1], np.zeros(10)) == []
