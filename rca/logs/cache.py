"""Parsed exports, kept so that a large file is parsed once.

They stand in the platform's cache folder (or where ``RCA_CACHE`` says), never beside the user's
files. The key is a digest of what was read and of the readers' version.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from rca.errors import OutputError

#: Raise it when a reader gives other rows for the same file.
READER_VERSION = 1
_PIECE = 1024 * 1024


def folder() -> Path:
    """Return the folder of parsed exports on this platform; it may not exist yet."""
    if given := os.environ.get("RCA_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "rca"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rca"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rca"


def key(paths: Iterable[Path], *words: str) -> str:
    """Return the digest of some files, of what is asked of them and of the readers.

    Of each file it takes the name, the size, the time of the last change, and the first, the
    middle and the last megabyte: to read 5 GB whole would take as long as to parse it.
    """
    digest = hashlib.sha256(repr((READER_VERSION, *words)).encode())
    for path in paths:
        facts = path.stat()
        digest.update(repr((str(path), facts.st_size, facts.st_mtime_ns)).encode())
        with path.open("rb") as file:
            for start in sorted({0, facts.st_size // 2, max(0, facts.st_size - _PIECE)}):
                file.seek(start)
                digest.update(file.read(_PIECE))
    return digest.hexdigest()[:32]


def stored(name: str, write: Callable[[Path], None], *, keep: bool) -> Path:
    """Return the file of that name in the cache, writing it first when it is not there.

    It is written under another name and then renamed, so that a half-written file is never read.

    Parameters
    ----------
    write : callable
        Writes the file at the path it is given.
    keep : bool
        Whether it may be found, and left, in the cache; else it lives as long as this process.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    place = folder() if keep else _passing()
    path = place / f"{name}.parquet"
    if keep and path.exists():
        return path
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=place, prefix=f"{name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise OutputError(
            f"the cache folder {str(place)!r} cannot be written: {error.strerror}. "
            "Set RCA_CACHE to another one, or read with cache=False."
        ) from error
    try:
        write(Path(draft))
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


_held: list[tempfile.TemporaryDirectory[str]] = []


def _passing() -> Path:
    """Return a folder that goes when this process ends."""
    _held.append(tempfile.TemporaryDirectory(prefix="rca-"))
    return Path(_held[-1].name)
