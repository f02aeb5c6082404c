"""From segments and transitions to the numbers a reader gets, in the metric's own unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from rca.stats.changepoint import segment, significance
from rca.stats.changepoint.data import Data
from rca.stats.changepoint.levels import Level
from rca.stats.changepoint.results import (
    ChangePoint,
    ChangePoints,
    TimePosterior,
    Transient,
)
from rca.stats.changepoint.segment import Segments
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
    """Put levels, transitions, transients and caveats together."""
    levels = [Level.of(series, data, chosen, a, b) for a, b in _bounds(data, chosen, groups)]
    z = significance.change_z(data, chosen, significance.day_variance(data, chosen))
    p_values = significance.anywhere_p(z, len(data.y), chosen.noise)
    if tail_p is not None:
        p_values[-1] = min(float(p_values[-1]), tail_p)
    quantile = float(special.stdtrit(max(3.0, chosen.noise.degrees), 0.975))
    sd = float(np.sqrt(chosen.noise.variance / np.median(data.weight)))
    points = tuple(
        _point(series, group, levels[i : i + 2], z, p_values, quantile, sd)
        for i, group in enumerate(groups)
    )
    segments = tuple(level.segment(series, data, quantile) for level in levels)
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


def _point(
    series: Series,
    group: Group,
    levels: list[Level],
    z: Floats,
    p_values: Floats,
    quantile: float,
    bucket_sd: float,
) -> ChangePoint:
    where = group.transition
    ramp = where.p_ramp > 0.5
    (before, slope_before), (after, slope_after) = (level.native(series) for level in levels)
    sd = np.hypot(slope_before * levels[0].variance ** 0.5, slope_after * levels[1].variance ** 0.5)
    shift = after - before
    strongest = group.first + int(np.argmax(np.abs(z[group.first : group.last + 1])))
    at = where.quantile(0.5)
    return ChangePoint(
        at=at,
        low=where.quantile(0.05),
        high=where.quantile(0.95),
        shape="ramp" if ramp else "step",
        ramp_end=max(at, where.onset + where.length_s) if ramp else at,
        p_ramp=where.p_ramp,
        before=before,
        after=after,
        shift=shift,
        shift_ci=(float(shift - quantile * sd), float(shift + quantile * sd)),
        effect=(levels[1].working - levels[0].working) / bucket_sd,
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
    level = chosen.fit.levels[segment.segment_blocks(chosen.starts, len(raw))]
    out = []
    for run in sorted(runs, key=lambda run: int(run[0])):
        effect = chosen.season.effect(data.times[run], data.width_s)
        out.append(
            Transient(
                float(data.times[run[0]]),
                float(data.times[run[-1]] + data.width_s),
                len(run),
                float(series.value[run].mean()),
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


def nothing(n: int, missing: int) -> ChangePoints:
    """Return the answer for a series too short to have one."""
    caveat = (
        f"Only {n} buckets have a value; a change needs {MIN_BUCKETS}. "
        "Use narrower buckets or a longer window."
    )
    nan = float("nan")
    return ChangePoints((), (), NO_SEASON, (), nan, nan, nan, nan, n, missing, (caveat,))
