"""Faults that several columns share: two swapped, a join that found no partner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from rca.analysis.drift.counted import Counted
from rca.analysis.drift.faults.kinds import Fault, Moved, percent
from rca.stats.drift_transform import mixed

Array = NDArray[np.float64]

_FIT = 0.85
_ALIKE = 0.15
_MOST = 12
_TOGETHER = 0.9


def swapped(moved: Mapping[str, Moved]) -> dict[str, Fault]:
    """Return columns whose values went into each other, each with the other's name."""
    found: dict[str, Fault] = {}
    names = [name for name, m in moved.items() if m.counted.column.kind in ("number", "text")]
    for a, b in combinations(names[:_MOST], 2):
        pair = _crossed(moved[a], moved[b])
        if pair is None or a in found or b in found:
            continue
        share = sum(pair) / 2
        for one, other in ((a, b), (b, a)):
            text = f"swapped with {other} in {percent(share)} of rows"
            found[one] = Fault("COLUMNS_SWAPPED", text, share, {"with": other})
    return found


def _crossed(a: Moved, b: Moved) -> tuple[float, float] | None:
    """Return the shares of rows of two columns that hold the other's values, if that is so."""
    if a.counted.column.kind != b.counted.column.kind:
        return None
    if a.counted.numeric and (a.counted.discrete or b.counted.discrete):
        return None
    if a.counted.numeric:
        sides = [(m.counted.values(0), m.counted.values(1)) for m in (a, b)]
        if any(len(x) < 20 for pair in sides for x in pair):
            return None
        fits = [mixed(own[0], own[1], other[0]) for own, other in (sides, tuple(reversed(sides)))]
    else:
        fits = [_category_mix(own, other) for own, other in ((a, b), (b, a))]
    (s0, f0), (s1, f1) = fits
    if min(f0, f1) < _FIT or abs(s0 - s1) > _ALIKE * max(s0, s1) or min(s0, s1) < 0.02:
        return None
    return s0, s1


def _category_mix(own: Moved, other: Moved) -> tuple[float, float]:
    labels = sorted({*own.counted.labels, *other.counted.labels})
    index = {label: i for i, label in enumerate(labels)}

    def spread(m: Moved, shares: Array) -> Array:
        whole = np.zeros(len(labels))
        whole[[index[label] for label in m.counted.labels]] = shares
        return whole

    base = spread(own, own.p0)
    gap, pull = spread(own, own.p1) - base, spread(other, other.p0) - base
    power, size = float(pull @ pull), float(gap @ gap)
    if power <= 0 or size <= 0:
        return 0.0, 0.0
    share = float(np.clip(gap @ pull / power, 0, 1))
    left = gap - share * pull
    return share, 1 - float(left @ left) / size


def unmatched(moved: Mapping[str, Moved], faults: Mapping[str, Fault]) -> dict[str, Fault]:
    """Return columns that lost their values in the same rows: a join without its partner."""
    spiked = [name for name in faults if faults[name].code in ("NULL_SPIKE", "SCHEMA_CHANGE")]
    spiked = [n for n in spiked if moved[n].counted.column.role in ("input", "text")]
    latest = max((float(moved[n].counted.times[1].min()) for n in spiked), default=0.0)
    missing = {n: _missing(moved[n].counted, latest) for n in spiked}
    groups: list[list[str]] = []
    for name in spiked:
        home = next((g for g in groups if _jaccard(missing[g[0]], missing[name]) > _TOGETHER), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    found: dict[str, Fault] = {}
    for group in groups:
        if len(group) < 2:
            continue
        for name in group:
            text = f"{faults[name].text}, in the same rows: {', '.join(group)}"
            details = {**faults[name].details, "columns": list(group)}
            found[name] = replace(faults[name], code="JOIN_LOSS", text=text, details=details)
    return found


def _missing(counted: Counted, since: float) -> NDArray[np.bool_]:
    """Return which rows of the current sample lack the value, of those since a time."""
    missing = pc.is_null(counted.samples[1]).to_numpy()
    return np.asarray(missing[counted.times[1] >= since])


def _jaccard(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    either = float((a | b).sum())
    return float((a & b).sum()) / either if either else 0.0
