"""Logs of many million rows with a planted fault, written with bounded memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from rca.errors import BadValueError, UnknownNameError
from rca.samples.families import FAMILIES
from rca.samples.folder import built_beside, write_about
from rca.samples.scene import Scene, draw_scene
from rca.samples.truth import Truth
from rca.samples.world import UnsuitableError


def big_log(
    n_rows: int,
    seed: int,
    folder: str | Path,
    *,
    family: str = "model_rollout",
    batch_rows: int = 250_000,
) -> Truth:
    """Write an incident folder with a log of ``n_rows`` calls; return what was planted.

    The calls are drawn and written ``batch_rows`` at a time, one Parquet row group each, so that
    memory does not grow with ``n_rows``. The strength of the fault is as drawn.

    Parameters
    ----------
    n_rows
        Number of calls, at least 2,000; a few families add some.
    seed
        The same seed gives the same log.
    folder
        Where ``requests.parquet``, ``events.jsonl``, ``incident.toml`` and ``truth.toml`` go.
    family
        A name of :data:`FAMILIES`.
    batch_rows
        Rows of a row group.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "big"
    >>> big_log(5000, 1, place, batch_rows=2000).cause.kind
    'deploy'
    >>> pq.read_metadata(place / "requests.parquet").num_row_groups
    3
    """
    if family not in FAMILIES:
        raise UnknownNameError.of("fault family", family, FAMILIES)
    if n_rows < 2000:
        raise BadValueError(f"n_rows is {n_rows}; an incident needs at least 2000 calls.")
    scene = _first_fitting(family, seed, n_rows)
    tables = scene.tables(batch_rows=batch_rows)
    with built_beside(Path(folder)) as new:
        first = next(tables)
        with pq.ParquetWriter(new / "requests.parquet", first.schema, compression="zstd") as out:
            out.write_table(first)
            for table in tables:
                out.write_table(table)
        write_about(new, scene.events, scene.incident, scene.truth, hide_truth=False)
    return scene.truth


def _first_fitting(family: str, seed: int, n_rows: int) -> Scene:
    attempt = 0
    while True:
        try:
            scene = draw_scene(family, (seed, attempt), n_rows, text=False)
            return replace(scene, service=replace(scene.service, duplicate_rate=0.0))
        except UnsuitableError:
            attempt += 1
