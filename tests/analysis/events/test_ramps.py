import pandas as pd
import pytest
import rca
from rca.analysis.events.ramps import REST
from rca.stats.ratio import wilson


def logs(**columns):
    n = 960
    times = pd.date_range("2026-03-01", periods=n, freq="min", tz="UTC")
    return rca.read_logs(pd.DataFrame({"ts": times, **columns}))


def test_a_canary_and_its_rollout_are_shares_of_the_rows():
    versions = ["v1" if i < 480 or (i < 720 and i % 4) else "v2" for i in range(960)]
    found = rca.version_ramps(logs(model_version=versions))
    v2 = found.table[found.table["version"] == "v2"].set_index("ts")["share"]
    assert v2.loc[:"2026-03-01 07:50"].tolist() == [0.0] * 48
    assert v2.loc["2026-03-01 08:05":"2026-03-01 11:50"].mean() == pytest.approx(0.25, abs=0.02)
    assert set(v2.loc["2026-03-01 12:05":]) == {1.0}
    assert found.table.groupby("ts")["share"].sum().round(12).eq(1).all()
    assert "v2 answered 100%" in found.summary()
    assert len(found.plot().data) == 2


def test_the_interval_is_wilsons():
    found = rca.version_ramps(logs(model_version=["a", "b"] * 480))
    row = found.table.iloc[0]
    assert row["ci"] == wilson(float(row["n"]), float(row["n_rows"]))
    assert row["ci"][0] < row["share"] < row["ci"][1]


def test_many_versions_are_pooled_and_rows_without_one_left_out():
    versions = [None if i % 10 == 0 else f"v{i % 13}" for i in range(960)]
    found = rca.version_ramps(logs(app_version=versions))
    assert found.column == "app_version"
    assert found.table["version"].nunique() == 9
    assert REST in set(found.table["version"])
    assert found.table["n"].sum() == 864


def test_the_column_that_changes_is_taken_and_one_can_be_named():
    both = logs(model_version=["v1"] * 960, app_version=["a", "b"] * 480)
    assert rca.version_ramps(both).column == "app_version"
    named = rca.version_ramps(both, column="model_version")
    assert set(named.table["share"]) == {1.0}
    again = eval(named.call, {"rca": rca, "logs": both})
    pd.testing.assert_frame_equal(again.table, named.table)


def test_wrong_calls_say_what_to_do():
    with pytest.raises(rca.RCAError, match="no version column holds two values"):
        rca.version_ramps(logs(model_version=["v1"] * 960))
    with pytest.raises(rca.RCAError, match="no column 'modle'"):
        rca.version_ramps(logs(model_version=["a", "b"] * 480), column="modle")
    with pytest.raises(rca.RCAError, match="no column 'ts'"):
        rca.version_ramps(rca.read_logs(pd.DataFrame({"model_version": ["a", "b"]})))
