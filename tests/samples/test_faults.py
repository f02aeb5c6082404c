"""What each family plants is in the rows, where and when the truth says, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

import polars as pl
import pytest
from rca.samples import FAMILIES

SEEDS = (11, 12)
WORSE = {"accuracy": -1}


def hit(metric: str, log: pl.DataFrame) -> pl.Expr:
    """One number per row whose mean moves with the metric."""
    if metric == "accuracy" and "correct" in log.columns:
        return pl.col("correct").cast(pl.Float64)
    if metric == "accuracy":
        return (pl.col("prediction") == pl.col("label")).cast(pl.Float64)
    if metric == "error_rate":
        return (pl.col("status") != "ok").cast(pl.Float64)
    if metric.endswith("latency"):
        return pl.when(pl.col("status") == "ok").then(pl.col("latency_ms").log())
    columns = {"cost_per_request": "cost_usd", "flagged_rate": "flagged"}
    return pl.col(columns.get(metric, metric)).cast(pl.Float64)


def shift(before: pl.DataFrame, during: pl.DataFrame, of: pl.Expr) -> tuple[float, float]:
    """Return the shift of a mean and its Welch standard error."""
    parts = [side.select(of.alias("y"))["y"].drop_nulls() for side in (before, during)]
    means = [float(y.mean()) for y in parts]
    variance = sum(float(y.var()) / len(y) for y in parts)
    return means[1] - means[0], sqrt(variance)


def touched(slice: dict[str, Any]) -> pl.Expr:
    """Rows of the truth's slice; a version exists only after the onset and is left out."""
    inside = pl.lit(True)
    for column, value in slice.items():
        if not column.endswith("_version"):
            inside &= pl.col(column).is_in(value if isinstance(value, list) else [value])
    return inside


SHIFTING = sorted(
    name
    for name in FAMILIES
    if name not in {"quiet", "seasonal_dip", "labels_stopped", "labels_late", "duplicated_rows"}
    and name not in {"runaway_caller", "traffic_mix", "token_flood"}
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", SHIFTING)
def test_the_metric_gets_worse_inside_the_slice(
    drawn: Callable[..., Any], family: str, seed: int
) -> None:
    case = drawn(family, seed)
    inside = touched(dict(case.cause.slice))
    of = hit(case.metric, case.log)
    by, error = shift(case.before.filter(inside), case.during.filter(inside), of)
    assert by * WORSE.get(case.metric, 1) > 3 * error


SLICED = ("provider_latency", "provider_errors", "regional_flag", "prompt_quality", "prompt_unsafe")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", SLICED)
def test_rows_outside_the_slice_keep_their_rates(
    drawn: Callable[..., Any], family: str, seed: int
) -> None:
    case = drawn(family, seed)
    inside = touched(dict(case.cause.slice))
    of = hit(case.metric, case.log)
    moved, _ = shift(case.before.filter(inside), case.during.filter(inside), of)
    stayed, error = shift(case.before.filter(~inside), case.during.filter(~inside), of)
    assert abs(stayed) < max(4 * error, 0.35 * abs(moved))


def test_a_new_version_begins_at_the_onset_and_only_it_answers_worse(
    drawn: Callable[..., Any],
) -> None:
    cases = [drawn("model_rollout", seed, 40_000) for seed in range(11, 21)]
    cases = [case for case in cases if "model_version" in case.cause.slice]
    assert len(cases) >= 4
    compared = 0
    for case in cases:
        new = pl.col("model_version") == case.cause.slice["model_version"]
        inside, of = touched(dict(case.cause.slice)), hit("accuracy", case.log)
        assert case.before.filter(new).is_empty()
        before = case.before.filter(inside)
        by, error = shift(before, case.during.filter(inside & new), of)
        assert by < -4 * error
        rest = case.during.filter(inside & ~new)
        if rest.height > 200:
            compared += 1
            stayed, error = shift(before, rest, of)
            assert abs(stayed) < max(4 * error, 0.4 * abs(by))
    assert compared


def test_a_canary_is_gone_after_its_rollback(drawn: Callable[..., Any]) -> None:
    found = 0
    for seed in range(11, 23):
        case = drawn("canary_rolled_back", seed)
        undone = [e for e in case.incident.events if e["title"].startswith("Roll back")]
        version = case.cause.slice.get("app_version")
        if not undone or version is None:
            continue
        found += 1
        rows = case.log.filter(pl.col("app_version") == version)
        back = datetime.fromisoformat(undone[0]["ts"])
        assert abs(rows["ts"].max() - back) < timedelta(minutes=20)
        assert back > datetime.fromisoformat(case.cause.onset)
    assert found >= 2


@pytest.mark.parametrize("variant", ["nulls", "units", "rename", "stale", "defaults"])
def test_a_pipeline_damages_its_column_and_no_other(
    drawn: Callable[..., Any], variant: str
) -> None:
    for seed in SEEDS:
        case = drawn(f"pipeline_{variant}", seed, 60_000)
        features = [c for c in case.log.columns if c in _features()]
        moved = {c: _distance(case.before[c], case.during[c]) for c in features}
        damaged = case.cause.column
        assert damaged in features
        assert moved[damaged] == max(moved.values())
        assert all(d < 0.6 * moved[damaged] for c, d in moved.items() if c != damaged), moved


def _features() -> set[str]:
    from rca.samples import vocabulary

    return {f[0] for f in (*vocabulary.NUMERIC_FEATURES, *vocabulary.CATEGORY_FEATURES)}


def _distance(before: pl.Series, during: pl.Series) -> float:
    """Return the total variation distance over nulls and six bins or categories."""
    if before.dtype.is_numeric():
        cuts = [before.quantile(q / 6) for q in range(1, 6)]
        before, during = (
            s.cut(sorted({float(c) for c in cuts if c is not None})) for s in (before, during)
        )
    counts = [
        s.cast(pl.String).fill_null("(null)").value_counts(normalize=True).rename({s.name: "v"})
        for s in (before, during)
    ]
    both = counts[0].join(counts[1], on="v", how="full", coalesce=True).fill_null(0.0)
    return 0.5 * float((both["proportion"] - both["proportion_right"]).abs().sum())


def test_a_retry_loop_repeats_calls(drawn: Callable[..., Any]) -> None:
    for seed in SEEDS:
        case = drawn("retry_loop", seed)
        inside = touched(dict(case.cause.slice))
        before, during = (s.filter(inside)["retries"].mean() for s in (case.before, case.during))
        assert during > 3 * before


def test_a_new_price_moves_money_and_not_tokens(drawn: Callable[..., Any]) -> None:
    for seed in SEEDS:
        case = drawn("price_change", seed)
        inside = touched(dict(case.cause.slice))
        sides = [s.filter(inside) for s in (case.before, case.during)]
        for column in ("input_tokens", "output_tokens"):
            by, error = shift(*sides, pl.col(column).cast(pl.Float64))
            assert abs(by) < 4.5 * error
        dear = [float(s["cost_usd"].sum() / s["input_tokens"].sum()) for s in sides]
        assert dear[1] > 1.1 * dear[0]


def test_double_metering_touches_only_calls_with_cached_tokens(
    drawn: Callable[..., Any],
) -> None:
    for seed in SEEDS:
        case = drawn("metering_double", seed)
        of = pl.col("input_tokens").cast(pl.Float64)
        cached = pl.col("cached_input_tokens") > 0
        by, error = shift(case.before.filter(cached), case.during.filter(cached), of)
        assert by > 4 * error
        by, error = shift(case.before.filter(~cached), case.during.filter(~cached), of)
        assert abs(by) < 4.5 * error


@pytest.mark.parametrize("family", ["labels_stopped", "labels_late"])
def test_labels_are_lost_and_nothing_else(drawn: Callable[..., Any], family: str) -> None:
    for seed in SEEDS:
        case = drawn(family, seed)
        label = pl.col(case.cause.column).is_not_null().cast(pl.Float64)
        by, error = shift(case.before, case.during, label)
        assert by < -4 * error
        if "latency_ms" in case.log.columns and "status" in case.log.columns:
            by, error = shift(case.before, case.during, hit("mean_latency", case.log))
            assert abs(by) < max(5 * error, 0.15)


def test_a_duplicated_export_repeats_request_ids(drawn: Callable[..., Any]) -> None:
    for seed in SEEDS:
        case = drawn("duplicated_rows", seed)
        shares = [1 - s["request_id"].n_unique() / s.height for s in (case.before, case.during)]
        assert shares[0] < 0.01
        assert shares[1] > 0.2


@pytest.mark.parametrize("family", ["runaway_caller", "token_flood"])
def test_a_few_callers_carry_the_shift(drawn: Callable[..., Any], family: str) -> None:
    for seed in SEEDS:
        case = drawn(family, seed)
        users = case.cause.slice["user_id"]
        ours = pl.col("user_id").is_in(users if isinstance(users, list) else [users])
        spent = "cost_usd" if family == "runaway_caller" else "input_tokens"
        shares = [
            float(s.filter(ours)[spent].sum() / s[spent].sum()) for s in (case.before, case.during)
        ]
        assert shares[1] > 0.1 > 0.05 > shares[0]


@pytest.mark.parametrize("seed", range(11, 16))
def test_moved_traffic_leaves_the_rate_of_every_slice(drawn: Callable[..., Any], seed: int) -> None:
    case = drawn("traffic_mix", seed)
    ((dimension, value),) = case.cause.slice.items()
    is_it = (pl.col(dimension) == value).cast(pl.Float64)
    by, error = shift(case.before, case.during, is_it)
    assert by > 6 * error
    of = hit(case.metric, case.log)
    total, _ = shift(case.before, case.during, of)
    for (name,), rows in case.before.group_by(dimension):
        if name is None:
            continue
        now = case.during.filter(pl.col(dimension) == name)
        if min(rows.height, now.height) > 100:
            moved, error = shift(rows, now, of)
            assert abs(moved) < max(4.5 * error, 0.5 * abs(total)), name


@pytest.mark.parametrize("seed", range(11, 16))
def test_a_seasonal_low_was_as_low_before(drawn: Callable[..., Any], seed: int) -> None:
    case = drawn("seasonal_dip", seed)
    of = hit(case.metric, case.log)
    raw, raw_error = shift(case.before, case.during, of)
    assert abs(raw) > 3 * raw_error
    hours = case.during["ts"].dt.hour().unique()
    long = (case.during["ts"].max() - case.during["ts"].min()).total_seconds() > 12 * 3600
    same = pl.col("ts").dt.weekday() >= 6 if long else pl.col("ts").dt.hour().is_in(hours.to_list())
    by, error = shift(case.before.filter(same), case.during, of)
    assert abs(by) < max(4.5 * error, 0.4 * abs(raw))


def test_quiet_is_quiet(drawn: Callable[..., Any]) -> None:
    from rca.samples.clock import Clock, seconds
    from rca.samples.visibility import noise_units

    for seed in range(11, 23):
        case = drawn("quiet", seed)
        assert case.cause.onset is None
        times = case.log["ts"].dt.epoch("ms") / 1e3
        alerted_at = seconds(case.incident.incident["alerted_at"])
        length = times.max() - times.min()
        clock = Clock(times.min(), alerted_at - 0.1 * length, alerted_at, times.max())
        assert abs(noise_units(case.incident.requests, case.metric, clock)) < 4


def test_both_of_two_faults_can_be_seen(drawn: Callable[..., Any]) -> None:
    for seed in SEEDS:
        case = drawn("two_faults", seed)
        first, second = case.incident.truth.causes
        assert first.onset <= second.onset
        for cause in (first, second):
            inside = touched(dict(cause.slice))
            by, error = shift(
                case.before.filter(inside), case.during.filter(inside), hit(case.metric, case.log)
            )
            assert by * WORSE.get(case.metric, 1) > 3 * error
