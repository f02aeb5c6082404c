"""Practice: an incident whose truth is hidden until one asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rca.samples.families import FAMILIES
from rca.samples.folder import read_truth, write
from rca.samples.scene import simulate
from rca.samples.truth import Truth


def drill(
    folder: str | Path, *, seed: int, family: str | None = None, n_rows: int | None = None
) -> Path:
    """Write an incident of a family drawn by ``seed``, its truth hidden; return the folder.

    Parameters
    ----------
    folder
        Where to write; see :func:`rca.samples.write` for what may be replaced.
    seed
        The same seed gives the same drill.
    family
        A name of :data:`FAMILIES`, for those who want to practise one kind.
    n_rows
        Number of calls; drawn between 20,000 and 300,000 when None.

    Examples
    --------
    >>> import tempfile
    >>> place = drill(Path(tempfile.mkdtemp()) / "monday", seed=3, n_rows=4000)
    >>> sorted(path.name for path in place.iterdir())
    ['.truth', 'events.jsonl', 'incident.toml', 'requests.parquet']
    >>> answer(place).family == family_of(3)
    True
    """
    incident = simulate(family or family_of(seed), seed=seed, n_rows=n_rows)
    return write(incident, folder, hide_truth=True)


def family_of(seed: int) -> str:
    """Return the family that a drill with this seed belongs to."""
    names = sorted(FAMILIES)
    return names[int(np.random.default_rng((abs(seed), 77)).integers(len(names)))]


def answer(folder: str | Path) -> Truth:
    """Return the hidden truth of a drill; raises `MissingFileError` when there is none."""
    return read_truth(folder)
