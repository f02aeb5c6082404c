"""Who did what, when and why: lines that each hold the digest of the one before.

A line that is changed, removed or put in between breaks the chain, and reading says where. The
chain makes tampering evident, not impossible: who can write the file can write all of it anew, so
keep the newest digest (:attr:`AuditLog.head`) somewhere else as well.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rca.errors import BadValueError, CorruptFileError, OutputError
from rca.model.window import iso
from rca.respond.files import checked_json, read_text

MAX_BYTES = 50_000_000
_START = "0" * 64


class AuditEntry(BaseModel):
    """One line: what was done, by whom and why, and the digest of the line before."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    number: Annotated[int, Field(ge=1)]
    at: str
    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    actor: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    details: Mapping[str, Any] = {}
    previous: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @property
    def body(self) -> str:
        """The line without its digest, the same each time."""
        return json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False)

    @property
    def digest(self) -> str:
        """The SHA-256 of the line, which holds the digest of the line before."""
        return hashlib.sha256(self.body.encode()).hexdigest()


@dataclass(frozen=True)
class AuditLog:
    """A file of audit entries, added to and never changed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = AuditLog(Path(folder) / "audit.jsonl")
    ...     made = log.append("rollback_started", actor="ann", reason="accuracy fell")
    ...     log.head == made.digest, [entry.action for entry in log.entries()]
    (True, ['rollback_started'])
    """

    path: Path

    def append(
        self, action: str, *, actor: str, reason: str, details: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        """Add an entry after checking the whole chain; it is on disk when this returns.

        Raises
        ------
        CorruptFileError
            The chain is broken; nothing is added.
        BadValueError
            The actor or the reason is blank, or the details are no plain values.
        OutputError
            The file cannot be written.
        """
        import fcntl

        if not actor.strip() or not reason.strip():
            raise BadValueError(f"actor = {actor!r}, reason = {reason!r}: an audit needs both.")
        path = Path(self.path)
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write the audit {path}: {error.strerror}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            before = self.entries()
            entry = AuditEntry(
                number=len(before) + 1,
                at=iso(datetime.now(UTC)),
                action=action,
                actor=actor.strip(),
                reason=reason.strip(),
                details=_plain(details or {}),
                previous=before[-1].digest if before else _START,
            )
            line = json.dumps({"entry": json.loads(entry.body), "digest": entry.digest},
                              sort_keys=True, ensure_ascii=False)  # fmt: skip
            os.write(handle, (line + "\n").encode())
            os.fsync(handle)
        except OSError as error:
            raise OutputError(f"cannot write the audit {path}: {error.strerror}.") from error
        finally:
            os.close(handle)
        return entry

    def entries(self) -> tuple[AuditEntry, ...]:
        """Return all entries after checking the chain; none when there is no file.

        Raises
        ------
        CorruptFileError
            A line is not what it was, or one is missing; its number is named.
        """
        path = Path(self.path)
        if not path.exists():
            return ()
        text = read_text(path, what="audit", max_bytes=MAX_BYTES)
        if text and not text.endswith("\n"):
            raise CorruptFileError(
                f"the last line of {path} is torn: a write did not finish. Look at what was done "
                "then, move the half line to a file beside it, and try again."
            )
        found: list[AuditEntry] = []
        previous = _START
        for number, line in enumerate(text.split("\n")[:-1], start=1):
            kept = checked_json(_Line, line, where=f"{path}, line {number}")
            entry = kept.entry
            if (entry.digest, entry.previous, entry.number) != (kept.digest, previous, number):
                raise CorruptFileError(
                    f"{path}, line {number} is not what was written, or a line before it is gone: "
                    "the chain breaks here. Compare it with a copy before you trust it."
                )
            found.append(entry)
            previous = entry.digest
        return tuple(found)

    @property
    def head(self) -> str:
        """The newest digest: kept elsewhere, it shows whether the whole file was written anew."""
        entries = self.entries()
        return entries[-1].digest if entries else _START


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    entry: AuditEntry
    digest: str


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(details, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BadValueError(
            f"the details of an audit entry are no plain values: {error}."
        ) from error
    return plain
