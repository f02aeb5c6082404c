"""The fault families: what each plants, in which styles of service, and what must be logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rca.samples.faults import cost, data, performance, telemetry, traps, versions
from rca.samples.world import Fault, World

LLM = ("chat", "rag", "agent")
ANY = (*LLM, "classifier")
RETRIEVING = ("rag", "agent")


@dataclass(frozen=True)
class Family:
    """A kind of incident that can be drawn.

    Attributes
    ----------
    doc
        One sentence.
    plant
        The function that plants it.
    styles
        Styles of service that it can befall.
    needs
        Columns that must be logged for it to be seen.
    kinds
        Kinds that its main cause can have.
    min_days
        Least length of the baseline in days.
    broken
        Whether something in the service itself went wrong (False for traps).
    """

    doc: str
    plant: Callable[[World], Fault | tuple[Fault, Fault]]
    styles: tuple[str, ...]
    needs: tuple[str, ...]
    kinds: tuple[str, ...]
    min_days: float = 3.0
    broken: bool = True


def _family(
    plant: Callable[[World], Fault | tuple[Fault, Fault]],
    styles: tuple[str, ...],
    needs: tuple[str, ...],
    kinds: tuple[str, ...],
    *,
    min_days: float = 3.0,
    broken: bool = True,
) -> Family:
    return Family((plant.__doc__ or "").strip(), plant, styles, needs, kinds, min_days, broken)


_QUALITY = ("correct",)
_SPEED = ("latency_ms", "status")
_MONEY = ("cost_usd", "input_tokens", "output_tokens", "model")
_LABELLED = ("correct", "prediction", "label")

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "model_rollout": _family(versions.model_rollout, LLM, _QUALITY, ("deploy",)),
        "app_deploy": _family(versions.app_deploy, ANY, _SPEED, ("deploy",)),
        "canary_rolled_back": _family(versions.canary_rolled_back, ANY, _SPEED, ("deploy",)),
        "prompt_quality": _family(versions.prompt_quality, LLM, _QUALITY, ("prompt",)),
        "prompt_unsafe": _family(versions.prompt_unsafe, LLM, ("flagged",), ("prompt",)),
        "safety_filter": _family(
            versions.safety_filter, LLM, ("flagged", "status"), ("flag", "config")
        ),
        "provider_latency": _family(
            performance.provider_latency, LLM, (*_SPEED, "provider"), ("upstream",)
        ),
        "provider_errors": _family(
            performance.provider_errors, LLM, (*_SPEED, "provider"), ("upstream",)
        ),
        "vector_store": _family(
            performance.vector_store,
            RETRIEVING,
            (*_SPEED, "retrieval_ms"),
            ("config", "deploy", "pipeline"),
        ),
        "regional_flag": _family(
            performance.regional_flag,
            LLM,
            (*_SPEED, *_QUALITY, "region"),
            ("flag", "config"),
        ),
        "long_context": _family(
            cost.long_context, LLM, (*_MONEY, *_SPEED), ("config", "prompt", "deploy")
        ),
        "retry_loop": _family(cost.retry_loop, LLM, (*_MONEY, "retries"), ("config", "deploy")),
        "runaway_caller": _family(cost.runaway_caller, LLM, (*_MONEY, "user_id"), ("input",)),
        "token_flood": _family(cost.token_flood, LLM, (*_MONEY, "user_id"), ("input",)),
        "price_change": _family(cost.price_change, LLM, _MONEY, ("data_quality",)),
        "pipeline_nulls": _family(data.nulls, ANY, _LABELLED, ("pipeline",)),
        "pipeline_units": _family(data.units, ANY, _LABELLED, ("pipeline",)),
        "pipeline_rename": _family(data.rename, ANY, _LABELLED, ("pipeline",)),
        "pipeline_stale": _family(data.stale, ANY, _LABELLED, ("pipeline",)),
        "pipeline_defaults": _family(data.defaults, ANY, _LABELLED, ("pipeline",)),
        "labels_stopped": _family(
            telemetry.labels_stopped, ANY, _LABELLED, ("data_quality",), broken=False
        ),
        "labels_late": _family(
            telemetry.labels_late, ANY, _LABELLED, ("data_quality",), broken=False
        ),
        "metering_double": _family(
            telemetry.metering_double,
            LLM,
            (*_MONEY, "cached_input_tokens"),
            ("data_quality",),
            broken=False,
        ),
        "duplicated_rows": _family(
            telemetry.duplicated_rows, LLM, _MONEY, ("data_quality",), broken=False
        ),
        "traffic_mix": _family(
            traps.traffic_mix,
            ANY,
            (*_SPEED, *_LABELLED, "query_type"),
            ("traffic_mix",),
            broken=False,
        ),
        "seasonal_dip": _family(
            traps.seasonal_dip, LLM, (*_SPEED, *_QUALITY), ("season",), min_days=7.0, broken=False
        ),
        "quiet": _family(traps.quiet, LLM, (*_SPEED, *_QUALITY), ("none",), broken=False),
        "unlogged_change": _family(traps.unlogged_change, LLM, (*_SPEED, *_QUALITY), ("none",)),
        "two_faults": _family(
            traps.two_faults,
            LLM,
            (*_SPEED, *_QUALITY, "provider", "region"),
            ("upstream", "deploy"),
        ),
    }
)
