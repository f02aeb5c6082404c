"""A bar on standard error while a large export is parsed, and a callback for those who ask."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Called with the share done, from 0 to 1.
Progress = Callable[[float], None]
_EVERY_S = 0.25


@contextmanager
def watched(poll: Callable[[], float], title: str, progress: Progress | None) -> Iterator[None]:
    """Report how far the work inside is: to ``progress``, or as a bar on a terminal.

    Parameters
    ----------
    poll : callable
        Returns the share done in percent; negative when it is not known.
    """
    with _bar(title) if progress is None else _plain(progress) as report:
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_EVERY_S):
                share = poll() / 100
                if 0 <= share <= 1:
                    report(share)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
        report(1.0)


@contextmanager
def _plain(progress: Progress) -> Iterator[Progress]:
    yield progress


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _nothing(_share: float) -> None:
    return None
