"""Metric series that were aggregated elsewhere, for incidents that left no request log."""

from rca.logs.series.reader import read_many, read_series
from rca.logs.series.series import MetricSeries

__all__ = ["MetricSeries", "read_many", "read_series"]
