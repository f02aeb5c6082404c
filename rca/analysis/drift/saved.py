"""A baseline's profile, kept in a folder, so that the baseline is read once and never again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rca.analysis.drift.cells import Cells
from rca.analysis.drift.columns import Profiled
from rca.analysis.drift.counted import NULL_BIN, ODD_BIN, Clock, Counted, Scan
from rca.analysis.drift.scan import TIME, Tally
from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError

#: Raised when the files' layout changes.
LAYOUT = 1
_FACTS, _COUNTS, _SAMPLE = "baseline.json", "counts.parquet", "sample.parquet"


@dataclass(frozen=True)
class Saved:
    """A baseline that was profiled before: its cells, its counts per block and its sample.

    Attributes
    ----------
    of : str
        The condition of its rows, and where they came from, in words.
    """

    of: str
    clock: Clock
    kinds: Mapping[str, str]
    cells: Mapping[str, Cells]
    tallies: Mapping[str, Tally]
    sample: pa.Table

    def knows(self, column: Profiled) -> bool:
        """Tell whether a column was profiled, as the same kind."""
        return self.kinds.get(column.name) == column.kind

    def with_baseline(self, name: str, current: Tally) -> Tally:
        """Return a column's counts of both sides."""
        own = self.tallies[name]
        return Tally(
            np.concatenate([own.side, current.side]),
            np.concatenate([own.block, current.block]),
            pa.concat_arrays([own.cell, current.cell.cast(own.cell.type)]),
            np.concatenate([own.n, current.n]),
        )


def save(scan: Scan, of: str, folder: str | Path) -> Path:
    """Write the baseline's side of a scan into a folder.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    folder = Path(folder)
    first = next(iter(scan.columns.values()))
    sample = {name: counted.samples[0] for name, counted in scan.columns.items()}
    facts = {
        "layout": LAYOUT,
        "of": of,
        "clock": [scan.clock.width, scan.clock.origin],
        "columns": {name: _facts(counted) for name, counted in scan.columns.items()},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({TIME: first.times[0], **sample}), folder / _SAMPLE)
        pq.write_table(_long(scan), folder / _COUNTS, compression="zstd")
        (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write to {str(folder)!r}: {error.strerror}.") from error
    return folder


def _facts(counted: Counted) -> dict[str, object]:
    return {
        "kind": counted.column.kind,
        "edges": counted.edges.tolist(),
        "discrete": counted.discrete,
        "values": list(counted.values_counted),
    }


def _long(scan: Scan) -> pa.Table:
    """Return the baseline's counts: column, block, cell (as text) and rows."""
    own = np.flatnonzero(scan.blocks.side == 0)
    block = np.rint((scan.blocks.start[own] - scan.clock.origin) / scan.clock.width)
    parts = []
    for name, counted in scan.columns.items():
        row, cell = np.nonzero(counted.counts[own])
        codes = _codes(counted)
        parts.append(
            pa.table(
                {
                    "column": pa.array([name] * len(row)),
                    "block": block[row].astype(np.int64),
                    "cell": pa.array([codes[i] for i in cell], pa.string()),
                    "n": counted.counts[own][row, cell].astype(np.int64),
                }
            )
        )
    return pa.concat_tables(parts)


def _codes(counted: Counted) -> list[str]:
    if not counted.numeric:
        return list(counted.labels)
    return [str(NULL_BIN), str(ODD_BIN), *counted.bin_codes]


def load(folder: str | Path) -> Saved:
    """Read a saved baseline.

    Raises
    ------
    MissingFileError, CorruptFileError, BadValueError
        There is none; it cannot be read; another version of this package wrote it.
    """
    folder = Path(folder)
    if not (folder / _FACTS).exists():
        raise MissingFileError(
            f"no saved baseline at {str(folder)!r}. Make one: profile.save_baseline(folder)."
        )
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        counts = pq.read_table(folder / _COUNTS)
        sample = pq.read_table(folder / _SAMPLE)
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        line = str(error).splitlines()[0]
        raise CorruptFileError(f"the baseline in {str(folder)!r} cannot be read: {line}") from error
    if facts.get("layout") != LAYOUT:
        raise BadValueError(
            f"the baseline in {str(folder)!r} has layout {facts.get('layout')}, not {LAYOUT}. "
            "Profile it again and save it with this version."
        )
    columns = facts["columns"]
    return Saved(
        facts["of"],
        Clock(*facts["clock"]),
        {name: c["kind"] for name, c in columns.items()},
        {
            name: Cells(np.array(c["edges"], dtype=np.float64), c["discrete"], tuple(c["values"]))
            for name, c in columns.items()
        },
        {name: _tally(counts, name, c["kind"]) for name, c in columns.items()},
        sample,
    )


def _tally(counts: pa.Table, name: str, kind: str) -> Tally:
    own = counts.filter(pa.compute.equal(counts.column("column"), name))
    cell = own.column("cell").combine_chunks()
    return Tally(
        np.zeros(len(own), dtype=np.int64),
        own.column("block").to_numpy(),
        cell.cast(pa.int64()) if kind in ("number", "time") else cell,
        own.column("n").to_numpy().astype(np.float64),
    )
