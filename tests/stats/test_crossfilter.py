import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.stats import crossfilter
from rca.stats.crossfilter import Crossfilter
from rca.stats.search_cells import Measures

FIELDS = ("n", "x", "y", "xx", "xy", "yy")


def drawn(seed, n, binary):
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, k, n).astype(np.uint8) for k in (3, 2, 4)]
    side = rng.integers(0, 2, n).astype(np.uint8)
    if binary:
        return codes, Measures(side, rng.integers(0, 2, n).astype(np.uint8))
    return codes, Measures(side, rng.normal(size=n), rng.random(n), rng.random(n) + 0.5)


def by_hand(codes, kept, measures, column, size):
    """The same with a mask for each column."""
    keeps = [
        np.ones(len(codes[0]), bool) if k is None else k[c]
        for c, k in zip(codes, kept, strict=True)
    ]
    inside = np.all([k for i, k in enumerate(keeps) if i != column], axis=0)
    n = len(measures.side)
    x = np.ones(n) if measures.x is None else measures.x
    w = np.ones(n) if measures.w is None else measures.w
    wx, wy = w * x, w * measures.y
    parts = (np.ones(n), wx, wy, wx * wx, wx * wy, wy * wy)
    code = np.zeros(n, int) if column is None else codes[column]
    for side in (0, 1):
        rows = inside & (measures.side == side)
        yield [np.bincount(code[rows], part[rows], minlength=size) for part in parts]


KEEPS = st.tuples(*(st.none() | st.lists(st.booleans(), min_size=k, max_size=k) for k in (3, 2, 4)))


@pytest.mark.parametrize("compiled", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    binary=st.booleans(),
    choices=st.lists(KEEPS, min_size=1, max_size=4),
)
def test_every_column_is_of_the_rows_that_the_others_keep(compiled, seed, binary, choices):
    codes, measures = drawn(seed, 200, binary)
    cross = Crossfilter(codes, [3, 2, 4], measures)
    cross._compiled = compiled
    for choice in choices:
        kept = [None if c is None else np.array(c) for c in choice]
        columns, whole = cross.sums(kept)
        for i, size in enumerate([3, 2, 4]):
            for found, expected in zip(
                columns[i], by_hand(codes, kept, measures, i, size), strict=True
            ):
                for name, values in zip(FIELDS, expected, strict=True):
                    np.testing.assert_allclose(getattr(found, name), values, atol=1e-9)
        for found, expected in zip(whole, by_hand(codes, kept, measures, None, 1), strict=True):
            np.testing.assert_allclose([getattr(found, f)[0] for f in FIELDS], np.ravel(expected))


def test_large_logs_are_summed_by_compiled_loops(monkeypatch):
    monkeypatch.setattr(crossfilter, "_COMPILED_FROM", 100)
    codes, measures = drawn(1, 200, True)
    assert Crossfilter(codes, [3, 2, 4], measures)._compiled
