import numpy as np
import pandas as pd
import pytest
import rca
from rca.analysis.slices.crossfilter import CrossSlicer, cross_slices


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(3)
    n = 6000
    region = rng.choice(["eu", "us", "ap"], n)
    tier = rng.choice(["free", "paid", None], n)
    late = np.arange(n) >= 3000
    bad = late & (region == "eu") & (tier == "paid")
    frame = pd.DataFrame(
        {
            "ts": pd.date_range("2026-03-01", periods=n, freq="min", tz="UTC"),
            "region": region,
            "tier": tier,
            "user_id": rng.integers(0, 400, n).astype(str),
            "correct": np.where(bad, rng.random(n) < 0.4, rng.random(n) < 0.9),
            "latency_ms": rng.gamma(2, 50, n) + 400 * bad,
        }
    )
    logs = rca.read_logs(frame)
    half = str(frame["ts"][3000].isoformat())
    windows = rca.Window.of("2026-03-01", half), rca.Window.of(half, "2026-03-06")
    return rca.Comparison.by_time(logs, baseline=windows[0], incident=windows[1], metric="accuracy")


def one(result, column, value):
    table = result.table
    return table[(table["column"] == column) & (table["slice"] == value)].iloc[0]


def test_a_choice_narrows_the_other_columns_and_not_its_own(pair):
    slicer = CrossSlicer(pair)
    everything, paid = slicer(), slicer({"tier": ["paid"]})
    assert one(paid, "tier", "free")["n_current"] == one(everything, "tier", "free")["n_current"]
    assert one(paid, "region", "eu")["shift"] < 1.8 * one(everything, "region", "eu")["shift"]
    assert not one(paid, "tier", "free")["chosen"]
    back = slicer({})
    pd.testing.assert_frame_equal(back.table, everything.table)


@pytest.mark.parametrize("metric", ["accuracy", "mean_latency", "latency_p95", "requests"])
def test_the_kept_rows_are_those_of_slice_metric_within_the_condition(pair, metric):
    pair = pair.measuring(metric)
    slicer = CrossSlicer(pair, dimensions=["region", "tier"])
    chosen = {"tier": ["paid", "(null)"]}
    found = slicer(chosen)
    inner = rca.slice_metric(pair.within(slicer.predicate(chosen)), by="region", min_rows=1)
    for row in inner.table.to_dict("records"):
        same = one(found, "region", row["slice"])
        assert (same["n_baseline"], same["n_current"]) == (row["n_baseline"], row["n_current"])
        if metric != "latency_p95":  # the baseline's quantile is of other rows
            assert same["shift"] == pytest.approx(row["shift"])
    assert found.n == tuple(inner.table[["n_baseline", "n_current"]].sum())


def test_the_planted_slice_is_the_only_one_left_with_a_shift(pair):
    found = cross_slices(pair, chosen={"tier": ["paid"], "region": ["eu"]})
    assert found.whole.shift < -0.4
    assert one(found, "region", "us")["q_value"] > 0.05
    assert one(found, "region", "eu")["q_value"] < 1e-6
    (claim,) = found.findings()
    assert claim.slice == {"tier": ["paid"], "region": ["eu"]}
    assert "region=eu" in found.summary()


def test_the_call_answers_the_same_and_the_figure_can_be_drawn(pair):
    found = cross_slices(pair, chosen={"tier": ["paid"]}, dimensions=["region", "tier"])
    again = eval(found.call, {"rca": rca, "comparison": pair})
    pd.testing.assert_frame_equal(again.table, found.table)
    assert list(found.table.columns) == list(found.columns)
    assert len(found.plot().data[0].x) == 6


def test_callers_are_no_dimension_by_default(pair):
    assert CrossSlicer(pair).dimensions == ("region", "tier")


def test_wrong_choices_say_what_there_is(pair):
    with pytest.raises(rca.RCAError, match="Did you mean 'region'"):
        cross_slices(pair, chosen={"regoin": ["eu"]})
    with pytest.raises(rca.RCAError, match=r"value of tier 'payd'.*Did you mean 'paid'"):
        cross_slices(pair, chosen={"tier": ["payd"]})
    with pytest.raises(rca.RCAError, match="cannot be sliced by"):
        cross_slices(pair, dimensions=["ts"])


def test_an_empty_side_is_said(pair):
    rows = pair.logs.where("ts < '2026-03-03 02:00:00' or region <> 'eu'")
    narrowed = rca.Comparison.by_time(
        rows, baseline=pair.baseline.window, incident=pair.current.window, metric="accuracy"
    )
    found = cross_slices(narrowed, chosen={"region": ["eu"]}, dimensions=["region", "tier"])
    assert "a side has no rows" in found.summary()
    assert found.findings() == ()
