"""What moves traffic between versions: three adapters keep this protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from rca.errors import BadValueError, RefusedError
from rca.respond.rollback.bundle import NAME

#: Weight of each version that the target knows; 0 gets no traffic.
Traffic = Mapping[str, int]


@runtime_checkable
class RollbackTarget(Protocol):
    """Something that decides which version serves."""

    @property
    def name(self) -> str:
        """What it is, with its address: the same for the same target."""

    def observe(self) -> dict[str, int]:
        """Return the weight of each version now."""

    def problems(self, version: str) -> tuple[str, ...]:
        """Return, in words, why a version could not serve; nothing when it could."""

    def after(self, version: str) -> dict[str, int]:
        """Return the weights that give a version all traffic."""

    def apply(self, traffic: Traffic) -> None:
        """Set the weights and read them back, or raise OutputError."""

    def persist(self) -> str:
        """Keep the weights over a restart, or say in words that nothing needs to be or can be."""

    def drained(self, version: str) -> bool | None:
        """Tell whether a version has no call in flight; None when the target cannot know."""


def serving(traffic: Traffic) -> str:
    """Return the version with most of the traffic.

    Raises
    ------
    RefusedError
        No version has traffic, or two have as much.
    """
    ranked = sorted(traffic.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] <= 0:
        raise RefusedError("no version has traffic, so there is none to roll back from.")
    if len(ranked) > 1 and ranked[1][1] == ranked[0][1]:
        raise RefusedError(
            f"{ranked[0][0]} and {ranked[1][0]} have the same traffic: which is the one to roll "
            "back from is not clear. Settle it by hand first."
        )
    return ranked[0][0]


def sole(traffic: Traffic) -> str:
    """Return the one version that has traffic, for targets that cannot split it."""
    named = [version for version, weight in traffic.items() if weight > 0]
    if len(named) != 1:
        raise BadValueError(f"traffic = {dict(traffic)}: this target serves one version at a time.")
    return named[0]


def plain_name(value: str, field: str) -> str:
    """Return a name that may stand in a command, or raise: letters, digits, ``_``, ``.``, ``-``.

    >>> plain_name("v1; shutdown", "version")
    Traceback (most recent call last):
    rca.errors.BadValueError: version = 'v1; shutdown' may hold only letters, digits, '_', '.' and
    '-', and begins with a letter or digit.
    """
    if not isinstance(value, str) or not re.fullmatch(NAME, value) or value.endswith("\n"):
        raise BadValueError(
            f"{field} = {value!r} may hold only letters, digits, '_', '.' and '-', and begins with "
            "a letter or digit."
        )
    return value
