"""Faults of numbers: nulls, floods, clipping, units, signs, offsets, rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.faults.kinds import Fault, Moved, percent
from rca.stats.drift_grid import rounding
from rca.stats.drift_transform import ROUND_FACTORS, Transform, transform

Array = NDArray[np.float64]

#: A kind is named when it stands for at least this part of what moved.
_CARRIES = 0.6
_LEAST_NULLS = 0.01
_LEAST_FIT = 0.85
_LEAST_FACTOR = 1.3
_LEAST_OFFSET_SD = 0.5
_FEW = 12
_LEAST_VALUES = 15


def number_fault(moved: Moved) -> Fault:
    """Return what the drift of a number looks like, simplest explanation first."""
    for kind in (_missing, _flood, _rounded, _few_values, _transformed):
        found = kind(moved)
        if found is not None:
            return found
    return shifted(moved)


def _missing(moved: Moved) -> Fault | None:
    return null_spike(moved, cells=(0, 1) if moved.counted.numeric else (0,))


def null_spike(moved: Moved, *, cells: tuple[int, ...]) -> Fault | None:
    """Return nulls (or values that are no number) that rose or went and carry the drift."""
    rises = [float(moved.p1[i] - moved.p0[i]) for i in cells]
    at = int(np.argmax(np.abs(rises)))
    rise, before, after = rises[at], float(moved.p0[cells[at]]), float(moved.p1[cells[at]])
    if abs(rise) < _LEAST_NULLS or abs(rise) < _CARRIES * moved.distance:
        return None
    what = ("nulls", "NaN or infinite")[at]
    text = f"{what} {percent(before)} -> {percent(after)}"
    details = {"before": before, "after": after}
    if before >= 0.999 or after >= 0.999:
        verb = "is filled only since" if before > after else "is empty since"
        return Fault("SCHEMA_CHANGE", f"{verb} then ({text})", abs(rise), details)
    if rise < 0:
        return Fault("NULLS_GONE", text, -rise, details)
    return Fault("NULL_SPIKE", text, rise / (1 - before), details)


def _flood(moved: Moved) -> Fault | None:
    """Return one value, or a few, that took over: a default, a cap, an old partition."""
    counted = moved.counted
    single = counted.single
    gain = np.where(single, moved.p1 - moved.p0, 0.0)
    top = int(np.argmax(gain))
    if gain[top] <= 0.01:
        return None
    continuous = not counted.discrete and float(moved.p0[single].sum()) < 0.9
    value = float(counted.edges[top - 3])
    share = float(gain[top] / max(1e-9, 1 - moved.p0[top]))
    unseen = moved.p0[top] < 0.1 * moved.p1[top]
    details = {"value": value, "before": float(moved.p0[top]), "after": float(moved.p1[top])}
    text = f"{value:g} in {percent(details['before'])} -> {percent(details['after'])} of rows"
    flag = len(counted.edges) <= 2
    if gain[top] >= _CARRIES * moved.distance and (continuous or (unseen and not flag)):
        if continuous and _clips(moved, top, float(gain[top])):
            return Fault("CLIPPING", f"cut at {value:g}: {text}", float(gain[top]), details)
        if moved.p1[top] > 0.98 and not unseen:
            return Fault("STUCK", f"always {value:g}", share, details)
        return Fault("CONSTANT_FLOOD", text, share, details)
    return None


def rounded(moved: Moved) -> tuple[Fault, float] | None:
    """Return a loss of precision, which bins do not show, with its p-value."""
    counted = moved.counted
    if counted.discrete or counted.column.kind != "number":
        return None
    found = rounding(counted.values(0), counted.values(1))
    if found is None:
        return None
    text = f"rounded to {found.step:g} in {percent(found.share)} of rows"
    details = {"step": found.step, "before": found.before, "after": found.after}
    return Fault("ROUNDING", text, found.share, details), found.p_value


def _rounded(moved: Moved) -> Fault | None:
    found = rounded(moved)
    return found[0] if found else None


def _few_values(moved: Moved) -> Fault | None:
    """Return a few values that took over: an old partition, a sensor that hangs."""
    counted = moved.counted
    single = counted.single
    gain = np.where(single, moved.p1 - moved.p0, 0.0)
    few = np.sort(gain[gain > 0.005])[::-1][:_FEW]
    continuous = not counted.discrete and float(moved.p0[single].sum()) < 0.9
    if continuous and few.sum() >= _CARRIES * moved.distance:
        values = counted.edges[np.argsort(-gain)[: len(few)] - 3].tolist()
        words = ", ".join(f"{v:g}" for v in values[:4])
        return Fault(
            "STUCK",
            f"{len(few)} values ({words}, ...) make up {percent(float(few.sum()))} of rows",
            float(few.sum()),
            {"values": values},
        )
    return None


def _clips(moved: Moved, top: int, gain: float) -> bool:
    """Tell whether a flooded value is the end of the range, and was not before."""
    now = moved.p1 > 1e-9
    above, below = np.flatnonzero(now[top + 1 :]), np.flatnonzero(now[2:top])
    beyond = moved.p0[top + 1 :].sum(), moved.p0[2:top].sum()
    ends = (len(above) == 0 and beyond[0] > 0, len(below) == 0 and beyond[1] > 0)
    return any(end and 0.6 < gain / part < 1.7 for end, part in zip(ends, beyond, strict=True))


def _transformed(moved: Moved) -> Fault | None:
    """Return a factor, offset, sign or logarithm that turns the old values into the new."""
    baseline, current = (moved.counted.values(side) for side in (0, 1))
    if moved.counted.discrete or len(np.unique(baseline)) < _LEAST_VALUES:
        return None
    found = transform(baseline, current)
    if found is not None and moved.counted.column.role == "outcome" and found.kind != "factor":
        return None
    if found is None or found.fit < _LEAST_FIT or found.share < 0.02:
        return None
    details = {"share": found.share, "fit": found.fit, "transform": found.text}
    if found.kind == "factor":
        return _unit(moved, found, details)
    if found.kind == "offset":
        sd = float(np.std(baseline)) or 1.0
        if abs(found.value) < _LEAST_OFFSET_SD * sd:
            return None
        text = f"{found.text} in {percent(found.share)} of rows"
        return Fault("OFFSET", text, found.share, {**details, "offset": found.value})
    code = "SIGN_FLIP" if found.kind == "sign" else "UNIT_CHANGE"
    return Fault(code, f"{found.text} in {percent(found.share)} of rows", found.share, details)


def _unit(moved: Moved, found: Transform, details: dict[str, object]) -> Fault | None:
    factor = found.value
    size = max(factor, 1 / factor)
    made = any(abs(np.log(size / known)) < 0.02 for known in ROUND_FACTORS)
    if size < _LEAST_FACTOR or (moved.counted.column.role == "outcome" and not made):
        return None
    text = f"x{factor:.5g}" + (f" in {percent(found.share)} of rows" if found.share < 0.995 else "")
    return Fault("UNIT_CHANGE", text, found.share, {**details, "factor": factor})


def shifted(moved: Moved) -> Fault:
    """Return a plain shift, in words."""
    baseline, current = (moved.counted.values(side) for side in (0, 1))
    if min(len(baseline), len(current)) < 2:
        return Fault("DISTRIBUTION_SHIFT", "distribution moved", moved.distance)
    middles = float(np.median(baseline)), float(np.median(current))
    means = float(np.mean(baseline)), float(np.mean(current))
    shown, word = (means, "mean") if moved.counted.discrete else (middles, "median")
    text = f"{word} {shown[0]:.4g} -> {shown[1]:.4g}"
    details = {
        "median_baseline": middles[0],
        "median_current": middles[1],
        "mean_baseline": means[0],
        "mean_current": means[1],
    }
    return Fault("DISTRIBUTION_SHIFT", text, moved.distance, details)
