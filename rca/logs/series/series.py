"""One metric over time on an even grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rca.model.window import Window, at, iso

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class MetricSeries:
    """A metric measured every ``step_s`` seconds; a window without a measurement is NaN.

    Attributes
    ----------
    name : str
        The name of the metric, or an empty string where a query took it away.
    times : ndarray of float64
        Seconds since 1970 UTC, evenly spaced. Of a counter, a time is the end of its window.
    values : ndarray of float64
        The measured values, or for a counter its increase in each window. NaN is a missing
        window, never a zero.
    step_s : float
        The length of a window in seconds; NaN when there is one time only.
    labels : mapping
        What the series is about, as ``{"region": "eu"}``.
    is_counter : bool
        Whether the source counted up and ``values`` are its differences.
    caveats : tuple of str
        What was assumed, snapped or missing.
    """

    name: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    step_s: float
    labels: Mapping[str, str] = field(default_factory=dict)
    is_counter: bool = False
    caveats: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def n_missing(self) -> int:
        """The number of windows without a measurement."""
        return int(np.isnan(self.values).sum())

    @property
    def starts_at(self) -> datetime:
        """The first time of the grid."""
        return at(float(self.times[0]))

    @property
    def window(self) -> Window:
        """The span of the series, from its first time to one step after its last."""
        step = self.step_s if np.isfinite(self.step_s) else 1.0
        last = at(float(self.times[-1]))
        return Window(self.starts_at, last + timedelta(seconds=step))

    @property
    def table(self) -> pd.DataFrame:
        """One row a window: ``ts`` (UTC) and ``value``."""
        import pandas as pd

        ts = pd.to_datetime(np.round(self.times * 1e3).astype("int64"), unit="ms", utc=True)
        return pd.DataFrame({"ts": ts, "value": self.values})

    def __str__(self) -> str:
        labels = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        name = f"{self.name or 'series'}{{{labels}}}"
        return (
            f"{name}: {len(self)} windows of {self.step_s:g} s from {iso(self.starts_at)},"
            f" {self.n_missing} missing"
        )

    def _repr_html_(self) -> str:
        from rca.model.render import table_html

        return table_html(self.table.head(10), caption=str(self))
