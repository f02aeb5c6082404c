"""``rca drill``: an incident to practise on, whose truth stays hidden until it is asked for."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from rca.cli.screen import say


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("drill", help="write an incident to practise on")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--seed", metavar="N", type=int, help="the same number, the same incident")
    parser.add_argument(
        "--answer", action="store_true", help="diagnose DIR and compare with its hidden truth"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write a drill, or compare the diagnosis of one with its truth."""
    from rca import samples

    if options.answer:
        from rca.diagnose import diagnose
        from rca.logs import read_incident

        truth = samples.answer(options.folder)
        diagnosis = diagnose(read_incident(options.folder))
        say(f"truth: {truth}")
        say(f"diagnosis: {diagnosis.candidates[0]}")
        say(str(samples.compare(truth, diagnosis.to_dict())))
        return
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    samples.drill(options.folder, seed=seed)
    say(f"wrote a drill of seed {seed} in {options.folder}; its answer: rca drill --answer DIR")
