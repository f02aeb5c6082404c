"""The samples of a drift profile as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rca.analysis.drift.counted import Scan
from rca.analysis.drift.season import Match

if TYPE_CHECKING:
    import pandas as pd


def frames(
    scan: Scan, match: Match, columns: list[str], rows: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return at most ``rows`` rows of each side's sample, the baseline's at like hours of day."""
    import pandas as pd

    made = []
    for side in (0, 1):
        first = next(iter(scan.columns.values()))
        times = first.times[side]
        kept = np.arange(len(times))
        if side == 0 and match.matched:
            kept = kept[match.alike(times)]
        if len(kept) > rows:
            kept = np.sort(np.random.default_rng(0).choice(kept, rows, replace=False))
        data = {name: scan.columns[name].samples[side].take(kept).to_pandas() for name in columns}
        made.append(pd.DataFrame(data))
    return made[0], made[1]
