"""Where the slices found stand in the whole shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rca.analysis.slices.found import Rule, Spread, Total
from rca.analysis.slices.rows import Rows
from rca.analysis.slices.scan import Scan, Setting
from rca.analysis.slices.shifts import tested
from rca.stats.decompose import split
from rca.stats.ratio import SUMS, Difference, Sums

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


def total_of(rows: Rows, test: Difference) -> Total:
    """Return the whole shift in the metric's unit."""
    baseline, current = rows.sums()
    metric, scale, ci = rows.comparison.metric, 1.0, test.ci
    if rows.quantiles is not None:
        low, high = rows.quantiles
        scale = (high - low) / test.shift if (high - low) * test.shift > 0 else float("nan")
        ci = _ordered(test.ci[0] * scale, test.ci[1] * scale)
    elif rows.hours is not None:
        low, high = (float(s.y[0]) / h for s, h in zip((baseline, current), rows.hours, strict=True))
    else:
        low, high = float(baseline.value[0]), float(current.value[0])
    return Total(
        metric=metric.name,
        unit=metric.unit,
        baseline_value=low,
        current_value=high,
        shift=high - low,
        ci=ci,
        p_value=test.p_value,
        n_baseline=int(baseline.n[0]),
        n_current=int(current.n[0]),
        stand_in=test.shift,
        scale=scale,
    )


def _ordered(a: float, b: float) -> tuple[float, float]:
    return (a, b) if a <= b else (b, a)


def placed(rows: Rows, rules: Sequence[Rule], total: Total, inflation: float) -> list[Rule]:
    """Give every rule its part of the shift: disjoint cells, with all other rows as the last."""
    if not rules:
        return []
    codes = np.zeros(len(rows.side), dtype=np.uint8)
    for i, rule in enumerate(rules, start=1):
        codes[rule.mask] = i
    own, current = rows.sums([codes], [len(rules) + 1])
    baseline = _replaced(own, rules)
    parts = split(baseline, current, hours=rows.hours, inflation=inflation)
    return [
        rule.placed(
            own=own[i],
            baseline=baseline[i],
            current=current[i],
            test=tested(baseline[i], current[i], hours=rows.hours, inflation=inflation),
            hours=rows.hours,
            rate=float(parts.rate[i]),
            mix=float(parts.mix[i]),
            share=float(parts.share[i]),
            share_ci=(float(parts.share_low[i]), float(parts.share_high[i])),
            scale=total.scale,
        )
        for i, rule in enumerate(rules, start=1)
    ]


def _replaced(own: Sums, rules: Sequence[Rule]) -> Sums:
    """Give new versions the baseline rows that they replaced, out of those of the rest."""
    fields = {name: getattr(own, name).copy() for name in SUMS}
    for i, rule in enumerate(rules, start=1):
        if rule.new:
            for name in SUMS:
                taken = getattr(rule.baseline, name)
                fields[name][i] += taken
                fields[name][0] = max(0.0, fields[name][0] - taken)
    return Sums(**fields)


def spread_of(
    rows: Rows, look: Scan | None, keep: Bools | None, factor: Array | None, setting: Setting
) -> Spread:
    """Return whether the rows outside the slices found moved too."""
    baseline, current = (s[0] for s in rows.sums(rows=keep, factor=factor))
    if look is None or min(float(baseline.n), float(current.n)) < setting.min_rows:
        return Spread.unknown()
    test = tested(baseline, current, hours=rows.hours, inflation=setting.inflation)
    part = test.shift
    if rows.hours is None:
        part *= float(current.x / rows.sums(factor=factor)[1].x[0])
    return Spread(
        outside_shift=test.shift,
        outside_ci=test.ci,
        outside_p_value=test.p_value,
        outside_part=part,
        outside_share=part / setting.shift if setting.shift else float("nan"),
        n_baseline=int(baseline.n),
        n_current=int(current.n),
        heterogeneity_p_value=look.heterogeneity(),
    )
