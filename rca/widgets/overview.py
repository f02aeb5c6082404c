"""The timeline: a metric, its changes, the events in lanes and how versions took over."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as w

from rca.analysis.events import EventCorrelation, correlate_events, version_ramps
from rca.errors import MissingColumnError, WindowError
from rca.model.incident import Incident
from rca.model.render import cell_text
from rca.model.window import Window, iso, parse_time
from rca.widgets import memory
from rca.widgets.figview import FigView
from rca.widgets.panel import Panel, numbers, part, wrap
from rca.widgets.progress import cell_progress
from rca.widgets.rows import Rows

_EVENTS = "events"
_MOST = 60


class Timeline(Panel):
    """See :func:`rca.widgets.timeline`; ``result`` is what :func:`rca.correlate_events` returns.

    Attributes
    ----------
    window : Window
        What is looked at: all of the log until a reader zooms in or types times.
    """

    def __init__(self, incident: Incident) -> None:
        span = incident.logs.span
        if span is None:
            raise WindowError("the log has no times, so it has no timeline. Map one to ts.")
        self.incident, self._span = incident, span
        metric = incident.metric.name if incident.metric else ""
        self._key = memory.place("timeline", incident.logs, incident.name, metric)
        with cell_progress("rca.correlate_events"):
            found = correlate_events(incident)
        self.window: Window = memory.remembered(self._key).get("window", span)
        self.view = FigView(self._zoomed(found))
        self.ramps = self._ramps()
        self.start = w.Text(description="From", continuous_update=False, layout=_FIELD)
        self.end = w.Text(description="To", continuous_update=False, layout=_FIELD)
        self.whole = w.Button(description="All of the log", layout=w.Layout(width="auto"))
        self.list = Rows(label="events in the window, likeliest first", column_px=1000)
        self.event = w.HTML()
        self._setting = False
        super().__init__(
            f"Timeline: {incident.name or 'incident'}",
            [
                w.HTML(f"<p>{escape(found.summary())}</p>"),
                wrap(
                    part(
                        self.view,
                        wrap(self.start, self.end, self.whole),
                        *([] if self.ramps is None else [self.ramps]),
                        width="520px",
                        grow=3,
                    ),
                    part(self.list, self.event, width="300px", grow=2),
                ),
            ],
        )
        self.show(found, found.call)
        self._look(self.window)
        self.view.observe(lambda change: self._zoom(change["new"]), "zoomed")
        self.start.observe(lambda _: self._typed(), "value")
        self.end.observe(lambda _: self._typed(), "value")
        self.whole.on_click(lambda _: self._zoom({"range": None}))
        self.list.observe(lambda _: self._chosen(), "chosen")

    @property
    def event_id(self) -> str | None:
        """The event that is chosen."""
        return next((key for _, key in self.list.picked), None)

    def figures(self) -> tuple[Any, ...]:
        """Return the timeline of the window, and the ramps."""
        return (self._zoomed(self.result),)

    def details(self) -> str:
        """Return the event that is chosen."""
        return str(self.event.value)

    def _zoomed(self, found: EventCorrelation) -> Any:
        figure = found.plot()
        if self.window != self._span:
            ends = [iso(self.window.start), iso(self.window.end)]
            figure.update_xaxes(range=ends)
        return figure

    def _ramps(self) -> FigView | None:
        try:
            return FigView(version_ramps(self.incident.logs).plot())
        except MissingColumnError:
            return None

    def _zoom(self, zoomed: Mapping[str, Any]) -> None:
        with self.guard("window"):
            ends = zoomed.get("range")
            self._look(self._span if ends is None else _clipped(ends, self._span))

    def _typed(self) -> None:
        if self._setting:
            return
        with self.guard("window"):
            ends = [parse_time(t.value, field=t.description) for t in (self.start, self.end)]
            self._look(Window(ends[0], ends[1]))

    def _look(self, window: Window) -> None:
        self.window = window
        memory.remember(self._key, window=window)
        self._setting = True
        try:
            ends = (window.start, window.end)
            self.start.value, self.end.value = (iso(t.replace(microsecond=0)) for t in ends)
        finally:
            self._setting = False
        self.view.update(self._zoomed(self.result))
        self.list.update([self._group()], self.list.picked)
        self.callbar.code = self.result.call + (
            "" if window == self._span else f"\n{_window(window)}"
        )
        self._refresh()

    def _group(self) -> dict[str, Any]:
        table = self.result.table.dropna(subset=["ts"])
        inside = table[(table["ts"] >= self.window.start) & (table["ts"] < self.window.end)]
        rows = [_row(row) for row in inside.head(_MOST).to_dict("records")]
        more = len(inside) - len(rows)
        note = f"{len(inside)} of {len(table)} events lie in the window"
        note += f"; {more} less likely ones are not listed." if more else "."
        return {"key": _EVENTS, "title": "Events", "rows": rows, "note": note}

    def _chosen(self) -> None:
        with self.guard("event"):
            row = self.result.table[self.result.table["event_id"] == self.event_id]
            self.event.value = (
                ""
                if row.empty
                else numbers(row.iloc[0], EventCorrelation.columns, caption="How it fits")
            )
            self._refresh()


_FIELD = w.Layout(flex="1 1 230px", width="230px", max_width="320px")


def _clipped(ends: Any, span: Window) -> Window:
    start, end = (parse_time(str(time)) for time in ends)
    return Window(max(start, span.start), min(end, span.end))


def _row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "key": str(row["event_id"]),
        "label": f"{row['kind']} {row['event_id']}: {row['title'] or ''}",
        "value": f"{row['probability']:.0%}",
        "detail": cell_text(row["ts"]),
        "bars": [{"kind": "likely", "size": row["probability"]}],
    }


def _window(window: Window) -> str:
    return f"window = rca.Window.of({iso(window.start)!r}, {iso(window.end)!r})"
