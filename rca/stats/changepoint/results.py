"""What `detect` returns: change points, transients, the season and the noise behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rca.stats.season import Season

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TimePosterior:
    """Posterior of the onset of one change: ``probability[i]`` lies in ``edges[i:i + 2]``.

    Times are seconds since the epoch; the probabilities sum to 1, given that there is a change.
    """

    edges: Floats
    probability: Floats

    def mass(self, low: float, high: float) -> float:
        """Return the probability that the onset lies between two times."""
        below = np.concatenate(([0.0], np.cumsum(self.probability)))
        at = np.interp([low, high], self.edges, below)
        return float(max(0.0, at[1] - at[0]))

    def quantile(self, q: float) -> float:
        """Return the time before which the onset lies with probability ``q``."""
        below = np.concatenate(([0.0], np.cumsum(self.probability)))
        return float(np.interp(q * below[-1], below, self.edges))

    def density(self, times: Floats) -> Floats:
        """Return the posterior density at ``times``, per second; zero outside the edges."""
        height = self.probability / np.diff(self.edges)
        cell = np.searchsorted(self.edges, times, side="right") - 1
        inside = (cell >= 0) & (cell < len(height))
        return np.where(inside, height[np.clip(cell, 0, len(height) - 1)], 0.0)


@dataclass(frozen=True)
class ChangePoint:
    """One lasting change of level.

    Attributes
    ----------
    at, low, high : float
        Onset in seconds since the epoch: median of its posterior, and the 90 % interval.
    shape : {"step", "ramp"}
        At once, or over a time; a ramp ends at ``ramp_end``, a step at ``at``.
    p_ramp : float
        Probability that it was a ramp.
    before, after : float
        Levels in the metric's unit, at the season's mean.
    shift, shift_ci : float, (float, float)
        ``after - before`` with a 95 % interval.
    effect : float
        The shift on the working scale in residual standard deviations of one bucket.
    z, p_value : float
        Shift over its standard error, and the probability of one as large anywhere in a series
        without change.
    n_before, n_after : float
        Rows behind the two levels.
    time_posterior : TimePosterior
        Where the onset lies.
    """

    at: float
    low: float
    high: float
    shape: Literal["step", "ramp"]
    ramp_end: float
    p_ramp: float
    before: float
    after: float
    shift: float
    shift_ci: tuple[float, float]
    effect: float
    z: float
    p_value: float
    n_before: float
    n_after: float
    time_posterior: TimePosterior


@dataclass(frozen=True)
class Transient:
    """An excursion that is over, or too short to call a change: from ``start`` to ``end``.

    ``value`` and ``expected`` are means over its buckets in the metric's unit, ``z`` the largest
    distance in residual standard deviations.
    """

    start: float
    end: float
    n_buckets: int
    value: float
    expected: float
    z: float


@dataclass(frozen=True)
class Segment:
    """Buckets between two changes: ``level`` in the metric's unit at the season's mean."""

    start: float
    end: float
    level: float
    level_ci: tuple[float, float]
    n: float
    n_buckets: int


@dataclass(frozen=True)
class ChangePoints:
    """Changes of a series and the model behind them.

    Attributes
    ----------
    points : tuple of ChangePoint
        In the order of time.
    transients : tuple of Transient
        Spikes and short excursions, not counted as changes.
    season : Season
        Daily and weekly profile on the working scale.
    segments : tuple of Segment
        Levels between the changes.
    residual_sd : float
        Typical residual standard deviation of one bucket, on the working scale.
    autocorrelation : float
        Correlation of the residuals of neighbouring buckets.
    long_run : float
        Variance of a long mean over that of independent buckets.
    overdispersion : float
        Residual variance over sampling variance; nan when the latter is unknown.
    n_buckets, n_missing : int
        Buckets with a value, and without one inside the span.
    caveats : tuple of str
        What limits the answer.
    """

    points: tuple[ChangePoint, ...]
    transients: tuple[Transient, ...]
    season: Season
    segments: tuple[Segment, ...]
    residual_sd: float
    autocorrelation: float
    long_run: float
    overdispersion: float
    n_buckets: int
    n_missing: int
    caveats: tuple[str, ...]
