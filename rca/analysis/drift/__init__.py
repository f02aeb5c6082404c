"""Which columns' distributions moved, how, since when, and what of the metric goes with it."""

from rca.analysis.drift.result import DriftProfile
from rca.analysis.drift.verb import profile_drift

__all__ = ["DriftProfile", "profile_drift"]
