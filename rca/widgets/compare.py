"""Two versions beside each other: shift, slices, pairs that changed, and their answers."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as w

from rca.analysis.versions import VersionDiff, diff_versions
from rca.analysis.versions.changed import count_changed
from rca.analysis.versions.known import known_versions
from rca.errors import PairingError, UnknownNameError
from rca.model.catalogue import available
from rca.model.logs import Logs
from rca.model.render import table_html
from rca.plots.examples import pairs_html
from rca.widgets import memory
from rca.widgets.figview import FigView
from rca.widgets.panel import Panel, part, wrap
from rca.widgets.progress import cell_progress

_PAGE = 5


class VersionBrowser(Panel):
    """See :func:`rca.widgets.versions`; ``result`` is a :class:`rca.VersionDiff`."""

    def __init__(self, logs: Logs, metric: str | None) -> None:
        self.logs = logs
        self._known = known_versions(logs)
        if not self._known:
            raise UnknownNameError(
                "no version column holds two versions. Map one to model_version, say: "
                "rca.read_logs(source, mapping={'model_version': 'COLUMN'})."
            )
        self._key = memory.place("versions", logs)
        kept = memory.remembered(self._key)
        names = [n for n, m in available(logs).items() if m.family != "per_hour"]
        names = list(dict.fromkeys([*filter(None, [metric]), *names]))
        columns = list(self._known)
        self.column = _dropdown("Column", columns, kept.get("column", columns[0]))
        versions = self._known[self.column.value]
        self.baseline = _dropdown("Baseline", versions, kept.get("baseline", versions[-2]))
        self.current = _dropdown("Current", versions, kept.get("current", versions[-1]))
        self.metric = _dropdown("Metric", names, kept.get("metric", names[0]))
        dimensions = [d for d in logs.dimensions if d not in self._known]
        by = [d for d in kept.get("by", ()) if d in dimensions]
        self.by = w.SelectMultiple(
            options=dimensions, value=by, description="Slices by", rows=4, layout=_FIELD
        )
        self.which = w.ToggleButtons(
            options=["worse", "better", "any"], style={"button_width": "70px"}
        )
        self.before = w.Button(description="Previous page", icon="arrow-left")
        self.after = w.Button(description="Next page", icon="arrow-right")
        self.offset = 0
        with cell_progress("rca.diff_versions"):
            found = self._diff()
        self.forest = FigView(found.plot())
        self.pairs = FigView(found.plot_discordance() or found.plot())
        self.sentence, self.table, self.count, self.cards = (w.HTML() for _ in range(4))
        self._setting = False
        super().__init__(
            "Versions",
            [
                wrap(self.column, self.baseline, self.current, self.metric, self.by),
                self.sentence,
                wrap(part(self.forest, width="420px"), part(self.pairs, width="320px")),
                self.table,
                w.HTML("<h4>Answers that changed</h4>"),
                wrap(self.which, self.before, self.after),
                self.count,
                self.cards,
            ],
        )
        self._take(found)
        self.column.observe(lambda _: self._other_column(), "value")
        for control in (self.baseline, self.current, self.metric, self.by):
            control.observe(lambda _: self._changed(), "value")
        self.which.observe(lambda _: self._turn(0), "value")
        self.before.on_click(lambda _: self._turn(max(0, self.offset - _PAGE)))
        self.after.on_click(lambda _: self._turn(self.offset + _PAGE))

    def figures(self) -> tuple[Any, ...]:
        """Return the forest, and the pairs that changed where rows are paired."""
        pairs = self.result.plot_discordance()
        return (self.result.plot(),) if pairs is None else (self.result.plot(), pairs)

    def details(self) -> str:
        """Return the answers that are shown."""
        return f"{self.count.value}{self.cards.value}"

    def _diff(self) -> VersionDiff:
        return diff_versions(
            self.logs,
            baseline=self.baseline.value,
            current=self.current.value,
            metric=self.metric.value,
            by=list(self.by.value) or None,
            column=self.column.value,
        )

    def _other_column(self) -> None:
        self._setting = True
        try:
            versions = self._known[self.column.value]
            for control, value in ((self.baseline, versions[-2]), (self.current, versions[-1])):
                control.options = versions
                control.value = value
        finally:
            self._setting = False
        self._changed()

    def _changed(self) -> None:
        if self._setting:
            return
        with self.guard("rca.diff_versions"):
            found = self._diff()
            controls = ("column", "baseline", "current", "metric", "by")
            memory.remember(self._key, **{name: getattr(self, name).value for name in controls})
            self._take(found)

    def _take(self, found: VersionDiff) -> None:
        self.sentence.value = f"<p>{escape(found.summary())}</p>" + "".join(
            f"<div>{escape(caveat)}</div>" for caveat in found.caveats
        )
        self.forest.update(found.plot())
        pairs = found.plot_discordance()
        self.pairs.layout.display = "none" if pairs is None else None
        if pairs is not None:
            self.pairs.update(pairs)
        self.table.value = table_html(found.table[list(found.shown)], rows=30)
        self.result = found
        self._page(0)
        self.show(found, found.call)

    def _turn(self, offset: int) -> None:
        with self.guard("answers"):
            self._page(offset)
            self._refresh()

    def _page(self, offset: int) -> None:
        """Show a page of the pairs that changed, or why there are none."""
        self.offset, found = offset, self.result
        comparison = found.units.comparison
        try:
            rows = found.changed(which=self.which.value, limit=_PAGE, offset=offset)
            total = count_changed(found.units, self.which.value)
        except PairingError as error:
            self.count.value, self.cards.value = f"<p>{escape(str(error))}</p>", ""
            self.before.disabled = self.after.disabled = True
            return
        last = offset + len(rows)
        self.count.value = (
            f"<p>{offset + min(1, len(rows)):,} to {last:,} of {total:,} pairs that changed "
            f"({self.which.value}).</p>"
        )
        names = {"baseline": comparison.baseline.name, "current": comparison.current.name}
        self.cards.value = pairs_html(rows, **names)
        self.before.disabled, self.after.disabled = offset == 0, last >= total


_FIELD = w.Layout(width="300px", max_width="100%")


def _dropdown(name: str, options: Any, value: Any) -> w.Dropdown:
    chosen = value if value in options else options[0]
    return w.Dropdown(options=options, value=chosen, description=name, layout=_FIELD)
