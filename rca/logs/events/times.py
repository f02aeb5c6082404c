"""Times as exports write them, to aware UTC."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

#: Upper bounds of a count since 1970 and its unit in seconds. Each bound is the year 2286.
_EPOCHS = ((1e10, 1.0), (1e13, 1e-3), (1e16, 1e-6), (1e19, 1e-9))
_RELATIVE_BELOW = 1e8  # the year 1973: a smaller number is a clock that started with the program
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_ZONE_NAME = re.compile(r"\s*([+-]\d{2}:?\d{2})?\s*(UTC|GMT|Z)$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")


class Moment(NamedTuple):
    """A time in UTC, and how much of it was assumed."""

    time: datetime
    naive: bool = False
    date_only: bool = False


def is_missing(value: Any) -> bool:
    """Tell whether a cell holds nothing: None, NaN, NaT, blank text or a word for null."""
    if value is None or value != value:
        return True
    return isinstance(value, str) and value.strip().lower() in {"", "null", "none", "nan", "nat"}


def sort_key(value: Any) -> datetime:
    """Return a time to sort by; what cannot be read comes last."""
    try:
        return read_time(value).time
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def read_time(value: Any) -> Moment:
    """Return the UTC time of a datetime, text, or a count of s, ms, us or ns since 1970.

    Raises
    ------
    ValueError
        If the value is no time, or is a count too small to start in 1970.

    Examples
    --------
    >>> read_time("2016-01-16 00:00:00.25 +0000 UTC").time.isoformat()
    '2016-01-16T00:00:00.250000+00:00'
    >>> read_time(1507266395000).time.isoformat()
    '2017-10-06T05:06:35+00:00'
    >>> read_time("2026-03-01").date_only
    True
    """
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    try:
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, date):
            return Moment(datetime(value.year, value.month, value.day, tzinfo=UTC), True, True)
        if isinstance(value, bool):
            raise ValueError("a truth value is not a time")
        if isinstance(value, int | float):
            return _epoch(float(value))
        if isinstance(value, str):
            return _text(value.strip())
    except OverflowError as error:
        raise ValueError("the time lies outside the calendar") from error
    if hasattr(value, "item"):
        return read_time(value.item())
    raise ValueError(f"a {type(value).__name__} is not a time")


def _utc(time: datetime) -> Moment:
    if time.tzinfo is None:
        return Moment(time.replace(tzinfo=UTC), naive=True)
    return Moment(time.astimezone(UTC))


def _epoch(number: float) -> Moment:
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    if number < _RELATIVE_BELOW:
        raise ValueError("a count below 1e8 does not start in 1970: the clock is relative")
    for bound, unit in _EPOCHS:
        if number < bound:
            return Moment(datetime.fromtimestamp(round(number * unit, 6), tz=UTC))
    raise ValueError("the count lies beyond the year 2286")


def _text(text: str) -> Moment:
    if re.fullmatch(r"(19|20)\d{12}", text):
        return _utc(datetime.strptime(text, "%Y%m%d%H%M%S"))
    if _NUMBER.fullmatch(text) and not _DATE.fullmatch(text):
        return _epoch(float(text))
    zone = _ZONE_NAME.search(text)
    plain = text[: zone.start()] + (zone.group(1) or "+00:00") if zone else text
    try:
        moment = _utc(datetime.fromisoformat(plain))
    except ValueError as error:
        try:
            return _utc(parsedate_to_datetime(text))
        except (TypeError, ValueError, IndexError):
            raise ValueError("not ISO 8601, RFC 2822 or a count since 1970") from error
    return moment._replace(date_only=_DATE.fullmatch(text) is not None)
