"""The two windows of an incident: handles in a figure, and inputs that do the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import ipywidgets as w

from rca.model.window import Window, at, iso, parse_time
from rca.plots import theme
from rca.widgets.figview import FigView
from rca.widgets.panel import wrap

Windows = tuple[Window, Window]
_STYLES = (
    ("baseline", "baseline window", theme.BASELINE_FILL, theme.BASELINE),
    ("incident", "incident window", theme.INCIDENT_FILL, theme.WORSE),
)


class WindowControls:
    """Keeps the handles of a figure and four inputs at the same two windows.

    Parameters
    ----------
    view : FigView
        Gets the handles.
    changed : callable
        Told the two windows when a reader has moved one.
    """

    def __init__(self, view: FigView, changed: Callable[[Windows], None]) -> None:
        self._view, self._changed = view, changed
        self._setting = False
        self.inputs = [
            w.Text(description=f"{name} {end}", continuous_update=False, layout=_WIDE, style=_LEAD)
            for name in ("Baseline", "Incident")
            for end in ("from", "to")
        ]
        self.box = wrap(*self.inputs)
        view.observe(self._dragged, "ranges")

    def listen(self, guarded: Callable[[Callable[[], None]], None]) -> None:
        """Take typed times; ``guarded`` runs the change where an error is shown."""
        for text in self.inputs:
            text.observe(lambda _: None if self._setting else guarded(self._typed), "value")

    def set(self, windows: Windows) -> None:
        """Show two windows without telling anybody."""
        self._setting = True
        try:
            self._view.ranges = [
                {"key": key, "label": label, "fill": fill, "line": line,
                 "low": 1e3 * window.start.timestamp(), "high": 1e3 * window.end.timestamp()}
                for (key, label, fill, line), window in zip(_STYLES, windows, strict=True)
            ]  # fmt: skip
            ends = [time for window in windows for time in (window.start, window.end)]
            for text, time in zip(self.inputs, ends, strict=True):
                text.value = iso(_second(time))
        finally:
            self._setting = False

    def _dragged(self, change: Any) -> None:
        if self._setting or not change["new"]:
            return
        first, second = (
            Window(_second(at(r["low"] / 1e3)), _second(at(r["high"] / 1e3))) for r in change["new"]
        )
        self.set((first, second))
        self._changed((first, second))

    def _typed(self) -> None:
        times = [parse_time(text.value, field=text.description) for text in self.inputs]
        windows = (Window(times[0], times[1]), Window(times[2], times[3]))
        self.set(windows)
        self._changed(windows)


def _second(time: datetime) -> datetime:
    return time.replace(microsecond=0)


_WIDE = w.Layout(flex="1 1 230px", width="230px", max_width="320px")
_LEAD = {"description_width": "100px"}
