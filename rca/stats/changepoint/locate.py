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
from scipy.linalg import solve_triangular, toeplitz

from rca.stats.changepoint.noise import Noise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PRIOR_STEP = 0.6
SUB_BUCKETS = 8
MAX_ONSETS = 192
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
    probability, ``z`` the shift of the best fit over its standard error.
    """

    edges: Floats
    probability: Floats
    p_ramp: float
    length_s: float
    onset: float
    shift: float
    shift_sd: float
    residual_cost: float

    @property
    def z(self) -> float:
        """Return the shift in standard errors."""
        return self.shift / self.shift_sd if self.shift_sd > 0 else 0.0

    def quantile(self, q: float) -> float:
        """Return the time before which the onset lies with probability ``q``."""
        below = np.concatenate(([0.0], np.cumsum(self.probability)))
        return float(np.interp(q, below / below[-1], self.edges))


def exposure(times: Floats, width_s: float, onset: Floats, length: Floats) -> Floats:
    """Return how much of a transition each bucket has seen: mean over the bucket, 0 to 1.

    One row per bucket, one column per pair of ``onset`` and ``length`` (seconds; 0 is a step).
    """
    past = times[:, None] - onset[None, :]
    safe = np.maximum(length, 1e-9)[None, :]

    def area(x: Floats) -> Floats:
        inside = np.clip(x, 0.0, safe)
        return np.asarray(inside**2 / (2 * safe) + np.maximum(x - safe, 0.0), dtype=np.float64)

    return (area(past + width_s) - area(past)) / width_s


def locate(window: Window, *, max_length_s: float) -> Transition:
    """Return the posterior of onset and ramp length of the transition in the window."""
    whiten = _Whitener(window)
    root = np.sqrt(window.weight)
    level = np.ones(len(window.times))
    target, level = whiten(window.y * root, 0), whiten(level * root, 1)
    width, first, last = window.width_s, window.times[0], window.times[-1] + window.width_s

    inverse = whiten.steps(root)[:, 1:]
    gain = _log_evidence(target, level, inverse, _spread(target, level, inverse))[0]
    likely = window.times[1:][gain > gain.max() - NEGLIGIBLE]
    lengths = _lengths(width, min(max_length_s, (last - first) / 2))
    low = max(first, likely[0] - width - 0.7 * lengths[-1])
    high = min(last, likely[-1] + width)
    cell = max(width / SUB_BUCKETS, (high - low) / MAX_ONSETS)
    edges = np.linspace(low, high, max(2, int(np.ceil((high - low) / cell)) + 1))
    middle = (edges[1:] + edges[:-1]) / 2

    onset = np.tile(middle, len(lengths))
    length = np.repeat(lengths, len(middle))
    design = exposure(window.times, width, onset, length)
    columns = whiten(design * root[:, None], 2)
    evidence, shift, precision = _log_evidence(
        target, level, columns, _spread(target, level, inverse)
    )
    seen = np.minimum(design.max(0), 1.0) > 0.5
    evidence = np.where(seen, evidence, -np.inf)
    prior = np.full(len(lengths), (1 - PRIOR_STEP) / max(1, len(lengths) - 1))
    prior[0] = PRIOR_STEP if len(lengths) > 1 else 1.0
    log_post = evidence.reshape(len(lengths), -1) + np.log(prior)[:, None]
    post = np.exp(log_post - log_post.max())
    post /= post.sum()
    p_ramp = float(post[1:].sum())
    by_length = post[1:].sum(1)
    ramp_row = 1 + int(np.argmax(by_length)) if len(lengths) > 1 else 0
    row = ramp_row if p_ramp > 0.5 else 0
    best = row * len(middle) + int(np.argmax(post[row]))
    fitted = 0.5 * shift[best] ** 2 * precision[best]
    return Transition(
        edges=edges,
        probability=post.sum(0),
        p_ramp=p_ramp,
        length_s=float(lengths[ramp_row]),
        onset=float(onset[best]),
        shift=float(shift[best]),
        shift_sd=float(1 / np.sqrt(precision[best])),
        residual_cost=0.5 * float(target @ target - (level @ target) ** 2 / (level @ level))
        - float(fitted),
    )


class _Whitener:
    """Multiplies by the inverse root of the noise covariance; two rows for the outer levels."""

    def __init__(self, window: Window) -> None:
        noise = window.noise
        self._window = window
        self._sd = np.sqrt(noise.variance)
        self._inverse: Floats | None = None
        if noise.share * noise.rho > 1e-6:
            apart = window.position - window.position[0]
            correlation = noise.share * noise.rho ** np.arange(apart[-1] + 1, dtype=np.float64)
            correlation[0] = 1.0
            matrix = toeplitz(correlation)[np.ix_(apart, apart)]
            root = np.linalg.cholesky(matrix)
            self._inverse = solve_triangular(root, np.eye(len(root)), lower=True)

    def __call__(self, values: Floats, role: int) -> Floats:
        """Whiten; ``role`` says what the outer rows hold: 0 data, 1 level, 2 shift."""
        white = values if self._inverse is None else self._inverse @ values
        return self._append(np.asarray(white / self._sd, dtype=np.float64), role)

    def steps(self, root: Floats) -> Floats:
        """Whiten a step at the start of every bucket."""
        inverse = np.eye(len(root)) if self._inverse is None else self._inverse
        scaled = inverse * root[None, :] / self._sd
        return self._append(np.cumsum(scaled[:, ::-1], axis=1)[:, ::-1], 2)

    def _append(self, white: Floats, role: int) -> Floats:
        rows = [white]
        for outer, shifted in ((self._window.before, 0.0), (self._window.after, 1.0)):
            if outer is None:
                continue
            mean, variance = outer
            held = (mean, 1.0, shifted)[role] / np.sqrt(variance)
            rows.append(np.full((1, *white.shape[1:]), held))
        return np.concatenate(rows)


def _project(target: Floats, level: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return, with the level fitted out, the information and the score of each column."""
    norm = float(level @ level)
    share = level @ columns / norm
    information = np.einsum("ij,ij->j", columns, columns) - norm * share**2
    score = target @ columns - (target @ level) * share
    return np.maximum(information, 1e-12), score


def _spread(target: Floats, level: Floats, columns: Floats) -> float:
    """Return the prior variance of the shift: the square of the shift that fits best."""
    information, score = _project(target, level, columns)
    best = int(np.argmax(score**2 / information))
    return max(float((score[best] / information[best]) ** 2), 1e-12)


def _log_evidence(
    target: Floats, level: Floats, columns: Floats, spread: float
) -> tuple[Floats, Floats, Floats]:
    """Return the log Bayes factor of each column for a shift ~ N(0, spread), shift, precision."""
    information, score = _project(target, level, columns)
    evidence = 0.5 * score**2 / (information + 1 / spread) - 0.5 * np.log1p(information * spread)
    return evidence, score / information, information


def _lengths(width_s: float, longest: float) -> Floats:
    """Return ramp lengths: 0, then doubling from two buckets."""
    lengths = [0.0]
    length = 2 * width_s
    while length <= longest:
        lengths.append(length)
        length *= 2
    return np.asarray(lengths)
