"""Evidently's reports on our samples, and its results as findings (needs ``rca[evidently]``)."""

from rca.adapters.evidently.read import read_results
from rca.adapters.evidently.report import EvidentlyReport, run

__all__ = ["EvidentlyReport", "read_results", "run"]
