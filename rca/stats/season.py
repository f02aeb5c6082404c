"""Hour-of-day and day-of-week profile of a bucketed metric, fitted jointly with its levels.

The season is a function of the time of the week only. So the fit needs no design matrix as long as
the series: buckets are pooled into the (at most 2 016) slots of a week, and levels are eliminated
from the normal equations by their Schur complement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SeasonKind = Literal["none", "day", "day+weekend", "day+weekday", "day*weekend", "weekday"]

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
#: 1970-01-01 was a Thursday: this shift makes Monday 00:00 UTC the start of a week.
MONDAY_S = 3 * DAY_S
MAX_HARMONICS = 4


@dataclass(frozen=True)
class Season:
    """Profile of a day and of a week on the working scale of the series.

    Attributes
    ----------
    kind : str
        ``none``; ``day`` (harmonics of the day); ``day+weekend`` and ``day+weekday`` (levels per
        part of the week); ``day*weekend`` (weekends have a shape of their own); ``weekday``.
    profile : tuple of float
        Effect in each slot of the week, from Monday 00:00 UTC; its weighted mean over the fitted
        buckets is zero. Scale: log-odds of a rate, log of a count, else the unit of the value.
    slot_s : float
        Seconds per slot.
    share : float
        Share of the variance around the levels that the season explains, 0 to 1.
    n_parameters : int
        Free coefficients behind the profile.
    """

    kind: SeasonKind
    profile: tuple[float, ...]
    slot_s: float
    share: float
    n_parameters: int

    def effect(self, times: Floats, width_s: float = 0.0) -> Floats:
        """Return the effect at bucket starts ``times`` (seconds since the epoch)."""
        if self.kind == "none":
            return np.zeros(len(times))
        profile = np.asarray(self.profile)
        return profile[week_slots(times, width_s, self.slot_s)]

    def hour_of_day(self) -> Floats:
        """Return the mean effect in each hour of the day (24 values, UTC)."""
        if self.kind == "none":
            return np.zeros(24)
        starts = (np.arange(len(self.profile)) + 0.5) * self.slot_s
        hours = (starts % DAY_S // 3600).astype(np.int64)
        return _group_means(np.asarray(self.profile), hours, 24)

    def day_of_week(self) -> Floats:
        """Return the mean effect of each day, Monday first (7 values, UTC)."""
        if self.kind == "none":
            return np.zeros(7)
        starts = (np.arange(len(self.profile)) + 0.5) * self.slot_s
        days = (starts // DAY_S).astype(np.int64)
        return _group_means(np.asarray(self.profile), days, 7)


NO_SEASON = Season("none", (), WEEK_S, 0.0, 0)


@dataclass(frozen=True)
class SeasonFit:
    """A season with the levels of the blocks it was fitted with, and its covariance."""

    season: Season
    levels: Floats
    #: Covariance of the coefficients for unit noise variance; the basis is per slot.
    covariance: Floats
    basis: Floats


def week_slots(times: Floats, width_s: float, slot_s: float) -> Ints:
    """Return the slot of the week in which the middle of each bucket falls."""
    middle = (np.asarray(times, dtype=np.float64) + (width_s / 2 + MONDAY_S)) % WEEK_S
    return np.minimum((middle // slot_s).astype(np.int64), round(WEEK_S / slot_s) - 1)


def slot_width(width_s: float) -> float:
    """Return the slot width in seconds: the bucket's, but five minutes to a day and whole."""
    wanted = min(max(width_s, 300.0), DAY_S)
    return DAY_S / max(1, round(DAY_S / wanted))


def possible_kinds(times: Floats, width_s: float) -> list[SeasonKind]:
    """Return the seasons that a series of this span and bucket width can teach, plainest first.

    A day is learnt from two days or more; the parts of a week from two weeks. From six days on, one
    level for the weekend is offered, because a weekend must not be taken for two changes.
    """
    span = float(times[-1] - times[0]) + width_s if len(times) else 0.0
    kinds: list[SeasonKind] = ["none"]
    if width_s >= DAY_S:
        return [*kinds, "weekday"] if span >= 4 * WEEK_S and width_s < 2 * DAY_S else kinds
    if span < 2 * DAY_S or width_s > DAY_S / 3:
        return kinds
    kinds.append("day")
    days = np.unique(((times + MONDAY_S) % WEEK_S) // DAY_S)
    if span >= 6 * DAY_S and (days >= 5).any() and (days < 5).any():
        kinds.append("day+weekend")
    if span >= 2 * WEEK_S:
        kinds += ["day+weekday", "day*weekend"]
    return kinds


def basis(kind: SeasonKind, width_s: float) -> Floats:
    """Return the season's basis, one row per slot of the week, one column per coefficient."""
    slot_s = slot_width(width_s)
    start = (np.arange(round(WEEK_S / slot_s)) + 0.5) * slot_s
    weekend = (start >= 5 * DAY_S).astype(np.float64)
    day = (start // DAY_S).astype(np.int64)
    weekdays = [(day == d).astype(np.float64) for d in range(1, 7)]
    harmonics = min(MAX_HARMONICS, max(1, int(DAY_S / (2 * width_s) - 0.5)))
    angle = 2 * np.pi * start / DAY_S
    daily = [f(k * angle) for k in range(1, harmonics + 1) for f in (np.sin, np.cos)]
    columns: list[Floats] = {
        "none": [],
        "day": daily,
        "day+weekend": [*daily, weekend],
        "day+weekday": [*daily, *weekdays],
        "day*weekend": [*daily, *weekdays, *(weekend * column for column in daily)],
        "weekday": weekdays,
    }[kind]
    return np.column_stack(columns) if columns else np.zeros((len(start), 0))


def fit_season(
    times: Floats,
    value: Floats,
    weight: Floats,
    *,
    kind: SeasonKind,
    width_s: float,
    blocks: Ints | None = None,
    slots: Ints | None = None,
) -> SeasonFit:
    """Fit ``value = level[block] + season(time)`` by weighted least squares.

    Parameters
    ----------
    times, value, weight : arrays
        Bucket starts (seconds), finite values on the working scale, and weights (1 / variance).
    kind : str
        Which season; see `Season`.
    width_s : float
        Bucket width in seconds.
    blocks : int array, optional
        Block (0, 1, ...) of each bucket, each with a level of its own. One block when left out.
    slots : int array, optional
        `week_slots` of the buckets, when the caller has them.

    Returns
    -------
    SeasonFit
        Season centred over the buckets, and one level per block.

    Notes
    -----
    A ridge of 1e-4 of the mean information keeps coefficients that the data cannot tell from the
    levels near zero: a weekend seen once, inside a segment of its own, stays with the segment.

    Examples
    --------
    >>> hours = np.arange(24 * 14) * 3600.0
    >>> value = 5 + np.sin(2 * np.pi * hours / 86400)
    >>> fit = fit_season(hours, value, np.ones(len(hours)), kind="day", width_s=3600.0)
    >>> float(round(fit.levels[0], 3)), round(fit.season.share, 3)
    (5.0, 1.0)
    """
    slot_s = slot_width(width_s)
    design = basis(kind, width_s)
    n_slots, p = design.shape
    block = np.zeros(len(value), dtype=np.int64) if blocks is None else blocks
    n_blocks = int(block[-1]) + 1 if len(block) else 1
    mass = np.bincount(block, weight, minlength=n_blocks)
    total = np.bincount(block, weight * value, minlength=n_blocks)
    if p == 0:
        return SeasonFit(NO_SEASON, total / mass, np.zeros((0, 0)), design)
    slot = week_slots(times, width_s, slot_s) if slots is None else slots
    per_slot = np.bincount(slot, weight, minlength=n_slots)
    value_slot = np.bincount(slot, weight * value, minlength=n_slots)
    cell = np.bincount(block * n_slots + slot, weight, minlength=n_blocks * n_slots)
    cross = cell.reshape(n_blocks, n_slots) @ design
    gram = (design * per_slot[:, None]).T @ design - cross.T @ (cross / mass[:, None])
    right = design.T @ value_slot - cross.T @ (total / mass)
    ridge = 1e-4 * float(per_slot.sum()) / max(1, p) / len(np.unique(slot)) * np.eye(p)
    covariance = np.linalg.inv(gram + ridge)
    coefficient = covariance @ right
    profile = design @ coefficient
    centre = float(per_slot @ profile / per_slot.sum())
    profile = profile - centre
    levels = (total - cell.reshape(n_blocks, n_slots) @ profile) / mass
    share = _share(value, weight, block, levels, profile[slot])
    season = Season(kind, tuple(profile.tolist()), slot_s, share, p)
    return SeasonFit(season, levels, covariance, design)


def _share(value: Floats, weight: Floats, block: Ints, levels: Floats, effect: Floats) -> float:
    around = value - levels[block]
    left = float(np.sum(weight * (around - effect) ** 2))
    whole = float(np.sum(weight * around**2))
    return max(0.0, 1 - left / whole) if whole > 0 else 0.0


def _group_means(value: Floats, group: Ints, size: int) -> Floats:
    count = np.maximum(np.bincount(group, minlength=size), 1)
    return np.asarray(np.bincount(group, value, minlength=size) / count, dtype=np.float64)
