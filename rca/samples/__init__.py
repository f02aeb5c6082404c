"""Simulated incidents with a known cause: for practice, for tests and for calibration.

A *service* is drawn from wide priors (what it logs, who calls it, its seasons and noise), then an
*event history* full of events that explain nothing, then a *fault* with its onset, scope, size and
shape. :func:`simulate` puts them together, :func:`write` makes a folder of it, :func:`drill` hides
the truth, :func:`compare` scores a diagnosis against it.
"""

from __future__ import annotations

from rca.samples.big import big_log
from rca.samples.drills import answer, drill
from rca.samples.families import FAMILIES, Family
from rca.samples.folder import read_truth, write
from rca.samples.scene import SimulatedIncident, simulate
from rca.samples.score import Scored, compare
from rca.samples.showcase import SAMPLES, sample, write_samples
from rca.samples.truth import Cause, Truth

__all__ = [
    "FAMILIES",
    "SAMPLES",
    "Cause",
    "Family",
    "Scored",
    "SimulatedIncident",
    "Truth",
    "answer",
    "big_log",
    "compare",
    "drill",
    "read_truth",
    "sample",
    "simulate",
    "write",
    "write_samples",
]
