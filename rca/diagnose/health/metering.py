"""Tokens that are counted twice, and prices that moved while the calls did not."""

from __future__ import annotations

import numpy as np

from rca.diagnose.health.broken import Broken
from rca.engine.sql import f64, lit, number
from rca.model.comparison import Comparison
from rca.model.finding import Finding

_LEAST_PRICE_SHIFT = 0.03
_OUTPUT_TO_INPUT_PRICE = 4.0
_LEAST_CALLS = 20
#: Nothing but a price moves cheap, middling and dear calls of a model alike.
_LOG_ODDS = 3.8
#: Cheap, middling and dear calls, as quantiles of the price per token.
_CALLS = (0.1, 0.5, 0.9)


def metering(comparison: Comparison) -> Broken | None:
    """Test whether input tokens rose by just the cached ones: added a second time.

    r = (rise of mean input tokens) / (mean cached tokens); a double count has r = 1 and leaves
    the cached tokens as they were.
    """
    logs = comparison.logs
    if not logs.has("input_tokens", "cached_input_tokens"):
        return None
    if not {"input_tokens", "cost_usd"} & set(comparison.metric.columns):
        return None
    i, c = number("input_tokens"), number("cached_input_tokens")
    sql = (
        f"select side_, count(*) as n_, avg(i_) as i_, avg(c_) as c_, "
        "var_samp(i_) as vi_, var_samp(c_) as vc_ "
        f"from (select {comparison.side_sql} as side_, {i} as i_, "
        f"{c} as c_ from {logs.relation} where {c} > 0e0) as r_ where side_ is not null "
        "and i_ is not null group by side_"
    )
    sides = {row["side_"]: row for row in logs.engine.rows(sql)}
    if len(sides) < 2 or min(row["n_"] for row in sides.values()) < 30:
        return None
    b, a = sides[0], sides[1]
    se_i = float(np.sqrt(b["vi_"] / b["n_"] + a["vi_"] / a["n_"]))
    se_c = float(np.sqrt(b["vc_"] / b["n_"] + a["vc_"] / a["n_"]))
    ratio, se = (a["i_"] - b["i_"]) / a["c_"], se_i / a["c_"]
    cached_moved = abs(a["c_"] - b["c_"]) / max(se_c, 1e-9)
    if abs(ratio) < 4 * se or se > 0.25:
        return None
    doubled = np.exp(-0.5 * ((ratio - 1) / np.hypot(se, 0.08)) ** 2) / np.hypot(se, 0.08) / 2.5
    odds = float(np.clip(np.log(doubled / 0.4 + 1e-9), -4, 3.5)) - 0.5 * min(cached_moved, 6.0)
    if odds <= 0:
        return None
    claim = (
        f"on calls with cached tokens, input tokens rose by {ratio:.2f} +- {1.96 * se:.2f} times "
        f"the cached ones, as when these are added twice (n = {b['n_']:,} then {a['n_']:,})"
    )
    return Broken(
        "METERING_DOUBLE",
        "input_tokens",
        odds + 1.5,
        Finding(
            "METERING_DOUBLE",
            claim,
            ratio,
            (ratio - 1.96 * se, ratio + 1.96 * se),
            n=b["n_"] + a["n_"],
            column="input_tokens",
            sql=sql,
        ),
    )


def prices(comparison: Comparison) -> Broken | None:
    """Find models whose cost per token moved while nothing else need have.

    A call's price is its cost over its tokens (an output token weighing as four input tokens). A
    new price moves cheap, middling and dear calls of the model alike, a retry only its own: the
    smallest of their shifts counts. The share is the current spend that the new prices added.
    """
    logs = comparison.logs
    if "cost_usd" not in comparison.metric.columns or not logs.has("input_tokens"):
        return None
    out = f"+ {lit(_OUTPUT_TO_INPUT_PRICE)} * {f64('output_tokens')}"
    tokens = f"{f64('input_tokens')} {out if logs.has('output_tokens') else ''}"
    model = "model" if logs.has("model") else "'all'"
    quantile = logs.engine.dialect.quantile
    spread = ", ".join(f"{quantile('p_', q)} as p{i}_" for i, q in enumerate(_CALLS))
    sql = (
        f"select k_, side_, count(*) as n_, sum(y_) as y_, sum(x_) as x_, "
        f"{spread}, var_samp(p_) as v_ from (select {model} as k_, "
        f"{comparison.side_sql} as side_, {f64('cost_usd')} as y_, {tokens} as x_, "
        f"ln({f64('cost_usd')} / ({tokens})) as p_ from {logs.relation} "
        f"where cost_usd > 0 and ({tokens}) > 0e0) as r_ where side_ is not null group by k_, side_"
    )
    cells = {(row["k_"], row["side_"]): row for row in logs.engine.rows(sql)}
    priced, moved, total = [], 0.0, 0.0
    for key in sorted({k for k, _ in cells}, key=str):
        b, a = cells.get((key, 0)), cells.get((key, 1))
        if not b or not a or min(b["n_"], a["n_"]) < _LEAST_CALLS:
            continue
        shift = _common([a[f"p{i}_"] - b[f"p{i}_"] for i in range(len(_CALLS))])
        se = 1.25 * float(np.sqrt(b["v_"] / b["n_"] + a["v_"] / a["n_"]))
        total += a["y_"]
        if abs(shift) > max(_LEAST_PRICE_SHIFT, 6 * se):
            priced.append((str(key), float(np.expm1(shift)), b["n_"], a["n_"]))
            moved += a["y_"] * (1 - float(np.exp(-shift)))
    if not priced or total == 0:
        return None
    named = ", ".join(f"{key} {shift:+.0%}" for key, shift, _, _ in priced)
    n = sum(b + a for _, _, b, a in priced)
    claim = f"cost per token moved for {named} (n = {n:,}); tokens need not have"
    return Broken(
        "PRICE_CHANGED",
        "cost_usd",
        _LOG_ODDS,
        Finding("PRICE_CHANGED", claim, moved / total, n=n, column="cost_usd", sql=sql),
        share=moved / total,
        models=tuple(key for key, *_ in priced),
    )


def _common(shifts: list[float]) -> float:
    """Return the part of some shifts that all share: the smallest, or 0 where signs differ."""
    if min(shifts) < 0 < max(shifts):
        return 0.0
    return min(shifts, key=abs)
