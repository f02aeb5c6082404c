"""What new cases would do to a set: added, doubled, in conflict, or leaking what is held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from rca.errors import BadValueError
from rca.model.finding import Finding
from rca.model.result import Result
from rca.respond.evalset.case import EvalCase
from rca.respond.evalset.near import NEAR, NearIndex
from rca.respond.evalset.redact import Redact, mask
from rca.respond.files import checked

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from rca.respond.evalset.store import EvalSet

Outcome = Literal["added", "near_duplicate", "label", "exact_duplicate", "conflict", "leak"]
#: Outcomes that are not taken into the set.
REFUSED = ("exact_duplicate", "conflict", "leak")


@dataclass(frozen=True, eq=False)
class EvalSetPatch(Result):
    """What :func:`propose` found of each case; :func:`apply` writes what was not refused.

    Attributes
    ----------
    base : EvalSet
        The version that it was made for.
    added : tuple of EvalCase
        New cases, redacted, of the regression split; those near to another case among them.
    labels : tuple of EvalCase
        Cases of the set that had no label, with the one proposed.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "id": "the case proposed",
        "outcome": "added, near_duplicate (added, listed), label, or refused: exact_duplicate, "
        "conflict or leak",
        "of": "the case that it doubles, labels, contradicts or leaks",
        "similarity": "shared runs of five characters, from 0 to 1",
        "labelled": "whether it can count in a score",
        "reason": "why, in words",
    }

    base: EvalSet = None  # type: ignore[assignment]
    added: tuple[EvalCase, ...] = ()
    labels: tuple[EvalCase, ...] = ()

    def ids(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the ids of the cases with an outcome."""
        return tuple(self.table.loc[self.table["outcome"] == outcome, "id"])

    def without(self, *ids: str) -> EvalSetPatch:
        """Return the patch without some of its cases: the near duplicates a person rejects."""
        known = {case.id for case in (*self.added, *self.labels)} | set(self.table["id"])
        for name in ids:
            if name not in known:
                raise BadValueError(f"the patch has no case {name!r}. It has: {sorted(known)}.")
        return replace(
            self,
            table=self.table[~self.table["id"].isin(ids)].reset_index(drop=True),
            added=tuple(case for case in self.added if case.id not in ids),
            labels=tuple(case for case in self.labels if case.id not in ids),
        )

    def refusals(self) -> str:
        """Return how many cases were refused, by reason, in words."""
        counts = self.table["outcome"].value_counts()
        said = [f"{counts[name]} {name}" for name in REFUSED if name in counts]
        return ", ".join(said) or "none refused"

    def summary(self) -> str:
        """Return how many cases would be added to how many."""
        return (
            f"{len(self.added)} of {len(self.table)} cases would be added to the "
            f"{len(self.base.cases):,} of version {self.base.version}, {len(self.labels)} would "
            f"get a label; {self.refusals()}."
        )

    def plot(self) -> go.Figure:
        """Draw the number of cases by outcome."""
        from rca.plots.respond import counts_figure

        return counts_figure(self.table["outcome"], title="What becomes of the cases proposed")

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each kind of case that a person should look at."""
        looked_at: tuple[Outcome, ...] = ("conflict", "leak", "near_duplicate")
        return tuple(
            Finding(
                code=f"EVALSET_{outcome.upper()}",
                claim=f"{len(ids)} of {len(self.table)} proposed cases: {outcome} "
                f"({', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''})",
                estimate=float(len(ids)),
                n=len(self.table),
                unit="cases",
                call=self.call,
                details={"ids": list(ids)},
            )
            for outcome in looked_at
            if (ids := self.ids(outcome))
        )


@dataclass(frozen=True)
class _Judged:
    outcome: Outcome
    case: EvalCase
    other: EvalCase | None = None
    similarity: float = 0.0
    reason: str = ""


def propose(
    base: EvalSet,
    cases: Iterable[EvalCase],
    *,
    added_by: str,
    redact: Redact = mask,
    seen_in_training: Sequence[str] = (),
    near: float = NEAR,
) -> EvalSetPatch:
    """Return what adding cases to a set would do; nothing is written.

    Each case is redacted first, then compared by its folded input with every case of the set and
    with the cases before it:

    - equal or near to a case held out or trained on: a *leak*, refused
    - equal to another case with another answer: a *conflict*, refused, for a person to settle
    - equal to another case with the same answer or none: an *exact duplicate*, refused
    - equal to a case that has no answer yet, with one: a *label* for that case
    - near to another case: *added*, and listed for a person (:meth:`EvalSetPatch.without`)

    Parameters
    ----------
    base : EvalSet
        The newest version.
    cases : iterable of EvalCase
        Failures of an incident, say.
    added_by : str
        Who proposes them.
    redact : callable
        Given each text, returns it fit to keep; the default masks e-mail addresses, keys and long
        numbers. It cannot be left out.
    seen_in_training : sequence of str
        Inputs that the model or its prompt has seen, such as few-shot examples: they count as
        trained on.
    near : float
        The similarity from which two inputs are near.

    Raises
    ------
    BadValueError
        ``redact`` is no function or returns no text, a case is of the holdout or of train, an id
        is taken, or nobody is named.

    Examples
    --------
    >>> import tempfile
    >>> from rca.respond.evalset import EvalCase, create
    >>> kept = EvalCase(id="a", input="2 + 2?", expected="4", labelled_by="ann", redacted=True)
    >>> new = [EvalCase(id="b", input=" 2 + 2? ", expected="5", labelled_by="bob"),
    ...        EvalCase(id="c", input="Who is ann@example.org?")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     base = create(f"{folder}/sums", [kept], actor="ann", reason="first cases")
    ...     patch = propose(base, new, added_by="ann")
    >>> patch.table[["id", "outcome"]].values.tolist(), patch.added[0].input
    ([['b', 'conflict'], ['c', 'added']], 'Who is [email]?')
    """
    import pandas as pd

    if not added_by.strip():
        raise BadValueError("added_by is blank. Say who proposes the cases.")
    judged = _judge_all(base, [_ready(case, redact, added_by) for case in cases],
                        seen_in_training, near)  # fmt: skip
    rows = [
        (
            one.case.id,
            one.outcome,
            one.other.id if one.other else "",
            one.similarity,
            one.case.labelled,
            one.reason,
        )
        for one in judged
    ]
    unlabelled = sum(one.outcome in ("added", "near_duplicate") and not one.case.labelled
                     for one in judged)  # fmt: skip
    return EvalSetPatch(
        table=pd.DataFrame(rows, columns=list(EvalSetPatch.columns)),
        caveats=(f"{unlabelled} added cases have no label and count in no score.",)
        if unlabelled
        else (),
        call=f"rca.respond.evalset.propose(base, cases, added_by={added_by!r})",
        base=base,
        added=tuple(o.case for o in judged if o.outcome in ("added", "near_duplicate")),
        labels=tuple(_labelled(o) for o in judged if o.outcome == "label"),
    )


def _ready(case: EvalCase, redact: Redact, added_by: str) -> EvalCase:
    if not callable(redact):
        raise BadValueError(
            f"redact = {redact!r}: cases enter a set redacted. Give a function of a text, or leave "
            "it out to mask e-mail addresses, keys and long numbers."
        )
    if case.split != "regression":
        raise BadValueError(
            f"case {case.id!r} is of the split {case.split!r}. New cases are of 'regression'; the "
            "holdout is frozen."
        )
    fields = case.model_dump()
    for name in ("input", "expected", "rubric"):
        if fields[name] is not None:
            fields[name] = redact(fields[name])
            if not isinstance(fields[name], str):
                raise BadValueError(
                    f"redact returned {fields[name]!r} for the {name} of {case.id!r}, not a text."
                )
    fields |= {"redacted": True, "added_by": case.added_by or added_by}
    fields["added_at"] = case.added_at or datetime.now(UTC).replace(microsecond=0)
    return checked(EvalCase, fields, where=f"case {case.id!r} after redaction")


def _judge_all(
    base: EvalSet, cases: Sequence[EvalCase], seen_in_training: Sequence[str], near: float
) -> list[_Judged]:
    if not 0 < near <= 1:
        raise BadValueError(f"near = {near} is no similarity. Give one above 0, up to 1.")
    trained = [
        EvalCase(id=f"training-{number}", input=text, split="train")
        for number, text in enumerate(seen_in_training, start=1)
        if text.strip()
    ]
    guarded = NearIndex([*base.of("holdout"), *base.of("train"), *trained])
    open_cases = NearIndex(base.of("regression"))
    by_key = {case.key: case for case in base.of("regression")}
    ids = {case.id for case in base.cases}
    judged = []
    for case in cases:
        if case.id in ids:
            raise BadValueError(f"the id {case.id!r} is taken. Give each case its own.")
        ids.add(case.id)
        one = _judge(case, guarded, open_cases, by_key, near)
        judged.append(one)
        if one.outcome in ("added", "near_duplicate"):
            open_cases.add(case)
            by_key[case.key] = case
        elif one.outcome == "label":
            by_key[case.key] = _labelled(one)
    return judged


def _judge(
    case: EvalCase,
    guarded: NearIndex,
    open_cases: NearIndex,
    by_key: Mapping[str, EvalCase],
    near: float,
) -> _Judged:
    leak = guarded.nearest(case.input, threshold=near)
    if leak is not None:
        what = "held out" if leak[0].split == "holdout" else "trained on"
        return _Judged("leak", case, *leak, f"equal or near to a case that is {what}")
    other = by_key.get(case.key)
    if other is not None:
        if case.labelled and not other.labelled:
            return _Judged("label", case, other, 1.0, "labels a case that had no label")
        if case.labelled and other.labelled and not case.agrees(other):
            return _Judged("conflict", case, other, 1.0, "same input, another answer")
        return _Judged("exact_duplicate", case, other, 1.0, "same input")
    found = open_cases.nearest(case.input, threshold=near)
    if found is not None:
        return _Judged("near_duplicate", case, *found, "added; look whether both are needed")
    return _Judged("added", case, reason="new")


def _labelled(one: _Judged) -> EvalCase:
    assert one.other is not None
    label = {name: getattr(one.case, name) for name in ("expected", "rubric", "labelled_by")}
    return one.other.model_copy(update=label)
