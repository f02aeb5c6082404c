"""Root cause analysis for ML and LLM services.

Two sets of rows, one metric: what differs, where, since when, and which event explains it?

>>> import rca
>>> incident = rca.read_incident("sample_data/accuracy_drop")  # doctest: +SKIP
>>> rca.diagnose(incident)  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rca.version import __version__

if TYPE_CHECKING:
    from rca.analysis.cost import CostShifts, PriceJumps, explain_cost, price_jumps
    from rca.analysis.drift import DriftProfile, profile_drift
    from rca.analysis.drift.text import TextDrift, drift_text
    from rca.analysis.events import VersionRamps, correlate_events, version_ramps
    from rca.analysis.examples import Examples, examples
    from rca.analysis.slices import (
        CrossSlicer,
        CrossSlices,
        Localization,
        SliceSearch,
        SliceShifts,
        cross_slices,
        find_slices,
        localize,
        slice_metric,
    )
    from rca.analysis.versions import VersionDiff, VersionTable, compare_versions, diff_versions
    from rca.diagnose import Diagnosis, diagnose
    from rca.engine import connect
    from rca.errors import RCAError
    from rca.logs import read_events, read_incident, read_logs, sniff
    from rca.model.comparison import Comparison
    from rca.model.event import Event, Events
    from rca.model.finding import Candidate, Finding
    from rca.model.incident import Incident
    from rca.model.logs import Logs
    from rca.model.metric import Metric
    from rca.model.result import Result
    from rca.model.window import Window
    from rca.report import export_html, write_triage


_HOMES = {
    "CostShifts": "rca.analysis.cost",
    "PriceJumps": "rca.analysis.cost",
    "explain_cost": "rca.analysis.cost",
    "price_jumps": "rca.analysis.cost",
    "sniff": "rca.logs",
    "Candidate": "rca.model.finding",
    "Comparison": "rca.model.comparison",
    "DriftProfile": "rca.analysis.drift",
    "Event": "rca.model.event",
    "Events": "rca.model.event",
    "Finding": "rca.model.finding",
    "Incident": "rca.model.incident",
    "Localization": "rca.analysis.slices",
    "Logs": "rca.model.logs",
    "Metric": "rca.model.metric",
    "RCAError": "rca.errors",
    "Result": "rca.model.result",
    "SliceSearch": "rca.analysis.slices",
    "SliceShifts": "rca.analysis.slices",
    "TextDrift": "rca.analysis.drift.text",
    "VersionDiff": "rca.analysis.versions",
    "VersionRamps": "rca.analysis.events",
    "VersionTable": "rca.analysis.versions",
    "version_ramps": "rca.analysis.events",
    "Window": "rca.model.window",
    "CrossSlicer": "rca.analysis.slices",
    "CrossSlices": "rca.analysis.slices",
    "cross_slices": "rca.analysis.slices",
    "Diagnosis": "rca.diagnose",
    "compare_versions": "rca.analysis.versions",
    "connect": "rca.engine",
    "correlate_events": "rca.analysis.events",
    "diagnose": "rca.diagnose",
    "find_slices": "rca.analysis.slices",
    "localize": "rca.analysis.slices",
    "diff_versions": "rca.analysis.versions",
    "examples": "rca.analysis.examples",
    "Examples": "rca.analysis.examples",
    "export_html": "rca.report",
    "drift_text": "rca.analysis.drift.text",
    "profile_drift": "rca.analysis.drift",
    "read_events": "rca.logs",
    "read_incident": "rca.logs",
    "read_logs": "rca.logs",
    "slice_metric": "rca.analysis.slices",
    "write_triage": "rca.report",
}

#: Parts that are used by name: ``rca.samples.drill``, ``rca.errors.WindowError``.
_PARTS = frozenset({"errors", "report", "samples", "widgets"})

__all__ = [  # noqa: PLE0604 - the names are strings
    *_HOMES,
    "__version__",
]


class _Package(ModuleType):
    """Keeps the verb ``diagnose`` from being hidden by the subpackage of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a subpackage on its parent whenever it is first imported, by anybody.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import rca`` stays light."""
    if name in _PARTS:
        return import_module(f"rca.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'rca' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
