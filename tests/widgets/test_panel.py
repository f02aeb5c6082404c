import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import plotly.graph_objects as go
import pytest
import rca
from rca.widgets.callbar import ToolbarCall
from rca.widgets.figview import FigView
from rca.widgets.live import Live, asset
from rca.widgets.memory import forget, place, remember, remembered
from rca.widgets.panel import Panel, alert, picture
from rca.widgets.rows import Rows


@pytest.fixture
def found(answers):
    return rca.examples(answers, metric="accuracy", limit=2)


@pytest.fixture
def panel(found):
    made = Panel("A <title>", [Rows()])
    made.show(found, found.call)
    return made


def test_the_face_holds_sentence_table_picture_and_call_escaped(panel, found):
    face = panel.static_html
    assert found.summary() in face
    assert "<svg" in face
    assert "rca.examples(logs" in face
    assert "A &lt;title&gt;" in face
    assert "<img" not in face
    assert panel.code == found.call


def test_the_mime_bundle_carries_the_face(panel):
    bundle = panel._repr_mimebundle_()
    assert bundle["text/html"] == panel.static_html
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_exporter_shows_the_saved_face(panel):
    from rca.report.html.widgets import SavedWidgets

    state = {"m": {"model_name": "VBoxModel", "state": panel.get_state()}}
    shown = SavedWidgets(state, lambda _: "", lambda _: "").html("m")
    assert "Rows 1 to 2 of 80" in shown


def test_a_widget_and_its_twin_are_displayed(panel, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a[0], k)))
    panel._ipython_display_()
    (view, options), (twin, _) = shown
    assert "text/html" not in view
    assert options["metadata"] == {"rca_twin": "below"}
    assert panel._mark in twin["text/html"]
    assert f".{panel._mark}{{display:none}}" in panel.children[0].value


def test_the_guard_shows_an_error_of_ours_as_its_line_and_any_other_with_its_trace(panel):
    with panel.guard("asking"):
        raise rca.RCAError("no <column>. Map one.")
    assert 'role="alert"' in panel.status.value
    assert "no &lt;column&gt;. Map one." in panel.status.value
    assert "traceback" not in panel.status.value
    with panel.guard("asking"):
        raise KeyError("<odd>")
    assert "KeyError" in panel.status.value
    assert "traceback" in panel.status.value
    assert "<odd>" not in panel.status.value
    with panel.guard("asking") as progress:
        progress("step 2")
        assert "<progress" in panel.status.value
        assert "asking: step 2" in panel.status.value
    assert "asking: done in" in panel.status.value


def test_alerts_are_escaped():
    assert "<b>" not in alert("<b>", "<b>")


def test_a_deaf_page_is_said_to_be_stale(panel, monkeypatch):
    monkeypatch.setattr("rca.widgets.live.PATIENCE_S", 0.01)
    rows = panel.children[2]

    async def session():
        rows.touch()
        assert not rows.stale, "a page that never answered may not be there yet"
        rows.ack = rows.revision
        rows.touch()
        await asyncio.sleep(0.05)
        assert rows.stale
        assert "no longer hears the kernel" in panel.status.value
        rows.ack = rows.revision
        assert not rows.stale
        rows.touch()
        rows.ack = rows.revision
        await asyncio.sleep(0.05)
        assert not rows.stale

    # Browser tests leave a running loop in this thread.
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(session())).result()


def test_figures_are_sent_only_when_they_changed():
    figure = go.Figure(go.Bar(x=["a"], y=[1]), layout={"title": {"text": "Errors"}})
    view = FigView(figure)
    assert view.label == "Errors"
    view.update(figure)
    assert view.revision == 0
    view.update(go.Figure(go.Bar(x=["a"], y=[2])))
    assert view.revision == 1
    assert json.loads(view.figure)["data"][0]["y"] == [2]


def test_plotly_js_is_sent_when_a_page_asks_and_not_with_the_state():
    view, sent = FigView(go.Figure()), []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    view._answer(None, {"ask": "plotly"}, [])
    ((content, (packed,)),) = sent
    assert content == {"plotly": view.plotly_version}
    assert 500_000 < len(packed) < 2_500_000
    assert sum(len(str(value)) for value in view.get_state().values()) < 100_000


@pytest.mark.parametrize("view", [FigView, Rows, ToolbarCall])
def test_scripts_are_small_and_fetch_nothing(view):
    script = view._esm if isinstance(view._esm, str) else str(view._esm)
    assert len(script) < 50_000
    assert "http" not in script.replace("http://www.w3.org", "")
    assert "innerHTML" not in script
    assert issubclass(view, Live)


def test_the_style_sheet_fetches_nothing():
    assert "url(" not in asset("style.css")


def test_rows_that_are_gone_are_not_picked():
    rows = Rows()
    rows.update([{"key": "g", "title": "G", "rows": [{"key": "a", "label": "A"}]}], [("g", "a")])
    assert rows.picked == (("g", "a"),)
    rows.chosen = [["g", "b"], ["h", "a"]]
    assert rows.picked == ()


def test_choices_are_kept_by_log_and_widget(answers):
    key = place("slices", answers, "x")
    remember(key, a=1)
    remember(key, b=2)
    assert remembered(key) == {"a": 1, "b": 2}
    assert remembered(place("slices", answers, "y")) == {}
    forget()
    assert remembered(key) == {}


def test_a_picture_draws_error_bars_of_arrays():
    import numpy as np

    bars = {"type": "data", "array": np.array([1.0, 2.0])}
    plain = picture(go.Figure(go.Scatter(x=[1, 2], y=[3, 4], mode="markers")))
    shown = picture(go.Figure(go.Scatter(x=[1, 2], y=[3, 4], mode="markers", error_y=bars)))
    assert len(shown) > len(plain)
