"""``rca sniff``: what each file is taken for and why, its rows and times, and what to doubt."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rca.cli.screen import say
from rca.errors import RCAError

if TYPE_CHECKING:
    from rca.logs.intake import FileIntake, Intake

#: Files of one format that together hold more are told by their first records only.
_READ_BYTES = 256 * 2**20
_WORDS = {
    "requests": ("file of requests", "files of requests"),
    "details": ("file of details of requests", "files of details of requests"),
    "events": ("file of events", "files of events"),
    "series": ("file of metric series", "files of metric series"),
    "nothing": ("left out", "left out"),
}


@dataclass(frozen=True)
class _Read:
    """What reading some files whole adds to what their first records say."""

    lines: Mapping[Path, str]
    columns: str = ""
    doubts: tuple[str, ...] = field(default=())


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("sniff", help="say what exported files are taken for, and why")
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Sniff, read what is read quickly, and print what was found."""
    from rca.logs import sniff

    intake = sniff(options.paths)
    reads = list(_reads(intake.files))
    say(_counted(intake.files))
    lines = {path: line for read in reads for path, line in read.lines.items()}
    for file in intake.files:
        say(f"\n{file.path}\n    {_taken(file)}")
        if file.path in lines:
            say(f"    {lines[file.path]}")
    _listed("Columns understood:", [read.columns for read in reads if read.columns])
    guesses = [str(guess) for guess in intake.proposals if not guess.applied]
    _listed("Columns to map, where these guesses are right:", guesses)
    _listed("To doubt:", _doubts(intake, reads))


def _counted(files: Sequence[FileIntake]) -> str:
    takes = [file.takes for file in files]
    parts = [
        f"{takes.count(what)} {words[takes.count(what) > 1]}"
        for what, words in _WORDS.items()
        if what in takes
    ]
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}: {', '.join(parts)}."


def _taken(file: FileIntake) -> str:
    if file.takes == "nothing":
        return f"left out: {file.why}"
    what = file.format if file.format.startswith(file.takes) else f"{file.takes}: {file.format}"
    return f"{what} ({file.confidence:.0%} sure: {file.why})"


def _listed(title: str, lines: Sequence[str]) -> None:
    if lines:
        say("\n".join(["", title, *(f"- {line}" for line in lines)]))


def _doubts(intake: Intake, reads: Sequence[_Read]) -> list[str]:
    """Return each doubt once, without the files left out, which are said where they stand."""
    said = {f"{file.path.name} was left out: {file.why}" for file in intake.files}
    every = [*intake.caveats, *(doubt for read in reads for doubt in read.doubts)]
    return [doubt for doubt in dict.fromkeys(every) if doubt not in said]


def _reads(files: Sequence[FileIntake]) -> Iterator[_Read]:
    """Read requests that belong together as one log, and each file of events by itself.

    Files of one tool belong together; tables that no tool claims do when they share a folder.
    """
    logs: dict[tuple[str, Path | None], list[Path]] = {}
    for file in files:
        if file.takes == "requests":
            place = file.path.parent if file.columns else None
            logs.setdefault((file.format, place), []).append(file.path)
        elif file.takes == "events":
            yield _events(file.path)
    for (title, place), paths in logs.items():
        yield _requests(f"{title} in {place}" if place else title, paths)


def _requests(title: str, paths: list[Path]) -> _Read:
    from rca.logs import read_logs
    from rca.logs.aliases import CANONICAL

    n_bytes = sum(path.stat().st_size for path in paths)
    if n_bytes > _READ_BYTES:
        why = f"rows not counted, in {n_bytes / 2**20:,.0f} MB: read_logs(...).intake counts them"
        return _Read(dict.fromkeys(paths, why))
    try:
        logs = read_logs(paths)
    except RCAError as error:
        return _Read(dict.fromkeys(paths, _unread(error)))
    lines = {file.path: _rows(file) for file in logs.intake.files if file.path in paths}
    known = [name for name in logs.columns if name in CANONICAL]
    others = len(logs.columns) - len(known)
    more = f", and {others} of their own" if others else ""
    return _Read(lines, f"{title}: {', '.join(known) or 'none'}{more}", tuple(logs.caveats))


def _rows(file: FileIntake) -> str:
    kept = f"{file.n_kept or 0:,} of {file.n_rows or 0:,} rows kept"
    if file.first is None or file.last is None:
        return f"{kept}, without a time"
    return f"{kept}, {_times(file.first, file.last)}"


def _events(path: Path) -> _Read:
    from rca.logs import read_events

    try:
        events = read_events(path)
    except RCAError as error:
        return _Read({path: _unread(error)})
    doubts = tuple(f"{path.name}: {caveat.split(' (')[0]}" for caveat in events.caveats)
    if not events.items:
        return _Read({path: "no events"}, doubts=doubts)
    many = "event" if len(events.items) == 1 else "events"
    span = _times(events.items[0].ts, events.items[-1].ts)
    return _Read({path: f"{len(events.items):,} {many}, {span}"}, doubts=doubts)


def _unread(error: RCAError) -> str:
    return f"cannot be read: {' '.join(str(error).split())}"


def _times(first: datetime, last: datetime) -> str:
    if first == last:
        return f"{first:%Y-%m-%d %H:%M:%S} UTC"
    if first.date() == last.date():
        return f"{first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
