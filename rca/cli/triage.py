"""``rca triage``: from a folder of exports to ranked candidates, a notebook and a page."""

from __future__ import annotations

import argparse
import json
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
    from rca.report.files import write_text

    to_stdout = options.json == "-"
    out = options.out or (None if options.json else Path())
    kept = None if options.json is None or to_stdout else Path(options.json)
    _check_targets(out, kept)
    with steps(quiet=to_stdout) as step:
        step("reading the logs and events")
        incident = read_incident(options.folder, metric=options.metric, alerted_at=options.at)
        diagnosis = diagnose(incident, progress=step)
        written: tuple[Path, ...] = ()
        if out is not None:
            from rca.report.triage import write_triage

            written = write_triage(
                options.folder, out, metric=options.metric, alerted_at=options.at, progress=step
            )
    if kept is not None:
        write_text(kept, as_json(diagnosis) + "\n")
    if to_stdout:
        print(as_json(diagnosis))
        return
    say(as_text(diagnosis))
    written = (*written, *([kept] if kept else []))
    say("\n" + "\n".join(f"wrote {path}" for path in written))


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


def as_json(diagnosis: Diagnosis) -> str:
    """Return the machine-readable answer."""
    return json.dumps(diagnosis.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)


def _check_targets(out: Path | None, kept: Path | None) -> None:
    """Find out before the work that the answers can be kept."""
    from rca.report.files import check_writable

    if out is not None:
        check_writable(out)
    if kept is not None:
        if kept.is_dir():
            raise OutputError(f"{str(kept)!r} is a folder. Give --json the name of a file.")
        check_writable(kept.parent)
