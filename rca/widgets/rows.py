"""Lists of rows to choose from: candidates, columns, the values of dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import traitlets as t

from rca.widgets.live import Live, module

Pair = tuple[str, str]


class Rows(Live):
    """Groups of buttons with a value and bars; reachable by arrow keys, said by screen readers.

    Attributes
    ----------
    groups : list of dict
        ``key``, ``title``, ``note`` and ``rows``; a row has ``key``, ``label``, ``value``,
        ``detail`` and ``bars`` of ``kind`` (baseline, current or likely) and ``size`` (0 to 1).
    chosen : list of [group, key]
        The rows that are pressed.
    many : bool
        Whether several may be pressed, and pressing again releases.
    """

    _esm = module("rows.js")
    groups: Any = t.List().tag(sync=True)
    chosen: Any = t.List().tag(sync=True)
    many = t.Bool(False).tag(sync=True)
    label = t.Unicode("rows").tag(sync=True)
    column_px = t.Int(300).tag(sync=True)

    def update(self, groups: Sequence[Mapping[str, Any]], chosen: Iterable[Pair]) -> None:
        """Show other rows, with these pressed."""
        with self.hold_sync():
            self.groups = [dict(group) for group in groups]
            self.chosen = [list(pair) for pair in chosen]
            self.touch()

    @property
    def picked(self) -> tuple[Pair, ...]:
        """The rows that are pressed and there, as (group, key)."""
        there = {(g["key"], row["key"]) for g in self.groups for row in g["rows"]}
        pairs = [(str(a), str(b)) for a, b in self.chosen]
        return tuple(pair for pair in pairs if pair in there)
