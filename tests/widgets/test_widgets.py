import pytest
import rca
import rca.widgets as widgets
from tests.widgets.conftest import HOSTILE


def said(widget):
    assert 'role="alert"' not in widget.status.value, widget.status.value
    return widget.status.value


@pytest.fixture(scope="module")
def console(incident):
    widgets.forget()
    return widgets.console(incident)


def test_the_console_shows_what_diagnose_answers(console, incident):
    assert console.result.candidates == rca.diagnose(incident).candidates
    labels = [row["label"] for row in console.candidates.groups[0]["rows"]]
    assert labels == [f"{c.rank}. {c.claim}" for c in console.result.candidates]
    assert console.candidate is console.result.candidates[0]


@pytest.mark.parametrize("tab", range(5))
def test_every_tab_shows_evidence_of_the_chosen_candidate(console, tab):
    console.tabs.selected_index = tab
    console.candidates.chosen = [["candidates", console.candidates.groups[0]["rows"][1]["key"]]]
    assert "done" in said(console)
    assert console.candidate.rank == 2
    assert len(console.tabs.children[tab].value) > 500


def test_windows_that_are_typed_are_compared_and_stand_in_the_code(incident):
    console = widgets.console(incident)
    first = console.windows.inputs[0]
    first.value = "2026-01-10T00:00:00Z"
    assert console.view.ranges[0]["low"] == 1768003200000.0
    console.again.click()
    assert "2026-01-10T00:00:00Z" in console.code
    assert str(console.result.windows[0]).startswith("2026-01-10T00:00:00Z")
    namespace = {"rca": rca, "incident": incident}
    *setup, last = console.code.splitlines()
    exec("\n".join(setup), namespace)
    assert eval(last, namespace).to_dict()["candidates"] == console.result.to_dict()["candidates"]
    first.value = "soon"
    assert "soon&#x27; is not a time" in console.status.value
    console.view.ranges = [{**r, "high": r["high"] - 3600e3} for r in console.view.ranges]
    assert "windows have changed" in console.status.value
    console.reset.click()
    assert "baseline_window" not in console.code


def test_a_cell_run_again_keeps_the_choices(incident):
    console = widgets.console(incident)
    console.metric.value = "error_rate"
    console.tabs.selected_index = 3
    console.candidates.chosen = [["candidates", console.candidates.groups[0]["rows"][-1]["key"]]]
    chosen = console.candidate.claim
    again = widgets.console(incident)
    assert again.metric.value == "error_rate"
    assert again.tabs.selected_index == 3
    assert again.candidate.claim == chosen


def test_slices_show_what_cross_slices_answers(comparison):
    explorer = widgets.slices(comparison, dimensions=["query_type", "region"])
    explorer.bars.chosen = [["query_type", "refund"], ["query_type", "billing"]]
    said(explorer)
    asked = {"query_type": ["refund", "billing"]}
    expected = rca.cross_slices(comparison, chosen=asked, dimensions=["query_type", "region"])
    assert explorer.result.summary() == expected.summary()
    assert explorer.code == expected.call
    within = rca.slice_metric(comparison.within(explorer.predicate), by="region", min_rows=1)
    assert within.table["n_current"].sum() == expected.n[1]
    again = widgets.slices(comparison, dimensions=["query_type", "region"])
    assert again.chosen == {"query_type": ("refund", "billing")}


def test_choosing_a_found_slice_says_why_and_keeps_its_rows(comparison):
    explorer = widgets.slices(comparison)
    assert explorer.found.table.equals(rca.find_slices(comparison).table)
    explorer.rules.chosen = [["found", "0"]]
    said(explorer)
    assert "Why is it here?" in explorer.reason.value
    values = explorer.found.table["slice"][0]
    assert explorer.chosen == {name: (value,) for name, value in values.items()}
    explorer.clear.click()
    assert explorer.chosen == {}


def test_drift_shows_the_chosen_column(comparison):
    browser = widgets.drift(comparison, columns=["stock_age_hours", "region", "correct"])
    key = browser.list.groups[0]["rows"][1]["key"]
    browser.list.chosen = [["columns", key]]
    said(browser)
    assert browser.column == key
    assert key in browser.view.label
    assert f"drift.plot_column({key!r})" in browser.code
    again = widgets.drift(comparison, columns=["stock_age_hours", "region", "correct"])
    assert again.column == key


def test_the_timeline_narrows_its_window_and_events(incident):
    timeline = widgets.timeline(incident)
    n_all = len(timeline.list.groups[0]["rows"])
    timeline.view.zoomed = {"n": 1, "range": ["2026-01-12 00:00", "2031-01-15"]}
    said(timeline)
    assert str(timeline.window).startswith("2026-01-12T00:00:00Z")
    assert timeline.window.end == incident.logs.span.end
    assert 0 < len(timeline.list.groups[0]["rows"]) < n_all
    assert timeline.code.endswith(
        f"window = rca.Window.of{tuple(str(timeline.window).split(' to '))}"
    )
    timeline.end.value = "2026-01-11T00:00:00Z"
    assert "must start before it ends" in timeline.status.value
    key = timeline.list.groups[0]["rows"][0]["key"]
    timeline.list.chosen = [["events", key]]
    assert timeline.event_id == key
    assert key in timeline.event.value
    timeline.whole.click()
    assert timeline.window == incident.logs.span


def test_a_timeline_without_a_metric_is_refused(incident):
    from dataclasses import replace

    with pytest.raises(rca.RCAError, match="has no metric"):
        widgets.timeline(replace(incident, metric=None))


def test_versions_are_compared_and_their_answers_read(answers):
    browser = widgets.versions(answers)
    assert browser.result.discordance == (25, 15, 0, 0)
    assert "1 to 5 of 15 pairs" in browser.count.value
    browser.after.click()
    browser.after.click()
    assert "11 to 15 of 15 pairs" in browser.count.value
    assert browser.after.disabled
    browser.which.value = "better"
    assert "0 to 0 of 0 pairs" in browser.count.value
    browser.by.value = ("region",)
    said(browser)
    again = eval(browser.code, {"rca": rca, "logs": answers})
    assert again.table.equals(browser.result.table)
    assert widgets.versions(answers).by.value == ("region",)


def test_hostile_texts_stay_texts(answers):
    browser = widgets.versions(answers)
    rows = widgets.examples(answers)
    for shown in (browser.cards.value, browser.static_html, rows.cards.value, rows.static_html):
        assert "<img" not in shown
    assert "&lt;img" in rows.cards.value


def test_versions_that_are_one_are_refused_in_the_widget(answers):
    browser = widgets.versions(answers)
    browser.current.value = browser.baseline.value
    assert "nothing can differ" in browser.status.value


def test_a_log_without_versions_is_refused(answers):
    with pytest.raises(rca.RCAError, match="no version column holds two versions"):
        widgets.versions(answers.where("model_version = 'v1'"))


def test_versions_of_other_questions_have_no_pairs(incident):
    browser = widgets.versions(incident.logs, metric="accuracy")
    assert "not paired" in browser.count.value
    assert browser.pairs.layout.display == "none"
    other = next(iter(c for c in browser.column.options if c != browser.column.value))
    browser.column.value = other
    said(browser)
    assert f"column={other!r}" in browser.code


def test_examples_turn_pages_and_orders(answers):
    rows = widgets.examples(answers, slice={"region": "us"}, page=15)
    assert rows.result.n_matched == 40
    assert rows.order.value == "sampled"
    rows.metric.value = "mean_latency"
    rows.order.value = "worst"
    values = rows.result.table["value"].tolist()
    assert values == sorted(values, reverse=True)
    rows.after.click()
    rows.after.click()
    assert rows.after.disabled
    assert "Rows 31 to 40 of 40" in rows.sentence.value
    rows.before.click()
    assert "Rows 16 to 30" in rows.sentence.value
    assert widgets.examples(answers, slice={"region": "us"}, page=15).order.value == "worst"
    rows.metric.value = None
    assert "needs a metric" in rows.status.value


def test_every_widget_has_a_face_with_its_sentence(answers, comparison, incident):
    made = [
        widgets.timeline(incident),
        widgets.slices(comparison, dimensions=["region"]),
        widgets.drift(comparison, columns=["region"]),
        widgets.versions(answers),
        widgets.examples(answers),
    ]
    for widget in made:
        from html import escape

        assert escape(widget.result.summary().splitlines()[0]) in widget.static_html
        assert HOSTILE not in widget.static_html
        assert str(widget) == str(widget.result)
