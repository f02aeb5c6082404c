"""Faults of categories: renamed, merged, new, lost, other case, broken encoding, other type."""

from __future__ import annotations

import unicodedata

import numpy as np

from rca.analysis.drift.counted import NULL, REST
from rca.analysis.drift.faults.kinds import Fault, Moved, percent
from rca.analysis.drift.faults.numbers import null_spike

_LEAST_NEW = 0.003
_NEW_RATIO = 0.1
_CARRIES = 0.4
_TYPED = 0.3


def text_fault(moved: Moved) -> Fault:
    """Return what the drift of a category looks like, simplest explanation first."""
    if moved.counted.column.role == "version":
        return _version(moved)
    for kind in (_missing, _typed, _renamed, _merged, _appeared, _vanished):
        found = kind(moved)
        if found is not None:
            return found
    gain = moved.p1 - moved.p0
    top = int(np.argmax(np.abs(gain)))
    name = _name(moved.counted.labels[top])
    text = f"{name} {percent(float(moved.p0[top]))} -> {percent(float(moved.p1[top]))}"
    return Fault("DISTRIBUTION_SHIFT", text, moved.distance, {"value": name})


def _version(moved: Moved) -> Fault:
    """Return which versions gave way to which: a rollout, no fault of the data."""
    gain, labels = moved.p1 - moved.p0, moved.counted.labels
    risen, fallen = (
        [_name(labels[i]) for i in np.argsort(-sign * gain)[:3] if sign * gain[i] > 0.02]
        for sign in (1, -1)
    )
    text = f"{', '.join(fallen) or 'others'} -> {', '.join(risen) or 'others'}"
    share = moved.distance
    details = {"risen": risen, "fallen": fallen}
    return Fault("VERSION_CHANGE", f"{text}, {percent(share)} of rows", share, details)


def _name(label: str) -> str:
    return {NULL: "null", REST: "all other values"}.get(label, label)


def _missing(moved: Moved) -> Fault | None:
    return null_spike(moved, cells=(0,))


def _new(moved: Moved) -> list[int]:
    """Return cells that are there now and hardly were before, largest first."""
    fresh = (moved.p1 > _LEAST_NEW) & (moved.p0 < _NEW_RATIO * moved.p1)
    fresh[0] = False
    return [int(i) for i in np.argsort(-moved.p1) if fresh[i]]


def _lost(moved: Moved) -> list[int]:
    """Return cells that hardly are there any more, largest first."""
    gone = (moved.p0 > _LEAST_NEW) & (moved.p1 < _NEW_RATIO * moved.p0)
    gone[:2] = False
    return [int(i) for i in np.argsort(-moved.p0) if gone[i]]


def _typed(moved: Moved) -> Fault | None:
    """Return a change between texts that are numbers and texts that are not."""
    labels = moved.counted.labels
    kinds = np.array([_is_number(label) for label in labels], dtype=bool)
    kinds[:2] = False
    worded = ~kinds
    worded[0] = False
    before, after = float(moved.p0[kinds].sum()), float(moved.p1[kinds].sum())
    if abs(after - before) < max(_TYPED, 0.6 * moved.distance) or labels[1:] == ():
        return None
    text = f"numbers in {percent(before)} -> {percent(after)} of rows"
    return Fault("TYPE_CHANGE", text, abs(after - before), {"before": before, "after": after})


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _renamed(moved: Moved) -> Fault | None:
    """Pair new values with old ones that lost as much or are the same but for their spelling."""
    labels, gain = moved.counted.labels, moved.p1 - moved.p0
    pairs: list[tuple[int, int, str]] = []
    used: set[int] = set()
    for new in _new(moved):
        if labels[new] == REST:
            continue
        falling = [i for i in np.argsort(gain) if gain[i] < 0 and i > 1 and i not in used]
        found = next(
            ((int(i), how) for i in falling if (how := alike(labels[i], labels[new]))), None
        )
        if found is None:
            close = [i for i in falling if _as_much(moved, int(i), new)]
            close = [i for i in close if not _several(moved, float(-gain[i]), new)]
            if not close:
                continue
            found = (int(min(close, key=lambda i: abs(gain[i] + gain[new]))), "CATEGORY_RENAMED")
        used.add(found[0])
        pairs.append((found[0], new, found[1]))
    share = float(sum(gain[new] for _, new, _ in pairs))
    if not pairs or share < _CARRIES * moved.distance:
        return None
    codes = [code for *_, code in pairs]
    code = max(sorted(set(codes)), key=codes.count)
    mapping = {labels[old]: labels[new] for old, new, _ in pairs}
    shown = ", ".join(f"{old!r} -> {new!r}" for old, new in list(mapping.items())[:3])
    more = f" and {len(mapping) - 3} more" if len(mapping) > 3 else ""
    text = f"{shown}{more}, {percent(share)} of rows"
    return Fault(code, text, share, {"mapping": mapping})


def _several(moved: Moved, lost: float, new: int) -> bool:
    """Tell whether all that vanished, together, fits what was gained better than one value."""
    gone = [i for i in _lost(moved) if moved.counted.labels[i] != REST]
    together = float((moved.p0 - moved.p1)[gone].sum())
    gained = float(moved.p1[new] - moved.p0[new])
    return len(gone) > 1 and len(_new(moved)) == 1 and abs(together - gained) < abs(lost - gained)


def _as_much(moved: Moved, old: int, new: int) -> bool:
    """Tell whether a value lost what another gained, within noise and a fifth."""
    lost, gained = float(moved.p0[old] - moved.p1[old]), float(moved.p1[new] - moved.p0[new])
    spread = np.sqrt(lost * (1 - lost) / moved.n[0] + gained * (1 - gained) / moved.n[1])
    return bool(abs(lost - gained) < 3 * spread + 0.15 * gained)


def alike(old: str, new: str) -> str:
    """Return the code of how two spellings of one value differ, or nothing when they do not.

    >>> alike("Card", " card"), alike("Zürich", "ZÃ¼rich"), alike("eu", "us")
    ('CASE_CHANGE', 'ENCODING_BREAK', '')
    """
    if _plain(old) == _plain(new):
        return "CASE_CHANGE"
    for first, second in ((old, new), (new, old)):
        for wrong in ("latin-1", "cp1252"):
            try:
                if second.encode(wrong).decode("utf-8") == first and first != second:
                    return "ENCODING_BREAK"
            except UnicodeError:
                continue
    kept = [c for c in old if c.isascii()]
    broken = new.replace("�", "?")
    if "?" in broken and not old.isascii() and [c for c in broken if c != "?"] == kept:
        return "ENCODING_BREAK"
    return ""


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def _merged(moved: Moved) -> Fault | None:
    """Return several values that went into one."""
    labels, gain = moved.counted.labels, moved.p1 - moved.p0
    gone = [i for i in _lost(moved) if labels[i] != REST]
    total = float(-gain[gone].sum()) if gone else 0.0
    into = int(np.argmax(gain))
    if not gone or total < _CARRIES * moved.distance or labels[into] in (NULL, REST):
        return None
    if not 0.8 < float(gain[into]) / total < 1.25:
        return None
    names = [labels[i] for i in gone]
    shown = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
    text = f"{shown} -> {labels[into]!r}, {percent(total)} of rows"
    return Fault("CATEGORY_MERGED", text, total, {"mapping": dict.fromkeys(names, labels[into])})


def _appeared(moved: Moved) -> Fault | None:
    new = _new(moved)
    share = float(sum(moved.p1[i] - moved.p0[i] for i in new))
    if not new or share < _CARRIES * moved.distance:
        return None
    names = [_name(moved.counted.labels[i]) for i in new]
    shown = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
    text = f"new {shown} in {percent(share)} of rows"
    return Fault("CATEGORY_NEW", text, share, {"values": names})


def _vanished(moved: Moved) -> Fault | None:
    gone = _lost(moved)
    share = float(sum(moved.p0[i] - moved.p1[i] for i in gone))
    if not gone or share < _CARRIES * moved.distance:
        return None
    names = [_name(moved.counted.labels[i]) for i in gone]
    shown = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
    text = f"{shown} went, {percent(share)} of rows before"
    return Fault("CATEGORY_LOST", text, share, {"values": names})
