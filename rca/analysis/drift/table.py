"""The rows of a drift profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.faults.kinds import Fault, Moved
from rca.analysis.drift.impact import NOTHING, Share
from rca.stats import distance
from rca.stats.drift_onset import Onset
from rca.stats.drift_test import DriftTest
from rca.stats.histogram import middles
from rca.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """One column's distributions, its test, and a loss of precision that cells do not show."""

    moved: Moved
    test: DriftTest
    rounded: tuple[Fault, float] | None = None

    @property
    def p_value(self) -> float:
        """The smaller p-value of the two questions, doubled where both were asked and told."""
        if self.rounded is None:
            return self.test.p_value
        return min(1.0, 2 * min(self.test.p_value, self.rounded[1]))

    @property
    def effect_size(self) -> float:
        """Cohen's w of the cells, or of the share of rounded values where that is larger."""
        own = distance.effect_w(self.moved.p0, self.moved.p1)
        if self.rounded is None:
            return own
        was, now = (float(self.rounded[0].details[side]) for side in ("before", "after"))
        return max(own, distance.effect_w([was, 1 - was], [now, 1 - now]))


def drift_table(
    judged: Mapping[str, Judged], n: tuple[int, int], min_effect: float, level: float
) -> pd.DataFrame:
    """Return the table without what only drifted columns have; those come first."""
    import pandas as pd

    rows = [_row(name, one, n) for name, one in judged.items()]
    table = pd.DataFrame(rows)
    table["q_value"] = benjamini_hochberg(table["p_value"])
    least = np.maximum(table["noise"], min_effect)
    table["drifted"] = (table["q_value"] <= level) & (table["effect_size"] > least)
    order = ["drifted", "effect_size"]
    return table.sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def _row(name: str, one: Judged, n: tuple[int, int]) -> dict[str, Any]:
    p0, p1, column = one.moved.p0, one.moved.p1, one.moved.counted.column
    return {
        "column": name,
        "role": column.role,
        "kind": column.kind,
        "n_baseline": n[0],
        "n_current": n[1],
        "nulls_baseline": float(p0[0]),
        "nulls_current": float(p1[0]),
        "psi": distance.psi(p0, p1),
        "js": distance.jensen_shannon(p0, p1),
        "tv": distance.total_variation(p0, p1),
        **_ordered(one.moved),
        "effect_size": one.effect_size,
        "noise": one.test.noise,
        "design_effect": one.test.design_effect,
        "p_value": one.p_value,
    }


def _ordered(moved: Moved) -> dict[str, float]:
    """Return the distances that need an order of cells, over finite values."""
    nothing = {"ks": np.nan, "wasserstein": np.nan}
    if not moved.counted.numeric:
        return nothing
    a, b, at = moved.p0[2:], moved.p1[2:], middles(moved.counted.edges)
    if not a.sum() or not b.sum():
        return nothing
    a = distance.shares(a)
    sd = float(np.sqrt(a @ (at - a @ at) ** 2))
    far = distance.wasserstein(a, b, at)
    return {"ks": distance.ks(a, b), "wasserstein": far / sd if sd else np.nan}


def describe(
    table: pd.DataFrame,
    faults: Mapping[str, Fault],
    onsets: Mapping[str, Onset],
    impact: Mapping[str, Share],
) -> None:
    """Add to the table what was found about drifted columns."""
    import pandas as pd

    names = [str(name) for name in table["column"]]
    table["fault"] = [faults[n].code if n in faults else "" for n in names]
    table["fault_text"] = [faults[n].text if n in faults else "" for n in names]
    table["share_touched"] = [faults[n].share if n in faults else np.nan for n in names]

    def time(name: str, part: str) -> Any:
        found = onsets.get(name)
        if found is None or not found.found:
            return pd.NaT
        return pd.Timestamp(round(getattr(found, part) * 1e3), unit="ms", tz="UTC")

    for column, part in (("onset", "at"), ("onset_low", "low"), ("onset_high", "high")):
        times = [time(n, part) for n in names]
        table[column] = pd.Series(times, dtype="datetime64[ns, UTC]")
    table["explains"] = [impact.get(n, NOTHING)[0] for n in names]
    table["explains_ci"] = [impact.get(n, NOTHING)[1] for n in names]
