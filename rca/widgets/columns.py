"""The drift browser: columns by how far they moved, and what one of them looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from rca.analysis.drift import DriftProfile, profile_drift
from rca.model.comparison import Comparison
from rca.model.render import cell_text, table_html
from rca.widgets import memory
from rca.widgets.figview import FigView
from rca.widgets.panel import Panel, numbers, part, wrap
from rca.widgets.progress import cell_progress
from rca.widgets.rows import Rows

_COLUMNS = "columns"


class DriftBrowser(Panel):
    """See :func:`rca.widgets.drift`; ``result`` is a :class:`rca.DriftProfile`."""

    def __init__(self, comparison: Comparison, columns: Sequence[str] | None) -> None:
        self.comparison = comparison
        self._key = memory.place("drift", comparison.logs, comparison.call, columns)
        with cell_progress("rca.profile_drift"):
            found = profile_drift(comparison, columns=columns)
        names = [str(name) for name in found.table["column"]]
        kept = memory.remembered(self._key).get("column")
        first = kept if kept in names else names[0]
        self.list = Rows(label="columns, those that moved most first", column_px=1000)
        self.list.update([_group(found)], [(_COLUMNS, first)])
        self.view = FigView(found.plot_column(first))
        self.onsets = FigView(found.plot_onsets())
        self.numbers = w.HTML()
        self.ask_evidently = w.Button(
            description="Evidently's report",
            tooltip="Hands samples of both sides to Evidently (needs rca[evidently])",
            layout=w.Layout(width="auto"),
        )
        self.evidently = w.HTML()
        sentence = w.HTML(f"<p>{escape(found.summary())}</p>")
        super().__init__(
            f"Drift: {comparison}",
            [
                sentence,
                wrap(
                    part(self.list, width="300px", grow=2),
                    part(self.view, self.numbers, width="460px", grow=3),
                ),
                self.onsets,
                self.ask_evidently,
                self.evidently,
            ],
        )
        self.show(found, f"{_pair(comparison)}{found.call}")
        self._describe()
        self.list.observe(lambda _: self._chosen(), "chosen")
        self.ask_evidently.on_click(lambda _: self._evidently())

    @property
    def column(self) -> str:
        """The column that is shown."""
        return self.list.picked[0][1]

    def figures(self) -> tuple[Any, ...]:
        """Return the ranking and the column that is shown."""
        return (self.result.plot(), self.result.plot_column(self.column))

    def _chosen(self) -> None:
        with self.guard("column"):
            memory.remember(self._key, column=self.column)
            self.view.update(self.result.plot_column(self.column))
            self._describe()
            self.callbar.code = (
                f"{_pair(self.comparison)}drift = {self.result.call}\n"
                f"drift.plot_column({self.column!r})"
            )
            self._refresh()

    def _describe(self) -> None:
        row = self.result.table.set_index("column").loc[self.column]
        self.numbers.value = numbers(
            row, DriftProfile.columns, caption=f"All numbers of {self.column}"
        )

    def _evidently(self) -> None:
        """Show Evidently's verdicts beside ours, and its page behind a wall of its own."""
        with self.guard("Evidently"):
            report = self.result.to_evidently()
            notes = "".join(f"<li>{escape(note)}</li>" for note in report.caveats)
            page = escape(report.html(), quote=True)
            self.evidently.value = (
                f"{table_html(report.table, caption='Evidently beside ours', rows=40)}"
                f"<ul>{notes}</ul><details><summary>Evidently's page</summary>"
                '<iframe sandbox="allow-scripts" title="Evidently\'s report" '
                f'style="width:100%;height:900px;border:0" srcdoc="{page}"></iframe></details>'
            )


def _group(found: DriftProfile) -> dict[str, Any]:
    most = float(found.table["effect_size"].max()) or 1.0
    rows = [_row(row, most) for row in found.table.to_dict("records")]
    note = "w is Cohen's effect size; blue bars drifted, hatched ones did not."
    return {"key": _COLUMNS, "title": "Columns", "rows": rows, "note": note}


def _row(row: Mapping[Any, Any], most: float) -> dict[str, Any]:
    explains = row["explains"]
    part = f"{explains:.0%} of the shift goes with it" if explains == explains else ""
    since = f"since {cell_text(row['onset'])}" if row["onset"] == row["onset"] else ""
    said = [row["fault_text"] if row["drifted"] else "no drift", part, since]
    return {
        "key": str(row["column"]),
        "label": str(row["column"]),
        "value": f"w = {row['effect_size']:.2f}",
        "detail": "; ".join(filter(None, said)),
        "bars": [
            {"kind": "baseline" if row["drifted"] else "current", "size": row["effect_size"] / most}
        ],
    }


def _pair(comparison: Comparison) -> str:
    return f"comparison = {comparison.call}\n" if comparison.call else ""
