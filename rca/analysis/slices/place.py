"""Where the slices found stand in the whole shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rca.analysis.slices.parts import Rule, Spread, Total
from rca.analysis.slices.rows import Rows
from rca.analysis.slices.scan import Scan, Setting
from rca.analysis.slices.shifts import tested
from rca.stats.decompose import split
from rca.stats.ratio import SUMS, Difference, Sums
from rca.stats.search_cells import Measures, sum_cells


def total_of(rows: Rows, test: Difference) -> Total:
    """Return the whole shift in the metric's unit."""
    baseline, current = rows.whole
    metric, scale, ci = rows.comparison.metric, 1.0, test.ci
    if rows.quantiles is not None:
        low, high = rows.quantiles
        scale = (high - low) / test.shift if (high - low) * test.shift > 0 else float("nan")
        ci = _ordered(test.ci[0] * scale, test.ci[1] * scale)
    elif rows.hours is not None:
        low, high = float(baseline.y) / rows.hours[0], float(current.y) / rows.hours[1]
    else:
        low, high = float(baseline.value), float(current.value)
    return Total(
        metric=metric.name,
        unit=metric.unit,
        baseline_value=low,
        current_value=high,
        shift=high - low,
        ci=ci,
        p_value=test.p_value,
        n_baseline=int(baseline.n),
        n_current=int(current.n),
        stand_in=test.shift,
        scale=scale,
    )


def _ordered(a: float, b: float) -> tuple[float, float]:
    return (a, b) if a <= b else (b, a)


def placed(rows: Rows, rules: Sequence[Rule], total: Total, inflation: float) -> list[Rule]:
    """Give every rule its part of the shift: disjoint cells, with all other rows as the last."""
    if not rules:
        return []
    codes = np.zeros(rows.n_rows, dtype=np.uint8)
    for i, rule in enumerate(rules, start=1):
        codes[rule.mask] = i
    own, current = sum_cells([codes], [len(rules) + 1], rows.measures)
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
    rows: Rows, look: Scan | None, left: Measures, held: Measures, setting: Setting
) -> Spread:
    """Return whether the rows left, outside the slices found, moved too."""
    if look is None:
        return Spread.unknown()
    baseline, current = (s[0] for s in sum_cells([], [], left))
    test = tested(baseline, current, hours=rows.hours, inflation=setting.inflation)
    part = test.shift
    if rows.hours is None:
        part *= float(current.x / sum_cells([], [], held)[1].x[0])
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
