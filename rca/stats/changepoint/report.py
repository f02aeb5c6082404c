"""From segments and transitions to the numbers a reader gets, in the metric's own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from rca.stats.changepoint import segment, significance
from rca.stats.changepoint.results import (
    ChangePoint,
    ChangePoints,
    Segment,
    TimePosterior,
    Transient,
)
from rca.stats.changepoint.segment import Data, Segments
from rca.stats.changepoint.series import Series
from rca.stats.changepoint.transitions import Group
from rca.stats.season import DAY_S, NO_SEASON, WEEK_S

Floats = npt.NDArray[np.float64]

MIN_BUCKETS = 12
TRANSIENT_SD = 5.0
MAX_TRANSIENTS = 50


def report(
    series: Series,
    data: Data,
    chosen: Segments,
    groups: list[Group],
    raw: Floats,
    tail_p: float | None,
    missing: int,
) -> ChangePoints:
    levels = [Level.of(series, data, chosen, a, b) for a, b in _bounds(data, chosen, groups)]
    z = significance.change_z(data, chosen)
    p_values = significance.anywhere_p(z, len(data.y), chosen.noise)
    if tail_p is not None:
        p_values[-1] = min(float(p_values[-1]), tail_p)
    quantile = float(stats.t.ppf(0.975, max(3.0, chosen.noise.degrees)))
    points = tuple(
        _point(series, data, chosen, group, levels[i : i + 2], z, p_values, quantile)
        for i, group in enumerate(groups)
    )
    segments = tuple(level.segment(series, data, quantile) for level in levels)
    sd = float(np.sqrt(chosen.noise.variance / np.median(data.weight)))
    variance = data.variance
    squares = raw**2 * chosen.noise.variance / data.weight
    phi = float("nan") if variance is None else float(np.mean(np.minimum(squares, 9 * sd**2)))
    phi = phi if variance is None else phi / float(np.mean(variance))
    return ChangePoints(
        points,
        _transients(series, data, chosen, raw),
        chosen.season,
        segments,
        sd,
        chosen.noise.share * chosen.noise.rho,
        chosen.noise.long_run,
        phi,
        len(data.y),
        missing,
        _caveats(data, chosen, points, missing),
    )


def _bounds(data: Data, chosen: Segments, groups: list[Group]) -> list[tuple[int, int]]:
    """Return the buckets of each level: whole ones only, outside the transitions."""
    bounds: list[tuple[int, int]] = []
    start = 0
    for group in groups:
        first, last = int(chosen.starts[group.first]), int(chosen.starts[group.last])
        end, following = first, last
        if group.transition.p_ramp > 0.5:
            finish = group.transition.onset + group.transition.length_s
            end = int(np.searchsorted(data.times, group.transition.onset - data.width_s, "right"))
            following = int(np.searchsorted(data.times, finish))
        bounds.append((start, end if end > start else first))
        start = following if following < len(data.y) else last
    bounds.append((start, len(data.y)))
    return bounds


@dataclass(frozen=True)
class Level:
    """Level of buckets ``low..high`` on the working scale, and its variance."""

    low: int
    high: int
    working: float
    variance: float
    rows: float

    @classmethod
    def of(cls, series: Series, data: Data, chosen: Segments, low: int, high: int) -> Level:
        high = max(high, low + 1)
        present = np.flatnonzero(np.isfinite(series.working))[low:high]
        effect = chosen.season.effect(data.times[low:high], data.width_s)
        weight = data.weight[low:high]
        noise = chosen.noise
        variance = noise.variance * float(noise.inflation(high - low)) / float(weight.sum())
        rows = series.n[present]
        level = float(weight @ (data.y[low:high] - effect) / weight.sum())
        if series.kind in ("rate", "count"):
            level = _pooled_level(series, series.value[present], rows, effect, level)
        return cls(low, high, level, variance, float(rows.sum()))

    def segment(self, series: Series, data: Data, quantile: float) -> Segment:
        reach = quantile * np.sqrt(self.variance)
        ends = series.native(np.array([self.working, self.working - reach, self.working + reach]))
        return Segment(
            float(data.times[self.low]),
            float(data.times[self.high - 1] + data.width_s),
            float(ends[0]),
            (float(ends[1]), float(ends[2])),
            self.rows,
            self.high - self.low,
        )


def _pooled_level(
    series: Series, value: Floats, rows: Floats, effect: Floats, start: float
) -> float:
    """Return the level whose expected total is the total seen (one-parameter regression)."""
    seen = float(value @ rows)
    most = float(rows.sum()) if series.kind == "rate" else np.inf
    seen = min(max(seen, 0.5), most - 0.5)
    level = start
    for _ in range(30):
        expected = float(rows @ series.native(level + effect))
        slope = float(rows @ series.slope(level + effect))
        step = (seen - expected) / max(slope, 1e-12)
        level += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-12:
            break
    return level


def _point(
    series: Series,
    data: Data,
    chosen: Segments,
    group: Group,
    levels: list[Level],
    z: Floats,
    p_values: Floats,
    quantile: float,
) -> ChangePoint:
    where = group.transition
    ramp = where.p_ramp > 0.5
    both = np.array([level.working for level in levels])
    native, slope = series.native(both), series.slope(both)
    sd = float(np.sqrt(sum(s**2 * v.variance for s, v in zip(slope, levels, strict=True))))
    shift = float(native[1] - native[0])
    strongest = group.first + int(np.argmax(np.abs(z[group.first : group.last + 1])))
    bucket_sd = float(np.sqrt(chosen.noise.variance / np.median(data.weight)))
    at = where.quantile(0.5)
    return ChangePoint(
        at=at,
        low=where.quantile(0.05),
        high=where.quantile(0.95),
        shape="ramp" if ramp else "step",
        ramp_end=max(at, where.onset + where.length_s) if ramp else at,
        p_ramp=where.p_ramp,
        before=float(native[0]),
        after=float(native[1]),
        shift=shift,
        shift_ci=(shift - quantile * sd, shift + quantile * sd),
        effect=float(both[1] - both[0]) / bucket_sd,
        z=float(z[strongest]),
        p_value=float(p_values[strongest]),
        n_before=levels[0].rows,
        n_after=levels[1].rows,
        time_posterior=TimePosterior(where.edges, where.probability),
    )


def _transients(series: Series, data: Data, chosen: Segments, raw: Floats) -> tuple[Transient, ...]:
    """List runs of buckets far from their level; a bucket at most lies between two of a run."""
    far = np.flatnonzero(np.abs(raw) > TRANSIENT_SD)
    if not len(far):
        return ()
    apart = (np.diff(data.position[far]) > 2) | (np.sign(raw[far[1:]]) != np.sign(raw[far[:-1]]))
    runs = np.split(far, np.flatnonzero(apart) + 1)
    runs = sorted(runs, key=lambda run: -float(np.abs(raw[run]).max()))[:MAX_TRANSIENTS]
    value = series.value[np.isfinite(series.working)]
    level = chosen.fit.levels[segment.segment_blocks(chosen.starts, len(raw))]
    out = []
    for run in sorted(runs, key=lambda run: int(run[0])):
        effect = chosen.season.effect(data.times[run], data.width_s)
        out.append(
            Transient(
                float(data.times[run[0]]),
                float(data.times[run[-1]] + data.width_s),
                len(run),
                float(value[run].mean()),
                float(series.native(level[run] + effect).mean()),
                float(raw[run][np.argmax(np.abs(raw[run]))]),
            )
        )
    return tuple(out)


def _caveats(
    data: Data, chosen: Segments, points: tuple[ChangePoint, ...], missing: int
) -> tuple[str, ...]:
    span = float(data.times[-1] - data.times[0]) + data.width_s
    out = []
    if span < 2 * DAY_S and data.width_s < DAY_S:
        out.append(
            f"The series spans {span / 3600:.0f} h: hours of the day cannot be told from a change. "
            "Two days or more teach a daily profile."
        )
    elif span < 2 * WEEK_S:
        weekend = chosen.season.kind == "day+weekend"
        seen = "the weekend has one level" if weekend else "none is used"
        out.append(
            f"The series spans {span / DAY_S:.1f} days: a day-of-week profile needs 14; {seen}."
        )
    if missing > 0.2 * (missing + len(data.y)):
        share = missing / (missing + len(data.y))
        out.append(f"{share:.0%} of the buckets are missing; they count as unknown, not as zero.")
    if chosen.noise.long_run > 3:
        out.append(
            f"Neighbouring buckets move together: n buckets tell as much as "
            f"n / {chosen.noise.long_run:.1f} independent ones."
        )
    if points and len(data.y) - int(chosen.starts[-1]) <= 3:
        out.append("The newest change is at most 3 buckets old: it may yet turn out a spike.")
    return tuple(out)


def nothing(data: Data, missing: int) -> ChangePoints:
    caveat = (
        f"Only {len(data.y)} buckets have a value; a change needs {MIN_BUCKETS}. "
        "Use narrower buckets or a longer window."
    )
    nan = float("nan")
    return ChangePoints((), (), NO_SEASON, (), nan, nan, nan, nan, len(data.y), missing, (caveat,))
