"""A fault: its code, the words for it, its parameters and the share of rows it touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rca.analysis.drift.counted import Counted
from rca.stats.distance import total_variation


@dataclass(frozen=True)
class Fault:
    """What a drift looks like.

    ``share`` is the share of current rows touched; ``details`` the transformation's parameters.
    """

    code: str
    text: str
    share: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """A column whose distribution moved: its cells' shares on both sides (hours matched).

    ``part`` is the part of the current rows that the shares are of: those since the onset.
    """

    counted: Counted
    p0: Any
    p1: Any
    n: tuple[float, float]
    part: float = 1.0

    @property
    def distance(self) -> float:
        """The total variation of all cells."""
        return total_variation(self.p0, self.p1)


def percent(share: float) -> str:
    """Return a share as a percentage with as many digits as it needs.

    >>> percent(0.254), percent(0.0021), percent(1.0)
    ('25%', '0.21%', '100%')
    """
    if share >= 0.995 or share == 0:
        return f"{share:.0%}"
    return f"{share:.0%}" if share >= 0.095 else f"{100 * share:.2g}%"
