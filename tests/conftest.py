"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real exports and traces, kept beside the repository or where RCA_SHARED says."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("RCA_SHARED", beside))
    if not folder.is_dir():
        reason = f"no real exports at {folder}: set RCA_SHARED to their folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep parsed exports of tests out of the user's cache."""
    os.environ["RCA_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def formats(shared: Path) -> Path:
    """The exports of other tools among them."""
    return shared / "formats"
