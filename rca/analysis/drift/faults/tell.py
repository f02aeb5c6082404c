"""The kind of fault of every drifted column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rca.analysis.drift.counted import Blocks
from rca.analysis.drift.faults.kinds import Fault, Moved
from rca.analysis.drift.faults.numbers import number_fault
from rca.analysis.drift.faults.pairs import swapped, unmatched
from rca.analysis.drift.faults.special import hour_shift, label_fault, score_fault, time_fault
from rca.analysis.drift.faults.texts import text_fault

_PLAIN = frozenset({"DISTRIBUTION_SHIFT", "OFFSET", "UNIT_CHANGE", "SIGN_FLIP", "CATEGORY_NEW"})


def tell(moved: Mapping[str, Moved], blocks: Blocks) -> dict[str, Fault]:
    """Return the fault of each moved column, the columns' own first, then those they share."""
    faults = {name: _own(m, blocks) for name, m in moved.items()}
    loose = {n: m for n, m in moved.items() if faults[n].code in _PLAIN}
    loose = {n: m for n, m in loose.items() if m.counted.column.role == "input"}
    faults |= swapped(loose)
    faults |= unmatched(moved, faults)
    return {n: replace(f, share=_of_window(f, moved[n].part)) for n, f in faults.items()}


def _of_window(fault: Fault, part: float) -> float:
    """Return the share of the current window's rows, from that of the rows since the onset."""
    if fault.code == "CATEGORY_LOST":
        # Rows that are gone are a share of the rows that would have been.
        return fault.share * part / ((1 - part) * (1 - fault.share) + part)
    return fault.share * part


def _own(moved: Moved, blocks: Blocks) -> Fault:
    column = moved.counted.column
    if column.name == "score" and (found := score_fault(moved)):
        return found
    if found := hour_shift(moved):
        return found
    fault = number_fault(moved) if moved.counted.numeric else text_fault(moved)
    if column.role == "label":
        return label_fault(moved, fault, blocks)
    return time_fault(fault) if column.kind == "time" else fault
