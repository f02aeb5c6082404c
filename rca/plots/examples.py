"""Single rows: over time at their value, and as cards to read."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from rca.model.render import cell_text
from rca.plots import theme
from rca.plots.changed_page import marked, shown_text

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_LONG = 120
_TEXTS = ("input", "output")


def page_figure(table: pd.DataFrame, *, title: str, value: str = "", unit: str = "") -> go.Figure:
    """Return rows over time (or in their order, without times) at their value.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``ts`` and ``value`` where they are known.
    title, value, unit : str
        The sentence above, and what the value is.
    """
    import plotly.graph_objects as go

    timed = "ts" in table.columns
    known = "value" in table.columns
    across = table["ts"].tolist() if timed else list(range(1, len(table) + 1))
    up = table["value"].tolist() if known else [1] * len(table)
    figure = go.Figure(
        go.Scatter(x=across, y=up, mode="markers", marker={"color": theme.CURRENT}, name=value)
    )
    figure.update_xaxes(title_text="time, UTC" if timed else "row of the page")
    figure.update_yaxes(title_text=(f"{value}, {unit}".strip(", ") if known else "row"))
    return theme.apply(figure, title=title, height=300)


def cards_html(table: pd.DataFrame) -> str:
    """Return rows as escaped HTML cards: short fields in a line, long texts below.

    Examples
    --------
    >>> import pandas as pd
    >>> cards = cards_html(pd.DataFrame({"request_id": ["r<1>"], "input": ["<b>hi</b>"]}))
    >>> "r&lt;1&gt;" in cards, "&lt;b&gt;hi&lt;/b&gt;" in cards
    (True, True)
    """
    cards = "".join(_card(row) for row in table.to_dict("records"))
    return f'<div class="rca-cards">{cards}</div>'


def pairs_html(table: pd.DataFrame, *, baseline: str, current: str) -> str:
    """Return answers that changed as escaped HTML, side by side, with what differs marked.

    Parameters
    ----------
    table : pandas.DataFrame
        From ``VersionDiff.changed``.
    baseline, current : str
        What to call the two sides.
    """
    cards = "".join(_pair(row, baseline, current) for row in table.to_dict("records"))
    return f'<div class="rca-cards">{cards}</div>'


def _card(row: dict[Any, Any]) -> str:
    short, long = [], []
    for name, value in row.items():
        if name in _TEXTS or (isinstance(value, str) and len(value) > _LONG):
            long.append(_block(str(name), value))
        elif (text := cell_text(value)) != "":
            shown = f"<dt>{html.escape(str(name))}</dt><dd>{shown_text(text)}</dd>"
            short.append(f"<div>{shown}</div>")
    return f"<article><dl>{''.join(short)}</dl>{''.join(long)}</article>"


def _pair(row: dict[Any, Any], baseline: str, current: str) -> str:
    values = f"{cell_text(row['baseline'])} → {cell_text(row['current'])}"
    parts = [f"<article><h4>{shown_text(str(row['key']))}: {shown_text(values)}</h4>"]
    parts.append(_block("input", row.get("input")))
    before, after = (row.get(f"{side}_output") for side in ("baseline", "current"))
    if isinstance(before, str) or isinstance(after, str):
        texts = marked(before or "", after or "")
        sides = "".join(
            f'<div><b>{shown_text(name)}</b><pre tabindex="0">{text}</pre></div>'
            for name, text in zip((baseline, current), texts, strict=True)
        )
        parts.append(f'<div class="pair">{sides}</div>')
    return "".join(parts) + "</article>"


def _block(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        return ""
    return f'<div>{html.escape(name)}</div><pre tabindex="0">{shown_text(value)}</pre>'
