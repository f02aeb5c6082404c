"""Why did spend change? An exact split into requests, tokens, price and mix."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from rca.analysis.cost.result import ALL, CostShifts
from rca.analysis.cost.split import KINDS, PARTS, errors, split
from rca.analysis.cost.sums import Sums, summed
from rca.engine.sql import number
from rca.model.comparison import Comparison
from rca.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_DRAWS = 400
_LARGE = 0.05
_ROWS = 10
#: Stretches with rows that a side must have for its spread to be told.
_FEWEST = 6


def explain_cost(
    comparison: Comparison,
    *,
    by: str = "model",
    large: float = _LARGE,
    rng: np.random.Generator | None = None,
) -> CostShifts:
    """Split a change of spend exactly into requests, tokens, price and mix, per model.

    Spend per hour is S = sum over models of R q k, with requests per hour R, a model's share q and
    its cost per request k. Its change is

    - *requests*: mid(q k) (R1 - R0),
    - *mix*: mid(R) mid(k) (q1 - q0); of a model new or gone all of its spend,
    - *input*, *cached* and *output tokens*: mid(R) mid(q) p (t1 - t0), with tokens per request t
      and the mean p of both sides' prices of that kind,
    - *retries*: the same for tokens billed beyond those logged, where cost follows
      (1 + retries) times the tokens better than the tokens, and
    - *price*: the rest of mid(R) mid(q) (k1 - k0),

    with mid(x) the mean of both sides. The parts add up to the change, per model and in all.

    Parameters
    ----------
    comparison : Comparison
        Two sides of any metric; its windows and versions are used, not its metric.
    by : str
        The column whose values are the models; without it all rows are one.
    large : float
        Single rows with at least this share of the current spend are named.
    rng : numpy.random.Generator, optional
        Draws the stretches of time for the intervals; seeded by default.

    Returns
    -------
    CostShifts
        Rows without a cost are left out and counted; rows without tokens count in price. An
        interval comes from resampling 24 equal stretches of time of each side, which keeps bursts
        together; prices are taken as given.

    Raises
    ------
    MissingColumnError
        The log has no ``cost_usd``.

    References
    ----------
    Bennet (1920), "The theory of measurement of changes in cost of living", JRSS 83.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> table = pd.DataFrame({"model_version": ["1", "2"], "model": "m", "cost_usd": [0.3, 0.5],
    ...     "input_tokens": [100, 300], "output_tokens": [10, 10]})
    >>> pair = rca.Comparison.by_version(rca.read_logs(table), baseline="1", current="2",
    ...                                  metric="cost_per_request")
    >>> round(sum(explain_cost(pair).parts.values()), 9)
    0.2
    """
    sums = summed(comparison, by=by)
    before, now = (side.mean() for side in sums.sides)
    prices = _mean_prices(sums.prices)
    parts = split(before, now, prices)
    spread = _errors(sums, prices, rng or np.random.default_rng(0))
    rows, rows_sql = _large_rows(comparison, large)
    spend = float(before.cost.sum()), float(now.cost.sum())
    return CostShifts(
        table=_table(sums, parts, spread, spend[1] - spend[0]),
        caveats=_caveats(sums, spread is not None, comparison),
        call=f"rca.explain_cost({comparison.call or 'comparison'}"
        + (f", by={by!r})" if by != "model" else ")"),
        sql=(sums.sql, rows_sql),
        baseline_spend=spend[0],
        current_spend=spend[1],
        shift_ci=_total_ci(sums, spend) if spread is not None else None,
        prices=_price_table(sums),
        rows=rows,
        by=by,
    )


def _mean_prices(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of both sides' prices; a kind that one side never had keeps the other's."""
    known = np.where(prices > 0, prices, np.nan)
    count = (~np.isnan(known)).sum(axis=0)
    mean: NDArray[np.float64] = np.nansum(known, axis=0) / np.maximum(count, 1)
    return mean


def _errors(
    sums: Sums, prices: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    filled = [int((side.requests.sum(1) > 0).sum()) for side in sums.sides]
    if min(filled) < _FEWEST:
        return None
    return errors(*sums.sides, prices, n_draws=_DRAWS, rng=rng)


def _total_ci(sums: Sums, spend: tuple[float, float]) -> tuple[float, float]:
    """Return the interval of the whole shift, by the spread of stretches within each side."""
    variance = sum(side.cost.sum(1).var(ddof=1) / len(side.cost) for side in sums.sides)
    reach = NormalDist().inv_cdf(0.975) * float(np.sqrt(variance))
    shift = spend[1] - spend[0]
    return shift - reach, shift + reach


def _table(
    sums: Sums,
    parts: NDArray[np.float64],
    spread: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    shift: float,
) -> pd.DataFrame:
    import pandas as pd

    values = np.vstack([parts.sum(0), parts])
    names = [ALL, *sums.models]
    se = np.vstack([spread[1], *spread[0]]) if spread else np.full(values.shape, np.nan)
    n = np.vstack([sums.n.sum(1), sums.n.T])
    z = NormalDist().inv_cdf(0.975)
    records = [
        {
            "model": model,
            "part": part,
            "shift": values[i, j],
            "low": values[i, j] - z * se[i, j],
            "high": values[i, j] + z * se[i, j],
            "share": values[i, j] / shift if shift else float("nan"),
            "p_value": _p_value(values[i, j], se[i, j]),
            "n_baseline": int(n[i, 0]),
            "n_current": int(n[i, 1]),
        }
        for i, model in enumerate(names)
        for j, part in enumerate(PARTS)
    ]
    table = pd.DataFrame(records)
    # Two families: the parts over all models, and those of each model.
    for family in (table["model"] == ALL, table["model"] != ALL):
        table.loc[family, "q_value"] = benjamini_hochberg(table.loc[family, "p_value"].to_numpy())
    return table[list(CostShifts.columns)]


def _p_value(value: float, se: float) -> float:
    if not se > 1e-9 * abs(value) or value == 0:
        return float("nan")
    return 2 * NormalDist().cdf(-abs(value) / se)


def _price_table(sums: Sums) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "model": model,
                "tokens": kind.removesuffix(" tokens"),
                "baseline": 1e6 * sums.prices[0, i, k],
                "current": 1e6 * sums.prices[1, i, k],
            }
            for i, model in enumerate(sums.models)
            for k, kind in enumerate(KINDS)
        ]
    )


def _large_rows(comparison: Comparison, large: float) -> tuple[pd.DataFrame, str]:
    """Return the single rows of the current side with a large share of its spend."""
    logs = comparison.logs
    named = [
        name for name in ("request_id", "ts", "model", "user_id", "session_id") if logs.has(name)
    ]
    columns = "".join(f", {logs.need(name)}" for name in named)
    spend = f"{comparison.weight_sql} * {number('cost_usd')}"
    current = comparison.current.predicate
    sql = (
        f"select * from (select {number('cost_usd')} as cost_usd_, {spend} as spend_, "
        f"sum({spend}) over () as whole_{columns} from {logs.relation} where {current}) as r_ "
        f"where spend_ >= {large!r} * whole_ and spend_ > 0 order by spend_ desc limit {_ROWS}"
    )
    frame: pd.DataFrame = logs.engine.table(sql).to_pandas()
    frame["share"] = frame["spend_"] / frame["whole_"]
    frame["row"] = [
        ", ".join(f"{name}={row[name]}" for name in named) or "without an id"
        for row in frame.to_dict("records")
    ]
    kept = frame.rename(columns={"cost_usd_": "cost_usd"})
    return kept[["row", "cost_usd", "share", *named]], sql


def _caveats(sums: Sums, has_spread: bool, comparison: Comparison) -> tuple[str, ...]:
    notes = []
    if any(sums.unpriced):
        shares = [n / max(1, rows) for n, rows in zip(sums.unpriced, sums.n_rows, strict=True)]
        notes.append(
            f"rows without a cost were left out: {sums.unpriced[0]:,} ({shares[0]:.1%}) then "
            f"{sums.unpriced[1]:,} ({shares[1]:.1%})"
        )
    if sums.untokened:
        notes.append(
            f"{sums.untokened:,} rows have a cost and no tokens: what they cost counts in price"
        )
    if sums.apart:
        notes.append(
            f"tokens of {', '.join(sums.apart[:5])} move together, so that their prices cannot be "
            "told apart: one price per token was used"
        )
    if sums.retried:
        notes.append("cost follows all attempts while tokens are those of the last: see retries")
    if not has_spread:
        notes.append(f"too few stretches of time with rows (under {_FEWEST}) to give intervals")
    if not comparison.logs.has("model"):
        notes.append("the log names no model: a change of models counts in price")
    return tuple(notes)
