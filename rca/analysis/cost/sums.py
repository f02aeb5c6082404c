"""What the split needs of a log, in one pass: additive sums per side, model and stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rca.analysis.cost.split import Totals, unit_prices
from rca.engine.sql import both, count_if, lit, number
from rca.errors import MissingColumnError
from rca.model.comparison import Comparison, Side
from rca.model.logs import Logs

#: Each side is cut into this many stretches of time.
STRETCHES = 24
_NAMES = ("u", "h", "o")
#: Retries are taken to be billed when they leave this share of what tokens alone leave of cost.
_EXPLAINS = 0.7


@dataclass(frozen=True)
class Sums:
    """Per side: totals of each stretch, rows behind each model, prices and rows without a cost.

    Attributes
    ----------
    models : list of str
        The most costly first.
    sides : pair of Totals
        With a leading axis of stretches; each is per hour.
    n : array (2, m)
        Rows with a cost.
    prices : array (2, m, 3)
        Dollars per token of each kind; NaN where a side lacks the model.
    retried : bool
        Whether tokens are those of the last attempt while cost is that of all.
    apart : list of str
        Models whose kinds of tokens could not be told apart in price.
    unpriced, n_rows : pairs of int
        Rows without a cost, and all rows.
    untokened : int
        Rows with a cost and without tokens.
    """

    models: list[str]
    sides: tuple[Totals, Totals]
    n: NDArray[np.int64]
    prices: NDArray[np.float64]
    retried: bool
    apart: list[str]
    unpriced: tuple[int, int]
    n_rows: tuple[int, int]
    untokened: int
    sql: str


def token_sql(logs: Logs) -> tuple[str, str, str]:
    """Return the SQL of a row's uncached input, cached input and output tokens."""
    parts = [
        f"coalesce({number(name)}, 0e0)" if logs.has(name) else "0e0"
        for name in ("input_tokens", "cached_input_tokens", "output_tokens")
    ]
    # Input includes cached tokens; a row that says otherwise has no fresh ones.
    fresh = f"case when {parts[0]} > {parts[1]} then {parts[0]} - {parts[1]} else 0e0 end"
    return fresh, parts[1], parts[2]


def summed(comparison: Comparison, *, by: str) -> Sums:
    """Read the sums of both sides in one pass.

    Raises
    ------
    MissingColumnError
        The log has no cost.
    """
    logs = comparison.logs
    if not logs.has("cost_usd"):
        raise MissingColumnError(
            "the log has no cost_usd. Read it with prices={model: {'input': ..., 'output': ...}} "
            "in dollars per million tokens, to compute it."
        )
    model = logs.engine.dialect.text(logs.need(by)) if logs.has(by) else "'all'"
    fresh, cached, output = token_sql(logs)
    cost = number("cost_usd")
    attempts = f"1e0 + coalesce({number('retries')}, 0e0)" if logs.has("retries") else "1e0"
    tokens = [name for name in ("input_tokens", "output_tokens") if logs.has(name)]
    known = " or ".join(f"{name} is not null" for name in tokens) or "false"
    rows = (
        f"select {comparison.side_sql} as side_, {_stretch(comparison)} as t_, "
        f"coalesce({model}, '(none)') as m_, {comparison.weight_sql} as w_, {cost} as c_, "
        f"{fresh} as u_, {cached} as h_, {output} as o_, "
        f"{attempts} as a_, ({known}) as k_ from {logs.relation} "
        f"where {both(f'({comparison.baseline.predicate}) or ({comparison.current.predicate})')}"
    )
    priced = "c_ is not null"
    sums = ", ".join(
        f"coalesce(sum(case when {priced} then w_ * {term} end), 0e0) as {name}"
        for name, term in _terms().items()
    )
    sql = (
        f"select side_, t_, m_, {count_if(priced)} as n_, count(*) as rows_, "
        f"{count_if(f'{priced} and not k_')} as bare_, {sums} from ({rows}) as r_ "
        "group by side_, t_, m_"
    )
    return _gathered(logs.engine.table(sql).to_pylist(), comparison.hours, sql)


def _terms() -> dict[str, str]:
    """Return the sums to take: of rows, of cost, and of tokens as logged (p) and as billed (b)."""
    terms = {"w": "1e0", "c": "c_", "cc": "c_ * c_"}
    for prefix, times in (("p", ""), ("b", " * a_")):
        for i, first in enumerate(_NAMES):
            terms[f"{prefix}{first}"] = f"{first}_{times}"
            terms[f"{prefix}{first}c"] = f"{first}_{times} * c_"
            terms |= {
                f"{prefix}{first}{second}": f"{first}_{times} * {second}_{times}"
                for second in _NAMES[i:]
            }
    return terms


def _stretch(comparison: Comparison) -> str:
    """Return the SQL of a row's stretch of its side, from 0; one stretch without times."""
    if not comparison.logs.has("ts"):
        return "0"
    epoch = comparison.logs.engine.dialect.epoch("ts")

    def of(side: Side) -> str:
        window = side.window or comparison.logs.span
        if window is None:
            return "0"
        start, width = window.start.timestamp(), window.hours * 3600 / STRETCHES
        index = f"cast(floor(({epoch} - {lit(start)}) / {lit(width)}) as bigint)"
        last = STRETCHES - 1
        return f"case when {index} < 0 then 0 when {index} > {last} then {last} else {index} end"

    return (
        f"case when {comparison.baseline.predicate} then {of(comparison.baseline)} "
        f"else {of(comparison.current)} end"
    )


def _gathered(rows: list[dict[str, Any]], hours: tuple[float, float], sql: str) -> Sums:
    value = {(row["side_"], row["t_"], row["m_"]): row for row in rows}
    spend: dict[str, float] = {}
    for (_, _, model), row in value.items():
        spend[model] = spend.get(model, 0.0) + row["c"]
    models = sorted(spend, key=lambda model: (-spend[model], model))
    place = {model: i for i, model in enumerate(models)}
    names = list(_terms())
    data = np.zeros((2, STRETCHES, len(models), len(names)))
    counts = np.zeros((2, len(models), 3), dtype=np.int64)
    for (side, stretch, model), row in value.items():
        data[side, stretch, place[model]] = [row[name] for name in names]
        counts[side, place[model]] += [row["n_"], row["rows_"], row["bare_"]]
    at = {name: i for i, name in enumerate(names)}
    per_hour = np.array(hours)[:, None, None] / STRETCHES
    whole, n = data.sum(axis=1), counts[:, :, 0]
    plain, billed = (_prices(whole, n, at, models, prefix) for prefix in ("p", "b"))
    retried = billed.left < _EXPLAINS * plain.left
    chosen = billed if retried else plain
    sides = [
        Totals(
            data[side, :, :, at["w"]] / per_hour[side],
            data[side, :, :, at["c"]] / per_hour[side],
            *(
                data[side][:, :, [at[f"{prefix}{name}"] for name in _NAMES]]
                / per_hour[side][..., None]
                for prefix in ("p", "b" if retried else "p")
            ),
        )
        for side in (0, 1)
    ]
    return Sums(
        models,
        (sides[0], sides[1]),
        counts[:, :, 0],
        chosen.prices,
        retried,
        chosen.apart,
        tuple((counts[:, :, 1] - counts[:, :, 0]).sum(axis=1).tolist()),
        tuple(counts[:, :, 1].sum(axis=1).tolist()),
        int(counts[:, :, 2].sum()),
        sql,
    )


@dataclass(frozen=True)
class _Fit:
    """Prices per side and model, models whose kinds were not told apart, and the squares left."""

    prices: NDArray[np.float64]
    apart: list[str]
    left: float


def _prices(
    data: NDArray[np.float64],
    n: NDArray[np.int64],
    at: dict[str, int],
    models: list[str],
    prefix: str,
) -> _Fit:
    prices = np.full((2, len(models), len(_NAMES)), np.nan)
    apart, left = [], 0.0
    for i, model in enumerate(models):
        for side in (0, 1):
            if not n[side, i]:
                continue
            row = data[side, i]
            products = np.array(
                [[row[at[prefix + _pair(one, two)]] for two in _NAMES] for one in _NAMES]
            )
            with_cost = np.array([row[at[f"{prefix}{name}c"]] for name in _NAMES])
            tokens = np.array([row[at[f"{prefix}{name}"]] for name in _NAMES])
            price, told = unit_prices(products, with_cost, tokens, row[at["c"]])
            prices[side, i] = price
            left += row[at["cc"]] - 2 * price @ with_cost + price @ products @ price
            if not told and model not in apart:
                apart.append(model)
    return _Fit(prices, apart, left)


def _pair(one: str, two: str) -> str:
    return "".join(sorted((one, two), key=_NAMES.index))
