"""A watch on prices: what a model's tokens cost, day by day, against what they usually cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rca.analysis.cost.split import unit_prices
from rca.analysis.cost.sums import token_sql
from rca.engine.sql import lit, number
from rca.errors import MissingColumnError
from rca.model.finding import Finding
from rca.model.logs import Logs
from rca.model.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_LONG_HOURS = 120.0


@dataclass(frozen=True, eq=False)
class PriceJumps(Result):
    """The implied price of each model over time, and where it jumped.

    A jump is seldom a price list that changed: it is a metering that did, a fallback priced as
    another model, cached tokens counted twice, or a cost that stopped being logged.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "model": "the model",
        "start": "start of the bucket (UTC)",
        "n": "rows with a cost and tokens",
        "price": "dollars per million tokens of all kinds",
        "ratio": "cost over what these tokens cost on the whole log; usual is 1",
        "usual": "median of the ratio over the model's buckets",
        "jumped": "whether the ratio leaves [1/factor, factor] times its median",
    }

    factor: float = 5.0

    def summary(self) -> str:
        """Return how many buckets of how many jumped."""
        jumped = self.table[self.table["jumped"]]
        where = ", ".join(
            f"{row['model']} at {row['start']:%Y-%m-%d %H:%M} ({_times(row)})"
            for row in jumped.head(3).to_dict("records")
        )
        if not len(jumped):
            where = "none"
        return (
            f"prices of {self.table['model'].nunique()} models in {len(self.table)} buckets "
            f"({int(self.table['n'].sum()):,} rows): {len(jumped)} beyond {self.factor:g} times "
            f"the usual: {where}."
        )

    def plot(self) -> go.Figure:
        """Draw each model's price over time against its usual one."""
        from rca.plots.cost import price_lines

        return price_lines(self.table, factor=self.factor)

    def findings(self) -> tuple[Finding, ...]:
        """Return each jump."""
        return tuple(
            Finding(
                code="PRICE_JUMP",
                claim=f"{row['model']} cost {_times(row)} its usual price per token "
                f"from {row['start']:%Y-%m-%d %H:%M} UTC (n = {row['n']:,})",
                estimate=float(row["ratio"] / row["usual"]),
                n=int(row["n"]),
                unit="times",
                slice={"model": row["model"]},
                column="cost_usd",
                call=self.call,
                sql=self.sql[0],
            )
            for row in self.table[self.table["jumped"]].to_dict("records")
        )


def _times(row: Mapping[Any, Any]) -> str:
    return f"{row['ratio'] / row['usual']:.3g} times"


def price_jumps(
    logs: Logs, *, factor: float = 5.0, hours: float | None = None, min_rows: int = 5
) -> PriceJumps:
    """Watch the implied price of each model over time for jumps.

    The price of a bucket is its cost over what its tokens would cost at the model's prices on the
    whole log, by kind where they can be told apart, so that a change of the mix of input, cached
    and output tokens is no jump.

    Parameters
    ----------
    logs : Logs
        With ``ts``, ``cost_usd`` and tokens.
    factor : float
        A bucket jumped when it leaves [1/factor, factor] times the model's median.
    hours : float, optional
        Length of a bucket; a day where the log covers five or more, else an hour.
    min_rows : int
        Thinner buckets are not judged.

    Raises
    ------
    MissingColumnError
        The log has no cost, no tokens or no times.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> dear = [hour >= 18 for hour in range(24) for _ in range(10)]
    >>> logs = rca.read_logs(pd.DataFrame({
    ...     "ts": pd.date_range("2026-03-01", periods=240, freq="6min", tz="UTC"),
    ...     "model": "m", "output_tokens": 1000,
    ...     "cost_usd": [0.1 if wrong else 0.01 for wrong in dear]}))
    >>> print(price_jumps(logs).findings()[0].claim)
    m cost 10 times its usual price per token from 2026-03-01 18:00 UTC (n = 10)
    """
    if not logs.has("cost_usd") or not (logs.has("input_tokens") or logs.has("output_tokens")):
        raise MissingColumnError("prices need cost_usd and input_tokens or output_tokens.")
    logs.need("ts")
    assert logs.span is not None, "a log with ts has a span"
    width = 3600 * (hours or (24.0 if logs.span.hours >= _LONG_HOURS else 1.0))
    fresh, cached, output = token_sql(logs)
    model = logs.engine.dialect.text(logs.need("model")) if logs.has("model") else "'all'"
    epoch = logs.engine.dialect.epoch("ts")
    rows = (
        f"select coalesce({model}, '(none)') as m_, floor({epoch} / {lit(width)}) as t_, "
        f"{number('cost_usd')} as c_, {fresh} as u_, {cached} as h_, {output} as o_ "
        f"from {logs.relation}"
    )
    terms = {
        **{name: f"{name}_" for name in "cuho"},
        **{a + b: f"{a}_ * {b}_" for a in "uho" for b in "uho"},
        **{f"{a}c": f"{a}_ * c_" for a in "uho"},
    }
    sums = ", ".join(f'sum({term}) as "{name}"' for name, term in terms.items())
    sql = (
        f"select m_, t_, count(*) as n_, {sums} from ({rows}) as r_ "
        "where c_ is not null and u_ + h_ + o_ > 0e0 group by m_, t_ order by m_, t_"
    )
    return PriceJumps(
        table=_judged(logs.engine.table(sql).to_pandas(), width, factor, min_rows),
        caveats=("a jump of price is often a change of metering: compare it with the bill",),
        call=f"rca.price_jumps(logs, factor={factor!r}, hours={hours!r})",
        sql=(sql,),
        factor=factor,
    )


def _judged(sums: pd.DataFrame, width: float, factor: float, min_rows: int) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for model, of in sums.groupby("m_", sort=True):
        whole = of.drop(columns=["m_", "t_"]).sum()
        products = np.array([[whole[a + b] for b in "uho"] for a in "uho"])
        with_cost = np.array([whole[f"{a}c"] for a in "uho"])
        tokens = of[["u", "h", "o"]].to_numpy()
        prices, _ = unit_prices(products, with_cost, tokens.sum(0), float(whole["c"]))
        expected = tokens @ prices
        ratio = np.where(expected > 0, of["c"] / np.where(expected > 0, expected, 1.0), np.nan)
        thick = (of["n_"] >= min_rows).to_numpy()
        known = ratio[thick & ~np.isnan(ratio)]
        usual = float(np.median(known)) if known.size else float("nan")
        beyond = (ratio > factor * usual) | (ratio < usual / factor)
        parts.append(
            pd.DataFrame(
                {
                    "model": model,
                    "start": pd.to_datetime(of["t_"] * width, unit="s"),
                    "n": of["n_"],
                    "price": 1e6 * of["c"] / tokens.sum(1),
                    "ratio": ratio,
                    "usual": usual,
                    "jumped": beyond & thick,
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=list(PriceJumps.columns)).astype({"jumped": bool, "n": int})
    return pd.concat(parts, ignore_index=True)
