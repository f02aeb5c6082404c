from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rca
from rca.errors import BadValueError, EmptyLogError, MissingColumnError

DIMENSIONS = ["a", "b", "c"]


def _leaves(noise: float = 0.1, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cells = product(
        [f"a{i}" for i in range(8)], [f"b{i}" for i in range(10)], [f"c{i}" for i in range(6)]
    )
    frame = pd.DataFrame(cells, columns=DIMENSIONS)
    frame["expected"] = rng.weibull(0.8, len(frame)) * 100
    frame["actual"] = np.maximum(frame["expected"] * (1 + rng.normal(0, noise, len(frame))), 0)
    return frame


def _scaled(frame: pd.DataFrame, factor: float, **cell: str) -> None:
    where = np.logical_and.reduce([frame[name] == value for name, value in cell.items()])
    frame.loc[where, "actual"] = frame.loc[where, "expected"] * factor


def _localized(frame: object, **more: object) -> rca.Localization:
    return rca.localize(frame, dimensions=DIMENSIONS, actual="actual", expected="expected", **more)


@pytest.mark.parametrize(
    "cells",
    [
        [{"b": "b3"}],
        [{"a": "a1", "c": "c2"}],
        [{"b": "b3"}, {"a": "a1", "c": "c2"}],
        [{"c": "c1"}, {"c": "c4"}, {"c": "c5"}, {"c": "c0"}],
        [{"a": "a2", "b": "b7", "c": "c3"}],
    ],
)
def test_planted_cells_are_found_exactly(cells: list[dict[str, str]]) -> None:
    frame = _leaves(noise=0.05)
    for cell in cells:
        _scaled(frame, 0.4, **cell)
    found = _localized(frame)
    assert {frozenset(c.items()) for c in found.causes} == {frozenset(c.items()) for c in cells}


def test_the_parts_are_those_of_the_table() -> None:
    frame = _leaves()
    _scaled(frame, 0.5, b="b3")
    row = _localized(frame).table.iloc[0]
    inside = frame[frame["b"] == "b3"]
    assert row["actual"] == pytest.approx(inside["actual"].sum())
    assert row["share"] == pytest.approx(
        (inside["actual"] - inside["expected"]).sum() / (frame["actual"] - frame["expected"]).sum()
    )
    assert row["ci"][0] < -0.5 < row["ci"][1]
    assert row["n_leaves"] == 48


def test_noise_alone_has_no_cause() -> None:
    found = [_localized(_leaves(seed=seed)).causes for seed in range(40)]
    assert sum(map(bool, found)) <= 3


def test_a_rise_is_found_too_and_order_of_rows_is_irrelevant() -> None:
    frame = _leaves()
    _scaled(frame, 2.0, a="a5")
    first, again = _localized(frame), _localized(frame.sample(frac=1, random_state=3))
    assert first.causes == ({"a": "a5"},)
    pd.testing.assert_frame_equal(first.table, again.table)


def test_a_rate_is_a_derived_measure() -> None:
    rng = np.random.default_rng(2)
    frame = _leaves()[DIMENSIONS]
    frame["calls"] = rng.integers(200, 2000, len(frame))
    frame["calls_before"] = rng.integers(200, 2000, len(frame))
    bad = (frame["a"] == "a4") & (frame["c"] == "c1")
    frame["ok"] = rng.binomial(frame["calls"], np.where(bad, 0.6, 0.95))
    frame["ok_before"] = rng.binomial(frame["calls_before"], 0.95)
    found = rca.localize(
        frame, dimensions=DIMENSIONS, actual=("ok", "calls"), expected=("ok_before", "calls_before")
    )
    assert found.causes == ({"a": "a4", "c": "c1"},)
    assert found.table["share"][0] == pytest.approx(1.0, abs=0.2)


def test_polars_arrow_nulls_and_depth() -> None:
    frame = _leaves()
    _scaled(frame, 0.4, a="a1", c="c2")
    frame["a"] = frame["a"].where(frame["a"] != "a1", None)
    polars = pl.from_pandas(frame)
    assert _localized(polars).causes == ({"a": "(null)", "c": "c2"},)
    assert _localized(pa.table(polars)).causes == _localized(polars).causes
    assert all(len(cause) == 1 for cause in _localized(frame, depth=1).causes)


def test_rows_without_a_number_are_said() -> None:
    frame = _leaves()
    frame.loc[:4, "actual"] = np.nan
    assert any("5 rows without" in caveat for caveat in _localized(frame).caveats)


def test_errors_say_what_to_do() -> None:
    frame = _leaves()
    with pytest.raises(MissingColumnError, match="Did you mean 'expected'"):
        rca.localize(frame, dimensions=DIMENSIONS, actual="actual", expected="expectd")
    with pytest.raises(BadValueError, match="not numbers"):
        rca.localize(frame, dimensions=["b", "c"], actual="a", expected="expected")
    with pytest.raises(BadValueError, match="both be pairs"):
        rca.localize(
            frame, dimensions=DIMENSIONS, actual=("actual", "expected"), expected="expected"
        )
    with pytest.raises(EmptyLogError, match="no leaf"):
        _localized(frame.assign(actual=np.nan))


def test_the_answer_says_itself() -> None:
    frame = _leaves()
    _scaled(frame, 0.4, b="b3")
    found = _localized(frame)
    assert "explained by b=b3" in str(found)
    assert found.plot().data
    assert [finding.code for finding in found.findings()] == ["LOCALIZED_SHIFT"]
    assert set(found.table.columns) == set(found.columns)
