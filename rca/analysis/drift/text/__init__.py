"""Drift of free text: prompts and outputs."""

from rca.analysis.drift.text.result import TextDrift
from rca.analysis.drift.text.verb import drift_text

__all__ = ["TextDrift", "drift_text"]
