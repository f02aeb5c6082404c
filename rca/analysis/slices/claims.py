"""What a search for slices supports, and what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rca.analysis.slices.clusters import Clustering
from rca.analysis.slices.parts import Mix, Rule
from rca.analysis.slices.rows import Rows
from rca.analysis.slices.shifts import TRAVELS
from rca.analysis.slices.tails import Tail
from rca.model.finding import Finding

if TYPE_CHECKING:
    from rca.analysis.slices.found import SliceSearch


def claims(search: SliceSearch) -> tuple[Finding, ...]:
    """Return SLICE_SHIFT per slice, TRAFFIC_MIX, FEW_ROWS, and GLOBAL_SHIFT or NO_SLICE."""
    assert search.total is not None and search.mix is not None and search.spread is not None
    found = [_slice(search, rule) for rule in search.rules]
    if search.mix.dimensions and search.mix.matters(0.15) and search.total.p_value <= 0.05:
        found.append(_mix(search))
    if search.tail is not None and search.tail.carries and search.total.p_value <= 0.05:
        found.append(_few_rows(search))
    if search.verdict in ("global", "mixed"):
        found.append(_global(search))
    if search.verdict == "none":
        found.append(_nothing(search))
    return tuple(found)


def _slice(search: SliceSearch, rule: Rule) -> Finding:
    assert search.metric is not None and search.total is not None and search.stand_in is not None
    metric = search.metric
    of = f"{100 * rule.share:.0f}% of the shift" if np.isfinite(rule.share) else "a shift"
    came = " (new: compared with what it replaced)" if rule.new else ""
    return Finding(
        "SLICE_SHIFT",
        f"{rule.text}{came} moved by {search.stand_in.text(rule.shift, signed=True)} and adds "
        f"{metric.text(rule.contribution, signed=True)} to {metric.title}, {of} "
        f"(rows: {rule.n_baseline:,} then {rule.n_current:,}).",
        estimate=rule.contribution,
        ci=_scaled(rule.share_ci, search.total.shift),
        p_value=rule.p_value,
        q_value=rule.q_value,
        n=rule.n_baseline + rule.n_current,
        unit=metric.unit,
        slice=dict(rule.slice),
        column=next(iter(rule.slice)) if len(rule.slice) == 1 else None,
        call=search.call,
        sql=search.sql[-1] if search.sql else "",
        details={
            "share": rule.share,
            "share_ci": rule.share_ci,
            "rate": rule.rate,
            "mix": rule.mix,
            "gain": rule.gain,
            "new": rule.new,
            "also": rule.also,
            "outside_shift": rule.outside,
        },
    )


def _scaled(ci: tuple[float, float], by: float) -> tuple[float, float] | None:
    if not np.isfinite(ci).all() or by == 0:
        return None
    low, high = sorted((ci[0] * by, ci[1] * by))
    return (low, high)


def _mix(search: SliceSearch) -> Finding:
    assert search.mix is not None and search.metric is not None and search.total is not None
    mix, metric = search.mix, search.metric
    names = " and ".join(mix.dimensions)
    return Finding(
        "TRAFFIC_MIX",
        f"{100 * mix.mix_share:.0f}% of the shift of {metric.title} vanishes when the shares of "
        f"{names} are held still (rows: {search.total.n_baseline:,} then "
        f"{search.total.n_current:,}).",
        estimate=mix.mix_shift * search.total.scale,
        ci=(mix.mix_ci[0] * search.total.scale, mix.mix_ci[1] * search.total.scale),
        p_value=mix.p_value,
        q_value=mix.q_value,
        n=search.total.n_baseline + search.total.n_current,
        unit=metric.unit,
        column=mix.dimensions[0] if len(mix.dimensions) == 1 else None,
        call=search.call,
        sql=search.sql[-1] if search.sql else "",
        details={
            "dimensions": mix.dimensions,
            "share": mix.mix_share,
            "share_ci": mix.mix_share_ci,
            "rate_shift": mix.rate_shift * search.total.scale,
        },
    )


def _few_rows(search: SliceSearch) -> Finding:
    assert search.tail is not None and search.metric is not None and search.total is not None
    tail, metric = search.tail, search.metric
    return Finding(
        "FEW_ROWS",
        f"{tail.n_rows:,} rows above {metric.text(tail.cut)} carry {100 * tail.share:.0f}% of the "
        f"shift of {metric.title} (rows: {search.total.n_current:,}).",
        estimate=tail.share * search.total.shift,
        n=tail.n_rows,
        unit=metric.unit,
        call=search.call,
        sql=tail.sql[0] if tail.sql else "",
        details={"share": tail.share, "rows": tail.rows, "cut": tail.cut},
    )


def _global(search: SliceSearch) -> Finding:
    assert search.spread is not None and search.stand_in is not None and search.total is not None
    spread = search.spread
    where = "outside the slices found" if search.rules else "all"
    return Finding(
        "GLOBAL_SHIFT",
        f"{search.looked_at:,} slices {where} moved alike, by "
        f"{search.stand_in.text(spread.outside_shift, signed=True)} "
        f"(rows: {spread.n_baseline:,} then {spread.n_current:,}).",
        estimate=spread.outside_shift,
        ci=spread.outside_ci,
        p_value=spread.outside_p_value,
        n=spread.n_baseline + spread.n_current,
        unit=search.stand_in.unit,
        call=search.call,
        sql=search.sql[-1] if search.sql else "",
        details={
            "share": spread.outside_share,
            "heterogeneity_p_value": spread.heterogeneity_p_value,
        },
    )


def _nothing(search: SliceSearch) -> Finding:
    assert search.total is not None and search.metric is not None
    total = search.total
    return Finding(
        "NO_SLICE",
        f"No slice of {search.looked_at:,} moved apart from the rest, and {search.metric.title} "
        f"moved by no more than chance explains (rows: {total.n_baseline:,} then "
        f"{total.n_current:,}).",
        estimate=total.shift,
        ci=total.ci,
        p_value=total.p_value,
        n=total.n_baseline + total.n_current,
        unit=total.unit,
        call=search.call,
        sql=search.sql[-1] if search.sql else "",
    )


def caveats_of(
    rows: Rows, rules: Sequence[Rule], mix: Mix, clusters: Clustering, tail: Tail | None
) -> list[str]:
    """Return what a reader must know before believing the slices."""
    found = [TRAVELS] if rules else []
    metric = rows.comparison.metric
    found += rows.caveats
    if rows.quantiles is not None:
        found.append(f"Slices were searched for by the {rows.metric.title}.")
    for rule in rules:
        if rule.also:
            found.append(f"{rule.text} holds nearly the same rows as {', '.join(rule.also)}.")
        if rule.new:
            found.append(f"{rule.text} is new: it is compared with the rows that it replaced.")
    if rows.hours is None and mix.dimensions and mix.matters(0.15):
        found.append(f"The search held the shares of {' and '.join(mix.dimensions)} still.")
    if tail is not None and tail.carries:
        found.append(
            f"{tail.n_rows:,} current rows above {metric.text(tail.cut)} carry "
            f"{percent(tail.share)} of the shift"
            + (f", the largest: {', '.join(tail.rows)}." if tail.rows else ".")
        )
    found += clusters.caveats
    return found


def percent(share: float) -> str:
    """Return a share as a percentage, or that it is unknown."""
    return f"{100 * share:.0f}%" if np.isfinite(share) else "an unknown part"
