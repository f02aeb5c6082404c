"""Progress of a cell that stays readable in the saved notebook and in an export."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from rca.widgets.panel import Progress


@contextmanager
def cell_progress(doing: str) -> Iterator[Progress]:
    """Show the steps of a long call below the running cell, and how long it took in the end.

    Outside a notebook nothing is shown.
    """
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        yield lambda _: None
        return
    from IPython.display import display

    since = perf_counter()
    handle: Any = display(_bar(doing, ""), raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda text: handle.update(_bar(doing, text), raw=True)
    finally:
        done = f"{doing}: {perf_counter() - since:.1f} s"
        shown = {"text/html": f"<small>{html.escape(done)}</small>", "text/plain": done}
        handle.update(shown, raw=True)


def _bar(doing: str, text: str) -> dict[str, str]:
    words = f"{doing}: {text}" if text else doing
    bar = f'<progress aria-label="{html.escape(doing)}"></progress>'
    shown = f'<div role="status">{bar} {html.escape(words)} …</div>'
    return {"text/html": shown, "text/plain": words}
