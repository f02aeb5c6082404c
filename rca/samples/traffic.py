"""Calls: when they come and what they are about, before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rca.samples.clock import HOUR, Clock
from rca.samples.service import Array, BoolArray, FloatArray, IntArray, Service

BIN_S = 300.0
DIMENSIONS = ("tenant", "region", "client")


@dataclass
class Rows:
    """Calls in time order.

    ``luck`` is one uniform a call (which side of a rollout it falls on), ``odd`` marks hostile or
    malformed calls, ``codes`` index ``words``. Model inputs (``features``) are drawn last.
    """

    ts: FloatArray
    user: IntArray
    luck: FloatArray
    codes: dict[str, IntArray]
    words: dict[str, tuple[str, ...]]
    odd: BoolArray
    features: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ts)

    def match(self, scope: Mapping[str, str | Sequence[str]]) -> BoolArray:
        """Return which rows have the given values (one, or any of several, per dimension)."""
        hit = np.ones(len(self), dtype=bool)
        for name, wanted in scope.items():
            texts = [wanted] if isinstance(wanted, str) else list(wanted)
            hit &= np.isin(self.codes[name], [self.words[name].index(t) for t in texts])
        return hit

    def between(self, low: float, high: float) -> BoolArray:
        """Return which rows start in ``[low, high)``."""
        inside: BoolArray = (self.ts >= low) & (self.ts < high)
        return inside

    def take(self, index: IntArray) -> Rows:
        """Return the rows at ``index``."""
        codes = {name: code[index] for name, code in self.codes.items()}
        picked = (self.ts[index], self.user[index], self.luck[index])
        return Rows(*picked, codes, dict(self.words), self.odd[index])

    def joined(self, other: Rows) -> Rows:
        """Return both in time order."""
        ts = np.concatenate([self.ts, other.ts])
        order = np.argsort(ts, kind="stable")
        codes = {n: np.concatenate([c, other.codes[n]])[order] for n, c in self.codes.items()}
        user = np.concatenate([self.user, other.user])[order]
        luck = np.concatenate([self.luck, other.luck])[order]
        odd = np.concatenate([self.odd, other.odd])[order]
        return Rows(ts[order], user, luck, codes, dict(self.words), odd)


def arrivals(
    service: Service,
    clock: Clock,
    weather: FloatArray,
    n_rows: int,
    rng: np.random.Generator,
    *,
    gaps: Sequence[tuple[float, float]] = (),
) -> IntArray:
    """Draw how many calls start in each bin of five minutes: ``n_rows`` in all, none in gaps."""
    n_bins = max(1, int(np.ceil((clock.end - clock.start) / BIN_S)))
    middle: FloatArray = np.asarray(clock.start + (np.arange(n_bins) + 0.5) * BIN_S, np.float64)
    width = np.minimum(BIN_S, clock.end - (clock.start + np.arange(n_bins) * BIN_S))
    hour = np.minimum(((middle - clock.start) / HOUR).astype(np.int64), len(weather) - 1)
    weight = np.exp(service.traffic.at(middle) + weather[hour]) * np.maximum(width, 0)
    for low, high in gaps:
        weight[(middle >= low) & (middle < high)] = 0.0
    counts: IntArray = rng.multinomial(n_rows, weight / weight.sum())
    return counts


def batches(counts: IntArray, batch_rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of bins that hold about ``batch_rows`` calls each."""
    first, total = 0, 0
    for i, count in enumerate(counts.tolist()):
        total += count
        if total >= batch_rows or i == len(counts) - 1:
            yield first, i + 1
            first, total = i + 1, 0


def draw_rows(
    service: Service, clock: Clock, counts: IntArray, bins: tuple[int, int], seed: Sequence[int]
) -> Rows:
    """Draw the calls of some bins: times, callers with their homes, query types, models."""
    rng = np.random.default_rng(seed)
    first, last = bins
    edges = clock.start + np.arange(first, last) * BIN_S
    width = np.minimum(BIN_S, clock.end - edges)
    low, span = np.repeat(edges, counts[first:last]), np.repeat(width, counts[first:last])
    ts = np.sort(low + rng.random(len(low)) * span)
    n = len(ts)
    users = service.users
    user = np.minimum(np.searchsorted(users.cumulated, rng.random(n)), len(users) - 1)
    codes = {name: getattr(users, name)[user] for name in DIMENSIONS}
    codes["query_type"] = _by_hour(service.mix, ts, rng)
    codes["prompt_template"] = _pick(service.shares["prompt_template"], n, rng)
    codes["model"] = _pick(service.shares["model"], n, rng)
    codes["provider"] = service.provider_of_model[codes["model"]]
    words = dict(service.values)
    return Rows(ts, user, rng.random(n), codes, words, np.zeros(n, dtype=bool))


def draw_features(rows: Rows, service: Service, rng: np.random.Generator) -> None:
    """Draw the model inputs of each call."""
    n = len(rows)
    for feature in service.features:
        if feature.values:
            rows.features[feature.name] = rng.integers(0, len(feature.values), n)
            rows.words[feature.name] = feature.values
        else:
            raw = feature.median * np.exp(feature.sigma * rng.standard_normal(n))
            rows.features[feature.name] = np.round(raw, feature.decimals)


def _pick(shares: FloatArray, n: int, rng: np.random.Generator) -> IntArray:
    code = np.searchsorted(np.cumsum(shares), rng.random(n))
    return np.minimum(code, len(shares) - 1)


def _by_hour(cumulated: FloatArray, ts: FloatArray, rng: np.random.Generator) -> IntArray:
    hour = ((ts // HOUR) + 72).astype(np.int64) % 168
    u = rng.random(len(ts))
    code = np.zeros(len(ts), dtype=np.int64)
    for k in range(cumulated.shape[1] - 1):
        code += u > cumulated[hour, k]
    return code


def weather(rng: np.random.Generator, n_hours: int, sd: float, rho: float) -> FloatArray:
    """Draw hourly AR(1) noise with standard deviation ``sd`` and correlation ``rho``."""
    shock = rng.normal(0, sd, n_hours + 1)
    out = np.empty(n_hours + 1)
    out[0] = shock[0]
    for i in range(1, n_hours + 1):
        out[i] = rho * out[i - 1] + np.sqrt(1 - rho**2) * shock[i]
    return out
