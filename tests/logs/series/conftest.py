"""The folder of real exports that is kept beside the repository, where it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def formats() -> Path:
    """Return the folder of real exports; skip loudly without it, and fail in CI."""
    shared = Path(os.environ.get("RCA_SHARED", REPOSITORY.parent / "shared"))
    folder = shared / "formats"
    if not folder.is_dir():
        message = f"no real exports at {folder}: set RCA_SHARED to the folder that has them"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
