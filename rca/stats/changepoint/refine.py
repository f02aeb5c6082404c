"""When exactly a change began: from the rows around it instead of their buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln

from rca.errors import BadValueError, WindowError
from rca.stats.changepoint.results import TimePosterior

Floats = npt.NDArray[np.float64]
#: Values further than this many robust sds from the median of all rows are pulled in.
WINSOR_SD = 5.0
MIN_ROWS = 10


@dataclass(frozen=True)
class Refined:
    """Onset from raw rows.

    Attributes
    ----------
    at, low, high : float
        Median and 90 % interval of the onset, seconds since the epoch.
    before, after : float
        Share, mean, or rows per second on both sides of ``at``.
    n_before, n_after : int
        Rows on both sides.
    time_posterior : TimePosterior
        Where the onset lies.
    caveats : tuple of str
        What limits the answer.
    """

    at: float
    low: float
    high: float
    before: float
    after: float
    n_before: int
    n_after: int
    time_posterior: TimePosterior
    caveats: tuple[str, ...]


def refine(
    times: object,
    values: object = None,
    *,
    around: tuple[float, float],
    kind: Literal["rate", "mean", "count"] = "rate",
    inflation: float = 1.0,
) -> Refined:
    """Find the onset of a step in raw rows, better than to a bucket.

    The onset has a flat prior over ``around`` and two unknown levels, integrated out: Beta(1/2,
    1/2) for a rate, flat for a mean, Gamma(1/2) for the intensity of a count. Between two
    rows the likelihood does not change, so the interval is as wide as the gap between rows.

    Parameters
    ----------
    times : array
        Times of the rows, seconds since the epoch, in any order. Rows outside ``around`` teach the
        levels: give those from the change before to the change after, within a few hours.
    values : array, optional
        0 or 1 per row (``rate``), a number per row (``mean``), not used (``count``). Null rows are
        left out.
    around : (float, float)
        Where the onset lies for sure, as the 0.001 and 0.999 quantiles of
        `ChangePoint.time_posterior`.
    kind : {"rate", "mean", "count"}
        What is measured.
    inflation : float
        Variance of the rows over that of independent ones: above 1 when rows come in clusters.

    Raises
    ------
    WindowError
        Fewer than 10 rows, or ``around`` is empty.
    BadValueError
        A rate has values other than 0 and 1.

    Examples
    --------
    >>> seconds = np.arange(200.0)
    >>> found = refine(seconds, seconds >= 120.0, around=(60.0, 180.0))
    >>> 119 <= found.low <= found.at <= found.high <= 120
    True
    """
    t, y = _rows(times, values, kind)
    low, high = float(around[0]), float(around[1])
    if not low < high:
        raise WindowError(f"around is {around}. Give two increasing times.")
    if len(t) < MIN_ROWS:
        raise WindowError(f"only {len(t)} rows with a value; {MIN_ROWS} are needed. Give more.")
    edges = np.concatenate(([low], t[(t > low) & (t < high)], [high]))
    if kind == "count":
        edges = np.concatenate((edges, np.linspace(low, high, 513)))
    edges = np.unique(edges)
    middle = (edges[1:] + edges[:-1]) / 2
    first = np.searchsorted(t, middle)
    likelihood = _LIKELIHOODS[kind](t, y, first, middle) / max(1.0, inflation)
    weight = np.exp(likelihood - likelihood.max()) * np.diff(edges)
    posterior = TimePosterior(edges, weight / weight.sum())
    at = posterior.quantile(0.5)
    cut = int(np.searchsorted(t, at))
    spans = (at - t[0], t[-1] - at)
    return Refined(
        at,
        posterior.quantile(0.05),
        posterior.quantile(0.95),
        _level(y[:cut], spans[0], kind),
        _level(y[cut:], spans[1], kind),
        cut,
        len(t) - cut,
        posterior,
        _caveats(posterior, cut, len(t)),
    )


def _rows(times: object, values: object, kind: str) -> tuple[Floats, Floats]:
    if kind not in _LIKELIHOODS:
        raise BadValueError(f"kind is {kind!r}. Give one of: {', '.join(_LIKELIHOODS)}.")
    t = np.asarray(times, dtype=np.float64)
    y = np.ones(len(t)) if values is None else np.asarray(values, dtype=np.float64)
    if len(t) != len(y):
        raise BadValueError(f"values has {len(y)} rows, times has {len(t)}. Align them.")
    known = np.isfinite(t) & np.isfinite(y)
    order = np.argsort(t[known], kind="stable")
    t, y = t[known][order], y[known][order]
    if kind == "rate" and not np.isin(y, (0.0, 1.0)).all():
        raise BadValueError("a rate has values other than 0 and 1. Give kind='mean'.")
    return t, y


def _rate_likelihood(t: Floats, y: Floats, first: npt.NDArray[np.int64], _: Floats) -> Floats:
    hits = np.concatenate(([0.0], np.cumsum(y)))
    k, n = hits[first], first.astype(np.float64)
    rest_k, rest_n = hits[-1] - k, len(t) - n
    before = betaln(k + 0.5, n - k + 0.5)
    return np.asarray(before + betaln(rest_k + 0.5, rest_n - rest_k + 0.5), dtype=np.float64)


def _mean_likelihood(t: Floats, y: Floats, first: npt.NDArray[np.int64], _: Floats) -> Floats:
    middle = float(np.median(y))
    reach = WINSOR_SD * 1.4826 * float(np.median(np.abs(y - middle)))
    y = np.clip(y, middle - reach, middle + reach) if reach > 0 else y
    y = y - y.mean()
    total = np.concatenate(([0.0], np.cumsum(y)))
    n = first.astype(np.float64)
    inside = (n > 0) & (n < len(t))
    n1, n2 = np.where(inside, n, 1.0), np.where(inside, len(t) - n, 1.0)
    gain = np.where(inside, total[first] ** 2 * (1 / n1 + 1 / n2), 0.0)
    spread = max((float(y @ y) - float(gain.max())) / len(t), 1e-300)
    spread = max(spread, 1e-12 * float(y @ y) / len(t))
    likelihood = 0.5 * gain / spread - 0.5 * np.log(n1 * n2 / len(t))
    return np.asarray(np.where(inside, likelihood, -np.inf), dtype=np.float64)


def _count_likelihood(t: Floats, y: Floats, first: npt.NDArray[np.int64], onset: Floats) -> Floats:
    del y
    k, span = first.astype(np.float64), np.maximum(onset - t[0], 1e-9)
    rest_k, rest = len(t) - k, np.maximum(t[-1] - onset, 1e-9)
    before = gammaln(k + 0.5) - (k + 0.5) * np.log(span)
    return np.asarray(before + gammaln(rest_k + 0.5) - (rest_k + 0.5) * np.log(rest))


_LIKELIHOODS = {"rate": _rate_likelihood, "mean": _mean_likelihood, "count": _count_likelihood}


def _level(y: Floats, span: float, kind: str) -> float:
    if kind == "count":
        return len(y) / span if span > 0 else float("nan")
    return float(y.mean()) if len(y) else float("nan")


def _caveats(posterior: TimePosterior, before: int, rows: int) -> tuple[str, ...]:
    out = []
    if min(before, rows - before) < MIN_ROWS:
        out.append(f"Only {min(before, rows - before)} rows lie on one side of the onset.")
    if max(posterior.probability[0], posterior.probability[-1]) > 0.1:
        out.append("The onset may lie outside the time searched. Search a wider one.")
    return tuple(out)
