from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rca
from rca.errors import MissingColumnError, UnknownNameError
from tests.analysis.slices.planted import compared, fail, pair, rows


def _math_in_eu(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    fail(frame, (frame["query_type"] == "math") & (frame["region"] == "eu"), 0.3, rng)


def _rules(found: rca.SliceSearch) -> list[str]:
    return list(found.table["rule"])


def test_the_child_that_carries_the_shift_is_named_and_no_parent() -> None:
    found = rca.find_slices(pair("accuracy", _math_in_eu))
    assert _rules(found) == ["region=eu & query_type=math"]
    row = found.table.iloc[0]
    assert row["slice"] == {"region": "eu", "query_type": "math"}
    assert row["ci"][0] < -0.27 < row["ci"][1]
    assert row["share_ci"][0] < 1 < row["share_ci"][1]
    assert found.verdict == "local"
    assert found.spread is not None and found.spread.outside_p_value > 0.01


def test_the_parent_that_carries_the_shift_is_named_and_no_child() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        fail(frame, frame["query_type"] == "math", 0.3, rng)

    assert _rules(rca.find_slices(pair("accuracy", plant))) == ["query_type=math"]


def test_several_disjoint_slices_are_several_short_rules() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        fail(frame, frame["query_type"] == "math", 0.3, rng)
        fail(frame, (frame["region"] == "us") & (frame["client"] == "app"), 0.3, rng)

    found = rca.find_slices(pair("accuracy", plant, n=(9000, 9000)))
    assert set(_rules(found)) == {"query_type=math", "region=us & client=app"}
    assert found.table["share"].sum() == pytest.approx(1.0, abs=0.15)


def test_when_all_slices_move_alike_none_is_named() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        fail(frame, frame["region"] != "", 0.15, rng)

    found = rca.find_slices(pair("accuracy", plant))
    assert found.rules == () and found.verdict == "global"
    assert [f.code for f in found.findings()] == ["GLOBAL_SHIFT"]
    assert "no slice is named" in found.summary()


def test_latency_that_grows_by_the_same_factor_everywhere_is_global() -> None:
    rng = np.random.default_rng(4)
    frames = [rows(6000, rng), rows(4000, rng)]
    for frame in frames:
        frame.loc[frame["query_type"] == "math", "latency_ms"] *= 5
    frames[1]["latency_ms"] *= 1.3
    found = rca.find_slices(compared(frames[0], frames[1], "mean_latency"))
    assert found.rules == () and found.verdict == "global"


def test_a_change_of_traffic_is_mix_and_no_slice() -> None:
    rng = np.random.default_rng(5)
    frames = [rows(6000, rng), rows(9000, rng)]
    for frame in frames:
        fail(frame, frame["query_type"] == "math", 0.4, rng)
    less = (frames[1]["query_type"] != "math") & (rng.random(9000) < 0.6)
    frames[1] = frames[1][~less]
    found = rca.find_slices(compared(frames[0], frames[1], "accuracy"))
    assert found.verdict == "mix" and found.rules == ()
    assert found.mix is not None and found.mix.dimensions == ("query_type",)
    assert found.mix.mix_share_ci[0] < 1 < found.mix.mix_share_ci[1]
    assert [f.code for f in found.findings()] == ["TRAFFIC_MIX"]


def test_a_gradual_rollout_of_a_worse_version_is_that_version_and_no_mix() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame["model_version"] = rng.choice(["v1", "v2"], len(frame), p=[0.7, 0.3])
        fail(frame, frame["model_version"] == "v2", 0.25, rng)

    found = rca.find_slices(pair("accuracy", plant))
    assert _rules(found) == ["model_version=v2"]
    row = found.table.iloc[0]
    assert row["new"] and row["n_baseline"] == 0
    assert row["baseline_value"] == pytest.approx(0.9, abs=0.02)
    assert row["share"] == pytest.approx(1.0, abs=0.35)
    assert found.mix is not None and not found.mix.matters(0.15)


def test_a_new_version_that_fails_on_one_kind_is_the_pair() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame["model_version"] = rng.choice(["v1", "v2"], len(frame))
        hit = (frame["model_version"] == "v2") & (frame["query_type"] == "code")
        fail(frame, hit, 0.4, rng)

    found = rca.find_slices(pair("accuracy", plant))
    assert [rule.slice for rule in found.rules] == [{"model_version": "v2", "query_type": "code"}]


def test_a_version_that_is_no_worse_is_not_named() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame["model_version"] = "v2"

    assert rca.find_slices(pair("accuracy", plant)).verdict == "none"


@pytest.mark.parametrize("metric", ["output_tokens", "sum:output_tokens", "requests"])
def test_one_caller_of_many_is_found_in_means_sums_and_counts(metric: str) -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        more = rng.random(len(frame)) < 0.06
        frame.loc[more, "tenant"] = "t042"
        frame.loc[frame["tenant"] == "t042", "output_tokens"] *= 8

    found = rca.find_slices(pair(metric, plant, n=(6000, 6000)), dimensions=["tenant", "region"])
    assert _rules(found)[0] == "tenant=t042"


def test_monster_rows_make_no_slice_and_are_named() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame["request_id"] = [f"r{i}" for i in range(len(frame))]
        frame.loc[10:13, "output_tokens"] = 3e6

    frames = [rows(6000, np.random.default_rng(i)) for i in (1, 2)]
    for frame in frames:
        plant(frame, np.random.default_rng(0)) if frame is frames[1] else None
    frames[0]["request_id"] = [f"b{i}" for i in range(6000)]
    found = rca.find_slices(compared(frames[0], frames[1], "output_tokens"))
    assert found.rules == ()
    assert found.tail is not None and found.tail.share > 0.9
    assert any("request_id=r10 (3,000,000 tokens)" in caveat for caveat in found.caveats)


@pytest.mark.parametrize(
    ("metric", "column", "factor"),
    [("p95_latency", "latency_ms", 2.5), ("mean_latency", "latency_ms", 2)],
)
def test_latency_of_one_region(metric: str, column: str, factor: float) -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[frame["region"] == "ap", column] *= factor

    found = rca.find_slices(pair(metric, plant))
    assert _rules(found) == ["region=ap"]
    assert found.table["contribution"][0] == pytest.approx(found.total.shift, rel=0.25)


def test_a_quantile_comes_with_the_slices_own_and_what_it_would_be_without() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[frame["region"] == "ap", "latency_ms"] *= 3

    comparison = pair("p95_latency", plant)
    row = rca.find_slices(comparison).table.iloc[0]
    logs = comparison.logs.head(20_000)
    current = logs[logs["side_"] == 1]
    inside = current["region"] == "ap"
    assert row["current_quantile"] == pytest.approx(current[inside]["latency_ms"].quantile(0.95))
    assert row["without"] == pytest.approx(current[~inside]["latency_ms"].quantile(0.95))
    assert row["baseline_quantile"] < row["current_quantile"]


def test_the_rows_of_a_rule_can_be_asked_for() -> None:
    comparison = pair("accuracy", _math_in_eu)
    found = rca.find_slices(comparison)
    inside = comparison.within(found.rules[0].predicate)
    again = rca.slice_metric(inside, by="region")
    assert again.table["n_current"].tolist() == [found.rules[0].n_current]


def test_recall_of_one_kind() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        missed = (
            (frame["query_type"] == "chat") & (frame["label"] == 1) & (rng.random(len(frame)) < 0.5)
        )
        frame.loc[missed, "prediction"] = 0.0

    assert _rules(rca.find_slices(pair("recall", plant))) == ["query_type=chat"]


def test_a_numeric_feature_is_searched_in_bins() -> None:
    rng = np.random.default_rng(8)
    frames = [rows(6000, rng), rows(6000, rng)]
    for frame in frames:
        frame["age_days"] = rng.exponential(10, len(frame))
    fail(frames[1], frames[1]["age_days"] > 25, 0.5, rng)
    found = rca.find_slices(compared(frames[0], frames[1], "accuracy"))
    assert len(found.rules) == 1 and found.rules[0].text.endswith("to inf")
    assert list(found.rules[0].slice) == ["age_days"]


def test_weights_count() -> None:
    rng = np.random.default_rng(9)
    frames = [rows(6000, rng), rows(6000, rng)]
    for frame in frames:
        frame["weight"] = np.where(frame["region"] == "ap", 10.0, 1.0)
    fail(frames[1], frames[1]["region"] == "ap", 0.3, rng)
    found = rca.find_slices(compared(frames[0], frames[1], "accuracy"))
    assert _rules(found) == ["region=ap"]
    value = np.average(frames[0]["correct"], weights=frames[0]["weight"])
    assert found.total.baseline_value == pytest.approx(value)


def test_callers_with_many_rows_widen_the_intervals() -> None:
    rng = np.random.default_rng(10)

    def log(n: int) -> pd.DataFrame:
        frame = rows(n, rng)
        frame["user_id"] = [f"u{i}" for i in rng.integers(0, 60, n)]
        mood = rng.normal(0, 1.5, 60)
        chance = 1 / (1 + np.exp(-1.5 - mood[frame["user_id"].str[1:].astype(int)]))
        frame["correct"] = (rng.random(n) < chance).astype(float)
        return frame

    found = rca.find_slices(compared(log(3000), log(3000), "accuracy"))
    assert any("clusters of user_id" in caveat for caveat in found.caveats)
    assert found.rules == ()


def test_depth_three() -> None:
    def plant(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        hit = (
            (frame["query_type"] == "math") & (frame["region"] == "eu") & (frame["client"] == "web")
        )
        fail(frame, hit, 0.5, rng)

    found = rca.find_slices(pair("accuracy", plant, n=(9000, 9000)), depth=3)
    assert _rules(found) == ["region=eu & query_type=math & client=web"]


def test_nothing_is_found_where_nothing_happened_more_often_than_said() -> None:
    # 60 draws with a false discovery rate of 5 %: 8 or more have a chance of 0.8 %.
    false = sum(
        bool(rca.find_slices(pair("accuracy", seed=seed, n=(2500, 1500))).rules)
        for seed in range(100, 160)
    )
    assert false <= 7


def test_the_answer_is_the_same_for_rows_in_another_order() -> None:
    rng = np.random.default_rng(12)
    frames = [rows(4000, rng), rows(4000, rng)]
    _math_in_eu(frames[1], rng)
    first = rca.find_slices(compared(frames[0], frames[1], "accuracy"))
    turned = [frame.sample(frac=1, random_state=1) for frame in frames]
    again = rca.find_slices(compared(turned[0], turned[1], "accuracy"))
    pd.testing.assert_frame_equal(first.table, again.table)


def test_the_number_of_queries_does_not_grow_with_the_columns() -> None:
    comparison = pair("accuracy", n=(300, 300))
    engine = comparison.logs.engine
    assert comparison.logs.dimensions and comparison.logs.n_rows
    counts = []
    for dimensions in (["region"], ["region", "query_type", "tenant", "client", "model_version"]):
        before = engine.n_queries
        rca.find_slices(comparison, dimensions=dimensions)
        counts.append(engine.n_queries - before)
    assert counts[0] == counts[1] == 2


def test_the_answer_says_itself() -> None:
    found = rca.find_slices(pair("accuracy", _math_in_eu))
    assert set(found.table.columns) == set(found.columns)
    assert "carried by region=eu & query_type=math" in str(found)
    assert found.plot().data[0].type == "scatter"
    areas = found.tree().data[0]
    assert areas.type == "treemap" and sum(areas["values"][1:]) == areas["values"][0] == 4000
    (claim,) = found.findings()
    assert claim.code == "SLICE_SHIFT" and claim.q_value is not None and claim.q_value < 0.05
    assert claim.slice == {"region": "eu", "query_type": "math"}
    assert "A slice that carries the shift may only travel with its cause." in found.caveats


def test_columns_that_hold_the_same_rows_are_said() -> None:
    rng = np.random.default_rng(14)
    frames = [rows(4000, rng), rows(4000, rng)]
    for frame in frames:
        frame["zone"] = frame["region"].map({"eu": "zone-1", "us": "zone-2", "ap": "zone-3"})
    fail(frames[1], frames[1]["region"] == "eu", 0.3, rng)
    found = rca.find_slices(compared(frames[0], frames[1], "accuracy"))
    assert _rules(found) == ["region=eu"]
    assert found.rules[0].also == ("zone=zone-1",)


@pytest.mark.parametrize("metric", ["accuracy", "requests"])
def test_a_log_that_does_not_fit_is_sampled_on_its_larger_side_and_it_is_said(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = pair(metric, _math_in_eu, n=(60_000, 6000))
    whole = rca.find_slices(comparison, dimensions=["region", "query_type"])
    monkeypatch.setattr("rca.analysis.slices.rows.MOST_ROWS", 40_000)
    found = rca.find_slices(comparison, dimensions=["region", "query_type"])
    assert found.total is not None and whole.total is not None
    assert found.total.n_baseline < 40_000 and found.total.n_current == 6000
    assert any("of the two sides' rows were read" in caveat for caveat in found.caveats)
    assert _rules(found) == _rules(whole)
    assert found.total.baseline_value == pytest.approx(whole.total.baseline_value, rel=0.02)


def test_errors_say_what_to_do() -> None:
    comparison = pair("accuracy", n=(200, 200))
    with pytest.raises(MissingColumnError, match="Did you mean 'tenant'"):
        rca.find_slices(comparison, dimensions=["tenants"])
    with pytest.raises(UnknownNameError, match="Give 1, 2 or 3"):
        rca.find_slices(comparison, depth=4)
    with pytest.raises(UnknownNameError, match="made of"):
        rca.find_slices(comparison, dimensions=["correct"])


def test_a_log_without_dimensions_is_no_error() -> None:
    frame = pd.DataFrame({"correct": [1.0, 0.0] * 50})
    found = rca.find_slices(compared(frame, frame.copy(), "accuracy"))
    assert found.verdict == "none" and found.table.empty
