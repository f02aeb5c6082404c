from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rca
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import EmptyLogError, MissingColumnError, UnknownNameError
from rca.stats.decompose import split
from rca.stats.ratio import Sums, difference
from tests.analysis.slices.planted import compared, pair, rows


def _log(values: dict[str, list[tuple[int, int]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make two frames from (rows, correct rows) of each region on each side."""
    frames = []
    for side in (0, 1):
        regions, correct = [], []
        for region, counts in values.items():
            n, k = counts[side]
            regions += [region] * n
            correct += [1.0] * k + [0.0] * (n - k)
        frames.append(pd.DataFrame({"region": regions, "correct": correct}))
    return frames[0], frames[1]


def test_the_parts_are_those_worked_by_hand() -> None:
    # eu: 80 rows at .9, then 40 at .8; us: 20 rows at .5, then 60 at .5.
    # R0 = .82, R1 = .62, Rm = .72; eu rate .6 * -.1, mix -.4 * (.85 - .72); us mix .4 * (.5 - .72).
    frames = _log({"eu": [(80, 72), (40, 32)], "us": [(20, 10), (60, 30)]})
    found = rca.slice_metric(compared(*frames, "accuracy"), by="region", min_rows=10)
    table = found.table.set_index("slice")
    assert table["rate"].to_dict() == pytest.approx({"eu": -0.06, "us": 0.0})
    assert table["mix"].to_dict() == pytest.approx({"eu": -0.052, "us": -0.088})
    assert found.shift == pytest.approx(-0.20)
    assert table["total"].sum() == pytest.approx(-0.20)
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.loc["eu", "n_baseline"] == 80


def test_a_new_version_is_compared_with_what_it_replaced_and_not_called_mix() -> None:
    rng = np.random.default_rng(1)
    baseline, current = rows(4000, rng), rows(4000, rng)
    current["model_version"] = rng.choice(["v1", "v2"], 4000)
    worse = (current["model_version"] == "v2") & (rng.random(4000) < 0.3)
    current.loc[worse, "correct"] = 0.0
    found = rca.slice_metric(compared(baseline, current, "accuracy"), by="model_version")
    v2 = found.table.set_index("slice").loc["v2"]
    assert v2["new"] and not v2["thin"]
    assert v2["mix"] == pytest.approx(0.0, abs=1e-12)
    assert v2["rate"] == pytest.approx(found.shift, abs=0.015)
    assert v2["ci"][0] < -0.27 < v2["ci"][1]
    assert "replaced" in " ".join(found.caveats)


def test_a_new_caller_is_mix() -> None:
    frames = _log({"eu": [(100, 90), (100, 90)], "us": [(0, 0), (100, 10)]})
    table = rca.slice_metric(compared(*frames, "accuracy"), by="region").table.set_index("slice")
    assert table.loc["us", "new"]
    assert table.loc["us", "rate"] == 0.0
    assert table["total"].sum() == pytest.approx(-0.4)


def test_nulls_are_a_value_and_lost_labels_are_said() -> None:
    frames = _log({"eu": [(100, 90), (100, 80)], "us": [(100, 90), (100, 90)]})
    frames[1].loc[:9, "region"] = None
    frames[1].loc[190:, "correct"] = None
    found = rca.slice_metric(compared(*frames, "accuracy"), by="region", min_rows=5)
    table = found.table.set_index("slice")
    assert table.loc["(null)", "n_current"] == 10
    assert table.loc["us", "n_null"] == 10
    assert any("0 baseline and 10 current rows have no value" in c for c in found.caveats)


def test_thin_values_are_pooled_and_nothing_is_lost() -> None:
    comparison = pair("accuracy", n=(2000, 2000))
    found = rca.slice_metric(comparison, by="tenant", min_rows=12)
    assert found.table["n_baseline"].sum() == 2000
    pooled = found.table[found.table["slice"].str.contains("thin values")]
    assert len(pooled) == 1
    assert found.table["total"].sum() == pytest.approx(found.shift)


def test_cost_per_hour_splits_into_volume_and_cost_of_a_row() -> None:
    baseline = pd.DataFrame({"region": ["eu"] * 100 + ["us"] * 100, "cost_usd": 1.0})
    current = pd.DataFrame(
        {"region": ["eu"] * 300 + ["us"] * 100, "cost_usd": [1.0] * 300 + [3.0] * 100}
    )
    table = rca.slice_metric(compared(baseline, current, "cost"), by="region").table
    table = table.set_index("slice")
    assert table.loc["eu", ["rate", "mix"]].tolist() == pytest.approx([0.0, 200.0])
    assert table.loc["us", ["rate", "mix"]].tolist() == pytest.approx([200.0, 0.0])


def test_a_quantile_is_taken_apart_through_the_rows_above_it() -> None:
    def slow(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[frame["region"] == "ap", "latency_ms"] *= 4

    found = rca.slice_metric(pair("p95_latency", slow), by="region")
    assert found.table.loc[0, "slice"] == "ap"
    assert found.metric is not None and found.metric.unit == "share"
    assert found.table["total"].sum() == pytest.approx(found.whole.shift)
    assert found.table.loc[0, "share"] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("metric", ["precision", "recall", "f1", "ratio:latency_ms/output_tokens"])
def test_ratios_add_up(metric: str) -> None:
    found = rca.slice_metric(pair(metric), by="query_type")
    assert found.table["total"].sum() == pytest.approx(found.shift, abs=1e-12)


def test_a_measured_number_is_cut_at_the_baselines_octiles() -> None:
    found = rca.slice_metric(pair("accuracy"), by="output_tokens")
    assert len(found.table) == 8
    assert found.table["share_baseline"].between(0.11, 0.14).all()


COUNTS = st.tuples(st.integers(2, 40), st.floats(0, 1), st.integers(2, 40), st.floats(0, 1))


@settings(max_examples=15, deadline=None)
@given(st.lists(COUNTS, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_parts_add_up_swap_with_the_sides_and_ignore_the_order_of_rows(
    counts: list[tuple[int, float, int, float]], random: object
) -> None:
    values = {
        f"r{i}": [(n0, round(n0 * p0)), (n1, round(n1 * p1))]
        for i, (n0, p0, n1, p1) in enumerate(counts)
    }
    frames = _log(values)
    seed = random.randint(0, 99)  # type: ignore[attr-defined]
    shuffled = (frame.sample(frac=1.0, random_state=seed) for frame in frames)
    comparison, engine = compared(*frames, "accuracy"), rca.connect()
    found = rca.slice_metric(comparison, by="region", min_rows=1)
    again = rca.slice_metric(compared(*shuffled, "accuracy", engine), by="region", min_rows=1)
    back = rca.slice_metric(comparison.swapped(), by="region", min_rows=1)
    parts = [f.table.set_index("slice").sort_index() for f in (found, again, back)]
    assert parts[0]["total"].sum() == pytest.approx(found.shift, abs=1e-12)
    for column in ("rate", "mix", "total"):
        np.testing.assert_allclose(parts[1][column], parts[0][column], atol=1e-12)
        np.testing.assert_allclose(parts[2][column], -parts[0][column], atol=1e-12)


def test_identical_sides_show_nothing() -> None:
    frame = rows(2000, np.random.default_rng(3))
    found = rca.slice_metric(compared(frame, frame.copy(), "accuracy"), by="region")
    assert (found.table["total"].abs() < 1e-12).all()
    assert found.findings() == ()


def test_intervals_of_shifts_and_shares_cover() -> None:
    # us has a share of .3 and moves by -.1: its share of the shift is 1, that of eu is 0.
    rng = np.random.default_rng(11)
    covered = {"shift": 0, "eu": 0, "us": 0}
    for _ in range(300):
        sides = []
        for n, rates in ((1500, [0.9, 0.9]), (1500, [0.9, 0.8])):
            us = rng.binomial(n, 0.3)
            rows = np.array([n - us, us], dtype=float)
            right = rng.binomial(rows.astype(int), rates).astype(float)
            sides.append(Sums(rows, rows, right, rows, right, right))
        test = difference(sides[0][1], sides[1][1])
        parts = split(*sides)
        covered["shift"] += test.ci[0] <= -0.1 <= test.ci[1]
        covered["eu"] += bool(parts.share_low[0] <= 0 <= parts.share_high[0])
        covered["us"] += bool(parts.share_low[1] <= 1 <= parts.share_high[1])
    assert all(0.92 <= n / 300 <= 0.99 for n in covered.values()), covered


def test_the_answer_says_itself() -> None:
    found = rca.slice_metric(pair("accuracy", n=(500, 500)), by="region")
    assert "accuracy moved by" in str(found)
    assert "<table>" in found._repr_html_()
    assert set(found.table.columns) == set(found.columns)
    assert found.plot().data[0].type == "bar"
    assert found.call.startswith("rca.slice_metric(comparison, by='region'")


def test_errors_say_what_to_do() -> None:
    comparison = pair("accuracy", n=(200, 200))
    with pytest.raises(MissingColumnError, match="Did you mean 'region'"):
        rca.slice_metric(comparison, by="regoin")
    with pytest.raises(UnknownNameError, match="made of"):
        rca.slice_metric(comparison, by="correct")
    empty = rows(100, np.random.default_rng(0))
    empty["correct"] = None
    with pytest.raises(EmptyLogError, match="null in every row of the current side"):
        rca.slice_metric(
            compared(
                rows(100, np.random.default_rng(0)), empty.astype({"correct": float}), "accuracy"
            ),
            by="region",
        )
