"""Slices: what each adds to a shift, and which few carry it."""

from rca.analysis.slices.crossfilter import CrossSlicer, CrossSlices, cross_slices
from rca.analysis.slices.found import SliceSearch
from rca.analysis.slices.localize import Localization, localize
from rca.analysis.slices.search import find_slices
from rca.analysis.slices.shifts import SliceShifts, slice_metric

__all__ = [
    "CrossSlicer",
    "CrossSlices",
    "Localization",
    "SliceSearch",
    "SliceShifts",
    "cross_slices",
    "find_slices",
    "localize",
    "slice_metric",
]
