"""Axes of a static picture: from data values to pixels, and the ticks between."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

DAY: Final = 86_400.0
YEAR: Final = 365.25 * DAY
STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY, 730 * DAY,
    1826 * DAY,
)  # fmt: skip
FORMAT: Final = re.compile(r"([$+]?)(,?)(?:\.(\d+))?(~?)([a-z%]?)")
LARGEST: Final = 1e150
SI: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


@dataclass(frozen=True)
class Scale:
    """One axis: ``position`` maps a value to 0 (start) … 1 (end); ``ticks`` have labels."""

    kind: str
    low: float
    high: float
    categories: Mapping[str, int] = field(default_factory=dict)
    ticks: Sequence[tuple[float, str]] = ()

    def number(self, value: Any) -> float | None:
        """Return a value as a number on the axis, ``None`` when it is null or not drawable."""
        return as_number(value, self.kind, self.categories)

    def position(self, value: Any) -> float | None:
        """Return where a value lies, 0 at the start of the axis and 1 at its end."""
        number = self.number(value)
        return None if number is None else self.fraction(number)

    def fraction(self, number: float) -> float:
        """Return where a number of the axis lies."""
        return (number - self.low) / (self.high - self.low)


def axis_kind(axis: Mapping[str, Any], values: Iterable[Any]) -> str:
    """Return ``linear``, ``log``, ``date`` or ``category`` for an axis, guessed as plotly would.

    Examples
    --------
    >>> axis_kind({}, ["2026-03-01T10:00:00Z", None]), axis_kind({}, ["eu", "us"])
    ('date', 'category')
    """
    kind = axis.get("type")
    if kind in ("linear", "log", "date", "category"):
        return str(kind)
    known = [value for value in values if value is not None]
    if all(as_number(value, "linear") is not None or _is_nan(value) for value in known):
        return "linear"
    if all(isinstance(value, str) and as_number(value, "date") is not None for value in known):
        return "date"
    return "category"


def as_number(value: Any, kind: str, categories: Mapping[str, int] | None = None) -> float | None:
    """Return a value as a number of an axis: a logarithm for ``log``, seconds for ``date``."""
    if value is None or _is_nan(value):
        return None
    if kind == "category":
        return _category_number(value, categories or {})
    if kind == "date":
        return _seconds(value)
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if kind == "log":
        return math.log10(number) if number > 0 else None
    return number if abs(number) < LARGEST else None


def category_key(value: Any) -> str:
    """Return the name under which a category is known; levels of a two-level axis are joined."""
    return " · ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def scale_of(
    axis: Mapping[str, Any],
    values: Sequence[Any],
    *,
    anchors: Sequence[float] = (),
    pad: float = 0.05,
    n_ticks: int = 6,
) -> Scale:
    """Return the scale of an axis.

    Parameters
    ----------
    axis : mapping
        The layout of the axis in plotly's terms.
    values : sequence
        All values drawn on it.
    anchors : sequence of float
        Numbers of the axis that must be inside too, and are not padded (the foot of bars).
    pad : float
        Free share of the range on each side that no anchor holds.
    n_ticks : int
        About how many ticks.
    """
    kind = axis_kind(axis, values)
    categories = _categories(axis, values) if kind == "category" else {}
    numbers = [n for n in (as_number(v, kind, categories) for v in values) if n is not None]
    low, high = _range(axis, kind, numbers, anchors, pad, categories)
    ticks = _ticks(axis, kind, min(low, high), max(low, high), categories, n_ticks)
    span = abs(high - low) * 1e-9
    inside = [tick for tick in ticks if min(low, high) - span <= tick[0] <= max(low, high) + span]
    return Scale(kind, low, high, categories, inside)


def formatted(value: float, spec: str | None = None) -> str:
    """Return a number as text by a format of d3 (the part of it that charts use).

    Examples
    --------
    >>> formatted(0.1234, ".1%"), formatted(1234567, ",d"), formatted(1500, "~s")
    ('12.3%', '1,234,567', '1.5k')
    >>> formatted(0.1 + 0.2)
    '0.3'
    """
    match = FORMAT.fullmatch(spec or "")
    if spec is None or match is None or not spec:
        return _short(value)
    sign, comma, precision, _, letter = match.groups()
    prefix = "$" if sign == "$" else ""
    plus = "+" if sign == "+" else ""
    if letter == "s":
        return prefix + _si(value)
    if letter == "d":
        return prefix + format(round(value), f"{plus}{comma}d")
    places = f".{precision or 12}" if precision or not letter else f".{precision or 0}"
    return prefix + format(value, f"{plus}{comma}{places}{letter or 'g'}")


def rounded_up(number: float) -> float:
    """Return the next number of the row 1, 2, 5, 10, 20, 50, ...

    Examples
    --------
    >>> rounded_up(0.3), rounded_up(12)
    (0.5, 20.0)
    """
    power = 10.0 ** math.floor(math.log10(number))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= number * 0.999)


def _categories(axis: Mapping[str, Any], values: Iterable[Any]) -> dict[str, int]:
    order = str(axis.get("categoryorder") or "")
    names = list(dict.fromkeys(category_key(v) for v in values if v is not None))
    if order in ("", "array") and axis.get("categoryarray"):
        first = [category_key(v) for v in axis["categoryarray"]]
        names = list(dict.fromkeys([*first, *names]))
    elif order.startswith("category"):
        names.sort(reverse=order.endswith("descending"))
    return {name: place for place, name in enumerate(names)}


def _range(
    axis: Mapping[str, Any],
    kind: str,
    numbers: Sequence[float],
    anchors: Sequence[float],
    pad: float,
    categories: Mapping[str, int],
) -> tuple[float, float]:
    given = axis.get("range")
    if given and len(given) == 2:
        as_kind = "linear" if kind in ("log", "category") else kind
        ends = [as_number(end, as_kind) for end in given]
        if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
            return ends[0], ends[1]
    if kind == "category":
        low, high = -0.5, max(len(categories), 1) - 0.5
    else:
        low, high = _padded(axis, kind, numbers, anchors, pad)
    return (high, low) if axis.get("autorange") == "reversed" else (low, high)


def _padded(
    axis: Mapping[str, Any],
    kind: str,
    numbers: Sequence[float],
    anchors: Sequence[float],
    pad: float,
) -> tuple[float, float]:
    fixed = [*anchors, *([0.0] if axis.get("rangemode") in ("tozero", "nonnegative") else [])]
    if kind in ("log", "date"):
        fixed = []
    everything = [*numbers, *fixed] or [0.0, 1.0]
    low, high = min(everything), max(everything)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-280):
        half = {"date": 1800.0, "log": 0.5}.get(kind, abs(low) * 0.1 or 1.0)
        return low - half, high + half
    room = (high - low) * pad
    return (low if low in fixed else low - room), (high if high in fixed else high + room)


def _ticks(
    axis: Mapping[str, Any],
    kind: str,
    low: float,
    high: float,
    categories: Mapping[str, int],
    n_ticks: int,
) -> list[tuple[float, str]]:
    if axis.get("showticklabels") is False:
        return []
    if axis.get("tickvals"):
        texts = axis.get("ticktext") or axis["tickvals"]
        pairs = [
            (as_number(v, kind, categories), str(t))
            for v, t in zip(axis["tickvals"], texts, strict=False)
        ]
        return [(number, text) for number, text in pairs if number is not None]
    if kind == "category":
        return [(float(place), name) for name, place in categories.items()]
    if kind == "date":
        return _date_ticks(low, high, n_ticks, axis.get("tickformat"))
    places = _log_places(low, high) if kind == "log" else _linear_places(low, high, n_ticks)
    prefix, suffix = axis.get("tickprefix") or "", axis.get("ticksuffix") or ""
    return [
        (n, f"{prefix}{formatted(10**n if kind == 'log' else n, axis.get('tickformat'))}{suffix}")
        for n in places
    ]


def _linear_places(low: float, high: float, n_ticks: int) -> list[float]:
    step = rounded_up((high - low) / max(n_ticks, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _log_places(low: float, high: float) -> list[float]:
    powers = range(math.floor(low), math.ceil(high) + 1)
    digits = (1, 2, 5) if high - low < 2.5 else (1,)
    every = max(1, math.ceil(len(powers) / 8))
    return [p + math.log10(d) for p in powers[::every] for d in digits]


def _date_ticks(low: float, high: float, n_ticks: int, spec: str | None) -> list[tuple[float, str]]:
    rough = (high - low) / max(n_ticks, 1)
    step = next((s for s in STEPS_S if s >= rough), math.ceil(rough / YEAR) * YEAR)
    places = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    spec = spec if spec and "%" in spec else _date_format(step, high - low)
    return [(p, _moment(p).strftime(spec).replace("%L", "")) for p in places]


def _date_format(step: float, span: float) -> str:
    if step >= 28 * DAY:
        return "%b %Y"
    if step >= DAY:
        return "%d %b"
    if step < 60:
        return "%H:%M:%S"
    return "%H:%M" if span <= DAY else "%d %b %H:%M"


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _seconds(value: Any) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) / 1000.0 if -3e13 < value < 2e14 else None
    text = str(value).strip()
    if not re.match(r"\d{4}-\d\d", text):
        return None
    text = re.sub(r"(\.\d{6})\d+", r"\1", text if len(text) > 7 else text + "-01")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _category_number(value: Any, categories: Mapping[str, int]) -> float | None:
    place = categories.get(category_key(value))
    if place is None and isinstance(value, (int, float)):
        return float(value)
    return None if place is None else float(place)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _short(value: float) -> str:
    if value != 0 and (abs(value) >= 10_000 or abs(value) < 0.001):
        return _si(value)
    return format(value, ".6g")


def _si(value: float) -> str:
    if value == 0:
        return "0"
    for size, letter in SI:
        if abs(value) >= size * 0.9995:
            return format(value / size, ".4g") + letter
    return format(value, ".2e")
