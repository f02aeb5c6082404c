"""When a change began: the posterior of onset and ramp length around one change.

A window from the change before to the change after is described by two levels and a transition
that starts at ``tau`` and takes ``length``. Levels are integrated out under the autocorrelated
noise of the series (generalised least squares), the rest is a grid. Time is continuous: a bucket
that holds the onset is partly shifted, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rca.stats.changepoint.noise import Noise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PRIOR_STEP = 0.6
SUB_BUCKETS = 8
MAX_ONSETS = 96
LENGTHS = 12
#: Range of log lengths that the prior of a ramp is spread over: from 2 to 200 buckets.
LOG_LENGTHS = float(np.log(100.0))
TRIFLE = 1e-5
NEGLIGIBLE = 12.0


@dataclass(frozen=True)
class Window:
    """Buckets around one change, season removed, with what is known of the levels beyond."""

    times: Floats
    position: Ints
    y: Floats
    weight: Floats
    width_s: float
    noise: Noise
    #: Mean of the same segment's buckets outside the window and its variance, before and after.
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None


@dataclass(frozen=True)
class Transition:
    """Posterior of one transition.

    ``edges`` (seconds) bound the cells of ``probability``, the posterior of the onset.
    ``length_s`` is the most probable ramp length given that there is a ramp, ``p_ramp`` its
    probability, ``onset`` the best onset for the more probable shape, and ``residual_cost`` half
    the whitened squares that are left.
    """

    edges: Floats
    probability: Floats
    p_ramp: float
    length_s: float
    onset: float
    residual_cost: float

    def quantile(self, q: float) -> float:
        """Return the time before which the onset lies with probability ``q``."""
        below = np.concatenate(([0.0], np.cumsum(self.probability)))
        return float(np.interp(q, below / below[-1], self.edges))


def locate(window: Window, *, max_length_s: float) -> Transition:
    """Return the posterior of onset and ramp length of the transition in the window."""
    target, level = _whitened(window)
    width, first, last = window.width_s, window.times[0], window.times[-1] + window.width_s

    information, score, _ = _scores(window, target, level, window.times[1:], 0.0)
    best = int(np.argmax(score**2 / information))
    spread = max(float((score[best] / information[best]) ** 2), 1e-300)
    evidence = _log_evidence(information, score, spread)
    likely = window.times[1:][evidence > evidence.max() - NEGLIGIBLE]

    lengths = _lengths(width, min(max_length_s, (last - first) / 2))
    low = max(first, likely[0] - width - 0.7 * lengths[-1])
    high = min(last, likely[-1] + width)
    rough = _posterior(window, target, level, spread, low, high, lengths)
    fine = _posterior(window, target, level, spread, *_narrowed(rough))
    row = 1 + int(np.argmax(fine.ramps)) if fine.p_ramp > 0.5 else 0
    best = int(np.argmax(fine.post[row]))
    around_level = float(target @ target - (level @ target) ** 2 / (level @ level))
    return Transition(
        edges=fine.edges,
        probability=fine.post.sum(0),
        p_ramp=fine.p_ramp,
        length_s=float(fine.lengths[1 + int(np.argmax(fine.ramps))] if len(fine.ramps) else 0.0),
        onset=float((fine.edges[best] + fine.edges[best + 1]) / 2),
        residual_cost=0.5 * (around_level - float(fine.gain[row, best])),
    )


@dataclass(frozen=True)
class _Grid:
    """Posterior over lengths (rows) and onset cells; ``gain``: what each takes off the squares."""

    edges: Floats
    lengths: Floats
    post: Floats
    gain: Floats

    @property
    def ramps(self) -> Floats:
        """Return the probability of each length but 0."""
        return np.asarray(self.post[1:].sum(1), dtype=np.float64)

    @property
    def p_ramp(self) -> float:
        """Return the probability of any length but 0."""
        return float(self.post[1:].sum())


def _posterior(
    window: Window,
    target: Floats,
    level: Floats,
    spread: float,
    low: float,
    high: float,
    lengths: Floats,
) -> _Grid:
    cell = max(window.width_s / SUB_BUCKETS, (high - low) / MAX_ONSETS)
    edges = np.linspace(low, high, max(2, int(np.ceil((high - low) / cell)) + 1))
    middle = (edges[1:] + edges[:-1]) / 2
    information, score, seen = _scores(
        window, target, level, np.tile(middle, len(lengths)), np.repeat(lengths, len(middle))
    )
    # A transition that the window does not see half of explains nothing.
    evidence = np.where(seen > 0.5, _log_evidence(information, score, spread), -np.inf)
    log_post = evidence.reshape(len(lengths), -1) + _log_prior(lengths)[:, None]
    post = np.exp(log_post - log_post.max())
    gain = (score**2 / information).reshape(len(lengths), -1)
    return _Grid(edges, lengths, post / post.sum(), gain)


def _narrowed(rough: _Grid) -> tuple[float, float, Floats]:
    """Return the onsets and lengths that hold the posterior, lengths on a finer grid."""
    likely = np.flatnonzero(rough.post.max(0) > TRIFLE * rough.post.max())
    low = rough.edges[max(0, likely[0] - 1)]
    high = rough.edges[min(len(rough.edges) - 1, likely[-1] + 2)]
    if len(rough.lengths) == 1:
        return float(low), float(high), rough.lengths
    rows = np.flatnonzero(rough.ramps > TRIFLE * rough.ramps.max()) + 1
    shortest = rough.lengths[max(1, rows[0] - 1)]
    longest = rough.lengths[min(len(rough.lengths) - 1, rows[-1] + 1)]
    lengths = np.geomspace(shortest, longest, LENGTHS) if longest > shortest else [longest]
    return float(low), float(high), np.concatenate(([0.0], lengths))


def _whitened(window: Window) -> tuple[Floats, Floats]:
    """Return data and level column without correlation, outer means as rows at the end."""
    from rca.stats.changepoint.kernels import whiten

    noise = window.noise
    root = np.sqrt(window.weight)
    columns = np.column_stack((window.y * root, root))
    white = whiten(columns, window.position, noise.rho, noise.share) / np.sqrt(noise.variance)
    outer = [
        (mean / np.sqrt(variance), 1 / np.sqrt(variance))
        for mean, variance in filter(None, (window.before, window.after))
    ]
    white = np.concatenate([white, np.asarray(outer).reshape(-1, 2)])
    return np.ascontiguousarray(white[:, 0]), np.ascontiguousarray(white[:, 1])


def _scores(
    window: Window, target: Floats, level: Floats, onset: Floats, length: Floats | float
) -> tuple[Floats, Floats, Floats]:
    from rca.stats.changepoint.kernels import transition_scores

    noise = window.noise
    found: tuple[Floats, Floats, Floats] = transition_scores(
        window.times,
        window.position,
        np.sqrt(window.weight),
        window.width_s,
        target,
        level,
        onset,
        np.full(len(onset), length) if isinstance(length, float) else length,
        noise.rho,
        noise.share,
        float(np.sqrt(noise.variance)),
        0.0 if window.after is None else float(1 / np.sqrt(window.after[1])),
    )
    return found


def _log_evidence(information: Floats, score: Floats, spread: float) -> Floats:
    """Return the log Bayes factor of each transition for a shift ~ N(0, spread)."""
    evidence = 0.5 * score**2 / (information + 1 / spread) - 0.5 * np.log1p(information * spread)
    return np.asarray(evidence, dtype=np.float64)


def _log_prior(lengths: Floats) -> Floats:
    """Return the log prior: a step, or a ramp of a length that is uniform on the log scale."""
    if len(lengths) == 1:
        return np.zeros(1)
    if len(lengths) == 2:
        return np.log([PRIOR_STEP, 1 - PRIOR_STEP])
    steps = np.gradient(np.log(lengths[1:]))
    share = (1 - PRIOR_STEP) * steps / LOG_LENGTHS
    return np.log(np.concatenate(([PRIOR_STEP], share)))


def _lengths(width_s: float, longest: float) -> Floats:
    """Return ramp lengths: 0, then half as long again each, from two buckets."""
    lengths = [0.0]
    length = 2 * width_s
    while length <= longest:
        lengths.append(length)
        length *= 1.5
    return np.asarray(lengths)
