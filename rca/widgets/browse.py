"""Rows of a log, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as w

from rca.analysis.examples import Order, examples
from rca.model.catalogue import available
from rca.model.logs import Logs
from rca.plots.examples import cards_html
from rca.widgets import memory
from rca.widgets.panel import Panel, wrap


class ExampleBrowser(Panel):
    """See :func:`rca.widgets.examples`; ``result`` is the page, :class:`rca.Examples`."""

    def __init__(
        self, logs: Logs, where: str, slice: Mapping[str, Any] | None, metric: str | None, page: int
    ) -> None:
        self.logs, self.where, self.slice, self.page = logs, where, slice, page
        self._key = memory.place("examples", logs, where, slice)
        kept = memory.remembered(self._key)
        names = list(available(logs))
        chosen = kept.get("metric", metric)
        known = dict.fromkeys([*filter(None, [chosen]), *names])
        self.metric = w.Dropdown(
            options=[("(none)", None), *((n, n) for n in known)],
            value=chosen,
            description="Metric",
        )  # fmt: skip
        order: Order = kept.get("order", "worst" if chosen else "sampled")
        self.order = w.ToggleButtons(
            options=[("sampled", "sampled"), ("worst first", "worst")],
            value=order if chosen else "sampled",
            tooltips=["in a random order", "the worst value first"],
            style={"button_width": "90px"},
        )
        self.before = w.Button(description="Previous page", icon="arrow-left")
        self.after = w.Button(description="Next page", icon="arrow-right")
        self.sentence, self.cards = w.HTML(), w.HTML()
        self.offset = 0
        controls = wrap(self.metric, self.order, self.before, self.after)
        super().__init__("Examples", [controls, self.sentence, self.cards])
        self._read(0)
        self.metric.observe(lambda _: self._changed(), "value")
        self.order.observe(lambda _: self._changed(), "value")
        self.before.on_click(lambda _: self._turn(-self.page))
        self.after.on_click(lambda _: self._turn(self.page))

    def figures(self) -> tuple[Any, ...]:
        """Return nothing: the rows are the face."""
        return ()

    def details(self) -> str:
        """Return the rows to read."""
        return cards_html(self.result.table)

    def _changed(self) -> None:
        with self.guard("examples"):
            self._read(0)
            memory.remember(self._key, metric=self.metric.value, order=self.order.value)

    def _turn(self, by: int) -> None:
        with self.guard("examples"):
            self._read(max(0, self.offset + by))

    def _read(self, offset: int) -> None:
        found = examples(
            self.logs,
            where=self.where,
            slice=self.slice,
            metric=self.metric.value,
            order=self.order.value,
            limit=self.page,
            offset=offset,
        )
        self.offset = offset
        self.sentence.value = f"<p>{escape(found.summary())}</p>"
        self.cards.value = cards_html(found.table)
        self.before.disabled = offset == 0
        self.after.disabled = offset + self.page >= found.n_matched
        self.show(found, found.call)
