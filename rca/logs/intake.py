"""What was taken in: each file, what it was taken for and why, and what to doubt of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rca.logs.propose import Proposal
from rca.model.finding import Finding
from rca.model.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_ROUND = (100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000)
_SHOWN = 5
_GAP = 5.0


@dataclass(frozen=True)
class FileIntake:
    """One file: what it was taken for, how surely and why, and its rows by what became of them."""

    path: Path
    format: str
    takes: str
    confidence: float
    why: str
    n_rows: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    columns: frozenset[str] = frozenset()

    @property
    def n_left_out(self) -> int:
        """How many rows are no rows of the log, by any reason."""
        return sum(self.left_out.values())

    @property
    def n_kept(self) -> int | None:
        """How many rows are in the log: all but those left out."""
        return None if self.n_rows is None else self.n_rows - self.n_left_out


@dataclass(frozen=True, eq=False)
class Intake(Result):
    """The report of what reading took in.

    Attributes
    ----------
    files : tuple of FileIntake
        In order of name; those that hold no rows are there too, with the reason.
    proposals : tuple of Proposal
        For an unknown table: which column may be which canonical one, and how surely.
    unread : mapping of column to count
        Values that could not be read and are empty in the log.
    n_repeated : int or None
        Rows whose request_id an earlier row has: overlapping exports, or a tool that logs twice.
        None when nobody looked.
    times : str
        ``absolute``, ``relative`` (a clock that starts at zero: no event can be put beside it),
        ``none``, or empty where the rows were not read.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "file": "name of the file",
        "format": "what it was taken for",
        "takes": "requests, details of their traces, events, series or nothing",
        "confidence": "how surely, from 0 to 1",
        "why": "by what it was known",
        "n_rows": "rows in the file",
        "n_kept": "rows of it in the log",
        "n_left_out": "rows of it that are not, each with a reason in left_out",
        "left_out": "reasons and their counts",
        "first": "time of the first row kept (UTC)",
        "last": "time of the last row kept (UTC)",
    }

    files: tuple[FileIntake, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    n_repeated: int | None = None
    times: str = ""

    @property
    def n_rows(self) -> int:
        """How many rows the files hold."""
        return sum(file.n_rows or 0 for file in self.files)

    @property
    def n_kept(self) -> int:
        """How many of them are in the log."""
        return sum(file.n_kept or 0 for file in self.files)

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many rows are not, by reason."""
        total: dict[str, int] = {}
        for file in self.files:
            for reason, count in file.left_out.items():
                total[reason] = total.get(reason, 0) + count
        return total

    def summary(self) -> str:
        """Return what was read, in one sentence."""
        taken = [file for file in self.files if file.takes != "nothing"]
        formats = ", ".join(sorted({file.format for file in taken}))
        files = "file" if len(self.files) == 1 else "files"
        if not taken:
            return f"{len(self.files)} {files}, none of them known to hold rows."
        of = "" if len(taken) == len(self.files) else f" of {len(self.files)}"
        counted = [file for file in taken if file.n_rows is not None]
        rows = ""
        if counted:
            rows = f": {self.n_kept:,} of {self.n_rows:,} rows kept"
        guesses = "; ".join(str(guess) for guess in self.proposals if not guess.applied)
        perhaps = f" Perhaps {guesses}." if guesses else ""
        twice = f", {self.n_repeated:,} of them with a repeated id" if self.n_repeated else ""
        return f"{len(taken)}{of} {files} taken as {formats}{rows}{twice}.{perhaps}"

    def plot(self) -> go.Figure:
        """Draw the time that each file covers."""
        import plotly.graph_objects as go

        timed = self.table.dropna(subset=["first", "last"])
        figure = go.Figure(
            go.Bar(
                base=timed["first"],
                x=(timed["last"] - timed["first"]).dt.total_seconds() * 1e3,
                y=timed["file"],
                orientation="h",
                customdata=timed[["last", "n_kept"]],
                hovertemplate="%{base} to %{customdata[0]}: %{customdata[1]:,} rows<extra></extra>",
            )
        )
        figure.update_layout(
            title="Time covered by each file (UTC)",
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            xaxis={"type": "date"},
            yaxis={"autorange": "reversed"},
            height=max(240, 60 + 28 * len(timed)),
        )
        return figure

    def findings(self) -> tuple[Finding, ...]:
        """Return a finding for each doubt."""
        return tuple(
            Finding("INTAKE", claim=caveat, n=self.n_rows or None, call=self.call)
            for caveat in self.caveats
        )


def intake(
    files: Sequence[FileIntake],
    *,
    proposed: Sequence[Proposal] = (),
    unread: Mapping[str, int] | None = None,
    n_repeated: int | None = None,
    times: str = "",
    call: str = "",
    notes: Sequence[str] = (),
) -> Intake:
    """Return the report of some files, with what to doubt of them."""
    import pandas as pd

    ordered = sorted(files, key=lambda file: str(file.path))
    rows = [
        {
            "file": file.path.name,
            "format": file.format,
            "takes": file.takes,
            "confidence": file.confidence,
            "why": file.why,
            "n_rows": file.n_rows,
            "n_kept": file.n_kept,
            "n_left_out": file.n_left_out,
            "left_out": "; ".join(f"{n:,} {why}" for why, n in file.left_out.items()),
            "first": file.first,
            "last": file.last,
        }
        for file in ordered
    ]
    table: pd.DataFrame = pd.DataFrame(rows, columns=list(Intake.columns))
    table = table.astype({"n_rows": "Int64", "n_kept": "Int64"})
    lost = {name: n for name, n in (unread or {}).items() if n}
    return Intake(
        table=table,
        caveats=(*notes, *_doubts(ordered, lost)),
        call=call,
        files=tuple(ordered),
        proposals=tuple(proposed),
        unread=lost,
        n_repeated=n_repeated,
        times=times,
    )


def _doubts(files: Sequence[FileIntake], unread: Mapping[str, int]) -> list[str]:
    return [
        *(
            f"{file.path.name} was left out: {file.why}"
            for file in files
            if file.takes == "nothing"
        ),
        *_reasons(files),
        *(f"{n:,} values of {name} could not be read and are empty" for name, n in unread.items()),
        *_rounds(files),
        *_differing(files),
        *_times(files),
    ]


def _reasons(files: Sequence[FileIntake]) -> list[str]:
    found = []
    for file in files:
        for reason, n in file.left_out.items():
            found.append(
                f"{n:,} of {file.n_rows or 0:,} rows of {file.path.name} left out: {reason}"
            )
    return _few(found)


def _rounds(files: Sequence[FileIntake]) -> list[str]:
    return _few(
        [
            f"{file.path.name} has exactly {file.n_rows:,} rows: an export that was cut there?"
            for file in files
            if file.n_rows in _ROUND and file.n_rows >= 500
        ]
    )


def _differing(files: Sequence[FileIntake]) -> list[str]:
    """Name the files whose columns are not those of most of their format."""
    kinds: dict[str, list[FileIntake]] = {}
    for file in files:
        if file.columns and file.takes == "requests":
            kinds.setdefault(file.format, []).append(file)
    found = []
    for alike in kinds.values():
        sets = [file.columns for file in alike]
        usual = max(set(sets), key=sets.count)
        found += [
            f"{file.path.name} {_difference(file.columns, usual)}"
            for file in alike
            if file.columns != usual
        ]
    return _few(found)


def _difference(columns: frozenset[str], usual: frozenset[str]) -> str:
    if columns.isdisjoint(usual):
        return "shares no column with most: another table?"
    return "has other columns than most: " + ", ".join(
        [f"without {name}" for name in sorted(usual - columns)[:3]]
        + [f"with {name}" for name in sorted(columns - usual)[:3]]
    )


def _times(files: Sequence[FileIntake]) -> list[str]:
    """Name gaps and overlaps between the times that files cover."""
    spans = sorted(
        ((file.first, file.last, file.path.name) for file in files if file.first and file.last),
        key=lambda span: (span[0], span[1]),
    )
    if len(spans) < 2:
        return []
    found = []
    steps = [(later[0] - earlier[1]).total_seconds() for earlier, later in pairwise(spans)]
    length = sorted((last - first).total_seconds() for first, last, _ in spans)[len(spans) // 2]
    # One step alone cannot tell what is usual; of two, the smaller one does.
    usual = sorted(max(0.0, step) for step in steps)[(len(steps) - 1) // 2]
    usual = usual if len(steps) > 1 else 0.0
    reached, by = spans[0][1], spans[0][2]
    for first, last, name in spans[1:]:
        gap = (first - reached).total_seconds()
        if gap < 0:
            found.append(f"{name} overlaps {by} in time: its rows may be there twice")
        elif gap > max(_GAP * usual, 0.5 * length, 60.0):
            found.append(f"no file covers {reached:%Y-%m-%d %H:%M} to {first:%Y-%m-%d %H:%M} UTC")
        if last > reached:
            reached, by = last, name
    return _few(found)


def _few(found: list[str]) -> list[str]:
    more = len(found) - _SHOWN
    return found if more <= 0 else [*found[:_SHOWN], f"and {more} more like this"]
