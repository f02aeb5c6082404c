"""A feature flag in a file, as flagd and OpenFeature read it: its default variant serves."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rca.errors import BadValueError, OutputError, UnknownNameError
from rca.respond.files import locked, read_json, read_text, write_whole
from rca.respond.rollback.target import Traffic, plain_name, sole


@dataclass(frozen=True)
class FlagFileTarget:
    """A flag whose variants are the versions; the default variant serves.

    The file is replaced in one step, so no reader sees half of it, and always with a newer time
    than before: flagd's file provider never loads a file that is older than the last it saw.

    Attributes
    ----------
    path : Path
        JSON in flagd's schema: ``{"flags": {flag: {"state", "variants", "defaultVariant"}}}``.
        Not YAML: providers read ``.yml`` as JSON, and find no flag.
    flag : str
        The flag's key.
    """

    path: Path
    flag: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        plain_name(self.flag, "flag")
        if self.path.suffix != ".json":
            raise BadValueError(
                f"path = {str(self.path)!r}: a flag file is JSON and is named so. Providers tell "
                "the form by the ending, and find no flag in a file that ends otherwise."
            )

    @property
    def name(self) -> str:
        """The file and the flag."""
        return f"flag {self.flag} in {self.path}"

    def observe(self) -> dict[str, int]:
        """Return 1 for the default variant and 0 for the others."""
        flag = self._flag(self._read())
        return {name: int(name == flag["defaultVariant"]) for name in flag["variants"]}

    def problems(self, version: str) -> tuple[str, ...]:
        """Return why a variant would not be served to everybody."""
        flag = self._flag(self._read())
        found = []
        if version not in flag["variants"]:
            found.append(f"it is no variant of the flag; those are: {', '.join(flag['variants'])}")
        if flag.get("state") != "ENABLED":
            found.append(
                f"the flag's state is {flag.get('state')!r}, so every call gets the default that "
                "is written in the code"
            )
        if flag.get("targeting"):
            found.append("the flag has targeting rules, which decide before the default variant")
        return tuple(found)

    def after(self, version: str) -> dict[str, int]:
        """Return the weights with one variant as the default."""
        return {name: int(name == version) for name in self.observe()}

    def apply(self, traffic: Traffic) -> None:
        """Write the file with another default variant and read it back."""
        version = sole(traffic)
        with locked(self.path):
            whole = self._read()
            flag = self._flag(whole)
            if version not in flag["variants"]:
                raise UnknownNameError.of("variant", version, flag["variants"])
            flag["defaultVariant"] = version
            before = self.path.stat().st_mtime_ns
            write_whole(self.path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
            self._newer_than(before)
        if self.observe() != {name: int(name == version) for name in flag["variants"]}:
            raise OutputError(f"{self.name} was changed by somebody else at the same time.")

    def persist(self) -> str:
        """Say that a file stays."""
        return "the flag file is on disk and survives a restart"

    def drained(self, version: str) -> bool | None:  # noqa: ARG002 - a file knows no calls
        """Return None: a file does not know which calls are in flight."""
        return None

    def _newer_than(self, before: int) -> None:
        if self.path.stat().st_mtime_ns <= before:
            newer = max(time.time_ns(), before + 1_000_000_000)
            os.utime(self.path, ns=(newer, newer))

    def _read(self) -> dict[str, Any]:
        whole = read_json(read_text(self.path, what="flag file"), where=str(self.path))
        if not isinstance(whole, dict) or not isinstance(whole.get("flags"), dict):
            raise BadValueError(
                f'{self.path} has no object "flags". Give a file in flagd\'s schema: '
                '{"flags": {...}}.'
            )
        return whole

    def _flag(self, whole: dict[str, Any]) -> dict[str, Any]:
        flags = whole["flags"]
        if self.flag not in flags:
            raise UnknownNameError.of("flag", self.flag, flags)
        flag = flags[self.flag]
        where = f"{self.path}, flags.{self.flag}"
        variants = flag.get("variants") if isinstance(flag, dict) else None
        if not isinstance(variants, dict) or not variants:
            raise BadValueError(f"{where}.variants = {variants!r}: give one variant at least.")
        if len({type(value) for value in variants.values()}) > 1:
            raise BadValueError(
                f"{where}.variants = {variants!r}: values of several types; a call asks for one "
                "type and gets the code's default for the others."
            )
        for name in variants:
            plain_name(name, f"{where}.variants")
        if flag.get("defaultVariant") not in variants:
            raise BadValueError(
                f"{where}.defaultVariant = {flag.get('defaultVariant')!r} is none of the variants "
                f"({', '.join(variants)}), so every call gets the default that is written in the "
                "code. Name one of them."
            )
        found: dict[str, Any] = flag
        return found
