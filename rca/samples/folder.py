"""Write an incident as a folder that ``rca.read_incident`` and ``rca triage`` take."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from rca.errors import MissingFileError, OutputError, UnknownNameError
from rca.samples.scene import SimulatedIncident
from rca.samples.truth import Truth

FORMATS = ("parquet", "csv", "jsonl")
OPEN_TRUTH = "truth.toml"
HIDDEN_TRUTH = ".truth"


def write(
    incident: SimulatedIncident,
    folder: str | Path,
    *,
    format: str = "parquet",
    hide_truth: bool = False,
) -> Path:
    """Write ``requests.*``, ``events.jsonl``, ``incident.toml`` and the truth.

    The folder is built beside its place and then renamed into it, so that a reader never sees half
    of it. An existing folder is replaced only if it holds nothing but such files.

    Parameters
    ----------
    incident
        From :func:`rca.samples.simulate`.
    folder
        Where to write; its parents are made.
    format
        ``parquet`` (zstd), ``csv`` or ``jsonl``: the format of the request log.
    hide_truth
        Whether the truth is written to ``.truth``, not readable at a glance, instead of
        ``truth.toml``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder holds other files, or cannot be written.
    UnknownNameError
        The format is not one of the three.
    """
    if format not in FORMATS:
        raise UnknownNameError.of("format", format, FORMATS)
    folder = Path(folder)
    with built_beside(folder) as new:
        write_table(incident.requests, new / f"requests.{format}")
        write_about(new, incident.events, incident.incident, incident.truth, hide_truth)
    return folder


def write_about(
    folder: Path,
    events: Iterable[Mapping[str, Any]],
    incident: Mapping[str, str],
    truth: Truth,
    hide_truth: bool,
) -> None:
    """Write all files of an incident but its request log into an existing folder."""
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    (folder / "events.jsonl").write_text(lines, encoding="utf-8")
    stated = "".join(f"{key} = {json.dumps(value)}\n" for key, value in incident.items())
    (folder / "incident.toml").write_text(stated, encoding="utf-8")
    text = truth.to_toml()
    if hide_truth:
        (folder / HIDDEN_TRUTH).write_bytes(base64.encodebytes(text.encode()))
    else:
        (folder / OPEN_TRUTH).write_text(text, encoding="utf-8")


def read_truth(folder: str | Path) -> Truth:
    """Read the truth of a folder, hidden or not; raises `MissingFileError` when it has none."""
    folder = Path(folder)
    if (folder / OPEN_TRUTH).is_file():
        return Truth.from_toml((folder / OPEN_TRUTH).read_text(encoding="utf-8"))
    if (folder / HIDDEN_TRUTH).is_file():
        coded = (folder / HIDDEN_TRUTH).read_bytes()
        return Truth.from_toml(base64.decodebytes(coded).decode(errors="replace"))
    raise MissingFileError(
        f"no truth in {folder}. It should hold {OPEN_TRUTH} or {HIDDEN_TRUTH}: "
        "write the incident with rca.samples.drill or rca.samples.write."
    )


def write_table(table: pa.Table, path: Path) -> None:
    """Write a request log in the format that the name's ending says."""
    if path.suffix == ".parquet":
        ordered = {"ts": "DELTA_BINARY_PACKED", "request_id": "DELTA_BYTE_ARRAY"}
        pq.write_table(
            table,
            path,
            compression="zstd",
            compression_level=15,
            use_dictionary=[name for name in table.column_names if name not in ordered],
            column_encoding=ordered,
        )
        return
    times = table["ts"].cast(pa.timestamp("ms", tz="UTC"))
    text = table.set_column(0, "ts", pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ"))
    if path.suffix == ".csv":
        pa_csv.write_csv(text, path)
        return
    with path.open("w", encoding="utf-8") as out:
        for batch in text.to_batches(max_chunksize=10_000):
            rows = batch.to_pylist()
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def built_beside(folder: Path) -> Iterator[Path]:
    """Give a new folder beside a place; it is renamed into it when the block ends well."""
    check_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            yield new
            new.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            new.replace(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {folder}: {error.strerror}. Give a folder you may write to."
        ) from error


def check_replaceable(folder: Path) -> None:
    """Raise `OutputError` when a place is taken by anything but a written incident."""
    if not folder.exists():
        return
    ours = {"events.jsonl", "incident.toml", OPEN_TRUTH, HIDDEN_TRUTH}
    ours |= {f"requests.{ending}" for ending in FORMATS}
    found = [p.name for p in folder.iterdir()] if folder.is_dir() else [folder.name]
    others = sorted(set(found) - ours)
    if others:
        raise OutputError(
            f"{folder} holds {others[0]!r}, which is no part of an incident. "
            "Give a new or an empty folder."
        )
