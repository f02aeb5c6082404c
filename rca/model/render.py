"""Plain, escaped HTML of sentences and tables: readable without JavaScript, in any theme."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HEAD_ROWS = 12
_MAX_TEXT = 160
_STYLE = (
    "<style>.rca{font:14px/1.45 system-ui,sans-serif;color:inherit}"
    ".rca table{border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums}"
    ".rca caption{text-align:left;font-weight:600;padding:.2em 0}"
    ".rca th,.rca td{padding:.2em .7em;text-align:left;border-bottom:1px solid #8884;"
    "vertical-align:top}.rca td.n{text-align:right}.rca td.t{white-space:nowrap}"
    ".rca p{margin:.3em 0}.rca ul{margin:.2em 0 .5em 1.2em;padding:0;opacity:.85}</style>"
)


def cell_text(value: Any) -> str:
    """Return one value as a person reads it: four significant digits, ISO times, cut text.

    >>> cell_text(0.123456), cell_text(1234567.0), cell_text(None), cell_text((0.1, 0.25))
    ('0.1235', '1,234,567', '', '0.1 to 0.25')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    # pandas' NaT passes for a datetime.
    if str(value) in ("NaT", "<NA>", "()"):
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, float) for v in value):
        return f"{cell_text(value[0])} to {cell_text(value[1])}"
    if isinstance(value, dict):
        return ", ".join(f"{key}={cell_text(item)}" for key, item in value.items())
    text = str(value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def table_html(table: pd.DataFrame, *, caption: str = "", rows: int = HEAD_ROWS) -> str:
    """Return the head of a table as escaped HTML that says how many rows it leaves out."""
    shown = table.head(rows)
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in shown.columns)
    body = "".join(
        "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    more = len(table) - len(shown)
    note = f"<p>… and {more:,} more rows in <code>.table</code></p>" if more else ""
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'{_STYLE}<div class="rca"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{note}</div>"
    )


def result_html(
    summary: str, caveats: Iterable[str], table: pd.DataFrame, *, shown: Sequence[str] = ()
) -> str:
    """Return a result's sentence, its caveats and the head of its table as escaped HTML."""
    hidden = [name for name in table.columns if shown and name not in shown]
    rest = f"<p>Further columns in <code>.table</code>: {html.escape(', '.join(hidden))}</p>"
    head = table_html(table[list(shown)] if shown else table)
    notes = "".join(f"<li>{html.escape(caveat)}</li>" for caveat in caveats)
    listed = f"<ul>{notes}</ul>" if notes else ""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in summary.splitlines())
    return f'{_STYLE}<div class="rca">{lines}{listed}{head}{rest if hidden else ""}</div>'


def _cell(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    kind = "n" if number else "t" if isinstance(value, datetime) else ""
    marked = f' class="{kind}"' if kind else ""
    return f"<td{marked}>{html.escape(cell_text(value))}</td>"
