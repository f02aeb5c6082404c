"""Files of state and plans: read with limits, checked by field, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rca.errors import (
    BadValueError,
    CorruptFileError,
    MissingFileError,
    OutputError,
    hint,
    listed,
)

MAX_BYTES = 1_000_000
_SHOWN = 60

Model = TypeVar("Model", bound=BaseModel)


def read_text(path: str | Path, *, what: str, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a small UTF-8 file; ``what`` names its kind in errors."""
    path = Path(path)
    try:
        if path.stat().st_size > max_bytes:
            raise CorruptFileError(
                f"{path} has {path.stat().st_size:,} bytes; {what} has {max_bytes:,} at most. "
                "Is it the right file?"
            )
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f"no {what} at {path}. Give the path of one.") from error
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{path} is not UTF-8 text, so it is no {what}.") from error
    except OSError as error:
        raise MissingFileError(f"{path} cannot be read as {what}: {error.strerror}.") from error


def read_json(text: str, *, where: str) -> Any:
    """Parse JSON, refusing keys given twice and numbers that are none (NaN, Infinity).

    >>> read_json('{"a": 1, "a": 2}', where="flags.json")
    Traceback (most recent call last):
    rca.errors.CorruptFileError: flags.json gives the key 'a' twice. Keep one of them.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                raise CorruptFileError(f"{where} gives the key {key!r} twice. Keep one of them.")
            made[key] = value
        return made

    def no_number(name: str) -> float:
        raise CorruptFileError(f"{where} holds {name}, which is no number. Write null instead.")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"line {error.lineno}: {error.msg}" if isinstance(error, ValueError) else "too deep"
        raise CorruptFileError(f"{where} is not whole JSON ({place}). Restore a copy.") from error


def checked(model: type[Model], data: Any, *, where: str) -> Model:
    """Return data as a model, or raise one error that names the field, the value and the remedy.

    Raises
    ------
    BadValueError
        A field is missing, unknown or of the wrong kind; the first is named.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _refused(model, error, where) from error


def checked_json(model: type[Model], text: str, *, where: str) -> Model:
    """Return JSON text as a model; errors are those of :func:`read_json` and :func:`checked`."""
    read_json(text, where=where)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _refused(model, error, where) from error


def _refused(model: type[BaseModel], error: ValidationError, where: str) -> BadValueError:
    all_errors = error.errors(include_url=False)
    # A misspelt field is missing as well; the misspelling says more.
    first = next((e for e in all_errors if e["type"] == "extra_forbidden"), all_errors[0])
    field = ".".join(map(str, first["loc"])) or "the whole"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return BadValueError(f"{where}: {_said(model, first, field)}{more}")


def _said(model: type[BaseModel], first: Any, field: str) -> str:
    if first["type"] == "extra_forbidden":
        known = list(model.model_fields)
        name = str(first["loc"][-1])
        listing = f"Known: {listed(known)}." if len(first["loc"]) == 1 else "Remove it."
        return f"unknown field {field!r}. {hint(name, known)}{listing}"
    if first["type"] == "missing":
        return f"the field {field!r} is missing. Add it."
    given = repr(first["input"])
    given = given if len(given) <= _SHOWN else given[:_SHOWN] + "..."
    message = first["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"{field} = {given}: {message}."


def write_whole(path: str | Path, text: str) -> None:
    """Replace a file in one step, kept on disk: a reader sees the old text or the new, never half.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(made).chmod(mode)
        Path(made).replace(path)
    except OSError as error:
        Path(made).unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}.") from error
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold an exclusive lock beside a file, so that two processes never write it at once."""
    import fcntl

    lock = Path(f"{path}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot lock {path}: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def toml_line(key: str, value: str | int | float | bool) -> str:
    """Return one line of TOML; text is quoted, with what TOML does not allow in it escaped.

    >>> print(toml_line("why", 'a "b"'), end="")
    why = "a \\"b\\""
    """
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        return f"{key} = {quoted}\n"
    return f"{key} = {json.dumps(value)}\n"
