"""Wide priors from which a simulated service is drawn."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from rca.samples import vocabulary as words
from rca.samples.service import LATENTS, Feature, FloatArray, IntArray, Season, Service, Users

STYLES = ("chat", "rag", "agent", "classifier")
ALWAYS = frozenset({"ts", "request_id"})
LLM_COLUMNS = (
    "provider",
    "model",
    "model_version",
    "prompt_template",
    "prompt_version",
    "ttft_ms",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "finish_reason",
    "flagged",
    "correct",
)
COMMON_COLUMNS = (
    "service",
    "environment",
    "operation",
    "app_version",
    "latency_ms",
    "status",
    "error_type",
    "http_status",
    "retries",
    "user_id",
    "session_id",
    "tenant",
    "region",
    "query_type",
    "client",
)
CLASSIFIER_COLUMNS = ("model", "model_version", "prediction", "label", "score")
RARELY_ABSENT = frozenset({"latency_ms", "status", "correct", "prediction", "label", "region"})


def draw_service(
    rng: np.random.Generator,
    *,
    style: str,
    needs: Collection[str] = (),
    text: bool | None = None,
) -> Service:
    """Draw a service of a style that logs at least the columns in ``needs``.

    Parameters
    ----------
    rng
        Source of every draw.
    style
        One of ``chat``, ``rag``, ``agent``, ``classifier``.
    needs
        Columns that must be logged; each other one is absent now and then.
    text
        Whether short inputs and outputs are logged; drawn when None.
    """
    values = _values(rng, style)
    provider_of_model = _models(values)
    shares = {name: _shares(rng, len(given)) for name, given in values.items()}
    n_models = len(values["model"])
    features = _features(rng, style)
    texts_drawn = bool(rng.random() < 0.3)
    price_in = np.exp(rng.uniform(np.log(0.2), np.log(6.0), n_models))
    load_peak = rng.uniform(11, 19)
    return Service(
        name=str(rng.choice(words.CLASSIFIERS if style == "classifier" else words.ASSISTANTS)),
        style=style,
        values=values,
        shares=shares,
        provider_of_model=provider_of_model,
        users=_users(rng, shares),
        traffic=Season(rng.uniform(0.1, 1.0), load_peak, rng.uniform(-0.8, 0.1)),
        mix=_mix(rng, shares["query_type"]),
        levels=_levels(rng, style),
        effects={latent: _effects(rng, latent, values) for latent in LATENTS},
        seasons={latent: _season(rng, latent, load_peak) for latent in LATENTS},
        noise={latent: _noise(rng, latent) for latent in LATENTS},
        spread=_spread(rng),
        price_per_mtok=(price_in, price_in * rng.uniform(2, 5)),
        label_delay_hours=float(rng.choice([0.0, 0.2, 1.0])),
        features=features,
        columns=_columns(rng, style, features, frozenset(needs)),
        null_rates=_null_rates(rng, features),
        duplicate_rate=float(rng.choice([0.0, 0.0, 0.001, 0.004])),
        failures_logged_as_zero=bool(rng.random() < 0.5),
        text=texts_drawn if text is None else text,
    )


def _some(rng: np.random.Generator, of: tuple[str, ...], low: int, high: int) -> tuple[str, ...]:
    n = int(rng.integers(low, high + 1))
    return tuple(of[i] for i in sorted(rng.permutation(len(of))[:n]))


def _values(rng: np.random.Generator, style: str) -> dict[str, tuple[str, ...]]:
    providers = ("on-prem",) if style == "classifier" else _some(rng, words.PROVIDERS, 1, 3)
    models = [f"{provider}-{size}" for provider in providers for size in words.SIZES]
    kept = [m for m in models if m.endswith("large") or rng.random() < 0.5]
    return {
        "region": _some(rng, words.REGIONS, 2, 6),
        "tenant": tuple(f"tenant-{i:02d}" for i in range(1, int(rng.integers(4, 41)))),
        "client": _some(rng, words.CLIENTS, 2, 5),
        "query_type": _some(rng, words.QUERY_TYPES, 3, 8),
        "prompt_template": _some(rng, words.TEMPLATES, 2, 5),
        "provider": providers,
        "model": tuple(kept),
    }


def _models(values: dict[str, tuple[str, ...]]) -> IntArray:
    providers = values["provider"]
    return np.array([providers.index(m.rsplit("-", 1)[0]) for m in values["model"]], dtype=np.int64)


def _shares(rng: np.random.Generator, n: int) -> FloatArray:
    share = rng.dirichlet(np.full(n, 3.0)) + 0.25 / n
    normal: FloatArray = share / share.sum()
    return normal


def _users(rng: np.random.Generator, shares: dict[str, FloatArray]) -> Users:
    n = int(np.exp(rng.uniform(np.log(200), np.log(5000))))
    weight = (np.arange(n) + 10.0) ** -rng.uniform(0.5, 1.1)
    tenant, region, client = (
        rng.choice(len(shares[name]), n, p=shares[name]) for name in ("tenant", "region", "client")
    )
    effect = rng.normal(0, rng.uniform(0.1, 0.5), n)
    return Users(np.cumsum(weight / weight.sum()), tenant, region, client, effect)


def _mix(rng: np.random.Generator, shares: FloatArray) -> FloatArray:
    """Return cumulated shares of query types, one row for each hour of the week."""
    hours = np.arange(168)
    amplitude = rng.uniform(0, 0.5, len(shares)) * rng.uniform(0, 1)
    phase = rng.uniform(0, 24, len(shares))
    daily = amplitude * np.cos(2 * np.pi * (hours[:, None] - phase) / 24)
    weekend = (hours[:, None] >= 120) * rng.normal(0, 0.2, len(shares))
    weight = shares * np.exp(daily + weekend)
    cumulated: FloatArray = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    return cumulated


def _levels(rng: np.random.Generator, style: str) -> dict[str, float]:
    long_input = {"chat": 500, "rag": 2200, "agent": 3500, "classifier": 60}[style]
    long_output = {"chat": 180, "rag": 220, "agent": 120, "classifier": 4}[style]
    return {
        "accuracy": rng.uniform(0.9, 2.6),
        "error": _logit(np.exp(rng.uniform(np.log(0.004), np.log(0.04)))),
        "flagged": _logit(np.exp(rng.uniform(np.log(0.006), np.log(0.04)))),
        "log_in": np.log(long_input) + rng.normal(0, 0.4),
        "log_out": np.log(long_output) + rng.normal(0, 0.4),
        "log_retrieval": np.log(rng.uniform(30, 250)),
        "log_latency": rng.normal(0, 0.3) + (-2.5 if style == "classifier" else 0.0),
        "retry": np.log(rng.uniform(0.01, 0.08)),
        "log_price": 0.0,
        "label": _logit(rng.uniform(0.4, 0.97)),
    }


_EFFECT_SD = {
    "accuracy": {"query_type": 0.5, "region": 0.1, "model": 0.15, "client": 0.1},
    "error": {"provider": 0.3, "region": 0.2, "client": 0.2},
    "flagged": {"query_type": 0.6, "tenant": 0.2},
    "log_in": {"prompt_template": 0.4, "query_type": 0.3, "tenant": 0.15},
    "log_out": {"prompt_template": 0.3, "query_type": 0.3},
    "log_retrieval": {"region": 0.2},
    "log_latency": {"provider": 0.3, "model": 0.3, "region": 0.15},
    "retry": {"provider": 0.3},
    "label": {"query_type": 0.2},
}


def _effects(
    rng: np.random.Generator, latent: str, values: dict[str, tuple[str, ...]]
) -> dict[str, FloatArray]:
    return {
        dimension: rng.normal(0, sd, len(values[dimension]))
        for dimension, sd in _EFFECT_SD.get(latent, {}).items()
    }


def _season(rng: np.random.Generator, latent: str, load_peak: float) -> Season:
    daily = {"accuracy": 0.15, "error": 0.3, "log_latency": 0.2, "flagged": 0.2, "log_in": 0.1}
    amplitude = rng.uniform(0, daily.get(latent, 0.0))
    with_load = latent in {"error", "log_latency"}
    peak = load_peak if with_load else rng.uniform(0, 24)
    return Season(amplitude, peak, float(amplitude * rng.normal(0, 0.7)))


def _noise(rng: np.random.Generator, latent: str) -> tuple[float, float]:
    """Return the standard deviation and the hour-to-hour correlation of a latent's weather."""
    if latent in {"log_price", "label"}:
        return 0.0, 0.0
    top = {"error": 0.25, "flagged": 0.15, "retry": 0.2, "log_in": 0.03, "log_out": 0.03}
    return rng.uniform(0.0, top.get(latent, 0.06)), rng.uniform(0.0, 0.8)


def _spread(rng: np.random.Generator) -> dict[str, float]:
    return {
        "log_in": rng.uniform(0.3, 0.7),
        "log_out": rng.uniform(0.4, 0.8),
        "log_retrieval": rng.uniform(0.25, 0.5),
        "log_latency": rng.uniform(0.15, 0.4),
        "tail_share": rng.uniform(0.0, 0.02),
        "cached_share": rng.uniform(0.2, 0.7),
    }


def _features(rng: np.random.Generator, style: str) -> tuple[Feature, ...]:
    n_numeric = int(rng.integers(3, 6)) if style == "classifier" else int(rng.integers(1, 4))
    picked = sorted(rng.permutation(len(words.NUMERIC_FEATURES))[:n_numeric])
    numeric = tuple(Feature(*words.NUMERIC_FEATURES[i]) for i in picked)
    n_category = int(rng.integers(1, 3))
    chosen = sorted(rng.permutation(len(words.CATEGORY_FEATURES))[:n_category])
    category = tuple(
        Feature(name, table, values=values)
        for name, table, values in (words.CATEGORY_FEATURES[i] for i in chosen)
    )
    return numeric + category


def _columns(
    rng: np.random.Generator, style: str, features: tuple[Feature, ...], needs: frozenset[str]
) -> frozenset[str]:
    offered = list(COMMON_COLUMNS)
    offered += CLASSIFIER_COLUMNS if style == "classifier" else LLM_COLUMNS
    offered += ["retrieval_ms"] if style in {"rag", "agent"} else []
    absence = rng.uniform(0.0, 0.25)
    kept = {c for c in offered if c in RARELY_ABSENT or rng.random() > absence}
    wanted = needs & set(offered)
    return frozenset(kept | ALWAYS | wanted | {feature.name for feature in features})


def _null_rates(rng: np.random.Generator, features: tuple[Feature, ...]) -> dict[str, float]:
    some = ("region", "tenant", "ttft_ms", "retrieval_ms", "output_tokens", "client")
    names = [*some, *(feature.name for feature in features)]
    return {name: float(rng.uniform(0, 0.03)) for name in names if rng.random() < 0.5}


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))
