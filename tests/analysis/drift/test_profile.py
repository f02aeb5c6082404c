"""Which columns drifted, how, since when, and what of the shift goes with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rca
from rca.errors import BadValueError, MissingColumnError
from tests.analysis.drift.planted import FAULTS, INCIDENT_HOURS, START, Planted, clean, plant


def by_time(frame: pd.DataFrame, incident: str, end: str, **options) -> rca.DriftProfile:
    comparison = rca.Comparison.by_time(
        rca.read_logs(frame),
        baseline=rca.Window.of(str(frame["ts"].min()), incident),
        incident=rca.Window.of(incident, end),
        metric="accuracy",
    )
    return rca.profile_drift(comparison, **options)


def two_tables(before: pd.DataFrame, now: pd.DataFrame, **options) -> rca.DriftProfile:
    engine = rca.connect()
    sides = [rca.read_logs(frame, engine=engine) for frame in (before, now)]
    return rca.profile_drift(rca.Comparison.of(*sides, metric="accuracy"), **options)


def row_of(profile: rca.DriftProfile, column: str) -> pd.Series:
    return profile.table.set_index("column").loc[column]


def test_a_hand_case() -> None:
    before = pd.DataFrame({"plan": ["a"] * 60 + ["b"] * 40, "correct": 1})
    now = pd.DataFrame({"plan": ["a"] * 30 + ["b"] * 70, "correct": 1})
    row = row_of(two_tables(before, now), "plan")
    assert row["tv"] == pytest.approx(0.3)
    assert row["psi"] == pytest.approx(-0.3 * np.log(0.5) + 0.3 * np.log(0.7 / 0.4))
    assert row["effect_size"] == pytest.approx(np.sqrt(0.09 / 0.45 + 0.09 / 0.55))
    assert row["p_value"] == pytest.approx(2.008e-5, rel=1e-3)  # chi-square 18.18, 1 df
    assert row["drifted"]
    assert np.isnan(row["ks"])


def test_distances_of_a_number_are_near_those_of_its_values() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 5000), rng.normal(0.5, 1, 5000)
    row = row_of(two_tables(*(pd.DataFrame({"x": v, "correct": 1}) for v in (a, b))), "x")
    assert row["ks"] == pytest.approx(stats.ks_2samp(a, b).statistic, abs=0.02)
    assert row["wasserstein"] == pytest.approx(0.5, abs=0.06)
    assert row["fault"] == "DISTRIBUTION_SHIFT" or row["fault"] == "OFFSET"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_planted_fault_is_named_with_its_share_and_onset(name: str) -> None:
    case = plant(name, n=12_000, share=0.6, seed=5)
    profile = rca.profile_drift(case.comparison)
    if case.planted.column is None:
        assert case.planted.code in {finding.code for finding in profile.findings()}
        return
    row = row_of(profile, case.planted.column)
    assert row["drifted"]
    assert row["fault"] == case.planted.code
    assert row["share_touched"] == pytest.approx(case.share, rel=0.1, abs=0.02)
    assert row["onset_low"] <= case.onset.tz_localize("UTC") <= row["onset_high"]
    assert profile.table["column"][0] in (case.planted.column, "balance", "tier")
    finding = next(f for f in profile.findings() if f.column == case.planted.column)
    assert finding.code == case.planted.code
    assert finding.q_value < 0.02


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("x1000", "factor", 1000.0),
        ("cents", "factor", 0.01),
        ("offset", "offset", 500.0),
        ("default value", "value", -1.0),
        ("clipped", "value", 45.0),
        ("rounded", "step", 1.0),
        ("hours", "hours", 2),
        ("time zone", "hours", -2.0),
        ("swapped", "with", "balance"),
    ],
)
def test_the_transformation_is_estimated(name: str, key: str, value: object) -> None:
    case = plant(name, n=12_000, share=0.6, seed=6)
    profile = rca.profile_drift(case.comparison)
    found = profile.faults[case.planted.column].details[key]
    assert found == pytest.approx(value, rel=0.03) if not isinstance(value, str) else found == value


def test_a_rename_says_which_name_became_which() -> None:
    case = plant("merged", n=12_000, share=1.0, seed=6)
    profile = rca.profile_drift(case.comparison)
    assert profile.faults["tier"].details["mapping"] == {"gold": "paid", "silver": "paid"}


@pytest.mark.parametrize("hours", [3, INCIDENT_HOURS])
def test_a_daily_cycle_is_no_drift(hours: int) -> None:
    frame = clean(20_000, np.random.default_rng(7))
    end = frame["ts"].max()
    start = end - pd.Timedelta(hours=hours)
    profile = by_time(frame, str(start), str(end))
    assert not profile.table["drifted"].any()
    assert profile.of_rows == ()
    assert profile.findings() == ()
    assert "None of" in profile.summary()
    naive = two_tables(frame[frame["ts"] < start], frame[frame["ts"] >= start])
    assert not naive.match.matched or not naive.table["drifted"].all()


def test_the_same_columns_drift_without_like_hours() -> None:
    """Guards the test above: the cycle is strong enough to be seen when it is not removed."""
    frame = clean(20_000, np.random.default_rng(7)).drop(columns="updated_at")
    night = frame["ts"] >= frame["ts"].max() - pd.Timedelta(hours=3)
    naive = two_tables(*(frame[part].drop(columns="ts") for part in (~night, night)))
    assert row_of(naive, "temperature")["drifted"]


def test_identical_sides_show_nothing() -> None:
    frame = clean(2_000, np.random.default_rng(8)).drop(columns=["ts", "updated_at"])
    profile = two_tables(frame, frame)
    assert not profile.table["drifted"].any()
    assert (profile.table["effect_size"] < 1e-9).all()
    assert (profile.table["p_value"] > 0.99).all()


@pytest.mark.parametrize("n", [300, 3000])
def test_false_alarms_are_rare(n: int) -> None:
    false = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sides = [
            pd.DataFrame(rng.normal(size=(n, 10)), columns=[f"x{i}" for i in range(10)]).assign(
                correct=1, c=rng.choice(list("abcdefghijklmnop"), n), k=rng.poisson(2, n)
            )
            for _ in range(2)
        ]
        false += int(two_tables(*sides).table["drifted"].sum())
    assert false <= 2  # of 78 columns; 1 or 2 of 100 profiles have one


def test_the_order_of_rows_does_not_matter() -> None:
    case = clean(3_000, np.random.default_rng(9))
    shuffled = case.sample(frac=1, random_state=1)
    end, start = "2026-03-07 08:00", "2026-03-07 00:00"
    one, other = (by_time(f, start, end).table for f in (case, shuffled))
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-9)


def test_few_queries_whatever_the_columns() -> None:
    rng = np.random.default_rng(10)
    frame = pd.DataFrame(rng.normal(size=(400, 70)), columns=[f"x{i}" for i in range(70)])
    frame["correct"] = 1.0
    frame["ts"] = START + pd.to_timedelta(np.arange(400), unit="min")
    logs = rca.read_logs(frame)
    comparison = rca.Comparison.by_time(
        logs,
        baseline=rca.Window.of("2026-03-02T00:00", "2026-03-02T04:00"),
        incident=rca.Window.of("2026-03-02T04:00", "2026-03-02T07:00"),
        metric="accuracy",
    )
    before = logs.engine.n_queries
    rca.profile_drift(comparison)
    assert logs.engine.n_queries - before <= 11


def damaged(share_correct: float, *, since_start: bool) -> rca.DriftProfile:
    """Null a feature in half of the rows of the incident; those are right less often."""
    rng = np.random.default_rng(11)
    frame = clean(16_000, rng)
    incident = START + pd.Timedelta(days=5)
    hit = (frame["ts"] >= incident).to_numpy().copy()
    if not since_start:
        hit &= rng.random(len(frame)) < 0.5
    frame.loc[hit, "income"] = np.nan
    frame.loc[hit, "correct"] = (rng.random(hit.sum()) < share_correct).astype(float)
    return by_time(frame, str(incident), str(incident + pd.Timedelta(hours=8)))


def test_a_fault_that_carries_the_shift_explains_it() -> None:
    row = row_of(damaged(0.5, since_start=False), "income")
    assert row["fault"] == "NULL_SPIKE"
    assert row["explains"] == pytest.approx(1.0, abs=0.2)
    assert row["explains_ci"][0] <= 1.0 <= row["explains_ci"][1]


def test_a_fault_that_touched_every_row_explains_nothing_for_sure() -> None:
    row = row_of(damaged(0.5, since_start=True), "income")
    assert row["drifted"]
    assert np.isnan(row["explains"])


def test_a_fault_without_effect_on_the_metric_explains_nothing() -> None:
    row = row_of(damaged(0.9, since_start=False), "income")
    assert row["drifted"]
    assert not row["explains"] > 0.5


def test_a_moved_mix_explains_by_its_mix() -> None:
    rng = np.random.default_rng(12)

    def side(share: float) -> pd.DataFrame:
        hard = rng.random(6000) < share
        return pd.DataFrame(
            {
                "kind": np.where(hard, "hard", "easy"),
                "correct": (rng.random(6000) < np.where(hard, 0.5, 0.95)).astype(int),
            }
        )

    row = row_of(two_tables(side(0.1), side(0.5)), "kind")
    assert row["explains"] == pytest.approx(1.0, abs=0.15)


def test_roles_say_what_is_given_and_what_comes_out() -> None:
    frame = clean(500, np.random.default_rng(13)).assign(
        model_version="m1", latency_ms=5.0, output="a long answer " * 8
    )
    roles = by_time(frame, "2026-03-06", "2026-03-07 08:00").table.set_index("column")["role"]
    assert roles["model_version"] == "version"
    assert roles["latency_ms"] == roles["score"] == "outcome"
    assert roles["correct"] == "label"
    assert roles["income"] == roles["city"] == "input"
    assert "request_id" not in roles
    assert "ts" not in roles


def test_a_version_that_was_rolled_out_is_no_data_fault() -> None:
    frame = clean(4_000, np.random.default_rng(14))
    frame["model_version"] = np.where(frame["ts"] >= "2026-03-07", "m2", "m1")
    row = row_of(by_time(frame, "2026-03-07", "2026-03-07 08:00"), "model_version")
    assert row["fault"] == "VERSION_CHANGE"


def test_errors_name_the_column_and_what_to_do() -> None:
    frame = clean(300, np.random.default_rng(15))
    with pytest.raises(MissingColumnError, match="Did you mean 'income'"):
        by_time(frame, "2026-03-06", "2026-03-07 08:00", columns=["incme"])
    only = frame[["ts", "request_id", "correct"]]
    with pytest.raises(BadValueError, match="no column to profile"):
        by_time(only, "2026-03-06", "2026-03-07 08:00", columns=[])


def test_hostile_values_stay_values() -> None:
    before = pd.DataFrame({"c": ["it's", '"; drop table x; --', "<b>", ""] * 50, "correct": 1})
    now = before.assign(c="it's")
    profile = two_tables(before, now)
    assert set(profile.faults["c"].details["mapping"]) == {'"; drop table x; --', "<b>", ""}
    assert "<b>" not in profile._repr_html_()


def test_a_column_without_any_value_is_profiled() -> None:
    before = pd.DataFrame({"x": [np.nan] * 100, "y": [1.0, 2.0] * 50, "correct": 1})
    profile = two_tables(before, before.assign(x=3.0))
    assert row_of(profile, "x")["fault"] == "SCHEMA_CHANGE"


def test_the_result_reads_well() -> None:
    case = plant("x1000", n=6_000, share=0.6, seed=16)
    profile = rca.profile_drift(case.comparison)
    assert "amount: x1000" in profile.summary()
    assert list(profile.table.columns) == list(profile.columns)
    assert profile.call == "rca.profile_drift(comparison)"
    assert profile.sql
    assert isinstance(case.planted, Planted)
    assert len(profile.plot().data) == 2
