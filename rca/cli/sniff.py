"""``rca sniff``: what each file is taken for, and why."""

from __future__ import annotations

import argparse
from pathlib import Path

from rca.cli.screen import say


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("sniff", help="say what exported files are taken for, and why")
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Sniff and print the intake report."""
    from rca.logs import sniff

    intake = sniff(options.paths)
    say(str(intake))
    say(intake.table.to_string(index=False))
