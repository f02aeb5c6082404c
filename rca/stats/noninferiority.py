"""Worse, better, no worse than a margin, or too little data to tell.

"No significant difference" is no proof of safety: a small test never finds one. So a version is
cleared only when the interval of its shift stays inside a margin that somebody could live with
(non-inferiority: Piaggio et al. 2012, JAMA 308, 2594-2604), and otherwise nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

Verdict = Literal["regressed", "improved", "no_regression", "cannot_tell"]
Direction = Literal["up", "down", "both"]
#: Returns the interval of a shift at a confidence level.
IntervalAt = Callable[[float], tuple[float, float]]

POWER = 0.8
#: Margins that nobody named: two points of a share, and one part in twenty of anything else.
SHARE_MARGIN = 0.02
RELATIVE_MARGIN = 0.05
_LEAST_SHARE = 0.005
#: Normal quantiles between which intervals are widened; beyond the widest the level rounds to 1.
_NARROWEST, _WIDEST = 1e-9, 8.0


def default_margin(unit: str, baseline: float) -> float:
    """Return the largest shift for the worse that passes when the caller names none.

    A share may lose 0.02, but near 0 or 1 only half of its distance to that bound (and 0.005 at
    least): an error rate of 1 % must not treble unseen. Other units may lose 5 % of the baseline.

    >>> default_margin("share", 0.9), default_margin("share", 0.02), default_margin("ms", 800.0)
    (0.02, 0.01, 40.0)
    """
    if unit == "share":
        return max(_LEAST_SHARE, min(SHARE_MARGIN, 0.5 * min(baseline, 1 - baseline)))
    return RELATIVE_MARGIN * abs(baseline)


@dataclass(frozen=True)
class MarginTest:
    """The p-values of one shift: of no change at all, and of a change for the worse by a margin.

    ``p_margin`` is one-sided: small when the shift is surely no worse than the margin (on both
    sides, where both directions are bad).
    """

    shift: float
    p_value: float
    p_margin: float


def margin_p_value(interval: IntervalAt, margin: float, worse: Direction) -> float:
    """Return the one-sided p-value of "worse by the margin or more".

    Found by widening the interval until its bad end touches the margin, so that p < 0.025 exactly
    when the 95 % interval lies inside it. Where both directions are bad it is the larger of the
    two one-sided p-values (Schuirmann 1987, two one-sided tests).

    >>> def interval(level):                                  # shift -0.01, standard error 0.02
    ...     z = stats.norm.isf((1 - level) / 2)
    ...     return -0.01 - z * 0.02, -0.01 + z * 0.02
    >>> round(margin_p_value(interval, 0.05, "down"), 4)      # z = (0.05 - 0.01) / 0.02 = 2
    0.0228
    """
    if worse == "both":
        sides: tuple[Direction, ...] = ("down", "up")
        return max(margin_p_value(interval, margin, side) for side in sides)

    def room(z: float) -> float:
        low, high = interval(float(1 - 2 * stats.norm.sf(z)))
        return margin + low if worse == "down" else margin - high

    closest = room(_NARROWEST)
    if not np.isfinite(closest):
        return 1.0
    if closest <= 0:
        return _beyond(interval, margin, worse)
    if room(_WIDEST) > 0:
        return float(stats.norm.sf(_WIDEST))
    return float(stats.norm.sf(optimize.brentq(room, _NARROWEST, _WIDEST, xtol=1e-6)))


def _beyond(interval: IntervalAt, margin: float, worse: Direction) -> float:
    """Return the p-value, one half or more, of a shift that is itself beyond the margin."""

    def excess(z: float) -> float:
        low, high = interval(float(1 - 2 * stats.norm.sf(z)))
        return margin + high if worse == "down" else margin - low

    if excess(_NARROWEST) >= 0:
        return 0.5
    if excess(_WIDEST) <= 0:
        return 1.0
    return float(stats.norm.cdf(optimize.brentq(excess, _NARROWEST, _WIDEST, xtol=1e-6)))


def verdict(
    tested: MarginTest, worse: Direction, *, alpha: float = 0.05, q_margin: float | None = None
) -> Verdict:
    """Return what may be said of one shift.

    In this order: ``improved`` when it is significantly for the better; ``no_regression`` when it
    is surely no worse than the margin, even where a smaller loss is certain; ``regressed`` when it
    is significantly for the worse; else ``cannot_tell``.

    Parameters
    ----------
    tested : MarginTest
        Its ``p_value`` may be a corrected one.
    worse : {"up", "down", "both"}
        The bad direction; with both, every shift is one for the worse and none improves.
    alpha : float
        Two-sided level; the margin is tested at half of it.
    q_margin : float, optional
        A corrected p-value of the margin to use in place of the plain one.

    Examples
    --------
    >>> verdict(MarginTest(-0.08, 0.001, 0.9), "down")
    'regressed'
    >>> verdict(MarginTest(-0.001, 0.6, 0.001), "down")
    'no_regression'
    """
    bad = tested.shift if worse == "up" else -tested.shift
    significant = tested.p_value < alpha
    if worse != "both" and significant and bad < 0:
        return "improved"
    if (tested.p_margin if q_margin is None else q_margin) < alpha / 2:
        return "no_regression"
    if significant and (bad > 0 or worse == "both"):
        return "regressed"
    return "cannot_tell"


def detectable_shift(ci: tuple[float, float], *, level: float = 0.95) -> float:
    """Return the smallest true shift that a comparison as noisy as this one finds 8 times in 10.

    (z_{0.975} + z_{0.8}) standard errors, the error read from the width of the interval.

    >>> round(detectable_shift((-0.0196, 0.0196)), 4)
    0.028
    """
    z = float(stats.norm.isf((1 - level) / 2))
    return float((z + stats.norm.isf(1 - POWER)) * (ci[1] - ci[0]) / (2 * z))
