"""``rca export``: one notebook as one self-contained page."""

from __future__ import annotations

import argparse
from pathlib import Path

from rca.cli.screen import say


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export", help="write a notebook as one HTML file that needs no network"
    )
    parser.add_argument("notebook", metavar="NOTEBOOK", type=Path)
    parser.add_argument("-o", "--output", metavar="FILE.html", type=Path)
    parser.add_argument("--hide-inputs", action="store_true", help="leave the code out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export and say where and how large."""
    from rca.report.export import export_html

    say(str(export_html(options.notebook, options.output, hide_inputs=options.hide_inputs)))
