import pandas as pd
import pytest
import rca
from rca.analysis.examples import slice_sql
from rca.plots.examples import cards_html, pairs_html

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def logs():
    return rca.read_logs(
        pd.DataFrame(
            {
                "request_id": [f"r{i}" for i in range(100)],
                "ts": pd.date_range("2026-03-01", periods=100, freq="min", tz="UTC"),
                "region": [["eu", "us", None, "o'x"][i % 4] for i in range(100)],
                "latency_ms": [float(i) for i in range(100)],
                "correct": [i % 5 != 0 for i in range(100)],
                "input": [HOSTILE * 300] * 100,
            }
        )
    )


def test_worst_first_follows_the_bad_direction(logs):
    slow = rca.examples(logs, metric="mean_latency", order="worst", limit=3)
    assert slow.table["value"].tolist() == [99.0, 98.0, 97.0]
    wrong = rca.examples(logs, metric="accuracy", order="worst", limit=30)
    assert wrong.table["value"].tolist() == [0.0] * 20 + [1.0] * 10


def test_pages_of_a_sample_are_disjoint_and_complete_and_the_same_again(logs):
    pages = [rca.examples(logs, limit=40, offset=at).table["request_id"] for at in (0, 40, 80)]
    seen = [key for page in pages for key in page]
    assert sorted(seen) == sorted(f"r{i}" for i in range(100))
    assert seen != [f"r{i}" for i in range(100)]
    again = rca.examples(logs, limit=40).table["request_id"]
    assert again.tolist() == pages[0].tolist()


@pytest.mark.parametrize(
    ("values", "n"),
    [({"region": "eu"}, 25), ({"region": ["eu", "us"]}, 50), ({"region": None}, 25),
     ({"region": "(null)"}, 25), ({"region": "o'x"}, 25), ({"region": []}, 0), ({}, 100)],
)  # fmt: skip
def test_a_slice_is_its_rows(logs, values, n):
    assert rca.examples(logs, slice=values).n_matched == n


def test_where_and_slice_are_joined(logs):
    found = rca.examples(logs, where="latency_ms < 50 or false", slice={"region": "eu"})
    assert found.n_matched == 13
    assert "13" in found.summary()


def test_the_call_gives_the_same_rows(logs):
    found = rca.examples(logs, slice={"region": "eu"}, metric="mean_latency", order="worst")
    again = eval(found.call, {"rca": rca, "logs": logs})
    pd.testing.assert_frame_equal(again.table, found.table)


def test_columns_are_chosen_and_texts_cut(logs):
    found = rca.examples(logs, columns=["input", "region"], limit=1)
    assert list(found.table.columns) == ["region", "input"]
    assert len(found.table["input"][0]) == 4000


def test_hostile_text_stays_text(logs):
    found = rca.examples(logs, limit=2)
    for shown in (found._repr_html_(), cards_html(found.table)):
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown
    assert "[U+202E]" in cards_html(found.table)
    pair = pd.DataFrame(
        {"key": [HOSTILE], "baseline": [1.0], "current": [0.0], "baseline_output": [HOSTILE],
         "current_output": [None], "input": [HOSTILE]}
    )  # fmt: skip
    assert "<script" not in pairs_html(pair, baseline="<v1>", current="v2")


def test_a_page_is_drawn_with_and_without_times(logs):
    timed = rca.examples(logs, metric="mean_latency", limit=5).plot()
    assert len(timed.data[0].x) == 5
    bare = rca.read_logs(pd.DataFrame({"region": ["a", "b"]}))
    assert list(rca.examples(bare).plot().data[0].x) == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"limit": 0}, "Ask for 1 to 200"),
        ({"limit": 201}, "Ask for 1 to 200"),
        ({"offset": -1}, "from 0 or later"),
        ({"order": "best"}, "'sampled' or 'worst'"),
        ({"order": "worst"}, "needs a metric"),
        ({"slice": {"regoin": "eu"}}, "Did you mean 'region'"),
        ({"columns": ["regoin"]}, "Did you mean 'region'"),
        ({"metric": "acuracy"}, "accuracy"),
    ],
)
def test_wrong_calls_say_what_to_do(logs, options, words):
    with pytest.raises(rca.RCAError, match=words):
        rca.examples(logs, **options)


def test_a_slice_of_nothing_is_no_condition(logs):
    assert slice_sql(logs, {}) == ""
