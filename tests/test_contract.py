"""What every public name promises: a docstring, an example, declared columns, safe HTML."""

from __future__ import annotations

import dataclasses
import inspect
from html.parser import HTMLParser

import pandas as pd
import pytest
import rca
from rca.errors import RCAError
from rca.model.result import Result

HOSTILE = "<script>alert(1)</script>&\"'<b onclick=x>"
VOID = {"br", "hr", "img", "meta", "input", "col"}
NAMES = sorted(name for name in rca.__all__ if not name.startswith("_"))
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(rca, name))]
CLASSES = [name for name in NAMES if inspect.isclass(getattr(rca, name))]
RESULTS = [name for name in CLASSES if issubclass(getattr(rca, name), Result) and name != "Result"]
#: Read by :func:`rca.read_incident` before any example could show them.
NOUNS = {"Candidate", "Diagnosis", "Event", "Events", "Evidence", "Finding", "Incident"}


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented(name):
    thing = getattr(rca, name)
    text = inspect.getdoc(thing) or ""
    assert len(text.split()) >= 5, f"rca.{name} says nothing of itself"
    assert text.splitlines()[0].endswith((".", "?", ":")), "the first line is a sentence"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_verb_documents_its_parameters_and_takes_options_by_name(name):
    verb = getattr(rca, name)
    text = inspect.getdoc(verb)
    parameters = inspect.signature(verb).parameters.values()
    missing = [p.name for p in parameters if p.name not in text]
    assert missing == []
    assert "Raises" in text or "RCAError" in text or name in {"connect"}
    assert not [p.name for p in parameters if p.kind is p.VAR_KEYWORD]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_verb_has_an_example(name):
    text = inspect.getdoc(getattr(rca, name))
    # What answers a whole folder is shown by the notebooks, which run.
    assert ">>>" in text or name in {"correlate_events", "diagnose", "read_incident"}


@pytest.mark.parametrize("name", CLASSES)
def test_nouns_are_frozen(name):
    noun = getattr(rca, name)
    if dataclasses.is_dataclass(noun):
        assert noun.__dataclass_params__.frozen


def test_every_error_of_the_package_is_an_rca_error():
    import rca.errors

    found = [
        e for e in vars(rca.errors).values() if inspect.isclass(e) and issubclass(e, Exception)
    ]
    assert len(found) > 5
    assert all(issubclass(error, RCAError) and issubclass(error, ValueError) for error in found)


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """An incident with a planted fault, in which every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    n = 2400
    late = [i >= 1600 for i in range(n)]
    bad = [i % 3 == 0 and is_late for i, is_late in enumerate(late)]
    table = pd.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(n)],
            "ts": pd.date_range("2026-03-01", periods=n, freq="min", tz="UTC"),
            "model_version": ["v2" + HOSTILE if x else "v1" for x in late],
            "region": [("eu" + HOSTILE, "us", "ap")[i % 3] for i in range(n)],
            "latency_ms": [100.0 + i * 7 % 23 + 300 * x for i, x in enumerate(bad)],
            "correct": [i % 10 != 0 and not (b and i % 2) for i, b in enumerate(bad)],
            "tokens" + HOSTILE: [float(i % 50) for i in range(n)],
        }
    )
    table.to_parquet(folder / "requests.parquet")
    (folder / "events.csv").write_text(
        "event_id,ts,kind,title,from_version,version\n"
        f'd1,2026-03-02T02:39:00Z,deploy,"{HOSTILE.replace(chr(34), chr(34) * 2)}",v1,v2\n'
        "d0,2026-03-01T05:00:00Z,flag,quiet,,\n",
        encoding="utf-8",
    )
    return rca.read_incident(folder, metric="mean_latency")


@pytest.fixture(scope="module")
def results(incident):
    pair = incident.comparison(onset=rca.correlate_events(incident).onset)
    diagnosis = rca.diagnose(incident)
    made = {
        "diagnose": diagnosis,
        "correlate_events": rca.correlate_events(incident),
        "slice_metric": rca.slice_metric(pair, by="region"),
        "find_slices": rca.find_slices(pair),
        "profile_drift": rca.profile_drift(pair),
        "diff_versions": rca.diff_versions(
            incident.logs, baseline="v1", current="v2" + HOSTILE, metric="accuracy", by="region"
        ),
    }
    assert all(isinstance(result, Result) for result in made.values())
    return made


VERBS = [
    "diagnose", "correlate_events", "slice_metric", "find_slices", "profile_drift", "diff_versions",
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_has_the_columns_that_it_declares(verb, results):
    result = results[verb]
    assert list(result.table.columns) == list(result.columns)
    assert all(len(meaning) > 3 for meaning in result.columns.values())
    assert set(result.shown) <= set(result.columns)


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_says_how_to_compute_it_again(verb, results):
    result = results[verb]
    assert result.call
    assert result.sql
    assert all(
        statement.lstrip().lower().startswith(("select", "with")) for statement in result.sql
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_sentence_has_a_number_and_how_many_rows(verb, results):
    sentence = results[verb].summary()
    assert any(sign.isdigit() for sign in sentence)
    assert "\n\n" not in sentence


@pytest.mark.parametrize("verb", VERBS)
def test_findings_have_codes_and_calls(verb, results):
    for finding in results[verb].findings():
        assert finding.code == finding.code.upper()
        assert finding.claim
        assert finding.call, finding
        assert finding.n is None or finding.n >= 0
        assert finding.p_value is None or 0 <= finding.p_value <= 1


@pytest.mark.parametrize("verb", VERBS)
def test_a_figure_can_be_drawn_and_saved(verb, results):
    figure = results[verb].plot()
    assert len(figure.data) >= 1
    assert figure.to_json()


class Strict(HTMLParser):
    """Counts elements and fails on tags that do not close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read_html(markup: str) -> Strict:
    reader = Strict()
    reader.feed(markup)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("verb", VERBS)
def test_html_is_well_formed_escaped_and_needs_no_script(verb, results):
    page = read_html(results[verb]._repr_html_())
    tags = {tag for tag, _ in page.seen}
    assert tags.isdisjoint({"script", "b", "iframe", "object", "link"})
    assert not [a for _, attributes in page.seen for a in attributes if a.startswith("on")]
    assert "table" in tags
    assert any("scope" in attributes for tag, attributes in page.seen if tag == "th")


def test_hostile_text_is_shown_as_text(incident, results):
    for shown in (incident, incident.logs, incident.events, results["slice_metric"]):
        page = read_html(shown._repr_html_())
        assert "<script>alert(1)</script>" in "".join(page.text)
        assert "script" not in {tag for tag, _ in page.seen}


def test_the_planted_fault_is_found_among_hostile_names(results):
    first = results["find_slices"].table.iloc[0]
    assert "eu" in str(first["rule"])


def test_a_cell_run_twice_answers_the_same_twice(incident, results):
    again = rca.diagnose(incident)
    pd.testing.assert_frame_equal(again.table, results["diagnose"].table)
