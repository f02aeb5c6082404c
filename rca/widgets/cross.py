"""The slice explorer: bars of every column, a click keeps a value, all else follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w
import numpy as np

from rca.analysis.slices import CrossSlicer, CrossSlices, SliceSearch, find_slices
from rca.model.comparison import Comparison
from rca.widgets import memory
from rca.widgets.panel import Panel, numbers, part, wrap
from rca.widgets.progress import cell_progress
from rca.widgets.rows import Rows

_SHOWN = 12
_FOUND = "found"


class SliceExplorer(Panel):
    """See :func:`rca.widgets.slices`; ``result`` is a :class:`rca.CrossSlices`.

    Attributes
    ----------
    found : SliceSearch
        The slices that carry the shift.
    """

    def __init__(self, comparison: Comparison, dimensions: Sequence[str] | None) -> None:
        self.comparison = comparison
        self._key = memory.place("slices", comparison.logs, comparison.call, dimensions)
        with cell_progress("rca.widgets.slices") as progress:
            progress("reading the rows once")
            self.slicer = CrossSlicer(comparison, dimensions=dimensions)
            progress("finding the slices that carry the shift")
            self.found: SliceSearch = find_slices(comparison, dimensions=dimensions)
        self.bars = Rows(label="slices by column; several can be kept", many=True, column_px=230)
        self.rules = Rows(label="slices that carry the shift", column_px=1000)
        self.clear = w.Button(description="Keep all rows", layout=w.Layout(width="auto"))
        self.sentence, self.reason = w.HTML(), w.HTML()
        self._setting = False
        legend = w.HTML(
            '<small class="rca-view">Upper bar: share of the baseline; lower, hatched bar: share '
            "of the current side. The number is the shift.</small>"
        )
        super().__init__(
            f"Slices: {comparison}",
            [
                wrap(
                    part(self.sentence, wrap(self.clear), legend, self.bars, width="520px", grow=3),
                    part(self.rules, self.reason, width="300px", grow=2),
                )
            ],
        )
        self.rules.update([self._rule_group()], [])
        self._answer(memory.remembered(self._key).get("chosen", {}))
        self.bars.observe(lambda _: self._filtered(), "chosen")
        self.rules.observe(lambda _: self._explained(), "chosen")
        self.clear.on_click(lambda _: self._keep_all())

    @property
    def chosen(self) -> Mapping[str, tuple[str, ...]]:
        """The values kept of each column."""
        chosen: dict[str, tuple[str, ...]] = {}
        for column, value in self.bars.picked:
            chosen[column] = (*chosen.get(column, ()), value)
        return chosen

    @property
    def predicate(self) -> str:
        """SQL condition of the rows that are kept: for ``comparison.within`` or examples."""
        return self.slicer.predicate(self.chosen)

    def details(self) -> str:
        """Return the slices that were found."""
        return self.found._repr_html_()

    def _filtered(self) -> None:
        if not self._setting:
            with self.guard("slices"):
                self._answer(self.chosen)

    def _keep_all(self) -> None:
        with self.guard("slices"):
            self._answer({})

    def _explained(self) -> None:
        """Say why a slice is among those found, and keep its rows."""
        with self.guard("slice"):
            picked = [int(key) for _, key in self.rules.picked]
            if not picked:
                return
            row = self.found.table.iloc[picked[0]]
            self.reason.value = numbers(row, SliceSearch.columns, caption="Why is it here?")
            own = {c: (v,) for c, v in row["slice"].items() if c in self.slicer.dimensions}
            self._answer(own)

    def _answer(self, chosen: Mapping[str, Sequence[str]]) -> None:
        result = self.slicer(chosen)
        memory.remember(self._key, chosen=dict(chosen))
        self.sentence.value = f"<p>{escape(result.summary())}</p>"
        self._setting = True
        try:
            pairs = [(column, value) for column, values in chosen.items() for value in values]
            self.bars.update(self._groups(result), pairs)
        finally:
            self._setting = False
        self.show(result, result.call)

    def _groups(self, result: CrossSlices) -> list[dict[str, Any]]:
        assert result.metric is not None
        groups = []
        for column, table in result.table.groupby("column", sort=False):
            kept = set(result.chosen.get(str(column), ()))
            every = table.to_dict("records")
            shown = [r for i, r in enumerate(every) if i < _SHOWN or r["slice"] in kept]
            most = max((max(r["share_baseline"], r["share_current"]) for r in shown), default=1.0)
            more = len(table) - len(shown)
            groups.append(
                {
                    "key": str(column),
                    "title": str(column),
                    "note": f"and {more} more values" if more else "",
                    "rows": [_bar(r, most or 1.0, result) for r in shown],
                }
            )
        return groups

    def _rule_group(self) -> dict[str, Any]:
        metric = self.found.stand_in
        assert metric is not None
        rows = [
            {
                "key": str(i),
                "label": row["rule"],
                "value": metric.text(row["shift"], signed=True),
                "detail": f"{row['share']:.0%} of the shift; its own change "
                f"{metric.text(row['rate'], signed=True)}, its share "
                f"{metric.text(row['mix'], signed=True)}",
            }
            for i, row in enumerate(self.found.table.to_dict("records"))
        ]
        return {"key": _FOUND, "title": "Slices that carry the shift", "rows": rows,
                "note": self.found.summary()}  # fmt: skip


def _bar(row: Mapping[Any, Any], most: float, result: CrossSlices) -> dict[str, Any]:
    assert result.metric is not None
    shift = row["shift"]
    known = bool(np.isfinite(shift))
    sure = "" if not known or row["q_value"] > 0.05 else " *"
    return {
        "key": row["slice"],
        "label": row["slice"],
        "value": (result.metric.text(shift, signed=True) if known else "–") + sure,
        "detail": f"n {row['n_baseline']:,} then {row['n_current']:,}",
        "bars": [
            {"kind": "baseline", "size": row["share_baseline"] / most},
            {"kind": "current", "size": row["share_current"] / most},
        ],
    }
