"""What a version diff says about itself: caveats, and the call that computes it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rca.analysis.versions.estimate import Estimate
from rca.analysis.versions.mix import Adjusted
from rca.analysis.versions.pairing import Match
from rca.analysis.versions.quantiles import thin_tail
from rca.analysis.versions.units import Units, pair_checks, unmeasured
from rca.model.comparison import Comparison
from rca.model.metric import Metric

_DEFAULTS: Mapping[str, Any] = {
    "by": None,
    "also": [],
    "column": None,
    "pairing": "auto",
    "pair_by": None,
    "cluster": "auto",
    "adjust": "auto",
    "margin": None,
    "min_rows": 10,
}


def pairing_notes(
    units: Units, match: Match | None, looked_at: Sequence[Match], overall: Estimate
) -> list[str]:
    """Say how rows were paired or why not, and which take no part."""
    title = units.metrics[0].title
    if match is None:
        figures = f" ({looked_at[0]})" if looked_at else ""
        notes = [f"unpaired: no column names the same questions on both sides{figures}"]
        missing = unmeasured(units)
        if any(missing):
            notes.append(
                f"{missing[0]:,} baseline and {missing[1]:,} current rows have no {title} and "
                "take no part"
            )
        return notes
    notes = [f"paired: {match}"]
    unused = match.matched - overall.cell.pairs
    if match.share_seen == 1 and unused > 0:
        notes.append(f"{unused:,} pairs have no {title} on a side and were left out")
    for name, count in pair_checks(units).items():
        if count and name:
            notes.append(f"{count:,} pairs differ in {name}; they count in the baseline's")
        elif count:
            notes.append(
                f"the input differs in {count:,} of {match.matched:,} pairs: another prompt, or "
                "ids that do not name the same question"
            )
    return notes


def mix_notes(units: Units, at_mix: Adjusted | None) -> list[str]:
    """Say what a moved mix makes of the shift."""
    if at_mix is None:
        return []
    text = units.metrics[0].text
    names = " and ".join(at_mix.columns)
    notes = [
        f"the mix of {names} differs between the versions and makes "
        f"{text(at_mix.at_mix.mix, signed=True)} of the plain shift: the verdict is of the shift "
        "at a common mix"
    ]
    if at_mix.at_mix.coverage < 0.95:
        notes.append(
            f"{at_mix.at_mix.coverage:.0%} of the rows are in combinations of {names} that both "
            "versions served; the others cannot be compared"
        )
    return notes


def quantile_notes(units: Units, overall: Estimate) -> list[str]:
    """Say what limits a quantile's interval."""
    metric = units.metrics[0]
    if metric.q is None:
        return []
    notes = []
    if thin_tail(overall, metric.q):
        notes.append(f"fewer than 5 values lie beyond the {metric.title}: its interval is rough")
    if units.comparison.logs.has("weight"):
        notes.append("quantiles count every row once, whatever its weight")
    return notes


def call_text(comparison: Comparison, given: Mapping[str, Any]) -> str:
    """Return the call with every argument that is not the default."""
    parts = [
        "logs",
        f"baseline={comparison.baseline.name!r}",
        f"current={comparison.current.name!r}",
        f"metric={comparison.metric.name!r}",
        *(f"{name}={_shown(v)}" for name, v in given.items() if v != _DEFAULTS[name]),
    ]
    return f"rca.diff_versions({', '.join(parts)})"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return repr([item.name if isinstance(item, Metric) else item for item in value])
    return repr(value)
