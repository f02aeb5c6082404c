"""The head and foot of the page: its policy, its style, and plotly.js once."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import lru_cache
from importlib import resources
from typing import Final

HEAD: Final = "<!--rca:head-->"
FOOT: Final = "<!--rca:foot-->"


def completed(page: str, *, live: bool, compress: bool) -> str:
    """Return the page with its policy, style and scripts in the places kept for them.

    Parameters
    ----------
    page : str
        HTML with :data:`HEAD` and :data:`FOOT`.
    live : bool
        Whether the page holds figures for plotly.js to draw.
    compress : bool
        Whether plotly.js stands gzipped in the page: 1.9 MB instead of 4.6 MB.
    """
    scripts = [_file("report.js"), plotly_js()] if live else []
    head = (
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{policy(scripts)}">\n<style>\n{_file("report.css")}</style>'
    )
    foot = f"{_payload(compress)}\n<script>{scripts[0]}</script>" if live else ""
    return page.replace(HEAD, head, 1).replace(FOOT, foot, 1)


def policy(scripts: list[str]) -> str:
    """Return the content security policy that runs only these scripts and fetches nothing.

    Examples
    --------
    >>> policy([])
    "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; \
font-src data:; base-uri 'none'; form-action 'none'"
    """
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    ]
    return (
        f"default-src 'none'; script-src {' '.join(hashes) or repr('none')}; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def plotly_js() -> str:
    """Return plotly.js of the installed plotly, fit to stand inside a script element."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source.replace("\r\n", "\n").replace("\r", "\n").replace("</script", "<\\/script")


@lru_cache(maxsize=2)
def _payload(compress: bool) -> str:
    script = plotly_js()
    if not compress:
        return f'<script type="text/plain" id="rca-plotly">{script}</script>'
    packed = base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode()
    return f'<script type="text/plain" id="rca-plotly" data-packed="gzip">{packed}</script>'


@lru_cache(maxsize=4)
def _file(name: str) -> str:
    folder = resources.files("rca.report.html") / "templates" / "rca"
    return (folder / name).read_text(encoding="utf-8")
