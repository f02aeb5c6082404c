"""The base of own widgets: a view that says when it has heard the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

_HERE = Path(__file__).parent
#: Seconds after which a view that does not answer counts as stale.
PATIENCE_S = 8.0


def asset(name: str) -> str:
    """Return the text of a script or style sheet of this package."""
    return (_HERE / name).read_text(encoding="utf-8")


def module(name: str) -> str:
    """Return a script of a view, with what all views share in front of it."""
    return f"{asset('common.js')}\n{asset(name)}\nexport default {{ initialize, render }};\n"


def later(seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle | None:
    """Run an action when the kernel has been idle for some seconds; at once without a kernel."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        action()
        return None
    return loop.call_later(seconds, action)


class Live(anywidget.AnyWidget):
    """A view whose page answers each revision, so that a deaf page is noticed.

    Attributes
    ----------
    revision, ack : int
        What the kernel has sent, and the last that a page has answered.
    stale : bool
        Whether a page that once answered no longer does.
    """

    _css = asset("style.css")
    revision = t.Int(0).tag(sync=True)
    ack = t.Int(0).tag(sync=True)
    stale = t.Bool(False)

    def touch(self) -> None:
        """Count a change that the page has to answer."""
        self.revision += 1
        revision = self.revision
        if self.ack:
            later(PATIENCE_S, lambda: self._check(revision))

    def _check(self, revision: int) -> None:
        in_kernel = self._in_kernel()
        self.stale = in_kernel and self.ack < revision

    def _in_kernel(self) -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    @t.observe("ack")
    def _heard(self, change: Any) -> None:
        if change["new"] >= self.revision:
            self.stale = False
