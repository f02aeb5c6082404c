"""``rca triage``: from a folder of exports to ranked candidates, a notebook and a page."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rca.cli.screen import printable, say, steps
from rca.errors import OutputError

if TYPE_CHECKING:
    from rca.diagnose import Diagnosis


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "triage",
        help="rank the candidates of an incident folder",
        description="Rank the candidates of an incident: a folder with requests.*, events.* and "
        "perhaps incident.toml. Writes triage.ipynb and triage.html unless only --json is asked.",
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--metric", metavar="M", help="what was noticed; default: scan for it")
    parser.add_argument("--at", metavar="TIME", help="when it was noticed, ISO 8601")
    parser.add_argument(
        "--json", metavar="FILE", help="write the machine-readable diagnosis; - for standard output"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="where triage.ipynb and triage.html go"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Diagnose, print, and write what was asked for."""
    from rca.diagnose import diagnose
    from rca.logs import read_incident

    to_stdout = options.json == "-"
    out = options.out or (None if options.json else Path())
    for target in filter(None, (out, Path(options.json).parent if options.json else None)):
        _check_writable(target)
    with steps(quiet=to_stdout) as step:
        step("reading the logs and events")
        incident = read_incident(options.folder, metric=options.metric, alerted_at=options.at)
        diagnosis = diagnose(incident, progress=step)
        if out is not None:
            from rca.report import write_triage

            written = write_triage(
                options.folder, out, metric=options.metric, alerted_at=options.at, progress=step
            )
    if options.json:
        _write_json(diagnosis, options.json)
    if not to_stdout:
        say(as_text(diagnosis))
        if out is not None:
            say("\n".join(f"wrote {path}" for path in written))


def as_text(diagnosis: Diagnosis) -> str:
    """Return the answer as a person reads it in a terminal."""
    lines = [diagnosis.summary(), "", "Candidates:"]
    for candidate in diagnosis.candidates[:_SHOWN]:
        lines.append(f"  {candidate}")
        lines += [f"       {part.log_odds:+5.1f}  {part.reason}" for part in candidate.evidence]
    left = len(diagnosis.candidates) - _SHOWN
    if left > 0:
        lines.append(f"  ... and {left} more, in --json and in the notebook")
    if diagnosis.caveats:
        lines += ["", "Keep in mind:", *(f"  - {caveat}" for caveat in diagnosis.caveats)]
    return printable("\n".join(lines))


_SHOWN = 5


def _check_writable(folder: Path) -> None:
    """Find out before the work that the answer can be kept."""
    from os import W_OK, access

    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not access(existing, W_OK):
        raise OutputError(f"cannot write in {str(folder)!r}. Give another --out or --json.")


def _write_json(diagnosis: Diagnosis, target: str) -> None:
    text = json.dumps(diagnosis.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)
    if target == "-":
        print(text, file=sys.stdout)
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    half.write_text(text + "\n", encoding="utf-8")
    half.replace(path)
