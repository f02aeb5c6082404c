"""Logs from files, frames and relations."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rca.engine import Engine, connect
from rca.engine.base import Form
from rca.errors import CorruptFileError, InputError, MissingFileError, listed
from rca.logs.canonical import canonical
from rca.model.logs import Logs

#: Endings of flat files and their form; each may be followed by .gz or .zst (not Parquet).
FORMS: Mapping[str, Form] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
_PACKED = (".gz", ".zst")


def read_logs(
    source: Any, *, mapping: Mapping[str, str] | None = None, engine: Engine | None = None
) -> Logs:
    """Open a log of requests or predictions; nothing is pulled into Python.

    Parameters
    ----------
    source : path, glob, frame, relation, or list of paths
        Parquet, CSV or JSON lines, packed or not; a folder of them; a pandas, polars or Arrow
        table; a DuckDB relation.
    mapping : mapping of canonical column to column name, optional
        For names that are not understood: ``{"ts": "when", "latency_ms": "took"}``.
    engine : Engine, optional
        Where to open it; a new one in this process by default.

    Returns
    -------
    Logs
        In canonical columns. All other columns are kept.

    Raises
    ------
    MissingFileError, EmptyLogError, MissingColumnError, BadValueError, CorruptFileError
        What was wrong, what was given and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"start_time": ["2026-03-01T00:00:00Z"], "prompt_tokens": [12]})
    >>> read_logs(frame).columns
    {'ts': 'time', 'input_tokens': 'number'}
    """
    engine = engine or connect()
    if isinstance(source, Logs):
        return source
    if not isinstance(source, (str, Path, list, tuple)):
        relation = engine.register(source)
        return canonical(engine, relation, mapping=mapping, source=f"a {type(source).__name__}")
    paths = files(source)
    name = str(source) if isinstance(source, (str, Path)) else f"{len(paths)} files"
    try:
        return canonical(engine, _opened(engine, paths), mapping=mapping, source=name)
    except CorruptFileError as error:
        raise CorruptFileError(f"{name}: {error} Export it again.") from error


def files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files that a path, glob, folder or list of them names, in order of name."""
    if isinstance(source, (list, tuple)):
        return [path for part in source for path in files(part)]
    path = Path(str(source)).expanduser()
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and form_of(p))
    elif path.exists():
        found = [path]
    else:
        # Path.glob takes no absolute pattern.
        found = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207
    if not found:
        raise MissingFileError(f"no log at {str(source)!r}. Give a file, a folder or a glob.")
    return found


def form_of(path: Path) -> Form | None:
    """Return the form that a file's ending says, or None."""
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in _PACKED:
        endings = endings[:-1]
    return FORMS.get(endings[-1]) if endings else None


def _opened(engine: Engine, paths: Sequence[Path]) -> str:
    forms = {form_of(path) for path in paths}
    if len(forms) > 1:
        raise InputError(
            f"files of several forms: {listed(sorted(path.name for path in paths))}. "
            "Read one form at a time."
        )
    form = forms.pop()
    if form is None:
        raise InputError(f"{paths[0].name!r} is none of {listed(FORMS)}. Export it as one of them.")
    return engine.open([str(path) for path in paths], form)
