"""Tokens to one rule, money with its source, errors in groups."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import rca
from rca.logs.normal import masked

TS = "2026-03-01T10:00:00Z"


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"ts": [TS, TS], **columns})


def values(logs: rca.Logs, column: str) -> list[object]:
    return [row[column] for row in logs.engine.rows(f"select {column} from {logs.relation}")]


def test_anthropic_counts_cached_tokens_beside_the_input() -> None:
    logs = rca.read_logs(
        table(
            provider=["anthropic", "openai"],
            prompt_tokens=[10, 100],
            cache_read_input_tokens=[90, 40],
        )
    )
    assert values(logs, "input_tokens") == [100.0, 100.0]
    assert any("of anthropic were logged without the cached ones" in c for c in logs.caveats)


def test_totals_tell_the_rule() -> None:
    counts = {"cached_tokens": [40, 40], "completion_tokens": [20, 20]}
    inside = rca.read_logs(table(prompt_tokens=[100, 100], total_tokens=[120, 120], **counts))
    assert values(inside, "input_tokens") == [100.0, 100.0]
    assert not [c for c in inside.caveats if "cached" in c]
    beside = rca.read_logs(table(prompt_tokens=[60, 60], total_tokens=[120, 120], **counts))
    assert values(beside, "input_tokens") == [100.0, 100.0]
    assert any("totals add cached tokens" in c for c in beside.caveats)


def test_an_unknown_rule_is_said_and_nothing_is_added() -> None:
    logs = rca.read_logs(table(prompt_tokens=[100, 100], cached_tokens=[40, 0]))
    assert values(logs, "input_tokens") == [100.0, 100.0]
    assert any("is unknown: they were left as logged" in c for c in logs.caveats)


def test_the_canonical_names_promise_their_rule() -> None:
    logs = rca.read_logs(table(input_tokens=[100, 100], cached_input_tokens=[40, 0]))
    assert not [c for c in logs.caveats if "cached" in c]


def test_no_cached_tokens_no_question() -> None:
    logs = rca.read_logs(table(prompt_tokens=[100, 100], cached_tokens=[0, None]))
    assert not [c for c in logs.caveats if "cached" in c]


def test_reasoning_beyond_the_output_is_added() -> None:
    logs = rca.read_logs(table(completion_tokens=[10, 20], reasoning_tokens=[50, 0]))
    assert values(logs, "output_tokens") == [60.0, 20.0]
    assert any("without reasoning" in c for c in logs.caveats)


PRICES = {"m": {"input": 2.0, "cached": 1.0, "output": 10.0}}


def calls() -> pd.DataFrame:
    return table(
        model=["m", "m"],
        input_tokens=[100, 100],
        cached_input_tokens=[40, 0],
        output_tokens=[10, 10],
        cost_usd=[None, 0.5],
    )


def test_a_cost_is_computed_from_given_prices_and_marked(tmp_path: Path) -> None:
    """60 x 2 + 40 x 1 + 10 x 10 = 260 millionths of a dollar."""
    sheet = tmp_path / "prices.csv"
    sheet.write_text("model,input,cached,output\nm,2,1,10\n")
    for prices in (PRICES, sheet):
        logs = rca.read_logs(calls(), prices=prices)
        assert values(logs, "cost_usd") == pytest.approx([260e-6, 0.5])
        assert values(logs, "cost_source") == ["computed", "logged"]
        assert any("of 1 rows was computed" in c for c in logs.caveats)


def test_a_log_without_any_cost_gets_one() -> None:
    logs = rca.read_logs(calls().drop(columns=["cost_usd", "cached_input_tokens"]), prices=PRICES)
    assert values(logs, "cost_usd") == pytest.approx([300e-6, 300e-6])
    assert logs.columns["cost_usd"] == "number"


def test_models_without_a_price_are_named() -> None:
    logs = rca.read_logs(calls().assign(model=["m2", "m"]), prices=PRICES)
    assert values(logs, "cost_usd")[0] is None
    assert any("no price was given for: m2" in c for c in logs.caveats)


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        ({"m": {"input": 1.0}}, "needs input and output"),
        ({"m": {"input": 1.0, "output": "much"}}, "no number"),
        ({"m": {"input": 1, "output": 1, "audio": 1}}, "may have cached"),
        ({}, "no model"),
        ("/nowhere.csv", "no price table"),
    ],
)
def test_a_bad_price_table_is_one_clear_line(prices: object, says: str) -> None:
    with pytest.raises(rca.RCAError, match=says):
        rca.read_logs(calls(), prices=prices)


@pytest.mark.parametrize(
    ("message", "group"),
    [
        ("Rate limit of 30000 reached", "Rate limit of # reached"),
        ("user 8f14e45f-ceea-467f-9b1e-0d4b1c7e9a11 failed", "user # failed"),
        ("at 0x7ffe12 in line 12:34", "at # in line #"),
        ("two   spaces\nand lines", "two spaces and lines"),
        ("no numbers", "no numbers"),
    ],
)
def test_messages_are_masked_alike_in_python_and_in_the_engine(message: str, group: str) -> None:
    assert masked(message) == group
    logs = rca.read_logs(table(error_message=[message, "ok"]))
    assert values(logs, "error_group")[0] == group


def test_failed_calls_with_zeros_are_counted(tmp_path: Path) -> None:
    frame = table(status=["ok", "error"], latency_ms=[100, 0], input_tokens=[5, 0])
    frame.to_csv(tmp_path / "requests.csv", index=False)
    incident = rca.read_incident(tmp_path)
    assert any("1 failed calls have zero latency" in c for c in incident.logs.caveats)
