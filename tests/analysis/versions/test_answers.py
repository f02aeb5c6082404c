"""Kinds of answers: what each pattern takes, what moved, and whether it goes with the score."""

import pandas as pd
import pytest
import rca
from rca.analysis.versions.answers import kinds
from rca.errors import MissingColumnError
from rca.model.metric import Metric


def logs_of(before, after, **columns):
    n = len(before)
    frame = {
        "model_version": ["v1"] * n + ["v2"] * n,
        "question_id": [*range(n)] * 2,
        "output": [*before, *after],
    }
    return rca.read_logs(pd.DataFrame(frame | columns))


def diffed(logs, metric="accuracy", **given):
    return rca.diff_versions(logs, baseline="v1", current="v2", metric=metric, **given)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"empty"}),
        (" \n\t", {"empty"}),
        ("I'm sorry, but I can't help with that.", {"refusal"}),
        ("As an AI language model, I have no opinions.", {"refusal"}),
        ("I cannot provide that.", {"refusal"}),
        ("The answer is 4. I cannot provide that.", {"refusal"}),
        ("The shop is sorry for nothing.", set()),
        ("Sure! Here is the code.", {"courtesy first"}),
        ("```python\nx\n```", {"code fence"}),
        ("# a comment\nx = 1", set()),
        ("## A heading", {"markdown"}),
        ("- one\n- two", {"markdown"}),
        ("a **bold** word", {"markdown"}),
        (' {"a": 1}\n', {"JSON"}),
        ("[1, 2]", {"JSON"}),
        ("x = 1", set()),
    ],
)
def test_kinds_of_one_answer(text, found):
    logs = logs_of([text], [text])
    metrics = [metric for metric in kinds(logs) if metric.name != "length"]
    columns = ", ".join(f"max({m.numerator}) as c{i}_" for i, m in enumerate(metrics))
    row = logs.engine.one(f"select {columns} from {logs.relation}")
    assert {m.name for i, m in enumerate(metrics) if row[f"c{i}_"]} == found


def test_answers_cut_off_are_told_by_the_finish_reason():
    logs = logs_of(
        ["a"] * 30,
        ["b"] * 30,
        correct=[1] * 60,
        finish_reason=["stop"] * 30 + ["length"] * 12 + ["stop"] * 18,
    )
    table = diffed(logs).answers().table.set_index("kind")
    assert table.loc["cut off", ["baseline", "current"]].tolist() == [0.0, 0.4]


def test_a_new_wrapping_is_found_and_tied_to_the_worse_score():
    plain = [f"return {i}" for i in range(60)]
    fenced = [f"```python\n{text}\n```" if i < 40 else text for i, text in enumerate(plain)]
    after = [0 if i < 36 else 1 for i in range(60)]
    found = diffed(logs_of(plain, fenced, correct=[1] * 60 + after)).answers()
    row = found.table.set_index("kind").loc["code fence"]
    assert row["appeared"] == 40
    assert row["appeared_in_worse"] == 1.0
    assert row["appeared_in_others"] == pytest.approx(4 / 24)
    assert found.n_worse == 36
    assert [f.details["kind"] for f in found.findings()] == ["code fence", "length"]
    assert "new in 100% of the 36 pairs that got worse" in found.summary()


def test_equal_answers_change_in_nothing():
    texts = [f"answer {i}" for i in range(40)]
    found = diffed(logs_of(texts, texts, correct=[1] * 80)).answers()
    assert found.findings() == ()
    assert "No kind of answer moved" in found.summary()


def test_unpaired_answers_are_compared_by_their_shares():
    before, after = ["fine"] * 50, ["I'm sorry, I can't help with that."] * 20 + ["fine"] * 30
    logs = logs_of(before, after, correct=[1] * 100)
    found = diffed(logs, pairing="unpaired").answers()
    row = found.table.set_index("kind").loc["refusal"]
    assert row["shift"] == pytest.approx(0.4)
    assert row["appeared"] != row["appeared"]


def test_the_bad_direction_decides_what_worse_means():
    texts = ["a"] * 10
    logs = logs_of(texts, ["b"] * 10, mark=[1] * 5 + [0] * 5 + [0] * 3 + [1] * 7)
    metric = Metric.mean("mark", "mark", unit="share", worse="down")
    assert diffed(logs, metric).answers().n_worse == 3
    assert diffed(logs, "mean:mark").answers().n_worse == 8


def test_a_log_without_answers_is_refused():
    logs = rca.read_logs(pd.DataFrame({"model_version": ["v1", "v2"], "correct": [1, 0]}))
    with pytest.raises(MissingColumnError, match="output"):
        diffed(logs).answers()
