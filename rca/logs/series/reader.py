"""Reads series from answers of Prometheus and from tables of time and value."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rca.errors import (
    BadValueError,
    CorruptFileError,
    EmptyLogError,
    MissingColumnError,
    UnknownNameError,
    listed,
)
from rca.logs.events.canonical import ALIASES, plain_name
from rca.logs.events.files import read_records
from rca.logs.events.source import Record
from rca.logs.events.times import is_missing, read_time
from rca.logs.events.values import get, text
from rca.logs.series.grid import increases, on_grid
from rca.logs.series.series import MetricSeries

Kind = Literal["gauge", "counter"]

#: Endings by which Prometheus names its counters. https://prometheus.io/docs/practices/naming/
_COUNTERS = ("_total", "_count", "_sum", "_bucket")
_VALUES = ("value", "values", "metric_value", "val", "y")
_NAMES = ("metric", "name", "__name__", "series")
_MANY_RESETS = 0.1  # of the windows
_FEW_RESETS = 3


@dataclass
class _Samples:
    """The samples of one series as they were read."""

    labels: dict[str, str]
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    n_naive: int = 0
    n_infinite: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, time: Any, value: Any, where: str) -> None:
        """Add one sample; a null or infinite value leaves its window empty."""
        try:
            moment = read_time(time)
        except ValueError as error:
            raise BadValueError(f"{where}: {text(time)!r} is not a time ({error}).") from error
        self.n_naive += moment.naive
        number = _number(value, where)
        self.n_infinite += math.isinf(number)
        self.times.append(moment.time.timestamp())
        self.values.append(number if math.isfinite(number) else math.nan)


def read_series(
    path: str | os.PathLike[str],
    *,
    where: Mapping[str, str] | None = None,
    kind: Kind | None = None,
) -> MetricSeries:
    """Read one metric over time, for questions about an incident that left no request log.

    Parameters
    ----------
    path : path
        The answer of Prometheus to ``query_range`` (JSON), or a table (CSV, JSONL, Parquet) of
        time and value. Other columns of a table are labels; a table without a column named
        ``value`` is taken as one series a column.
    where : mapping, optional
        The labels of the series wanted, when the file holds several.
    kind : {"gauge", "counter"}, optional
        What the metric is. By default a name that ends in ``_total``, ``_count``, ``_sum`` or
        ``_bucket`` is a counter, and all else a gauge.

    Returns
    -------
    MetricSeries
        On an even grid. A counter is given as its increase in each window; where it falls it was
        restarted, and what it shows is its increase since. A window without a sample, one with
        NaN or infinity, and of a counter the first one after a gap, are NaN and never 0.

    Raises
    ------
    UnknownNameError
        If the file holds several series and ``where`` names none or more than one.
    BadValueError
        If the file is the answer to an instant query, an error, or holds native histograms, or
        if a time or a value cannot be read.
    EmptyLogError
        If it holds no series.
    """
    found = read_many(path, where=where, kind=kind)
    if len(found) > 1:
        raise UnknownNameError(
            f"{path} holds {len(found)} series; name one by its labels, as"
            f" where={dict(found[0].labels)!r}. They are:"
            f" {listed([str(series).partition(':')[0] for series in found], limit=5)}."
        )
    return found[0]


def read_many(
    path: str | os.PathLike[str],
    *,
    where: Mapping[str, str] | None = None,
    kind: Kind | None = None,
) -> tuple[MetricSeries, ...]:
    """Read all series of a file that have the labels ``where``; see :func:`read_series`."""
    label = str(path)
    records = read_records(Path(path).expanduser(), label)
    if not records:
        raise EmptyLogError(f"{label} is empty.")
    if "data" in records[0].value or "resultType" in records[0].value:
        samples = list(_prometheus(records[0]))
    else:
        samples = list(_table(records))
    if not samples:
        raise EmptyLogError(f"{label} holds no series. Widen the time range of the query.")
    wanted = {name: str(value) for name, value in (where or {}).items()}
    chosen = [item for item in samples if wanted.items() <= item.labels.items()]
    if not chosen:
        known = dict.fromkeys(f"{n}={v}" for item in samples for n, v in item.labels.items())
        raise UnknownNameError.of("labels", str(wanted), known)
    return tuple(_series(item, kind) for item in chosen)


def _prometheus(record: Record) -> Iterator[_Samples]:
    """Yield the samples of each series of a matrix."""
    value = record.value
    if value.get("status") == "error":
        said = f"{text(value.get('errorType')) or 'error'}: {text(value.get('error')) or ''}"
        raise BadValueError(f"{record.where} is an error that Prometheus answered: {said}.")
    data = value.get("data") if "data" in value else value
    kind = text(get(data, "resultType"))
    if kind != "matrix":
        raise BadValueError(
            f"{record.where} is a {kind or 'document'} of Prometheus, and a matrix is needed: a"
            " series over time. Ask query_range with start, end and step instead of query."
        )
    results = get(data, "result")
    notes = [
        f"Prometheus: {text(note)}"
        for name in ("warnings", "infos")
        for note in _list(value.get(name))
    ]
    for number, result in enumerate(_list(results), start=1):
        where = f"{record.where}, result {number}"
        labels = get(result, "metric")
        points = get(result, "values")
        if not isinstance(labels, Mapping) or not isinstance(points, list):
            what = "native histograms" if get(result, "histograms") else "no values"
            raise BadValueError(
                f"{where} holds {what}. Ask for histogram_quantile(...) or histogram_count(...),"
                " which give plain numbers."
            )
        samples = _Samples({str(name): text(v) or "" for name, v in labels.items()}, notes=notes)
        for point in points:
            if not isinstance(point, list) or len(point) != 2:
                raise CorruptFileError(f"{where}: {point!r:.60} is not a [time, value] pair.")
            samples.add(point[0], point[1], where)
        if points:
            yield samples


def _table(records: Sequence[Record]) -> Iterator[_Samples]:
    """Yield the samples of each series of a table, long (with a value column) or wide."""
    columns = {plain_name(name): name for name in records[0].value}
    time = next((columns[name] for name in ALIASES["ts"] if name in columns), None)
    if time is None:
        raise MissingColumnError.of("time", columns)
    value = next((columns[name] for name in _VALUES if name in columns), None)
    if value is None and len(columns) == 1:
        raise MissingColumnError.of("value", columns)
    by_labels: dict[tuple[tuple[str, str], ...], _Samples] = {}
    for record in records:
        row = record.value
        measured = [value] if value else [name for name in columns.values() if name != time]
        for name in measured:
            labels = _labels(row, time, name) if value else {"__name__": str(name)}
            key = tuple(sorted(labels.items()))
            by_labels.setdefault(key, _Samples(labels)).add(
                row.get(time), row.get(name), record.where
            )
    yield from by_labels.values()


def _labels(row: Mapping[str, Any], time: str, value: str) -> dict[str, str]:
    labels = {}
    for column, cell in row.items():
        found = text(cell)
        if column not in (time, value) and found is not None:
            name = "__name__" if plain_name(column) in _NAMES else str(column)
            labels[name] = found
    return labels


def _number(value: Any, where: str) -> float:
    if is_missing(value):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValueError(
            f"{where}: {text(value)!r:.60} is not a number. Export the values without their unit."
        ) from error


def _series(samples: _Samples, kind: Kind | None) -> MetricSeries:
    labels = dict(samples.labels)
    name = labels.pop("__name__", "")
    grid = on_grid(np.array(samples.times), np.array(samples.values))
    caveats = [
        *samples.notes,
        *_said(samples.n_naive, "time{s} without a zone taken as UTC"),
        *_said(samples.n_infinite, "infinite value{s} taken as missing"),
        *_said(grid.n_moved, f"sample{{s}} moved to the grid of {grid.step_s:g} s"),
        *_said(grid.n_replaced, "sample{s} replaced by a later one of the same window"),
    ]
    values, is_counter = grid.values, kind == "counter"
    if kind is None and name.endswith(_COUNTERS):
        is_counter = not _falls_often(values)
        if not is_counter:
            caveats.append(f"{name} is named like a counter but falls often: taken as a gauge")
    if is_counter:
        values, n_resets, n_after_gap = increases(values)
        caveats += _said(n_resets, "reset{s} of the counter: the increase there is a lower bound")
        caveats += _said(n_after_gap, "increase{s} after a gap left missing")
    n_missing = int(np.isnan(values).sum()) - is_counter
    caveats += _said(n_missing, f"of {len(values)} windows without a value: missing, not 0")
    return MetricSeries(name, grid.times, values, grid.step_s, labels, is_counter, tuple(caveats))


def _falls_often(values: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Tell whether a series falls more often than restarts could explain."""
    falls = np.diff(values[np.isfinite(values)]) < 0
    return int(falls.sum()) >= _FEW_RESETS and float(falls.mean()) > _MANY_RESETS


def _said(n: int, what: str) -> list[str]:
    return [f"{n} {what.format(s='s' * (n > 1))}"] if n > 0 else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
