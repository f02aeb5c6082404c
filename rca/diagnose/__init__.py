"""Findings weighed into candidates with probabilities."""

from rca.diagnose.result import Diagnosis
from rca.diagnose.verb import diagnose

__all__ = ["Diagnosis", "diagnose"]
