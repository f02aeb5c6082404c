"""Compare a diagnosis with the truth: rank, what was named rightly, and how sure it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rca.errors import BadValueError
from rca.samples.truth import Cause, Truth, plain_kind


@dataclass(frozen=True)
class Scored:
    """How right a diagnosis was.

    Attributes
    ----------
    rank
        Rank (from 1) of the first candidate that names a planted cause; None when none does.
    hit_kind, hit_event, hit_slice, hit_column
        Whether that candidate (the first one when none is right) has the cause's kind, event,
        slice and column. A cause without a slice or a column is hit by any.
    probability
        Sum of the probabilities of all right candidates.
    brier
        Sum over candidates of ``(p - y)**2``, plus what the causes that no candidate names are
        owed; ``y`` is one over the number of planted causes for a right candidate, else 0. From 0
        (sure and right) to 2 (sure and wrong).
    found
        Share of the planted causes that some candidate names.
    """

    rank: int | None
    hit_kind: bool
    hit_event: bool
    hit_slice: bool
    hit_column: bool
    probability: float
    brier: float
    found: float

    @property
    def right(self) -> bool:
        """Whether the first candidate names a planted cause."""
        return self.rank == 1


def compare(truth: Truth, diagnosis: Mapping[str, Any]) -> Scored:
    """Score the ``--json`` of a diagnosis, or any mapping with its ``candidates``.

    A candidate names a cause with an event when it has the same ``event_id``. It names a cause
    without one when it has no event either, its kind is the cause's (``model_version``, ``release``
    and ``rollback`` count as ``deploy``, ``price`` as ``data_quality``), and for ``upstream`` and
    ``input`` its slice fits. A slice fits when it shares a value with the cause's and contradicts
    none of the others.

    Raises
    ------
    BadValueError
        There is no list of candidates, or a candidate has no probability between 0 and 1.

    Examples
    --------
    >>> truth = Truth("pipeline_nulls", (Cause("pipeline", event_id="run-7", column="plan"),))
    >>> candidates = [
    ...     {"probability": 0.8, "kind": "pipeline", "event_id": "run-7", "column": "plan"},
    ...     {"probability": 0.2, "kind": "none", "event_id": None},
    ... ]
    >>> scored = compare(truth, {"candidates": candidates})
    >>> scored.rank, scored.hit_column, scored.probability, round(scored.brier, 3)
    (1, True, 0.8, 0.08)
    """
    candidates = _candidates(diagnosis)
    owed = 1.0 / len(truth.causes)
    brier, probability, rank = 0.0, 0.0, None
    best, best_cause = (candidates[0] if candidates else {}), truth.cause
    open_causes = list(truth.causes)
    for i, candidate in enumerate(candidates, start=1):
        p = float(candidate["probability"])
        cause = next((c for c in truth.causes if names(candidate, c)), None)
        if cause is not None:
            probability += p
            if rank is None:
                rank, best, best_cause = i, candidate, cause
        expected = 0.0
        if cause is not None and cause in open_causes:
            open_causes.remove(cause)
            expected = owed
        brier += (p - expected) ** 2
    brier += len(open_causes) * owed**2
    return Scored(
        rank=rank,
        hit_kind=plain_kind(str(best.get("kind"))) == plain_kind(best_cause.kind),
        hit_event=best.get("event_id") == best_cause.event_id and bool(best),
        hit_slice=fits(best.get("slice") or {}, best_cause),
        hit_column=best_cause.column is None or best.get("column") == best_cause.column,
        probability=probability,
        brier=brier,
        found=1 - len(open_causes) / len(truth.causes),
    )


def names(candidate: Mapping[str, Any], cause: Cause) -> bool:
    """Whether a candidate names a cause, as :func:`compare` defines it."""
    if cause.event_id is not None:
        return candidate.get("event_id") == cause.event_id
    same = plain_kind(str(candidate.get("kind"))) == plain_kind(cause.kind)
    if not same or candidate.get("event_id") is not None:
        return False
    return cause.kind not in {"upstream", "input"} or fits(candidate.get("slice") or {}, cause)


def fits(given: Mapping[str, Any], cause: Cause) -> bool:
    """Whether a slice shares a value with the cause's and contradicts none."""
    if not cause.slice:
        return True
    shared = [column for column in cause.slice if column in given]
    return bool(shared) and all(_same(given[column], cause.slice[column]) for column in shared)


def _same(given: object, wanted: str | list[str]) -> bool:
    some = {str(v) for v in given} if isinstance(given, list | tuple | set) else {str(given)}
    return bool(some & ({wanted} if isinstance(wanted, str) else set(wanted)))


def _candidates(diagnosis: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    candidates = diagnosis.get("candidates")
    if not isinstance(candidates, list | tuple):
        raise BadValueError("the diagnosis has no list 'candidates'. Give what --json writes.")
    for candidate in candidates:
        p = candidate.get("probability")
        if not isinstance(p, int | float) or not -1e-9 <= p <= 1 + 1e-9:
            raise BadValueError(f"a candidate's probability is {p!r}; it must be from 0 to 1.")
    ordered = sorted(candidates, key=lambda c: int(c.get("rank", 0)))
    return list(ordered)
