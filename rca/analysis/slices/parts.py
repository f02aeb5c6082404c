"""The parts of a search's answer: the whole shift, its mix, what is outside, and each slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rca.stats.ratio import Difference, Sums

_NAN = float("nan")
Interval = tuple[float, float]


@dataclass(frozen=True)
class Total:
    """The whole shift, in the metric's unit.

    ``stand_in`` is the shift of what adds up over rows, and ``scale`` the metric's units per one of
    it: 1, but for quantiles.
    """

    metric: str
    unit: str
    baseline_value: float
    current_value: float
    shift: float
    ci: Interval
    p_value: float
    n_baseline: int
    n_current: int
    stand_in: float
    scale: float


@dataclass(frozen=True)
class Mix:
    """What the shares of some columns' values explain: ``mix_shift`` vanishes when they are held.

    For sums per hour there are no columns: ``mix_shift`` is the effect of the number of rows, and
    ``rate_shift`` that of the mean per row.
    """

    dimensions: tuple[str, ...]
    rate_shift: float
    mix_shift: float
    mix_ci: Interval
    mix_share: float
    mix_share_ci: Interval
    p_value: float
    q_value: float

    @classmethod
    def none(cls, whole: Difference) -> Mix:
        """Return the split with no column whose shares could have moved."""
        return cls((), whole.shift, 0.0, (0.0, 0.0), 0.0, (0.0, 0.0), 1.0, 1.0)

    def matters(self, share: float) -> bool:
        """Tell whether the mix is real and, where the whole moved, a material part of it."""
        return self.q_value <= 0.05 and not abs(self.mix_share) < share


@dataclass(frozen=True)
class Spread:
    """The rows outside the slices found: did they move too?

    ``outside_share`` is the part of the shift that they carry; ``heterogeneity_p_value`` the
    (corrected) chance of the largest contrast left when all slices there moved alike.
    """

    outside_shift: float
    outside_ci: Interval
    outside_p_value: float
    outside_part: float
    outside_share: float
    n_baseline: int
    n_current: int
    heterogeneity_p_value: float

    @classmethod
    def unknown(cls) -> Spread:
        """Return the spread where too few rows are left to tell."""
        return cls(_NAN, (-np.inf, np.inf), 1.0, _NAN, _NAN, 0, 0, 1.0)


@dataclass(frozen=True)
class Rule:
    """One slice found: its values, what it moved by, and its part of the whole shift.

    ``predicate`` is the slice as an SQL condition, for `Comparison.within` or `Logs.where`.
    """

    slice: Mapping[str, str]
    predicate: str
    gain: float
    p_value: float
    q_value: float
    outside: float
    new: bool
    baseline: Sums = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    also: tuple[str, ...] = ()
    n_baseline: int = 0
    n_current: int = 0
    baseline_value: float = _NAN
    current_value: float = _NAN
    shift: float = _NAN
    ci: Interval = (_NAN, _NAN)
    rate: float = _NAN
    mix: float = _NAN
    share: float = _NAN
    share_ci: Interval = (_NAN, _NAN)
    contribution: float = _NAN
    baseline_quantile: float = _NAN
    current_quantile: float = _NAN
    without: float = _NAN

    @property
    def text(self) -> str:
        """The slice as one reads it: ``query_type=math & region=eu``."""
        return rule_text(self.slice)

    def placed(
        self,
        *,
        own: Sums,
        baseline: Sums,
        current: Sums,
        test: Difference,
        hours: tuple[float, float] | None,
        rate: float,
        mix: float,
        share: float,
        share_ci: Interval,
        scale: float,
    ) -> Rule:
        """Return the rule with its measured parts."""
        h0, h1 = hours or (1.0, 1.0)
        return replace(
            self,
            n_baseline=int(own.n),
            n_current=int(current.n),
            baseline_value=float(baseline.value if hours is None else baseline.y / h0),
            current_value=float(current.value if hours is None else current.y / h1),
            shift=test.shift,
            ci=test.ci,
            rate=rate * scale,
            mix=mix * scale,
            share=share,
            share_ci=share_ci,
            contribution=(rate + mix) * scale,
        )


def rule_text(values: Mapping[str, str]) -> str:
    """Return a slice as one reads it.

    >>> rule_text({"query_type": "math", "region": "eu"})
    'query_type=math & region=eu'
    """
    return " & ".join(f"{name}={value}" for name, value in values.items())
