"""Why did spend change, on logs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rca
from rca.analysis.cost import explain_cost, price_jumps

PRICE = {"small": (0.5e-6, 0.25e-6, 2e-6), "large": (5e-6, 2.5e-6, 20e-6)}
SPLIT = "2026-03-03T00:00:00Z"
WINDOWS = {
    "baseline": rca.Window.of("2026-03-01T00:00:00Z", SPLIT),
    "incident": rca.Window.of(SPLIT, "2026-03-05T00:00:00Z"),
}


def log(n: int = 4000, *, seed: int = 0, large: float = 0.3) -> pd.DataFrame:
    """Four days of calls of two models, billed by a price list; the last two are the current."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, 4 * 86_400, n))
    model = np.where(rng.random(n) < large, "large", "small")
    tokens = pd.DataFrame(
        {
            "input_tokens": rng.integers(200, 2000, n),
            "output_tokens": rng.integers(20, 400, n),
        }
    )
    tokens["cached_input_tokens"] = (tokens["input_tokens"] * rng.random(n) * 0.8).astype(int)
    frame = pd.DataFrame(
        {
            "ts": pd.Timestamp("2026-03-01") + pd.to_timedelta(seconds, unit="s"),
            "request_id": [f"r{i}" for i in range(n)],
            "model": model,
        }
    ).join(tokens)
    frame["ts"] = frame["ts"].dt.tz_localize("UTC")
    return billed(frame)


def billed(frame: pd.DataFrame) -> pd.DataFrame:
    price = np.array([PRICE[model] for model in frame["model"]])
    fresh = frame["input_tokens"] - frame["cached_input_tokens"]
    kinds = np.column_stack([fresh, frame["cached_input_tokens"], frame["output_tokens"]])
    return frame.assign(cost_usd=(kinds * price).sum(1))


def explained(frame: pd.DataFrame, **kwargs: object) -> rca.analysis.cost.CostShifts:
    logs = rca.read_logs(frame)
    pair = rca.Comparison.by_time(logs, metric="cost", **WINDOWS)
    return explain_cost(pair, **kwargs)  # type: ignore[arg-type]


def current(frame: pd.DataFrame) -> pd.Series:
    return frame["ts"] >= pd.Timestamp(SPLIT)


def test_parts_add_up_to_the_change_of_the_cost_metric() -> None:
    frame = log()
    answer = explained(frame)
    spend = frame.groupby(current(frame))["cost_usd"].sum() / 48
    assert answer.baseline_spend == pytest.approx(spend[False])
    assert answer.current_spend == pytest.approx(spend[True])
    assert sum(answer.parts.values()) == pytest.approx(answer.shift)
    of_models = answer.table[answer.table["model"] != "(all)"]
    assert of_models["shift"].sum() == pytest.approx(answer.shift)
    assert answer.table.columns.tolist() == list(answer.columns)


def test_an_identical_pair_shows_nothing() -> None:
    answers = [explained(log(seed=seed)) for seed in range(6)]
    assert sum(len(answer.findings()) for answer in answers) <= 1


def test_prices_are_found_as_the_list_has_them() -> None:
    prices = explained(log()).prices.set_index(["model", "tokens"])
    for model, of in PRICE.items():
        for tokens, price in zip(("input", "cached", "output"), of, strict=True):
            assert prices.loc[(model, tokens), "baseline"] == pytest.approx(1e6 * price)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("output tokens", lambda f: f.assign(output_tokens=f["output_tokens"] * 3)),
        ("cached tokens", lambda f: f.assign(cached_input_tokens=f["input_tokens"])),
        ("price", lambda f: f),
    ],
)
def test_a_planted_cause_ranks_first(part: str, change: object) -> None:
    frame = log(seed=2)
    now = current(frame)
    moved = billed(change(frame[now]))  # type: ignore[operator]
    if part == "price":
        moved["cost_usd"] *= 2
    answer = explained(pd.concat([frame[~now], moved]))
    if part == "cached tokens":
        # Fresh tokens became cached ones: the two kinds move against each other.
        assert answer.parts["cached tokens"] > 0 > answer.parts["input tokens"]
        return
    assert max(answer.parts, key=lambda name: abs(answer.parts[name])) == part
    codes = [finding.code for finding in answer.findings()]
    assert "COST_" + part.upper().replace(" ", "_") in codes
    truth = moved["cost_usd"].sum() / 48 - frame[now]["cost_usd"].sum() / 48
    assert answer.parts[part] == pytest.approx(truth, rel=0.1)


def test_a_retry_loop_that_only_the_bill_shows_is_retries() -> None:
    """Tokens are logged of the last attempt, cost of all: a loop looks like a dearer token."""
    frame = log(seed=5)
    attempts = np.where(current(frame), 1 + np.arange(len(frame)) % 5, 1)
    frame = frame.assign(retries=attempts - 1, cost_usd=frame["cost_usd"] * attempts)
    answer = explained(frame)
    assert max(answer.parts, key=lambda name: abs(answer.parts[name])) == "retries"
    assert answer.parts["price"] == pytest.approx(0, abs=0.02 * answer.shift)
    assert "COST_RETRIES" in [finding.code for finding in answer.findings()]
    assert any("all attempts" in caveat for caveat in answer.caveats)


def test_retries_that_the_tokens_already_count_are_no_part() -> None:
    frame = log(seed=5)
    frame["retries"] = np.where(current(frame), np.arange(len(frame)) % 5, 0)
    assert explained(frame).parts["retries"] == 0


def test_a_move_of_traffic_to_the_dear_model_is_mix() -> None:
    frame = pd.concat([log(seed=3)[lambda f: ~current(f)], log(seed=4, large=0.9)[current]])
    answer = explained(frame)
    assert max(answer.parts, key=lambda name: abs(answer.parts[name])) == "mix"
    assert "mix" in answer.summary()


def test_a_single_row_that_carries_the_spend_is_named() -> None:
    frame = log()
    frame.loc[len(frame) - 1, "cost_usd"] = 100.0
    answer = explained(frame)
    assert len(answer.rows) == 1
    assert "r3999" in answer.rows["row"][0]
    assert answer.rows["share"][0] > 0.5
    assert "COST_SINGLE_ROW" in [finding.code for finding in answer.findings()]


def test_rows_without_a_cost_are_counted_and_said() -> None:
    frame = log()
    frame.loc[current(frame) & (frame.index % 4 == 0), "cost_usd"] = None
    said = " ".join(explained(frame).caveats)
    assert "0 (0.0%) then" in said
    assert "(25" in said or "(24" in said


def test_a_sampled_log_counts_by_its_weights() -> None:
    frame = log()
    assert explained(frame.assign(weight=4.0)).shift == pytest.approx(4 * explained(frame).shift)


def test_row_order_is_irrelevant() -> None:
    frame = log(800)
    one, two = explained(frame), explained(frame.sample(frac=1, random_state=1))
    assert one.parts == pytest.approx(two.parts)


def test_versions_are_split_too_and_a_log_without_models_says_so() -> None:
    frame = log(400).drop(columns=["model", "ts"])
    frame["model_version"] = np.where(frame.index < 200, "1", "2")
    logs = rca.read_logs(frame)
    pair = rca.Comparison.by_version(logs, baseline="1", current="2", metric="cost_per_request")
    answer = explain_cost(pair)
    assert sum(answer.parts.values()) == pytest.approx(answer.shift)
    said = " ".join(answer.caveats)
    assert "names no model" in said
    assert "too few stretches" in said
    assert not answer.findings()


def test_a_log_without_cost_says_what_to_do() -> None:
    with pytest.raises(rca.RCAError, match="prices="):
        frame = log(400).drop(columns="cost_usd")
        pair = rca.Comparison.by_time(rca.read_logs(frame), metric="output_tokens", **WINDOWS)
        explain_cost(pair)


def test_the_waterfall_ends_where_the_spend_does() -> None:
    answer = explained(log())
    bars = answer.plot().data[0]
    assert bars.y[0] + sum(bars.y[1:-1]) == pytest.approx(answer.current_spend)
    assert "<script" not in answer._repr_html_()


def test_a_jump_of_price_is_found_at_its_hour() -> None:
    frame = log()
    late = (frame["ts"] >= pd.Timestamp("2026-03-04T12:00Z")) & (frame["model"] == "large")
    frame.loc[late, "cost_usd"] *= 8
    answer = price_jumps(rca.read_logs(frame))
    jumped = answer.table[answer.table["jumped"]]
    assert set(jumped["model"]) == {"large"}
    assert jumped["start"].min() == pd.Timestamp("2026-03-04T12:00")
    assert {finding.code for finding in answer.findings()} == {"PRICE_JUMP"}
    assert len(answer.plot().data) == 2


def test_no_jump_where_only_the_mix_of_tokens_moved() -> None:
    frame = log()
    frame.loc[current(frame), "cached_input_tokens"] = frame["input_tokens"]
    answer = price_jumps(rca.read_logs(billed(frame)), factor=1.2)
    assert not answer.table["jumped"].any()
    assert "none" in answer.summary()
