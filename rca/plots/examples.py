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
# Notebooks style dt, dd, pre, del and ins for documents: here they are fields and differences.
_STYLE = """<style>
.rca-cards article{border-top:1px solid #8886;padding:6px 0}
.rca-cards h4{margin:2px 0;overflow-wrap:anywhere}
.rca-cards pre{white-space:pre-wrap;overflow-wrap:anywhere;max-height:18em;overflow:auto;
margin:2px 0;padding:6px;border:1px solid #8886;border-radius:4px;font-size:12px;
background:transparent;color:inherit}
.rca-cards dl{display:flex;flex-wrap:wrap;gap:0 16px;margin:2px 0}
.rca-cards dl div{display:flex;gap:5px;overflow-wrap:anywhere}
.rca-cards dt,.rca-cards dd{float:none;width:auto;margin:0;padding:0;font-weight:400}
.rca-cards dt{opacity:.7;white-space:nowrap}
.rca-cards .pair{display:grid;gap:10px;
grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr))}
.rca-cards .pair div{min-width:0}
.rca-cards del{background:#d55e0040;color:inherit}
.rca-cards ins{background:#2e7ebb40;color:inherit}
.rca-cards .control{opacity:.7;border:1px dotted}
</style>"""


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
    return f'{_STYLE}<div class="rca-cards">{cards}</div>'


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
    return f'{_STYLE}<div class="rca-cards">{cards}</div>'


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
