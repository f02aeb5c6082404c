"""Faults of columns with a meaning: hours of day, times, scores, labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rca.analysis.drift.counted import Blocks
from rca.analysis.drift.faults.kinds import Fault, Moved, percent

Array = NDArray[np.float64]

_FIT = 0.8
_QUARTER_HOUR = 900.0
_COLLAPSED = 0.4
_PILE = 0.02
_LABELS_DROP = 0.25


def hour_shift(moved: Moved) -> Fault | None:
    """Return a turn of an hour-of-day column: another time zone."""
    counted = moved.counted
    values = counted.edges
    if not counted.discrete or not 6 <= len(values) <= 24 or counted.column.kind != "number":
        return None
    if not np.isin(values, np.arange(24)).all() or "hour" not in counted.column.name.lower():
        return None
    p0, p1 = np.zeros(24), np.zeros(24)
    at = values.astype(np.int64)
    p0[at], p1[at] = moved.p0[3:], moved.p1[3:]
    gap = p1 - p0
    best = (0.0, 0, 0.0)
    for turn in range(1, 24):
        pull = np.roll(p0, turn) - p0
        power = float(pull @ pull)
        share = float(np.clip(gap @ pull / power, 0, 1)) if power > 0 else 0.0
        left = gap - share * pull
        fit = 1 - float(left @ left) / max(float(gap @ gap), 1e-300)
        best = max(best, (fit, turn if turn <= 12 else turn - 24, share))
    if best[0] < _FIT:
        return None
    fit, turn, share = best
    text = f"hours moved by {turn:+d} in {percent(share)} of rows"
    return Fault("TIMEZONE_SHIFT", text, share, {"hours": turn, "fit": fit})


def time_fault(fault: Fault) -> Fault:
    """Return the fault of a column of times, from that of its distance to ``ts`` in seconds."""
    offset = fault.details.get("offset")
    if fault.code == "OFFSET" and offset is not None:
        turns = offset / _QUARTER_HOUR
        whole = abs(turns - round(turns)) < 0.02 * max(1.0, abs(turns)) and abs(turns) >= 1.9
        if whole:
            hours = round(turns) / 4
            text = f"times moved by {-hours:+g} h in {percent(fault.share)} of rows"
            return Fault("TIMEZONE_SHIFT", text, fault.share, {**fault.details, "hours": -hours})
    older = fault.details.get("offset", 0.0) > 0 or fault.details.get("factor", 0.0) > 1
    before, after = (fault.details.get(f"median_{side}", 0.0) for side in ("baseline", "current"))
    if fault.code in ("OFFSET", "UNIT_CHANGE", "DISTRIBUTION_SHIFT") and (older or after > before):
        text = f"older by {fault.text}" if fault.code == "OFFSET" else fault.text
        return Fault("FRESHNESS_LAG", f"seconds before ts: {text}", fault.share, fault.details)
    return fault


def score_fault(moved: Moved) -> Fault | None:
    """Return a score that lost its spread, or piles up at one place."""
    baseline, current = (moved.counted.values(side) for side in (0, 1))
    if min(len(baseline), len(current)) < 20:
        return None
    before, after = float(np.std(baseline)), float(np.std(current))
    if before > 0 and after < _COLLAPSED * before:
        text = f"spread {before:.3g} -> {after:.3g} about {np.median(current):.3g}"
        details = {"sd_baseline": before, "sd_current": after}
        return Fault("SCORE_COLLAPSE", text, 1.0, details)
    width = _PILE * float(np.ptp(baseline))
    near = [np.searchsorted(x, current + width) - np.searchsorted(x, current - width)
            for x in (current, baseline)]  # fmt: skip
    rise = near[0] / len(current) - near[1] / len(baseline)
    at = int(np.argmax(rise))
    was, now = float(near[1][at] / len(baseline)), float(near[0][at] / len(current))
    if now - was < 0.05 or now < 3 * was or now - was < 0.5 * moved.distance:
        return None
    text = f"{percent(was)} -> {percent(now)} within {width:.2g} of {current[at]:.3g}"
    return Fault("THRESHOLD_PILEUP", text, now - was, {"value": float(current[at])})


def label_fault(moved: Moved, fault: Fault, blocks: Blocks) -> Fault:
    """Tell labels that stopped from late ones, which lack most where time is short."""
    if fault.code not in ("NULL_SPIKE", "SCHEMA_CHANGE") or moved.p1[0] < moved.p0[0]:
        return fault
    known = (1 - float(moved.p0[0])), (1 - float(moved.p1[0]))
    if known[1] > (1 - _LABELS_DROP) * known[0]:
        return fault
    known_since = moved.counted.times[1].min() - blocks.width_s / 2
    current = np.flatnonzero((blocks.side == 1) & (blocks.start >= known_since))
    third = max(1, len(current) // 3)
    shares = [_known(moved.counted.counts[part]) for part in (current[:third], current[-third:])]
    late = len(current) >= 3 and shares[0] > 2 * shares[1] and shares[0] > 0.1
    text = f"labels in {percent(known[0])} -> {percent(known[1])} of rows"
    details = {**fault.details, "known_early": shares[0], "known_late": shares[1]}
    if late:
        return Fault("LABELS_DELAYED", f"{text}, fewest in the last hours", fault.share, details)
    return Fault("LABELS_STOPPED", text, fault.share, details)


def _known(counts: Array) -> float:
    total = float(counts.sum())
    return float(counts[:, 1:].sum()) / total if total else 0.0
