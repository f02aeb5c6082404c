"""Do a few callers carry the shift, out of proportion to the traffic they usually have?

The excess of caller u is what its calls add to the current side beyond what as many calls of the
baseline would (of a sum per hour: beyond its own baseline), E_u = Y_u - R_b X_u. Under a cause
that touches everyone the excess of a few is their share of the traffic; a runaway or abusive
caller has most of it, with a usual share of next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rca.engine.sql import f64
from rca.model.comparison import Comparison
from rca.model.finding import Finding

#: Columns that say who called (a session is no caller: one caller has many).
CALLERS = (
    "user_id",
    "tenant",
    "user",
    "api_key",
    "account",
    "customer",
    "client_id",
    "ip",
    "caller",
)
_LISTED = 40
_MOST_CALLERS = 6
_MOST_SHARE = 0.05
_LEAST_CALLS = 5
_ENOUGH = 0.85


@dataclass(frozen=True)
class FewCallers:
    """The callers with the largest excess: their part of it, and their usual part of the traffic.

    ``n_calls`` are their calls on the current side; ``n_callers`` all callers seen there.
    """

    column: str
    values: tuple[str, ...]
    share: float
    usual: float
    n_calls: int
    n_callers: int
    also: dict[str, str] = field(default_factory=dict)
    sql: str = ""

    @property
    def slice(self) -> dict[str, Any]:
        """The callers as a slice: one value, or a list of alternatives."""
        values: Any = self.values[0] if len(self.values) == 1 else list(self.values)
        return {self.column: values, **self.also}

    @property
    def log_odds(self) -> float:
        """Log of how much better "these callers" explains the excess than "everyone" does."""
        return float(np.clip(7.0 * (self.share - self.usual) - 2.0, -3.0, 4.5))

    @property
    def finding(self) -> Finding:
        """The claim, with its numbers."""
        names = ", ".join(self.values[:3]) + (" ..." if len(self.values) > 3 else "")
        claim = (
            f"{len(self.values)} of {self.n_callers:,} values of {self.column} ({names}) carry "
            f"{self.share:.0%} of the excess with {self.usual:.1%} of the usual traffic "
            f"(n = {self.n_calls:,} calls)"
        )
        return Finding(
            "FEW_CALLERS",
            claim,
            self.share,
            n=self.n_calls,
            unit="share",
            slice=self.slice,
            column=self.column,
            sql=self.sql,
        )


def few_callers(comparison: Comparison) -> FewCallers | None:
    """Return the few callers that carry most of a shift, or None where no column names callers."""
    found = [
        few
        for column in CALLERS
        if comparison.logs.columns.get(column) == "text"
        and column not in comparison.metric.columns
        and (few := _few(comparison, column)) is not None
    ]
    return max(found, key=lambda few: few.log_odds, default=None)


def _few(comparison: Comparison, column: str) -> FewCallers | None:
    per_hour = comparison.metric.family == "per_hour"
    h0, h1 = comparison.hours
    engine = comparison.logs.engine
    text = engine.dialect.text(comparison.logs.need(column))
    sums = ", ".join(
        f"coalesce(sum(case when side_ = {side} then {f64(part)} end), 0e0) as {name}{side}_"
        for side in (0, 1)
        for name, part in (("y", "w_ * y_"), ("x", "w_ * x_"), ("n", "w_"))
    )
    sql = (
        f"select {text} as k_, {sums} from ({comparison.rows_sql([column])}) as r_ "
        f"where {comparison.logs.need(column)} is not null group by {text}"
    )
    total = engine.one(
        "select count(case when n1_ > 0 then 1 end) as callers_, sum(y0_) as y0_, sum(x0_) as x0_, "
        f"sum(n0_) as n0_, sum(y1_) as y1_, sum(x1_) as x1_, sum(n1_) as n1_ from ({sql}) as u_"
    )
    if not total["callers_"] or total["callers_"] < 10 or not total["n0_"]:
        return None
    rate = 0.0 if per_hour else total["y0_"] / max(total["x0_"], 1e-300)
    own = f"y1_ / {h1!r} - y0_ / {h0!r}" if per_hour else f"y1_ - {rate!r} * x1_"
    whole = (
        total["y1_"] / h1 - total["y0_"] / h0 if per_hour else total["y1_"] - rate * total["x1_"]
    )
    if whole == 0:
        return None
    sign = "desc" if whole > 0 else "asc"
    rows = engine.rows(
        f"select k_, n0_, n1_, {own} as e_ from ({sql}) as u_ "
        f"order by e_ {sign}, k_ limit {_LISTED}"
    )
    most = max(1, min(_MOST_CALLERS, int(_MOST_SHARE * total["callers_"])))
    chosen: list[dict[str, Any]] = []
    for row in rows[:most]:
        if sum(r["e_"] for r in chosen) / whole >= _ENOUGH or row["e_"] * whole <= 0:
            break
        # One that adds much less than the first is part of the crowd.
        if chosen and abs(row["e_"]) < 0.2 * abs(chosen[0]["e_"]):
            break
        chosen.append(row)
    n_calls = int(sum(row["n1_"] for row in chosen))
    if not chosen or n_calls < _LEAST_CALLS:
        return None
    usual = sum(row["n0_"] for row in chosen) / total["n0_"]
    share = float(min(1.0, sum(row["e_"] for row in chosen) / whole))
    return FewCallers(
        column,
        tuple(str(row["k_"]) for row in chosen),
        share,
        float(usual),
        n_calls,
        int(total["callers_"]),
        sql=sql,
    )
