"""The pairs that changed, a page at a time, read from the log only when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rca.analysis.versions.pairing import key_sql
from rca.analysis.versions.units import Units
from rca.errors import BadValueError, PairingError
from rca.model.metric import Metric

if TYPE_CHECKING:
    import pandas as pd

Changed = Literal["worse", "better", "any"]
#: Characters of a text that are read; the rest of it stays in the log.
MOST_CHARACTERS = 20_000
MOST_EXAMPLES = 200


def changed_rows(
    units: Units,
    *,
    which: Changed = "worse",
    limit: int = 20,
    offset: int = 0,
    columns: Sequence[str] = (),
) -> pd.DataFrame:
    """Return pairs whose value changed, the largest change first, then by key.

    Parameters
    ----------
    units : Units
        Pairs.
    which : {"worse", "better", "any"}
        Which changes; where no direction is bad, "worse" is any change.
    limit, offset : int
        The page: at most 200 rows from the given one.
    columns : sequence of str
        Further columns, as baseline_NAME and current_NAME.

    Returns
    -------
    pandas.DataFrame
        key, baseline, current, shift; input, baseline_output and current_output where the log
        has them (their first 20,000 characters; of repeated trials, one).

    Raises
    ------
    PairingError
        Rows were not paired: nothing says which answer replaced which.
    BadValueError
        A page of no rows, or of more than 200.
    """
    if units.match is None:
        raise PairingError(
            "rows are not paired, so no answer replaced another. Name a column of questions: "
            "pair_by='COLUMN'."
        )
    if not 1 <= limit <= MOST_EXAMPLES or offset < 0:
        raise BadValueError(
            f"a page of {limit} rows from {offset}. Ask for 1 to {MOST_EXAMPLES} from 0 or later."
        )
    page = _page_sql(units, which, limit, offset)
    sql = _with_texts(units, page, columns)
    frame: pd.DataFrame = units.comparison.logs.engine.table(sql).to_pandas()
    return frame


def count_changed(units: Units, which: Changed) -> int:
    """Return how many pairs changed this way."""
    sql = f"select count(*) as n_ from {units.relation} where {_condition(units.metrics[0], which)}"
    return int(units.comparison.logs.engine.one(sql)["n_"])


def _condition(metric: Metric, which: Changed) -> str:
    known = "m00_ > 0 and m01_ > 0"
    up, down = "y01_ * x00_ > y00_ * x01_", "y01_ * x00_ < y00_ * x01_"
    if which == "any" or metric.worse == "both":
        moved = f"({up} or {down})" if which != "better" else "false"
    else:
        moved = up if (metric.worse == "up") == (which == "worse") else down
    return f"{known} and {moved}"


def _page_sql(units: Units, which: Changed, limit: int, offset: int) -> str:
    b, c = (f"y0{side}_ / nullif(x0{side}_, 0e0)" for side in (0, 1))
    return (
        f"select key_, {b} as baseline, {c} as current, {c} - {b} as shift "
        f"from {units.relation} where {_condition(units.metrics[0], which)} "
        f"order by abs({c} - {b}) desc nulls last, key_ limit {limit} offset {offset}"
    )


def _with_texts(units: Units, page: str, columns: Sequence[str]) -> str:
    comparison = units.comparison
    logs, match = comparison.logs, units.match
    assert match is not None, "pairs have a key"
    wanted = [name for name in ("input", "output") if logs.has(name)]
    wanted += [name for name in columns if name not in wanted]
    if not wanted:
        return f"select key_ as key, baseline, current, shift from ({page}) as p_"
    picked = ", ".join(f"{logs.need(name)} as t{i}_" for i, name in enumerate(wanted))
    rows = (
        f"select {comparison.side_sql} as side_, {key_sql(comparison, match.columns)} as key_, "
        f"{picked} from {logs.relation} "
        f"where ({comparison.baseline.predicate}) or ({comparison.current.predicate})"
    )
    order = ", ".join(f"t{i}_" for i in range(len(wanted)))
    first = (
        f"select r_.*, row_number() over (partition by key_, side_ order by {order}) as nth_ "
        f"from ({rows}) as r_ where key_ in (select key_ from ({page}) as k_)"
    )
    shown = ", ".join(_shown(logs.columns[name], i, name) for i, name in enumerate(wanted))
    return (
        f"select p_.key_ as key, p_.baseline, p_.current, p_.shift, {shown} from ({page}) as p_ "
        f"left join ({first}) as b_ on b_.key_ = p_.key_ and b_.side_ = 0 and b_.nth_ = 1 "
        f"left join ({first}) as c_ on c_.key_ = p_.key_ and c_.side_ = 1 and c_.nth_ = 1 "
        "order by abs(p_.shift) desc nulls last, p_.key_"
    )


def _shown(kind: str, i: int, name: str) -> str:
    def cut(side: str) -> str:
        column = f"{side}.t{i}_"
        return f"substr({column}, 1, {MOST_CHARACTERS})" if kind == "text" else column

    if name == "input":
        return f"coalesce({cut('c_')}, {cut('b_')}) as input"
    quoted = name.replace('"', '""')
    return f'{cut("b_")} as "baseline_{quoted}", {cut("c_")} as "current_{quoted}"'
