"""Find the changes of level of a bucketed metric; nothing needs tuning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rca.errors import BadValueError
from rca.stats.changepoint import segment, significance
from rca.stats.changepoint.data import Data, sparse_step
from rca.stats.changepoint.report import MIN_BUCKETS, nothing, report
from rca.stats.changepoint.results import ChangePoints
from rca.stats.changepoint.segment import Segments
from rca.stats.changepoint.series import Series
from rca.stats.changepoint.transitions import group_steps

Floats = npt.NDArray[np.float64]


def detect(
    series: Series,
    *,
    alpha: float = 0.05,
    season: str | None = "auto",
    min_segment: int | None = None,
) -> ChangePoints:
    """Find when the level of a metric changed, by how much, and how sure that is.

    Season and levels are fitted together, ``y_t = season(t) + level_j + noise``; noise is the known
    sampling variance plus an autocorrelated part. The number of changes minimises ``n log s^2 +
    3.5 K log n``, ``s^2`` being the one-step prediction error of an autoregression on the
    residuals; each change must then pass a test at ``alpha`` over all places.

    Parameters
    ----------
    series : Series
        Buckets; missing ones are gaps. Single outliers are pulled towards their neighbours.
    alpha : float
        Chance of reporting any change in a series without one.
    season : {"auto", None}
        Learn hour-of-day and day-of-week effects where the span allows it, or assume none.
    min_segment : int, optional
        Drop excursions of fewer buckets than this between two changes. By default the evidence
        decides: 3 buckets are enough when they moved far; the newest 2 as well.

    Returns
    -------
    ChangePoints
        Without changes and with a caveat when fewer than 12 buckets have a value.

    Raises
    ------
    BadValueError
        ``alpha`` is not between 0 and 1, or ``season`` is unknown.

    References
    ----------
    Maidstone, Hocking, Rigaill & Fearnhead (2017), "On optimal multiple changepoint algorithms for
    large data". Cho & Fryzlewicz (2024), "Multiple change point detection under serial dependence".

    Examples
    --------
    >>> minutes = np.arange(60) * 60.0
    >>> hits = np.where(minutes < 1800, 5, 20)
    >>> found = detect(Series.rates(minutes, k=hits, n=np.full(60, 100), width_s=60))
    >>> [(round(p.at / 60), round(p.before, 6), round(p.after, 6), p.shape) for p in found.points]
    [(30, 0.05, 0.2, 'step')]
    """
    if not 0 < alpha < 1:
        raise BadValueError(f"alpha is {alpha}. Give a probability between 0 and 1, as 0.05.")
    if season not in ("auto", None):
        raise BadValueError(f"season is {season!r}. Give 'auto', or None for a flat profile.")
    series = series.present()
    missing = _missing(series)
    if len(series) < MIN_BUCKETS:
        return nothing(len(series), missing)
    data, chosen = segment.choose(series, season)
    chosen = significance.prune(data, chosen, alpha)
    raw = _raw_residual(series, data, chosen)
    chosen, tail_p = _add_tail(data, chosen, raw, alpha, sparse_step(series))
    if min_segment is not None:
        chosen = significance.prune(data, _drop_short(data, chosen, min_segment), alpha)
    raw = _raw_residual(series, data, chosen)
    groups = group_steps(series, data, chosen)
    return report(series, data, chosen, groups, raw, tail_p, missing)


def _missing(series: Series) -> int:
    if not len(series):
        return 0
    span = float(series.times[-1] - series.times[0])
    return max(0, round(span / series.width_s) + 1 - len(series))


def _raw_residual(series: Series, data: Data, chosen: Segments) -> Floats:
    """Return the residuals in sds with outliers as they were, not pulled in."""
    clipped_by = (series.working - data.y) * np.sqrt(data.weight)
    sd = np.sqrt(max(chosen.noise.variance, 1e-300))
    return np.asarray((chosen.residual + clipped_by) / sd, dtype=np.float64)


def _add_tail(
    data: Data, chosen: Segments, raw: Floats, alpha: float, sparse: int
) -> tuple[Segments, float | None]:
    """Add a change in the newest buckets that is short but too far for noise."""
    if sparse > 1:
        raw = _means_of(raw, sparse)
    found = significance.tail_run(raw, alpha)
    if found is None:
        return chosen, None
    run, p = found
    start = len(data.y) - run * sparse
    if len(chosen.starts) and chosen.starts[-1] >= start - run * sparse:
        return chosen, None
    starts = np.append(chosen.starts, start)
    return significance.floored(segment.refit(data, starts, chosen.season.kind), data), p


def _means_of(residual: Floats, size: int) -> Floats:
    kept = residual[len(residual) % size :]
    return np.asarray(kept.reshape(-1, size).sum(1) / np.sqrt(size), dtype=np.float64)


def _drop_short(data: Data, chosen: Segments, least: int) -> Segments:
    while len(chosen.starts):
        length = np.diff(np.concatenate(([0], chosen.starts, [len(data.y)])))
        shortest = int(np.argmin(length))
        if length[shortest] >= least:
            break
        z = np.abs(significance.change_z(data, chosen, 0.0))
        beside = [i for i in (shortest - 1, shortest) if 0 <= i < len(z)]
        weakest = min(beside, key=lambda i: z[i])
        starts = np.delete(chosen.starts, weakest)
        chosen = significance.floored(segment.refit(data, starts, chosen.season.kind), data)
    return chosen
