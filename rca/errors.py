"""Every error a caller can mend, in one tree.

RCAError (ValueError)
├── InputError            a file, frame or folder cannot be used as it is
│   ├── MissingFileError
│   ├── EmptyLogError
│   ├── MissingColumnError
│   ├── BadValueError     a value or a type is not what its column needs
│   └── CorruptFileError
├── UnknownNameError      a metric, version, dimension or column nobody knows
├── WindowError           a time lies outside the log, or a side has no rows
├── PairingError          rows were to be paired, but their ids mostly do not match
├── OutputError           the answer cannot be written there
├── RefusedError          an action would not be safe as things stand; nothing was touched
└── MissingExtraError     an optional package is needed for this call
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RCAError(ValueError):
    """A call or an input that the user can mend: what was wrong, what was given, what to do."""


class InputError(RCAError):
    """A file, frame or folder cannot be used as it is."""


class MissingFileError(InputError):
    """A path does not exist or holds nothing of the kind asked for."""


class EmptyLogError(InputError):
    """A log has no rows."""


class CorruptFileError(InputError):
    """A file cannot be read to its end."""


class BadValueError(InputError):
    """A value or a type is not what its column or field needs."""


class MissingColumnError(InputError):
    """A column that the call needs is absent."""

    @classmethod
    def of(cls, column: str, known: Iterable[str]) -> MissingColumnError:
        """Name the column, the nearest known one and what the table has."""
        return cls(f"no column {column!r}. {hint(column, known)}The table has: {listed(known)}.")


class UnknownNameError(RCAError):
    """A metric, version, dimension or other name that nobody knows."""

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Name what was asked for, the nearest known names and the choice."""
        return cls(f"unknown {what} {name!r}. {hint(name, known)}Known: {listed(known)}.")


class WindowError(RCAError):
    """A time lies outside the log, or one side of a comparison has no rows."""


class PairingError(RCAError):
    """Rows were to be paired, but the two sides did not answer the same questions."""


class OutputError(RCAError):
    """The answer cannot be written where it was asked for."""


class RefusedError(RCAError):
    """An action would not be safe as things stand; nothing was touched."""


class MissingExtraError(RCAError):
    """An optional package is needed for this call."""

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtraError:
        """Say which extra brings the package."""
        return cls(f"{package} is not installed. Install it with: pip install 'rca[{extra}]'.")


def hint(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'? `` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}? " if near else ""


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Return the first ``limit`` names, comma separated, saying how many were left out."""
    names = list(names)
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) + more) if names else "nothing"
