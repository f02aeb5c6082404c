"""What is measured of each call: tokens, time, money, success, quality, features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rca.samples import vocabulary as words
from rca.samples.clock import HOUR
from rca.samples.service import LATENTS, Array, BoolArray, FloatArray, IntArray, Service
from rca.samples.traffic import Rows

TIMEOUT_MS = 30_000.0
CACHE_DISCOUNT = 0.75
USER_EFFECTS = {"accuracy": 1.0, "log_in": 0.3, "log_out": 0.3, "flagged": 0.5}


@dataclass
class Latents:
    """Linear predictors of each call on their link scales; a fault adds to them."""

    of: dict[str, FloatArray]
    error_type: IntArray

    def add(self, name: str, where: BoolArray, amount: float) -> None:
        """Move one latent quantity of some rows."""
        self.of[name][where] += amount


@dataclass
class Record:
    """The log before it becomes a table: numbers, or codes with their words, and nulls."""

    rows: Rows
    values: dict[str, Array]
    words: dict[str, tuple[str, ...]]
    nulls: dict[str, BoolArray]
    copies: IntArray

    def lose(self, column: str, where: BoolArray) -> None:
        """Make a column null in some rows."""
        seen = self.nulls.get(column)
        self.nulls[column] = where.copy() if seen is None else seen | where


def predict(
    rows: Rows,
    service: Service,
    weather: Mapping[str, FloatArray],
    start: float,
    rng: np.random.Generator,
) -> Latents:
    """Add up level, effects of dimensions, callers, season, load and hourly noise."""
    hour = ((rows.ts - start) / HOUR).astype(np.int64)
    of = {}
    for latent in LATENTS:
        total = service.levels[latent] + weather[latent][np.minimum(hour, len(weather[latent]) - 1)]
        if service.seasons[latent].amplitude:
            total = total + service.seasons[latent].at(rows.ts)
        for dimension, effect in service.effects[latent].items():
            total = total + effect[rows.codes[dimension]]
        if latent in USER_EFFECTS:
            total = total + USER_EFFECTS[latent] * service.users.effect[rows.user]
        of[latent] = total
    kinds = rng.choice(4, len(rows), p=[0.35, 0.2, 0.3, 0.15])
    return Latents(of, kinds)


def measure(
    rows: Rows, latents: Latents, service: Service, end: float, rng: np.random.Generator
) -> Record:
    """Draw what the log would say of each call."""
    n = len(rows)
    values: dict[str, Array] = {}
    text: dict[str, tuple[str, ...]] = dict(rows.words)
    record = Record(rows, values, text, {}, np.ones(n, dtype=np.int64))
    values.update(rows.codes)
    values.update(rows.features)
    failed = rng.random(n) < _sigmoid(latents.of["error"])
    _outcome(record, latents, failed)
    _tokens_time_money(record, latents, service, failed, rng)
    correct = rng.random(n) < _sigmoid(latents.of["accuracy"])
    flagged = rng.random(n) < _sigmoid(latents.of["flagged"])
    values["flagged"] = flagged
    values["finish_reason"] = rng.choice(3, n, p=[0.9, 0.04, 0.06])
    text["finish_reason"] = words.FINISH_REASONS
    record.lose("finish_reason", failed)
    _quality(record, latents, service, correct, failed, end, rng)
    return record


def _outcome(record: Record, latents: Latents, failed: BoolArray) -> None:
    kind = latents.error_type
    statuses = ("ok", *dict.fromkeys(words.STATUS_OF_ERROR))
    code = np.array([statuses.index(s) for s in words.STATUS_OF_ERROR])
    record.values["status"] = np.where(failed, code[kind], 0)
    record.words["status"] = statuses
    record.values["error_type"] = kind
    record.words["error_type"] = words.ERROR_TYPES
    record.lose("error_type", ~failed)
    record.values["http_status"] = np.where(failed, np.array(words.HTTP_OF_ERROR)[kind], 200)


def _tokens_time_money(
    record: Record, latents: Latents, service: Service, failed: BoolArray, rng: np.random.Generator
) -> None:
    rows, spread, n = record.rows, service.spread, len(record.rows)
    values = record.values

    def positive(latent: str) -> FloatArray:
        noise: FloatArray = spread[latent] * rng.standard_normal(n)
        return np.exp(latents.of[latent] + noise)

    tokens_in, tokens_out = np.ceil(positive("log_in")), np.ceil(positive("log_out"))
    cached = np.floor(tokens_in * spread["cached_share"] * (rng.random(n) < 0.4))
    retries = rng.poisson(np.exp(latents.of["retry"])).astype(np.float64)
    factor = positive("log_latency")
    tail = rng.random(n) < spread["tail_share"]
    factor = np.where(tail, factor * (1 + rng.pareto(2.5, n)), factor)
    retrieval = np.round(positive("log_retrieval"))
    ttft = factor * (150 + 0.08 * tokens_in)
    retrieves = service.style in {"rag", "agent"}
    once = ttft + factor * 6.0 * tokens_out + (retrieval if retrieves else 0.0)
    timed_out = failed & (latents.error_type == 0)
    latency = np.where(timed_out, TIMEOUT_MS, once * (1 + 0.8 * retries))
    price_in, price_out = service.price_per_mtok
    paid = tokens_in - CACHE_DISCOUNT * cached
    model = rows.codes["model"]
    cost = (paid * price_in[model] + tokens_out * price_out[model]) * 1e-6
    cost = cost * (1 + retries) * np.exp(latents.of["log_price"])
    if service.failures_logged_as_zero:
        keep = ~failed
        tokens_in, tokens_out, cached = tokens_in * keep, tokens_out * keep, cached * keep
        cost, ttft, latency = cost * keep, ttft * keep, np.where(keep, latency, latency * 0.02)
    values["input_tokens"], values["output_tokens"] = tokens_in, tokens_out
    values["cached_input_tokens"], values["cost_usd"] = cached, np.round(cost, 7)
    latency_digits = 2 if service.classifies else 0
    values["retries"], values["retrieval_ms"] = retries, retrieval
    values["latency_ms"], values["ttft_ms"] = np.round(latency, latency_digits), np.round(ttft)
    record.lose("ttft_ms", failed)


def _quality(
    record: Record,
    latents: Latents,
    service: Service,
    correct: BoolArray,
    failed: BoolArray,
    end: float,
    rng: np.random.Generator,
) -> None:
    """Write ``correct``, or ``prediction``, ``label`` and ``score``; labels come late or never."""
    n, n_classes = len(correct), 3
    delay = rng.exponential(service.label_delay_hours * HOUR, n)
    unlabelled = rng.random(n) > _sigmoid(latents.of["label"])
    unlabelled |= (record.rows.ts + delay > end) | failed
    if not service.classifies:
        record.values["correct"] = correct
        record.lose("correct", unlabelled)
        return
    label = rng.choice(n_classes, n, p=[0.6, 0.25, 0.15])
    other = (label + rng.integers(1, n_classes, n)) % n_classes
    record.values["label"], record.values["prediction"] = label, np.where(correct, label, other)
    record.words["label"] = record.words["prediction"] = words.CLASSES[:n_classes]
    confidence = _sigmoid(latents.of["accuracy"] + rng.normal(0, 0.7, n) + 0.5 * correct)
    record.values["score"] = np.round(confidence, 3)
    record.lose("label", unlabelled)
    for column in ("prediction", "score"):
        record.lose(column, failed)


def _sigmoid(x: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-x))
