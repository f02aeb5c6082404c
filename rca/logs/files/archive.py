"""Zip archives, bounded: of those, only Inspect's evaluation logs hold requests."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rca.errors import CorruptFileError

if TYPE_CHECKING:
    from rca.logs.files.head import Head

_LARGEST_MEMBER = 64 * 2**20
_LARGEST_ARCHIVE = 4 * 2**30
_MOST_MEMBERS = 100_000
_RATIO = 200


def zip_head(path: Path) -> Head:
    """Return the first sample of an Inspect log, or say what else the archive is."""
    from rca.logs.files.head import Head

    try:
        with zipfile.ZipFile(path) as archive:
            if "header.json" not in archive.namelist():
                return Head(path, no_rows="a zip archive: unpack it and give its files")
    except zipfile.BadZipFile as error:
        raise CorruptFileError(f"{path.name} is a broken zip archive: {error}.") from error
    first = next(samples(path), None)
    return Head(path, "zip", records=(first,) if first else (), no_rows="" if first else "empty")


def samples(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield ``{"eval": ..., "sample": ...}`` of each sample of an Inspect ``.eval`` archive.

    Nothing is written to disk, so that a name like ``../../x`` leads nowhere; it is refused all
    the same, because an archive that tries is no evaluation log.

    Raises
    ------
    CorruptFileError
        The archive is broken, too large when unpacked, or has names that leave it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _bounded(path, members)
            header = json.loads(archive.read("header.json"))
            about = header.get("eval") if isinstance(header, dict) else None
            for member in members:
                if member.filename.startswith("samples/") and member.filename.endswith(".json"):
                    yield {"eval": about, "sample": json.loads(archive.read(member))}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise CorruptFileError(f"{path.name} is a broken zip archive: {error}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, CorruptFileError):
            raise
        raise CorruptFileError(f"{path.name} holds a sample that is no JSON: {error}.") from error


def _bounded(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose table of contents is hostile, before anything is unpacked."""
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    largest = max((member.file_size for member in members), default=0)
    if len(members) > _MOST_MEMBERS or total > _LARGEST_ARCHIVE or largest > _LARGEST_MEMBER:
        raise CorruptFileError(
            f"{path.name} would unpack to {total / 2**20:,.0f} MB in {len(members):,} files "
            f"(largest {largest / 2**20:,.0f} MB), which is more than is read. Split it."
        )
    if total > 2**20 and total > _RATIO * max(1, packed):
        raise CorruptFileError(
            f"{path.name} would unpack to {total / max(1, packed):,.0f} times its size, as a zip "
            "bomb does: it was not opened."
        )
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise CorruptFileError(
                f"{path.name} has a member named {member.filename!r}, which leads out of the "
                "archive: it was not opened."
            )
