"""How long after an event its effect is seen: a heavy-tailed prior per kind of event.

The lag l >= 0 follows a Lomax distribution, P(lag <= l) = 1 - (1 + l / s)^-a with a = 1.2: half of
all effects come soon, and a late one is never ruled out. Around it lies the error of two clocks
(Laplace, a few minutes), and kinds that people write down *after* they notice (a provider's
notice, an annotation) may follow the effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.model.event import Event
from rca.stats.changepoint import TimePosterior

Floats = NDArray[np.float64]

_TAIL = 1.2
_HOUR = 3600.0
_CLOCK_S = 180.0
_CLOCK_SHARE = 0.06


@dataclass(frozen=True)
class LagPrior:
    """Median lag in hours, and the chance that the event was written down after its effect."""

    median_h: float
    noted_late: float = 0.0
    late_h: float = 0.5

    def mass(self, low: Floats, high: Floats) -> Floats:
        """Return the probability that the lag, in seconds, lies between ``low`` and ``high``."""
        after = 1 - self.noted_late - _CLOCK_SHARE
        scale = self.median_h * _HOUR / (2 ** (1 / _TAIL) - 1)
        found = after * (_lomax(high, scale) - _lomax(low, scale))
        found += _CLOCK_SHARE * (_laplace(high, _CLOCK_S) - _laplace(low, _CLOCK_S))
        if self.noted_late:
            late = self.late_h * _HOUR / (2 ** (1 / _TAIL) - 1)
            found += self.noted_late * (_lomax(-low, late) - _lomax(-high, late))
        return np.asarray(found, dtype=np.float64)


PRIORS: dict[str, LagPrior] = {
    "deploy": LagPrior(0.15),
    "rollback": LagPrior(0.15),
    "release": LagPrior(0.3),
    "config": LagPrior(0.1),
    "flag": LagPrior(0.1),
    "model_version": LagPrior(0.15),
    "prompt": LagPrior(0.1),
    "price": LagPrior(0.1),
    "pipeline": LagPrior(0.6),
    "data_quality": LagPrior(0.4, noted_late=0.3),
    "schema_change": LagPrior(0.6),
    "infra": LagPrior(0.15, noted_late=0.1),
    "upstream": LagPrior(0.15, noted_late=0.45),
    "incident": LagPrior(0.2, noted_late=0.6),
    "annotation": LagPrior(0.3, noted_late=0.4),
}
_OTHER = LagPrior(0.3, noted_late=0.1)


def prior_of(kind: str) -> LagPrior:
    """Return the lag prior of a kind of event."""
    return PRIORS.get(kind, _OTHER)


def time_bayes_factor(event: Event, onset: TimePosterior, span_s: float) -> float:
    """Return how much better an event explains when the metric moved than a random time does.

        BF = sum over cells of P(onset in cell | data) * P(lag reaches cell | event) / P_0(cell)

    with P_0 uniform over the ``span_s`` seconds that were searched. An event with an end (a
    pipeline run, a staged rollout) starts to act at any time between its start and its end.
    """
    prior = prior_of(event.kind)
    low, high = onset.edges[:-1], onset.edges[1:]
    starts = [event.ts.timestamp()]
    if event.ts_end is not None and event.ts_end > event.ts:
        starts = list(np.linspace(starts[0], event.ts_end.timestamp(), 9))
    reach = np.mean([prior.mass(low - t, high - t) for t in starts], axis=0)
    flat = (high - low) / span_s
    return float(np.sum(onset.probability * reach / flat))


def _lomax(lag: Floats, scale: float) -> Floats:
    return np.where(lag > 0, 1 - (1 + np.maximum(lag, 0) / scale) ** -_TAIL, 0.0)


def _laplace(lag: Floats, scale: float) -> Floats:
    return np.where(
        lag < 0,
        0.5 * np.exp(np.minimum(lag, 0) / scale),
        1 - 0.5 * np.exp(-np.maximum(lag, 0) / scale),
    )
