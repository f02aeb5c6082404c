"""The claims that a search for slices supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rca.model.finding import Finding

if TYPE_CHECKING:
    from rca.analysis.slices.found import Rule, SliceSearch


def claims(search: SliceSearch) -> tuple[Finding, ...]:
    """Return SLICE_SHIFT per slice, TRAFFIC_MIX, and GLOBAL_SHIFT or NO_SLICE."""
    assert search.total is not None and search.mix is not None and search.spread is not None
    found = [_slice(search, rule) for rule in search.rules]
    if search.mix.dimensions and search.mix.matters(0.15) and search.total.p_value <= 0.05:
        found.append(_mix(search))
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
