"""The triage screen: what moved, since when, and the candidates with what stands behind each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as w

from rca.diagnose import Diagnosis, diagnose
from rca.model.catalogue import available
from rca.model.finding import Candidate
from rca.model.incident import Incident
from rca.model.window import Window
from rca.widgets import memory
from rca.widgets.evidence import PARTS
from rca.widgets.figview import FigView
from rca.widgets.panel import Panel, part, wrap
from rca.widgets.progress import cell_progress
from rca.widgets.rows import Rows
from rca.widgets.windows import WindowControls, Windows

_CANDIDATES = "candidates"


class Console(Panel):
    """See :func:`rca.widgets.console`; ``result`` is a :class:`rca.Diagnosis`."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self._key = memory.place("console", incident.logs, incident.name, incident.alerted_at)
        kept = memory.remembered(self._key)
        self._windows: Windows | None = kept.get("windows")
        if kept.get("metric"):
            self.incident = incident.measuring(kept["metric"])
        with cell_progress("rca.diagnose") as progress:
            first = diagnose(self._asked(), progress=progress)
        self.metric = _metric_choice(self.incident, first)
        self.again = w.Button(description="Diagnose", button_style="primary")
        self.reset = w.Button(description="Windows of the onset", layout=w.Layout(width="auto"))
        self.view = FigView(first.timeline(()))
        self.windows = WindowControls(self.view, self._windows_moved)
        self.candidates = Rows(label="candidates, likeliest first", column_px=1000)
        self.tabs = w.Tab([w.HTML() for _ in PARTS], titles=list(PARTS))
        self.tabs.selected_index = kept.get("tab", 0)
        self.sentence = w.HTML()
        super().__init__(
            f"Triage: {incident.name or 'incident'}",
            [
                wrap(self.metric, self.again, self.reset),
                self.sentence,
                wrap(
                    part(self.view, self.windows.box, width="520px", grow=3),
                    part(self.candidates, width="300px", grow=2),
                ),
                self.tabs,
            ],
        )
        self._take(first)
        self.metric.observe(lambda _: self._diagnose(), "value")
        self.again.on_click(lambda _: self._diagnose())
        self.reset.on_click(lambda _: self._reset())
        self.candidates.observe(lambda _: self._chosen(), "chosen")
        self.tabs.observe(lambda _: self._chosen(), "selected_index")
        self.windows.listen(self._guarded)

    @property
    def candidate(self) -> Candidate:
        """The candidate whose evidence is shown."""
        diagnosis: Diagnosis = self.result
        picked = {key for _, key in self.candidates.picked}
        return next((c for c in diagnosis.candidates if _key(c) in picked), diagnosis.candidates[0])

    def figures(self) -> tuple[Any, ...]:
        """Return the timeline with the windows compared."""
        return (self.result.plot(),)

    def details(self) -> str:
        """Return the evidence of the chosen candidate."""
        return "".join(
            f"<h4>{title}</h4>{make(self.result, self.candidate)}"
            for title, make in PARTS.items()
            if title in ("Why", "Slices")
        )

    def _asked(self) -> Incident:
        """Return the incident with the metric and the windows that were chosen."""
        if self._windows is None:
            return self.incident
        baseline, current = self._windows
        return replace(self.incident, baseline_window=baseline, incident_window=current)

    def _diagnose(self) -> None:
        with self.guard("rca.diagnose") as progress:
            self.incident = self.incident.measuring(self.metric.value)
            memory.remember(self._key, metric=self.metric.value, windows=self._windows)
            self._take(diagnose(self._asked(), progress=progress))

    def _take(self, found: Diagnosis) -> None:
        from html import escape

        kept = memory.remembered(self._key).get("candidate")
        keys = [_key(c) for c in found.candidates]
        chosen = kept if kept in keys else keys[0]
        self.sentence.value = f"<p>{escape(found.summary().splitlines()[0])}</p>"
        self.view.update(found.timeline(()))
        shown = self._windows or found.windows
        if len(shown) == 2:
            self.windows.set((shown[0], shown[1]))
        self.show(found, self._code(found))
        group = {
            "key": _CANDIDATES,
            "title": "Candidates",
            "rows": [_row(c) for c in found.candidates],
            "note": "Candidates are leads: only a person confirms a cause.",
        }
        self.candidates.update([group], [(_CANDIDATES, chosen)])
        self._evidence()

    def _chosen(self) -> None:
        with self.guard("evidence"):
            memory.remember(
                self._key, candidate=_key(self.candidate), tab=self.tabs.selected_index or 0
            )
            self._evidence()
            self._refresh()

    def _evidence(self) -> None:
        """Fill the open tab: what nobody looks at is not computed."""
        place = self.tabs.selected_index or 0
        made = list(PARTS.values())[place](self.result, self.candidate)
        self.tabs.children[place].value = made

    def _windows_moved(self, windows: Windows) -> None:
        self._windows = windows
        self.status.value = (
            '<div role="status">The windows have changed: <b>Diagnose</b> looks again.</div>'
        )

    def _reset(self) -> None:
        self._windows = None
        self._diagnose()

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            with self.guard("windows"):
                raise error

    def _code(self, found: Diagnosis) -> str:
        if self._windows is None:
            return found.call
        assert found.shift is not None
        baseline, current = map(_window, self._windows)
        return (
            "from dataclasses import replace\n"
            f"incident = replace(incident, baseline_window={baseline},\n"
            f"                   incident_window={current})\n{found.call}"
        )


def _metric_choice(incident: Incident, found: Diagnosis) -> w.Dropdown:
    assert found.shift is not None
    name = found.shift.metric.name
    names = list(dict.fromkeys([name, *available(incident.logs)]))
    return w.Dropdown(options=names, value=name, description="Metric")


def _row(candidate: Candidate) -> dict[str, Any]:
    share = candidate.share
    explained = "" if share is None or share != share else f"explains {share:.0%} of the shift"
    return {
        "key": _key(candidate),
        "label": f"{candidate.rank}. {candidate.claim}",
        "value": f"{candidate.probability:.0%}",
        "detail": explained,
        "bars": [{"kind": "likely", "size": candidate.probability}],
    }


def _key(candidate: Candidate) -> str:
    """Return a name that the same candidate has when the diagnosis is run again."""
    return f"{candidate.kind}|{candidate.event_id}|{candidate.column}|{dict(candidate.slice)}"


def _window(window: Window) -> str:
    start, _, end = str(window).partition(" to ")
    return f"rca.Window.of({start!r}, {end!r})"
