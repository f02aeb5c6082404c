"""Evaluation sets on disk: one folder a version, never changed, each naming the one before."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError
from rca.model.window import iso
from rca.respond.evalset.case import EvalCase, Split
from rca.respond.files import (
    checked,
    checked_json,
    locked,
    read_text,
    sync_folder,
    toml_line,
)

if TYPE_CHECKING:
    from rca.respond.evalset.patch import EvalSetPatch

CASES, MANIFEST = "cases.jsonl", "manifest.toml"
MAX_BYTES = 200_000_000
_SHA = r"^[0-9a-f]{64}$"


class Manifest(BaseModel):
    """What a version is: its number, its cases' digest, the version before and who added what."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["rca.evalset/1"] = "rca.evalset/1"
    version: Annotated[int, Field(ge=1)]
    parent: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    cases_sha256: Annotated[str, Field(pattern=_SHA)]
    holdout_sha256: Annotated[str, Field(pattern=_SHA)]
    n_cases: Annotated[int, Field(ge=0)]
    n_labelled: Annotated[int, Field(ge=0)]
    created_at: str
    actor: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]

    def text(self) -> str:
        """Return it as TOML."""
        return "".join(toml_line(key, value) for key, value in self.model_dump().items())

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest: as it holds its parent's, it stands for the whole chain."""
        return hashlib.sha256(self.text().encode()).hexdigest()


@dataclass(frozen=True)
class EvalSet:
    """One version of an evaluation set.

    Attributes
    ----------
    folder : Path
        Where all its versions are.
    manifest : Manifest
    cases : tuple of EvalCase
    """

    folder: Path
    manifest: Manifest
    cases: tuple[EvalCase, ...]

    @property
    def version(self) -> int:
        """Its number, from 1."""
        return self.manifest.version

    def of(self, split: Split) -> tuple[EvalCase, ...]:
        """Return the cases of one split."""
        return tuple(case for case in self.cases if case.split == split)

    def __str__(self) -> str:
        return (
            f"version {self.version} of {self.folder.name}: {len(self.cases):,} cases, "
            f"{self.manifest.n_labelled:,} labelled, {len(self.of('holdout')):,} held out"
        )


def create(folder: str | Path, cases: Iterable[EvalCase], *, actor: str, reason: str) -> EvalSet:
    """Write the first version of a set; only here may cases be of the holdout.

    Raises
    ------
    OutputError
        The folder already holds a set.
    BadValueError
        A case was not redacted, or two have the same id or the same input.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "versions"):
        if _versions(folder):
            raise OutputError(
                f"{folder} already holds a set. Add to it with propose and apply, "
                "or choose another folder."
            )
        return _write(folder, tuple(cases), parent=None, actor=actor, reason=reason)


def read_evalset(folder: str | Path, *, version: int | None = None) -> EvalSet:
    """Return a version of a set, by default the newest, after checking the chain up to it.

    Raises
    ------
    MissingFileError
        There is no such set or version; the versions there are are named.
    CorruptFileError
        A version is not what its manifest, or the next version, says it was.
    BadValueError
        A case has a wrong field; file, line, field and value are named.

    Examples
    --------
    >>> import tempfile
    >>> from rca.respond.evalset import EvalCase
    >>> case = EvalCase(id="a", input="2 + 2?", expected="4", labelled_by="ann", redacted=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = create(f"{folder}/sums", [case], actor="ann", reason="first cases")
    ...     print(read_evalset(f"{folder}/sums"))
    version 1 of sums: 1 cases, 1 labelled, 0 held out
    """
    folder = Path(folder)
    there = _versions(folder)
    if not there:
        raise MissingFileError(f"no evaluation set at {folder}. Make one with create.")
    wanted = there[-1] if version is None else version
    if wanted not in there:
        raise MissingFileError(
            f"{folder} has no version {wanted}. It has: {', '.join(map(str, there))}."
        )
    parent = ""
    manifest = _manifest(folder, there[0])
    for number in range(1, wanted + 1):
        if number not in there:
            raise CorruptFileError(f"{folder} lacks version {number}, so the chain is broken.")
        manifest = _manifest(folder, number)
        if manifest.parent != parent:
            raise CorruptFileError(
                f"{folder}: version {number} does not follow from version {number - 1} as it is "
                "now: one of them was changed. Restore both from a copy."
            )
        parent = manifest.digest
    return EvalSet(folder, manifest, _cases(folder, manifest))


def apply(patch: EvalSetPatch, *, actor: str, reason: str) -> EvalSet:
    """Write a set with a patch's cases as a new version; the versions before stay as they are.

    Parameters
    ----------
    patch : EvalSetPatch
        From :func:`propose`, on the newest version.
    actor, reason : str
        Who adds the cases, and why: for the manifest.

    Raises
    ------
    BadValueError
        The patch was made for another version, adds nothing, or actor or reason is blank.
    """
    folder = patch.base.folder
    if not patch.added and not patch.labels:
        raise BadValueError(f"the patch adds nothing to {folder.name}: {patch.refusals()}.")
    with locked(folder / "versions"):
        newest = read_evalset(folder)
        if newest.manifest != patch.base.manifest:
            raise BadValueError(
                f"the patch was made for version {patch.base.version} of {folder.name}, which "
                f"is now at version {newest.version}. Propose the cases again."
            )
        labelled = {case.id: case for case in patch.labels}
        cases = (*(labelled.get(case.id, case) for case in newest.cases), *patch.added)
        return _write(folder, cases, parent=newest, actor=actor, reason=reason)


def _write(
    folder: Path, cases: tuple[EvalCase, ...], *, parent: EvalSet | None, actor: str, reason: str
) -> EvalSet:
    _sound(cases, parent)
    text = "".join(case.line() + "\n" for case in cases)
    number = parent.version + 1 if parent else 1
    fields = {
        "version": number,
        "parent": parent.manifest.digest if parent else "",
        "cases_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "holdout_sha256": _holdout(cases),
        "n_cases": len(cases),
        "n_labelled": sum(case.labelled for case in cases),
        "created_at": iso(datetime.now(UTC)),
        "actor": actor.strip(),
        "reason": reason.strip(),
    }
    manifest = checked(Manifest, fields, where=f"version {number} of {folder.name}")
    made = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
    try:
        for name, content in ((CASES, text), (MANIFEST, manifest.text())):
            with (made / name).open("w", encoding="utf-8", newline="\n") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        made.chmod(0o755)
        sync_folder(made)
        made.rename(_home(folder, number))
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise OutputError(f"cannot write a version to {folder}: {error.strerror}.") from error
    sync_folder(folder)
    return EvalSet(folder, manifest, cases)


def _sound(cases: tuple[EvalCase, ...], parent: EvalSet | None) -> None:
    ids: set[str] = set()
    keys: dict[str, str] = {}
    for case in cases:
        if not case.redacted:
            raise BadValueError(
                f"case {case.id!r} was not redacted. Pass cases through propose, or redact them "
                "and set redacted=True."
            )
        if case.id in ids:
            raise BadValueError(f"two cases have the id {case.id!r}. Give each its own.")
        if case.key in keys:
            raise BadValueError(
                f"cases {keys[case.key]!r} and {case.id!r} have the same input. Keep one of them."
            )
        ids.add(case.id)
        keys[case.key] = case.id
    if parent and _holdout(cases) != parent.manifest.holdout_sha256:
        raise BadValueError("the holdout is frozen. Add cases to the regression split only.")


def _holdout(cases: Iterable[EvalCase]) -> str:
    lines = sorted(case.line() for case in cases if case.split == "holdout")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _home(folder: Path, number: int) -> Path:
    return folder / f"v{number:04d}"


def _versions(folder: Path) -> list[int]:
    homes = folder.glob("v[0-9][0-9][0-9][0-9]") if folder.is_dir() else []
    return sorted(int(home.name[1:]) for home in homes)


def _manifest(folder: Path, number: int) -> Manifest:
    path = _home(folder, number) / MANIFEST
    try:
        fields: Mapping[str, object] = tomllib.loads(read_text(path, what="manifest of a set"))
    except tomllib.TOMLDecodeError as error:
        raise CorruptFileError(f"{path} is not whole TOML ({error}). Restore a copy.") from error
    manifest = checked(Manifest, fields, where=str(path))
    if manifest.version != number:
        raise CorruptFileError(f"{path} says version = {manifest.version}. Restore a copy.")
    return manifest


def _cases(folder: Path, manifest: Manifest) -> tuple[EvalCase, ...]:
    path = _home(folder, manifest.version) / CASES
    text = read_text(path, what="cases of a set", max_bytes=MAX_BYTES)
    cases = tuple(
        checked_json(EvalCase, line, where=f"{path}, line {number}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    )
    if hashlib.sha256(text.encode()).hexdigest() != manifest.cases_sha256:
        raise CorruptFileError(
            f"{path} is not what its manifest says: it was changed after it was written. "
            "Restore a copy; to change cases, write a new version."
        )
    return cases
