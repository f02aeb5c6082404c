"""Series from Prometheus and from tables: known answers, gaps, resets, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import (
    BadValueError,
    CorruptFileError,
    EmptyLogError,
    MissingColumnError,
    MissingFileError,
    RCAError,
    UnknownNameError,
)
from rca.logs.series import read_many, read_series
from rca.logs.series.grid import increases, on_grid

NAN = float("nan")
START = 1772366400


def matrix(*results: dict[str, Any], **more: Any) -> str:
    return json.dumps(
        {"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more}
    )


def result(name: str, values: list[tuple[float, str]], **labels: str) -> dict[str, Any]:
    points = [[START + time, value] for time, value in values]
    return {"metric": {"__name__": name, **labels}, "values": points}


def write(folder: Path, content: str) -> Path:
    path = folder / "series.export"
    path.write_text(content)
    return path


@pytest.mark.shared
def test_the_matrix_of_the_prometheus_documentation(formats: Path) -> None:
    path = formats / "prometheus/query_matrix_2.json"
    series = read_series(path, where={"job": "node"})
    assert series.times.tolist() == [1435781430.781, 1435781445.781, 1435781460.781]
    assert series.values.tolist() == [0.0, 0.0, 1.0]
    assert (series.name, series.step_s, series.is_counter) == ("up", 15.0, False)
    assert series.labels == {"job": "node", "instance": "localhost:9091"}
    assert series.caveats == ()
    assert len(read_many(path)) == 2
    with pytest.raises(UnknownNameError, match="holds 2 series; name one by its labels"):
        read_series(path)


@pytest.mark.shared
def test_an_instant_query_is_refused(formats: Path) -> None:
    with pytest.raises(BadValueError, match="is a vector of Prometheus, and a matrix is needed"):
        read_series(formats / "prometheus/query_vector_1.json")


def test_a_counter_is_differenced_and_its_reset_is_no_fall(tmp_path: Path) -> None:
    values = [(0, "100"), (60, "130"), (120, "10"), (180, "15")]
    series = read_series(write(tmp_path, matrix(result("requests_total", values))))
    np.testing.assert_array_equal(series.values, [NAN, 30.0, 10.0, 5.0])
    assert series.is_counter
    assert series.caveats == ("1 reset of the counter: the increase there is a lower bound",)


def test_missing_windows_are_null_and_never_zero(tmp_path: Path) -> None:
    values = [(0, "1"), (60, "NaN"), (120, "+Inf"), (180, "4"), (300, "6"), (360, "7")]
    gauge = read_series(write(tmp_path, matrix(result("queue_length", values))))
    np.testing.assert_array_equal(gauge.values, [1, NAN, NAN, 4, NAN, 6, 7])
    assert gauge.n_missing == 3
    assert "1 infinite value taken as missing" in gauge.caveats
    assert "3 of 7 windows without a value: missing, not 0" in gauge.caveats
    counter = read_series(tmp_path / "series.export", kind="counter")
    np.testing.assert_array_equal(counter.values, [NAN, NAN, NAN, NAN, NAN, NAN, 1])
    assert "2 increases after a gap left missing" in counter.caveats


def test_a_name_like_a_counter_that_falls_often_is_a_gauge(tmp_path: Path) -> None:
    values = [(60.0 * i, str(i % 2)) for i in range(10)]
    series = read_series(write(tmp_path, matrix(result("items_count", values))))
    assert not series.is_counter
    assert "falls often" in series.caveats[0]
    assert read_series(tmp_path / "series.export", kind="counter").is_counter


@pytest.mark.parametrize(
    "text",
    [
        "time,value\n2026-03-01T12:00:00Z,1\n2026-03-01T12:01:00Z,\n2026-03-01T12:02:00Z,3\n",
        "Time;value\n1772366400;1\n1772366520;3\n1772366460;NaN\n",
        'ts,value,region\n1772366400000,1,eu\n1772366460000,null,eu\n1772366520000,"3",eu\n',
        '{"time": 1772366400, "value": 1}\n{"time": 1772366460}\n{"time": 1772366520, "value": 3}',
    ],
)
def test_tables_of_time_and_value(text: str, tmp_path: Path) -> None:
    series = read_series(write(tmp_path, text))
    np.testing.assert_array_equal(series.times, [START, START + 60, START + 120])
    np.testing.assert_array_equal(series.values, [1, NAN, 3])


def test_a_long_table_holds_a_series_for_each_set_of_labels(tmp_path: Path) -> None:
    text = "time,metric,value,region\n" + "".join(
        f"{START + 60 * i},errors_total,{i * k},{region}\n"
        for i in range(3)
        for k, region in ((1, "eu"), (2, "us"))
    )
    series = read_series(write(tmp_path, text), where={"region": "us"})
    np.testing.assert_array_equal(series.values, [NAN, 2, 2])
    assert (series.name, series.labels) == ("errors_total", {"region": "us"})


def test_a_wide_table_holds_a_series_for_each_column(tmp_path: Path) -> None:
    text = "Time,p50,p95\n2026-03-01 12:00:00,1,2\n2026-03-01 12:01:00,3,4\n"
    p50, p95 = read_many(write(tmp_path, text))
    assert (p50.name, p95.name) == ("p50", "p95")
    assert p95.values.tolist() == [2, 4]
    assert p95.caveats == ("2 times without a zone taken as UTC",)


def test_jitter_is_snapped_and_said_and_a_repeated_window_keeps_the_last(tmp_path: Path) -> None:
    values = [(0.0, "1"), (60.0, "2"), (120.0, "3"), (135.0, "9"), (180.0, "4"), (240.0, "5")]
    series = read_series(write(tmp_path, matrix(result("x", values))))
    np.testing.assert_array_equal(series.values, [1, 2, 9, 4, 5])
    assert "1 sample moved to the grid of 60 s" in series.caveats
    assert "1 sample replaced by a later one of the same window" in series.caveats


def test_one_sample_has_no_step(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, matrix(result("x", [(0.0, "1")]))))
    assert (len(series), np.isnan(series.step_s)) == (1, True)
    assert series.window.hours > 0


def test_window_table_and_sentence(tmp_path: Path) -> None:
    values = [(0.0, "1"), (60.0, "2"), (120.0, "3")]
    series = read_series(write(tmp_path, matrix(result("x", values, job="a"), warnings=["slow"])))
    assert str(series) == ("x{job=a}: 3 windows of 60 s from 2026-03-01T12:00:00Z, 0 missing")
    assert str(series.window) == "2026-03-01T12:00:00Z to 2026-03-01T12:03:00Z"
    assert str(series.table.dtypes["ts"]).endswith("UTC]")
    assert series.table["value"].tolist() == [1, 2, 3]
    assert "<table" in series._repr_html_()
    assert series.caveats == ("Prometheus: slow",)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ("", EmptyLogError, "is empty"),
        (matrix(), EmptyLogError, "no series"),
        ('{"status": "error", "error": "bad query", "data": {}}', BadValueError, "bad query"),
        (matrix({"metric": {}, "histograms": [[1, {}]]}), BadValueError, "native histograms"),
        (matrix({"metric": {}, "values": [3]}), CorruptFileError, "result 1: 3 is not a"),
        (matrix(result("x", [(0, "fast")])), BadValueError, "'fast' is not a number"),
        ("time,value\nyesterday,3\n", BadValueError, "line 2: 'yesterday' is not a time"),
        ("time,value\n1772366400,3 ms\n", BadValueError, "without their unit"),
        ("when it was,value\n1,3\n", MissingColumnError, "no column 'time'"),
        ("time\n1772366400\n", MissingColumnError, "no column 'value'"),
        ('{"data": 3}', BadValueError, "a matrix is needed"),
        (
            "time,value\n946684800,1\n946684800.001,2\n1772366400,3\n",
            BadValueError,
            "Ask for a longer step",
        ),
    ],
)
def test_errors(content: str, error: type[RCAError], says: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=says):
        read_series(write(tmp_path, content))


def test_missing_file_and_unknown_label(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_series(tmp_path / "nowhere.json")
    path = write(tmp_path, matrix(result("x", [(0.0, "1")], job="a")))
    with pytest.raises(UnknownNameError, match="job=a"):
        read_series(path, where={"job": "b"})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30), st.data())
def test_increases_add_up_between_resets(steps: list[int], data: st.DataObject) -> None:
    """The sum of the increases is what was counted, whatever restart there was."""
    total = np.cumsum(steps).astype(float)
    restart = data.draw(st.integers(1, len(steps) - 1))
    counter = total.copy()
    counter[restart:] -= total[restart - 1]
    found, n_resets, n_after_gap = increases(counter)
    assert n_after_gap == 0
    if counter[restart] < counter[restart - 1]:
        assert (n_resets, np.nansum(found)) == (1, total[-1] - total[0])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 200), min_size=3, max_size=40, unique=True),
    st.sampled_from([1.0, 15.0, 300.0]),
    st.randoms(use_true_random=False),
)
def test_each_sample_stands_at_its_time_in_any_order(
    places: list[int], step: float, random: Any
) -> None:
    random.shuffle(places)
    places = [*places, 300, 301, 302, 303, *range(304, 345)]
    times = START + step * np.array(places, dtype=float)
    grid = on_grid(times, np.array(places, dtype=float))
    assert (grid.step_s, grid.n_moved, grid.n_replaced) == (step, 0, 0)
    seen = np.isfinite(grid.values)
    assert seen.sum() == len(places)
    np.testing.assert_allclose(grid.times[seen], START + step * grid.values[seen])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_anything_inside_an_answer_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scalar = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
    anything = st.recursive(scalar, lambda x: st.lists(x, max_size=3), max_leaves=6)
    point = st.lists(anything, min_size=2, max_size=2) | anything
    series = st.fixed_dictionaries(
        {
            "metric": st.dictionaries(st.text(max_size=3), anything, max_size=2) | anything,
            "values": st.lists(point, max_size=4) | anything,
        }
    )
    answer = {"data": {"resultType": "matrix", "result": [data.draw(series | anything)]}}
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_text(json.dumps(answer))
    try:
        found = read_many(path)
    except RCAError:
        return
    assert all(len(item.times) == len(item.values) for item in found)
