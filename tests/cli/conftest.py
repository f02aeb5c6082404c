"""Small incident folders, and the command line run as a user runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from rca.cli import main

N = 600


@dataclass
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str


def requests(**columns: object) -> pd.DataFrame:
    """Six hundred calls, one a minute, in ten hours."""
    times = pd.date_range("2026-03-01", periods=N, freq="min").strftime("%Y-%m-%dT%H:%M:%SZ")
    table = pd.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(N)],
            "ts": times,
            "region": ["eu", "us", "ap"] * (N // 3),
            "latency_ms": [100.0 + i * 7 % 11 for i in range(N)],
        }
    )
    return table.assign(**columns)


@pytest.fixture
def incident(tmp_path: Path) -> Callable[..., Path]:
    """Write an incident folder from a table and further files; ``__`` in a name is a dot."""

    def made(table: pd.DataFrame | None = None, **files: str) -> Path:
        place = tmp_path / "incident"
        place.mkdir()
        (requests() if table is None else table).to_csv(place / "requests.csv", index=False)
        for name, text in files.items():
            (place / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return place

    return made


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ran]:
    """Run ``rca`` with arguments in an empty folder of its own."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def ran(*arguments: object) -> Ran:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as left:
            assert isinstance(left.code, int)
            status = left.code
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return ran


def left_in(folder: Path) -> list[str]:
    """Return what a folder holds, hidden drafts too."""
    return sorted(path.name for path in folder.rglob("*"))
