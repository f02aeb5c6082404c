"""The command line: ``rca triage``, ``rca export``, ``rca sniff``, ``rca drill``."""

from rca.cli.main import main

__all__ = ["main"]
