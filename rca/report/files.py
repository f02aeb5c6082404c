"""Folders that answers go to: asked before the work, filled all at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rca.errors import OutputError


def check_writable(folder: Path) -> None:
    """Find out before the work that files can be made in a folder, or that it can be made.

    Nothing is left behind.

    Raises
    ------
    OutputError
        They cannot; the reason of the system is given.

    Examples
    --------
    >>> check_writable(Path("/dev/null/out"))
    Traceback (most recent call last):
    rca.errors.OutputError: cannot write in '/dev/null/out': Not a directory. Choose another folder.
    """
    try:
        existing = folder
        while not existing.exists():
            existing = existing.parent
        with tempfile.TemporaryFile(dir=existing):
            pass
        # Some folders of the system take part in no other test, yet let nobody in.
        with tempfile.TemporaryDirectory(dir=existing, prefix=".rca-"):
            pass
    except OSError as error:
        raise _refused(folder, error) from error


@contextmanager
def drafts(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give a folder for drafts; its files of these names move to ``folder`` when all went well.

    Raises
    ------
    OutputError
        A file cannot be written there.
    """
    made = [part for part in (folder, *folder.parents) if not part.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".rca-") as draft:
            yield Path(draft)
            for name in names:
                (Path(draft) / name).replace(folder / name)
    except BaseException as error:
        for part in made:
            if part.is_dir() and not any(part.iterdir()):
                part.rmdir()
        if isinstance(error, OSError):
            raise _refused(folder, error) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, complete or not at all.

    >>> write_text(Path(tempfile.mkdtemp()) / "new" / "answer.json", "{}")
    """
    if path.is_dir():
        raise OutputError(f"{str(path)!r} is a folder. Give the name of a file.")
    with drafts(path.parent, [path.name]) as draft:
        (draft / path.name).write_text(text, encoding="utf-8")


def _refused(folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(f"cannot write in {str(folder)!r}: {reason}. Choose another folder.")
