"""The metric over time in each slice: a shift of few rows is seen there before it is in the whole.

All single-column slices come from one pass. A quick screen (largest standardised difference of
"from here on" against "until here", over a grid of splits) picks the few slices whose series are
then searched for change points, with Bonferroni's correction for all slices screened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.events.contrast import like_hours, weighted
from rca.analysis.events.inferred import KINDS
from rca.analysis.events.onset import Onset, find_onset
from rca.analysis.events.scope import Scope
from rca.analysis.events.timeline import Timeline, sums_sql
from rca.engine.sql import f64, grouping_sets, lit
from rca.model.logs import CLUSTERS, Logs
from rca.model.metric import Metric
from rca.stats.ratio import SUMS, Sums
from rca.stats.season import Season

Floats = NDArray[np.float64]

_MOST_VALUES = 30
#: Which column a row of the pass stands for is told by a bit of a whole number.
_COLUMNS_PER_PASS = 60
_LEAST_ROWS = 60
_SEARCHED = 6
_SPLITS = 80
_SCREEN_Z = 3.0
_ALPHA = 0.05
_CONFIRMED_Z = 2.5


@dataclass(frozen=True, eq=False)
class SliceOnset:
    """The onset found in one slice, with its p-value corrected for all slices screened."""

    scope: Scope
    timeline: Timeline
    onset: Onset
    p_value: float
    n_screened: int

    @property
    def z(self) -> float:
        """The size of the change in standard errors."""
        return abs(self.onset.change.z) if self.onset.change else 0.0


def scan_slices(
    logs: Logs, timeline: Timeline, alerted_at: float, metric: Metric, season: Season
) -> tuple[SliceOnset, ...]:
    """Return the slices in which the metric changed by the alert, clearest first.

    The ``season`` of all rows is taken off each slice, whose own rows are too few to show it; and
    what is found must hold against the baseline's like hours of day as well.
    """
    columns = [
        name
        for name in logs.dimensions
        if 2 <= logs.profile[name]["distinct"] <= _MOST_VALUES
        and name not in (*CLUSTERS, *metric.columns)
        # The sums of a version follow its rollout.
        and not (metric.family == "per_hour" and name in KINDS)
    ]
    if not columns or len(timeline.times) < 8:
        return ()
    slices = [
        found
        for first in range(0, len(columns), _COLUMNS_PER_PASS)
        for found in _slice_timelines(logs, timeline, columns[first : first + _COLUMNS_PER_PASS])
    ]
    screened = [(_screen(part, alerted_at, metric), scope, part) for scope, part in slices]
    hopeful = sorted((s for s in screened if s[0] > _SCREEN_Z), key=lambda s: -s[0])[:_SEARCHED]
    found = []
    for _, scope, part in hopeful:
        onset = find_onset(part, alerted_at, metric, season=season)
        if onset.change is None or not metric.is_worse(onset.change.shift):
            continue
        if not _at_like_hours(part, onset, metric):
            continue
        p = min(1.0, onset.change.p_value * len(slices))
        if p < _ALPHA:
            found.append(SliceOnset(scope, part, onset, p, len(slices)))
    return tuple(sorted(found, key=lambda f: -f.z))


def _at_like_hours(part: Timeline, onset: Onset, metric: Metric) -> bool:
    """Tell whether the slice is worse than at the same hours of day before."""
    if metric.family == "per_hour":
        return True
    baseline, current = onset.masks(part)
    if not baseline.any() or not current.any():
        return True
    weights = like_hours(part.times, part.sums.n, baseline, current)
    before, now = weighted(part.sums, weights), part.sums[current].total()
    variance = float(before.variance + now.variance)
    if not np.isfinite(variance) or variance <= 0:
        return True
    shift = float(now.value - before.value)
    return metric.is_worse(shift) and abs(shift) > _CONFIRMED_Z * float(np.sqrt(variance))


def _slice_timelines(
    logs: Logs, timeline: Timeline, columns: Sequence[str]
) -> list[tuple[Scope, Timeline]]:
    metric, dialect = timeline.metric, logs.engine.dialect
    weight = f"coalesce({f64('weight')}, 1e0)" if logs.has("weight") else "1e0"
    index = f"cast(floor({dialect.epoch('ts')} / {lit(timeline.width_s)}) as bigint)"
    named = ", ".join(
        f"{dialect.text(logs.need(column))} as d{i}_" for i, column in enumerate(columns)
    )
    keys = [f"d{i}_" for i in range(len(columns))]
    which = " + ".join(f"grouping({key}) * {1 << i}" for i, key in enumerate(keys))
    sql = (
        f"select b_, {', '.join(keys)}, {which} as g_, {sums_sql()} from (select {index} as b_, "
        f"{named}, {weight} as w_, {metric.y} as y_, {metric.x} as x_, "
        f"case when {metric.measured} then 1e0 else 0e0 end as m_ from {logs.relation} "
        f"where ts is not null) as r_ group by {grouping_sets([['b_', key] for key in keys])}"
    )
    answer = logs.engine.table(sql)
    first = round(float(timeline.times[0]) / timeline.width_s)
    bucket = answer["b_"].to_numpy().astype(np.int64) - first
    group = answer["g_"].to_numpy().astype(np.int64)
    parts = {part: answer[f"{part}_"].to_numpy() for part in SUMS}
    found = []
    for i, column in enumerate(columns):
        mine = np.flatnonzero(group == (1 << len(columns)) - 1 - (1 << i))
        values = np.array(answer[keys[i]].to_pylist(), dtype=object)[mine]
        for value in sorted({v for v in values if v is not None}):
            rows = mine[values == value]
            cells = {part: np.zeros(len(timeline.times)) for part in SUMS}
            for part in SUMS:
                cells[part][bucket[rows]] = parts[part][rows]
            if cells["n"].sum() >= _LEAST_ROWS:
                sums = Sums(*(cells[part] for part in SUMS))
                scope = Scope(((column, (value,)),))
                line = Timeline(
                    metric, timeline.times, timeline.width_s, cells["n"], sums,
                    timeline.threshold, sql, timeline.span_s,
                )  # fmt: skip
                found.append((scope, line))
    return found


def _screen(line: Timeline, alerted_at: float, metric: Metric) -> float:
    """Return the largest standardised difference, in the bad direction, over a grid of splits."""
    total = len(line.times)
    splits = np.unique(np.linspace(total * 0.3, total - 2, _SPLITS).astype(int))
    splits = splits[line.times[splits] <= alerted_at]
    if not len(splits):
        return 0.0
    cumulated = {s: np.concatenate(([0.0], np.cumsum(getattr(line.sums, s)))) for s in SUMS}
    before = Sums(*(cumulated[s][splits] for s in SUMS))
    after = Sums(*(cumulated[s][-1] - cumulated[s][splits] for s in SUMS))
    if metric.family == "per_hour":
        return _screen_counts(line, splits)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (after.value - before.value) / np.sqrt(before.variance + after.variance)
    z = z[np.isfinite(z)]
    if not len(z):
        return 0.0
    sign = {"up": z, "down": -z, "both": np.abs(z)}[metric.worse]
    return float(sign.max())


def _screen_counts(line: Timeline, splits: NDArray[np.int64]) -> float:
    y = np.concatenate(([0.0], np.cumsum(line.sums.y)))
    spread = float(np.std(line.sums.y)) or 1.0
    n_before, n_after = splits, len(line.times) - splits
    gap = (y[-1] - y[splits]) / n_after - y[splits] / n_before
    return float(np.max(np.abs(gap) / (spread * np.sqrt(1 / n_before + 1 / n_after))))
