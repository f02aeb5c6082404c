"""A static page of answers that changed, side by side, with what was taken out and put in marked.

Answers are hostile text: everything is escaped, control and direction characters are shown by
name, the page has no script and forbids itself any request.
"""

from __future__ import annotations

import difflib
import html
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from rca.model.render import cell_text

if TYPE_CHECKING:
    import pandas as pd

#: Words compared one by one; longer texts are compared line by line.
_MOST_WORDS = 1_500
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1rem;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
@media(max-width:50rem){.pair{grid-template-columns:1fr}}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8884;border-radius:4px;
padding:.6rem;margin:.2rem 0 1rem;max-height:40rem;overflow:auto;font-size:13px}
del,ins{border-radius:2px;padding:0 1px;color:inherit}
del{background:#d55e0040;text-decoration:line-through}
ins{background:#2e7ebb40;text-decoration:underline}
.name{font-weight:600}.control{opacity:.7;border:1px dotted}
summary{cursor:pointer}
"""


def changed_page(
    rows: pd.DataFrame, *, title: str, baseline: str, current: str, note: str = ""
) -> str:
    """Return a page of pairs as HTML that needs no JavaScript and no network.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns key, baseline, current; input, baseline_output and current_output where known.
    title, note : str
        The heading and the sentence below it.
    baseline, current : str
        What to call the two sides.

    Examples
    --------
    >>> import pandas as pd
    >>> page = changed_page(pd.DataFrame({"key": ["<7>"], "baseline": [1.0], "current": [0.0],
    ...     "baseline_output": ["a b"], "current_output": ["a c"]}),
    ...     title="Changed", baseline="v1", current="v2")
    >>> "&lt;7&gt;" in page, "a <del>b</del>" in page, "a <ins>c</ins>" in page
    (True, True, True)
    """
    body = "".join(_example(row, baseline, current) for row in rows.to_dict("records"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{shown_text(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{shown_text(title)}</h1><p>{shown_text(note)}</p>{body}</main></body></html>"
    )


def marked(before: str, after: str) -> tuple[str, str]:
    """Return both texts as escaped HTML, with what only one of them has marked.

    >>> marked("return x", "return y")
    ('return <del>x</del>', 'return <ins>y</ins>')
    """
    a, b = _parts(before), _parts(after)
    if max(len(a), len(b)) > _MOST_WORDS:
        a, b = before.splitlines(keepends=True), after.splitlines(keepends=True)
    left, right = [], []
    for what, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        old, new = shown_text("".join(a[a0:a1])), shown_text("".join(b[b0:b1]))
        left.append(old if what == "equal" or not old else f"<del>{old}</del>")
        right.append(new if what == "equal" or not new else f"<ins>{new}</ins>")
    return "".join(left), "".join(right)


def _example(row: dict[Any, Any], baseline: str, current: str) -> str:
    values = f"{cell_text(row['baseline'])} → {cell_text(row['current'])}"
    parts = [f"<article><h2>{shown_text(str(row['key']))}: {shown_text(values)}</h2>"]
    asked = _text(row.get("input"))
    if asked:
        parts.append(f"<details><summary>Input</summary><pre>{shown_text(asked)}</pre></details>")
    before, after = (_text(row.get(f"{side}_output")) for side in ("baseline", "current"))
    if before or after:
        pair = marked(before, after)
        shown = zip((baseline, current), pair, strict=True)
        columns = "".join(
            f'<div><div class="name">{shown_text(name)}</div><pre tabindex="0">{text}</pre></div>'
            for name, text in shown
        )
        parts.append(f'<div class="pair">{columns}</div>')
    return "".join(parts) + "</article>"


def _parts(text: str) -> list[str]:
    return _WORDS.findall(text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def shown_text(text: str) -> str:
    """Escape a text; characters that steer a terminal or turn the reading direction get a name.

    >>> shown_text("<b>" + chr(0x202E))
    '&lt;b&gt;<span class="control">[U+202E]</span>'
    """
    return "".join(
        f'<span class="control">[U+{ord(ch):04X}]</span>' if _steers(ch) else html.escape(ch)
        for ch in text
    )


def _steers(ch: str) -> bool:
    return ch not in "\n\t\r" and unicodedata.category(ch) in ("Cc", "Cf", "Cs")
