"""Who is touched by a change, and when: instant, staged, ramped, rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rca.samples.service import BoolArray, FloatArray, Service
from rca.samples.traffic import Rows

GOLDEN = 0.6180339887498949


@dataclass(eq=False)
class Rollout:
    """A share of the rows in a scope that a change has reached, as a function of time.

    Attributes
    ----------
    times, shares
        From ``times[i]`` on, ``shares[i]`` of the rows in scope are touched; nobody before.
        With ``linear`` the share runs straight between these points instead.
    scope
        Values of dimensions that a row must have.
    column
        The version column that records it (``app_version``, ``model_version``,
        ``prompt_version``), or None when the log shows nothing.
    owner
        The model or the template whose version it is; empty for ``app_version``.
    by_user
        Whether a caller is touched for good (flags) or each call by chance (load balancers).
    version
        Given by :func:`number_versions`.
    """

    times: Sequence[float]
    shares: Sequence[float]
    scope: Mapping[str, str] = field(default_factory=dict)
    column: str | None = None
    owner: str = ""
    linear: bool = False
    by_user: bool = False
    version: str = ""
    from_version: str = ""

    @property
    def start(self) -> float:
        """When the first row is touched."""
        return float(self.times[0])

    def share(self, ts: FloatArray) -> FloatArray:
        """Return the share of the rows in scope that is touched at each time."""
        if self.linear:
            return np.interp(ts, self.times, self.shares, left=0.0)
        at = np.searchsorted(np.asarray(self.times), ts, side="right")
        return np.concatenate([[0.0], np.asarray(self.shares, dtype=np.float64)])[at]

    def touches(self, rows: Rows) -> BoolArray:
        """Return which rows are touched."""
        luck = (rows.user * GOLDEN) % 1.0 if self.by_user else rows.luck
        salted = (luck + self.start * GOLDEN) % 1.0
        touched: BoolArray = (salted < self.share(rows.ts)) & rows.match(self.scope)
        return touched


def staged(
    rng: np.random.Generator, onset: float, *, instant: bool, linear: bool
) -> tuple[list[float], list[float]]:
    """Draw the steps of a rollout that begins at ``onset``: at once, in stages, or straight up."""
    if instant:
        return [onset], [1.0]
    length = np.exp(rng.uniform(np.log(0.3), np.log(6.0))) * 3600
    if linear:
        return [onset, onset + length], [0.02, 1.0]
    shares = [0.05, 0.25, 0.5, 1.0][int(rng.integers(0, 3)) :]
    return [onset + length * i / len(shares) for i in range(len(shares))], shares


def number_versions(rollouts: Sequence[Rollout], first: Mapping[tuple[str, str], int]) -> None:
    """Name the versions of each line in the order of their start, after the ``first`` one."""
    counts = dict(first)
    for rollout in sorted(rollouts, key=lambda r: r.start):
        if rollout.column is None:
            continue
        line = (rollout.column, rollout.owner)
        rollout.from_version = version_name(*line, counts[line])
        counts[line] += 1
        rollout.version = version_name(*line, counts[line])


def version_name(column: str, owner: str, number: int) -> str:
    """Return the text of a version.

    >>> version_name("app_version", "", 37), version_name("model_version", "aurora-large", 4)
    ('4.7.1', 'aurora-large-v4')
    """
    if column == "app_version":
        return f"{4 + number // 100}.{number // 4 - 2}.{number % 4}"
    return f"{owner}-v{number}"


def write_versions(
    rows: Rows,
    service: Service,
    rollouts: Sequence[Rollout],
    first: Mapping[tuple[str, str], int],
) -> None:
    """Set the version columns of rows: the latest rollout that touches a row wins."""
    for column, dimension in _OWNERS.items():
        owners = ("",) if dimension is None else service.values[dimension]
        names = [version_name(column, owner, first[column, owner]) for owner in owners]
        zero = np.zeros(len(rows), dtype=np.int64)
        codes = zero if dimension is None else rows.codes[dimension].copy()
        for rollout in sorted(rollouts, key=lambda r: r.start):
            if rollout.column == column:
                codes[rollout.touches(rows)] = len(names)
                names.append(rollout.version)
        rows.codes[column], rows.words[column] = codes, tuple(names)


_OWNERS = {"app_version": None, "model_version": "model", "prompt_version": "prompt_template"}
OWNER_DIMENSION = {c: d for c, d in _OWNERS.items() if d is not None}
