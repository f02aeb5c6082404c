"""The eight incidents of ``sample_data``: five failures and three traps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rca.errors import UnknownNameError
from rca.samples.folder import write
from rca.samples.scene import SimulatedIncident, simulate


@dataclass(frozen=True)
class Sample:
    """What to draw for one folder."""

    family: str
    seed: int
    n_rows: int
    style: str
    text: bool = False


SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        "accuracy_drop": Sample("model_rollout", 12, 24_000, "rag", text=True),
        "latency_spike": Sample("provider_latency", 11, 24_000, "chat"),
        "cost_explosion": Sample("retry_loop", 11, 20_000, "agent"),
        "unsafe_outputs": Sample("prompt_unsafe", 7, 20_000, "chat", text=True),
        "data_drift": Sample("pipeline_units", 9, 30_000, "classifier"),
        "traffic_mix": Sample("traffic_mix", 9, 24_000, "chat"),
        "seasonal_dip": Sample("seasonal_dip", 3, 24_000, "chat"),
        "labels_stopped": Sample("labels_stopped", 12, 30_000, "classifier"),
    }
)


def sample(name: str) -> SimulatedIncident:
    """Draw one of the sample incidents again; raises `UnknownNameError` for any other name.

    >>> sample("labels_stopped").truth.cause.kind
    'data_quality'
    """
    if name not in SAMPLES:
        raise UnknownNameError.of("sample incident", name, SAMPLES)
    about = SAMPLES[name]
    return simulate(
        about.family, seed=about.seed, n_rows=about.n_rows, style=about.style, text=about.text
    )


def write_samples(folder: str | Path) -> list[Path]:
    """Write all sample incidents into a folder and return their places."""
    return [write(sample(name), Path(folder) / name) for name in SAMPLES]
