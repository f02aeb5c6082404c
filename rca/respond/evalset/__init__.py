"""Failures kept as cases: proposed, checked for doubles and leaks, added as a new version."""

from rca.respond.evalset.case import EvalCase
from rca.respond.evalset.patch import EvalSetPatch, propose
from rca.respond.evalset.redact import mask
from rca.respond.evalset.score import EvalScore, score
from rca.respond.evalset.store import EvalSet, apply, create, read_evalset

__all__ = [
    "EvalCase",
    "EvalScore",
    "EvalSet",
    "EvalSetPatch",
    "apply",
    "create",
    "mask",
    "propose",
    "read_evalset",
    "score",
]
