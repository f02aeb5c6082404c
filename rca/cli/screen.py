"""What a person sees while a command works, and the plain text of its answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show the step under way on standard error; each is left there with its seconds when done.

    Without a terminal each step is a plain line.
    """
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    from time import perf_counter

    current: list[tuple[str, float]] = []

    def done() -> None:
        if current:
            text, since = current.pop()
            console.print(f"  [green]✓[/green] {text} [dim]{perf_counter() - since:.1f} s[/dim]")

    status = console.status("starting")

    def step(text: str) -> None:
        done()
        current.append((text, perf_counter()))
        status.update(text)

    with status:
        yield step
        done()


def printable(text: str) -> str:
    """Return text without the control characters that could drive a terminal.

    >>> printable("a\\x1b[31mred")
    'a\\\\x1b[31mred'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def say(text: str) -> None:
    """Print a text of the answer, with its control characters made visible."""
    print(printable(text), file=sys.stdout)
