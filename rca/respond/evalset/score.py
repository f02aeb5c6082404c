"""A model's score on a set, with the cases of before kept apart from those just added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rca.errors import BadValueError, listed
from rca.model.finding import Finding
from rca.model.result import Result
from rca.respond.evalset.case import EvalCase
from rca.respond.evalset.store import EvalSet
from rca.stats.ratio import wilson

if TYPE_CHECKING:
    import plotly.graph_objects as go

BEFORE, NEW, ALL = "cases of before", "new cases", "all cases"


@dataclass(frozen=True, eq=False)
class EvalScore(Result):
    """The share of labelled cases answered right.

    Attributes
    ----------
    headline : float
        The share on the cases of the version before, so that adding hard cases does not move it.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "cases": "which labelled cases: those of before, the new ones, all, or of one slice",
        "right": "cases answered right",
        "n": "cases answered",
        "share": "right / n",
        "low": "lower end of its 95 % interval (Wilson)",
        "high": "upper end",
    }

    headline: float = float("nan")
    version: int = 0

    def summary(self) -> str:
        """Return the score on the cases of before and on the new ones."""
        said = [
            f"{row['share']:.1%} of the {row['n']} {row['cases']} "
            f"(95 % CI {row['low']:.1%} to {row['high']:.1%})"
            for row in self.table.to_dict("records")
            if row["cases"] in (BEFORE, NEW) and row["n"]
        ]
        return f"answered right: {'; '.join(said) or 'no labelled case'} (version {self.version})."

    def plot(self) -> go.Figure:
        """Draw each share with its interval."""
        from rca.plots.respond import shares_figure

        return shares_figure(self.table, title="Answered right")

    def findings(self) -> tuple[Finding, ...]:
        """Return the headline, with its interval."""
        row = self.table.iloc[0]
        if not row["n"]:
            return ()
        return (
            Finding(
                code="EVALSET_SCORE",
                claim=f"{row['share']:.1%} of {row['n']} {row['cases']} are answered right "
                f"(version {self.version} of the set)",
                estimate=float(row["share"]),
                ci=(float(row["low"]), float(row["high"])),
                n=int(row["n"]),
                unit="share",
                call=self.call,
            ),
        )


def score(
    current: EvalSet, outcomes: Mapping[str, bool], *, before: EvalSet | None = None
) -> EvalScore:
    """Return the share of cases answered right, on the cases of before and on the new ones.

    The headline is of the cases that the version before had labelled (of all, where there is no
    version before), so a set that grew by twelve hard cases does not make the same model look
    worse. Cases without a label count nowhere; the holdout counts only where it has outcomes.

    Parameters
    ----------
    current : EvalSet
    outcomes : mapping of case id to bool
        Whether each case was answered right.
    before : EvalSet, optional
        An earlier version of the same set.

    Raises
    ------
    BadValueError
        An outcome is of no case of the set, of one without a label, or not a bool; or ``before``
        is of another set or no earlier version.

    Examples
    --------
    >>> import tempfile
    >>> from rca.respond.evalset import EvalCase, apply, create, propose
    >>> def case(name, text):
    ...     return EvalCase(id=name, input=text, expected="4", labelled_by="ann", redacted=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     old = create(f"{folder}/sums", [case("a", "2 + 2")], actor="ann", reason="first")
    ...     new = apply(propose(old, [case("b", "9 - five")], added_by="ann"),
    ...                 actor="ann", reason="it failed")
    >>> print(score(new, {"a": True, "b": False}, before=old).headline)
    1.0
    """
    import pandas as pd

    _known(current, outcomes, before)
    old = {case.id for case in before.cases if case.labelled} if before else None
    counted = [case for case in current.cases if case.labelled and case.id in outcomes]
    groups = {
        BEFORE: [c for c in counted if old is None or c.id in old],
        NEW: [c for c in counted if old is not None and c.id not in old],
        ALL: counted,
    }
    for name in sorted({case.slice for case in counted if case.slice}):
        groups[f"slice {name}"] = [case for case in counted if case.slice == name]
    rows = [_row(name, of, outcomes) for name, of in groups.items()]
    table = pd.DataFrame(rows, columns=list(EvalScore.columns))
    return EvalScore(
        table=table,
        caveats=_caveats(current, counted),
        call="rca.respond.evalset.score(current, outcomes, before=before)",
        headline=float(table["share"].iloc[0]),
        version=current.version,
    )


def _row(
    name: str, cases: list[EvalCase], outcomes: Mapping[str, bool]
) -> tuple[str, int, int, float, float, float]:
    right, n = sum(outcomes[case.id] for case in cases), len(cases)
    if not n:
        return name, 0, 0, float("nan"), float("nan"), float("nan")
    low, high = wilson(right, n)
    return name, right, n, right / n, low, high


def _known(current: EvalSet, outcomes: Mapping[str, bool], before: EvalSet | None) -> None:
    cases = {case.id: case for case in current.cases}
    for name, value in outcomes.items():
        if name not in cases:
            raise BadValueError(
                f"an outcome is of {name!r}, which is no case of version {current.version}. "
                f"It has: {listed(cases, 5)}."
            )
        if not isinstance(value, (bool, np.bool_)):
            raise BadValueError(f"the outcome of {name!r} is {value!r}. Give True or False.")
        if not cases[name].labelled:
            raise BadValueError(
                f"case {name!r} has no label, so no answer to it is right or wrong. "
                "Label it with propose, or leave its outcome out."
            )
    if before is None:
        return
    if before.folder.resolve() != current.folder.resolve() or before.version > current.version:
        raise BadValueError(
            f"before is {before}, which is no earlier version of {current.folder.name}. "
            "Read it with read_evalset(folder, version=...)."
        )


def _caveats(current: EvalSet, counted: Iterable[EvalCase]) -> tuple[str, ...]:
    ids = {case.id for case in counted}
    unlabelled = sum(not case.labelled for case in current.cases)
    silent = sum(case.labelled and case.id not in ids for case in current.of("regression"))
    said = []
    if unlabelled:
        said.append(f"{unlabelled} cases have no label and count in no score.")
    if silent:
        said.append(f"{silent} labelled regression cases have no outcome and are left out.")
    return tuple(said)
