"""Versions as bundles: what has to go back together, by digest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rca.errors import BadValueError, MissingFileError, UnknownNameError
from rca.respond.files import checked_json, locked, read_text, write_whole

#: Names that may stand in a command, a file and a table without any quoting.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"
PARTS = ("model", "prompt", "index", "config")
#: Versions before the one that serves which a rollback may go to.
KEPT = 3

Name = Annotated[str, Field(pattern=NAME)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Bundle(BaseModel):
    """One version: the digests of its model, prompt, index and configuration.

    A part that the service does not have is None. Two bundles with equal digests behave the same,
    as far as their own parts go; :meth:`changed` says which parts a rollback takes back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Name
    released_at: AwareDatetime
    model: Digest | None = None
    prompt: Digest | None = None
    index: Digest | None = None
    config: Digest | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Bundle:
        if not any(getattr(self, part) for part in PARTS):
            raise ValueError(f"a version needs the digest of one part at least: {', '.join(PARTS)}")
        return self

    def changed(self, other: Bundle) -> tuple[str, ...]:
        """Return the parts in which two versions differ."""
        return tuple(part for part in PARTS if getattr(self, part) != getattr(other, part))


class VersionStore(BaseModel):
    """The versions of a service, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["rca.versions/1"] = "rca.versions/1"
    service: Name
    versions: tuple[Bundle, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> VersionStore:
        names = [bundle.version for bundle in self.versions]
        if len(set(names)) < len(names):
            raise ValueError("a version is there twice; give each its own name")
        return self

    def get(self, version: str) -> Bundle:
        """Return a version, or raise with the nearest known names."""
        for bundle in self.versions:
            if bundle.version == version:
                return bundle
        raise UnknownNameError.of("version", version, [b.version for b in self.versions])

    def before(self, serving: str, *, keep: int = KEPT) -> tuple[Bundle, ...]:
        """Return the last versions before the one that serves, newest first."""
        place = self.versions.index(self.get(serving))
        return tuple(reversed(self.versions[max(0, place - keep) : place]))


def read_versions(path: str | Path) -> VersionStore:
    """Return the versions in a JSON file.

    Raises
    ------
    MissingFileError, CorruptFileError, BadValueError
        There is none, it is not whole, or a field is wrong; it is named with its value.
    """
    return checked_json(VersionStore, read_text(path, what="list of versions"), where=str(path))


def record(path: str | Path, bundle: Bundle, *, service: str) -> VersionStore:
    """Add a released version to the file, which is made when there is none.

    Recording the same bundle again changes nothing, so that a deploy job may run twice.

    Raises
    ------
    BadValueError
        The version is there with other digests, or the file is of another service.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> v1 = Bundle(version="v1", released_at=datetime(2026, 3, 1, tzinfo=UTC), prompt="0" * 64)
    >>> v2 = Bundle(version="v2", released_at=datetime(2026, 3, 2, tzinfo=UTC), prompt="1" * 64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = record(f"{folder}/versions.json", v1, service="chat")
    ...     store = record(f"{folder}/versions.json", v2, service="chat")
    >>> [b.version for b in store.before("v2")], v2.changed(v1)
    (['v1'], ('prompt',))
    """
    path = Path(path)
    with locked(path):
        store = read_versions(path) if path.exists() else VersionStore(service=service)
        if store.service != service:
            raise BadValueError(
                f"{path} is of the service {store.service!r}, not of {service!r}. "
                "Keep a file for each service."
            )
        if bundle in store.versions:
            return store
        if any(known.version == bundle.version for known in store.versions):
            raise BadValueError(
                f"version {bundle.version!r} is in {path} with other digests or another time. A "
                "version never changes: release it under a new name."
            )
        store = VersionStore(service=service, versions=(*store.versions, bundle))
        write_whole(path, store.model_dump_json(indent=1) + "\n")
    return store


def digest_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of a folder: of its files' names and contents, in order."""
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"nothing at {path} to take a digest of. Give a file or a folder.")
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for part in sorted(p for p in path.rglob("*") if p.is_file()):
        name = part.relative_to(path).as_posix()
        whole.update(f"{len(name.encode())}:{name}:{digest_of(part)}\n".encode())
    return whole.hexdigest()
