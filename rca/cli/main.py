"""Parse the command line, run one command, turn errors into one line and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from rca.cli import drill, export, sniff, triage
from rca.cli.screen import printable
from rca.errors import RCAError
from rca.version import __version__

OK, BUG, BAD_INPUT = 0, 1, 2
_COMMANDS = (triage, export, sniff, drill)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``rca`` and return its exit status: 0 answered, 2 bad input, 1 a bug.

    Bad input gives one line on standard error; a bug gives its traceback.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except RCAError as error:
        print(f"rca: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of standard output has gone (as `| head` does): nothing more to say, and
        # the interpreter must not try to flush the rest as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("rca: stopped", file=sys.stderr)
        return 130
    return OK


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, as that of any bad input."""

    def error(self, message: str) -> NoReturn:
        print(f"rca: {message}. See: {self.prog} --help", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rca",
        description="Find what differs, where, since when, and which event explains it.",
    )
    parser.add_argument("--version", action="version", version=f"rca {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
