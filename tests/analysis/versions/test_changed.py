"""Pairs that changed, page by page, and the page that shows them."""

import numpy as np
import pandas as pd
import pytest
import rca
from rca.errors import BadValueError, PairingError

HOSTILE = "<script>alert(1)</script> \x1b[31m \u202e &"


def logs_of(before, after, **columns):
    n = len(before)
    frame = {
        "model_version": ["v1"] * n + ["v2"] * n,
        "question_id": [f"q{i:03}" for i in range(n)] * 2,
        "correct": [*before, *after],
        "output": [f"old {i}" for i in range(n)] + [f"new {i}" for i in range(n)],
        "input": [f"what is {i}?" for i in range(n)] * 2,
    }
    return rca.read_logs(pd.DataFrame(frame | columns))


def diffed(logs, metric="accuracy", **given):
    return rca.diff_versions(logs, baseline="v1", current="v2", metric=metric, **given)


def test_pages_show_every_changed_pair_once():
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    found = diffed(logs_of(before, after))
    worse = [f"q{i:03}" for i in np.flatnonzero(before > after)]
    pages = [found.changed(limit=4, offset=at) for at in range(0, 60, 4)]
    assert pd.concat(pages)["key"].tolist() == worse
    better = found.changed(which="better", limit=60)
    assert better["key"].tolist() == [f"q{i:03}" for i in np.flatnonzero(before < after)]
    assert len(found.changed(which="any", limit=60)) == len(worse) + len(better)


def test_a_row_holds_the_question_and_both_answers():
    row = diffed(logs_of([1, 1], [1, 0], tier=["a", "b"] * 2)).changed(columns=["tier"]).iloc[0]
    assert row.to_dict() == {
        "key": "q001",
        "baseline": 1.0,
        "current": 0.0,
        "shift": -1.0,
        "input": "what is 1?",
        "baseline_output": "old 1",
        "current_output": "new 1",
        "baseline_tier": "b",
        "current_tier": "b",
    }


def test_the_largest_change_comes_first():
    logs = logs_of([1] * 4, [1] * 4, latency_ms=[100, 100, 100, 100, 90, 300, 150, 200])
    assert diffed(logs, "mean_latency").changed()["key"].tolist() == ["q001", "q003", "q002"]


def test_the_page_escapes_hostile_answers_and_runs_nothing():
    logs = logs_of([1, 1], [0, 1], output=[HOSTILE, "x", f"{HOSTILE} more", "x"])
    page = diffed(logs).changed_html()
    assert "<script" not in page
    assert "&lt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "[U+202E]" in page
    assert "default-src 'none'" in page
    assert "1 of 1 pairs" in page


def test_unpaired_rows_have_no_changed_pairs():
    logs = logs_of([1] * 5, [0] * 5)
    with pytest.raises(PairingError, match="pair_by"):
        diffed(logs, pairing="unpaired").changed()


@pytest.mark.parametrize("page", [{"limit": 0}, {"limit": 201}, {"offset": -1}])
def test_a_page_has_bounds(page):
    with pytest.raises(BadValueError, match="1 to 200"):
        diffed(logs_of([1] * 5, [0] * 5)).changed(**page)
