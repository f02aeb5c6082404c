"""Counts of labels and predictions in bins of the score, in two or three queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rca.analysis.versions.pairing import Match, key_sql
from rca.engine.sql import lit, number
from rca.errors import EmptyLogError
from rca.model.catalogue import resolve
from rca.model.comparison import Comparison

Array = NDArray[np.float64]

#: Bins of like size over both sides' scores.
_BINS = 80


@dataclass(frozen=True)
class Scores:
    """Both sides' scores, binned on shared edges.

    Attributes
    ----------
    edges : array, shape (bins - 1,)
        Bin ``b`` holds scores from ``edges[b - 1]`` (included) to ``edges[b]``.
    counts : array, shape (2 sides, 2 labels, bins)
        Rows.
    called : array, shape (2, 2, bins)
        Rows by the side's own prediction (0, 1) and bin.
    positives, sums, squares : array, shape (2, bins)
        Rows that are positive, sums of the score and of (label - score)^2, over all rows.
    joint : array, shape (2 labels, bins, bins), or None
        Pairs by label and both bins.
    cuts : tuple of int
        The first bin called positive on each side, by the predictions.
    agreement : tuple of float
        Share of rows whose prediction is what the cut says.
    probabilities : bool
        Whether all scores lie between 0 and 1.
    """

    edges: Array
    counts: Array
    called: Array
    positives: Array
    sums: Array
    squares: Array
    joint: Array | None
    cuts: tuple[int, int]
    agreement: tuple[float, float]
    probabilities: bool
    sql: tuple[str, ...]

    def threshold(self, side: int) -> float:
        """Return the score from which a side calls rows positive."""
        cut = self.cuts[side]
        return float(self.edges[cut - 1]) if cut > 0 else float("-inf")


def read_scores(comparison: Comparison, match: Match | None) -> Scores:
    """Bin the scores of both sides.

    Raises
    ------
    MissingColumnError
        The log lacks prediction, label or score.
    EmptyLogError
        A side has no row with all three.
    """
    rows = _rows_sql(comparison, match)
    engine = comparison.logs.engine
    quantiles = engine.dialect.quantiles("s_", np.linspace(0, 1, _BINS + 1)[1:-1].tolist())
    limits_sql = (
        f"select {quantiles} as q_, min(s_) as low_, max(s_) as high_, "
        "min(case when side_ = 0 and p_ = 1e0 then s_ end) as from0_, "
        "min(case when side_ = 1 and p_ = 1e0 then s_ end) as from1_, "
        "sum(case when side_ = 0 then 1 else 0 end) as n0_, "
        f"sum(case when side_ = 1 then 1 else 0 end) as n1_ from ({rows}) as r_"
    )
    limits = engine.one(limits_sql)
    if not limits["n0_"] or not limits["n1_"]:
        raise EmptyLogError(
            "a side has no row with prediction, label and score. Join the labels first."
        )
    starts = [limits[name] for name in ("from0_", "from1_") if limits[name] is not None]
    edges = np.unique(np.array([*limits["q_"], *starts], dtype=np.float64))
    edges = edges[edges > limits["low_"]]
    cells_sql = _cells_sql(rows, edges)
    counts, called, sums, squares = _cells(engine.rows(cells_sql), len(edges) + 1)
    positives = counts[:, 1]
    joint: Array | None = None
    joint_sql: tuple[str, ...] = ()
    if match is not None:
        sql = _joint_sql(rows, edges)
        joint = np.zeros((2, len(edges) + 1, len(edges) + 1))
        for row in engine.rows(sql):
            joint[int(row["t_"]), row["b0_"], row["b1_"]] += row["n_"]
        counts = np.stack([joint.sum(axis=2), joint.sum(axis=1)])
        joint_sql = (sql,)
    cuts = [_cut(called[side]) for side in (0, 1)]
    return Scores(
        edges,
        counts,
        called,
        positives,
        sums,
        squares,
        joint,
        (cuts[0][0], cuts[1][0]),
        (cuts[0][1], cuts[1][1]),
        bool(limits["low_"] >= 0 and limits["high_"] <= 1),
        (limits_sql, cells_sql, *joint_sql),
    )


def _rows_sql(comparison: Comparison, match: Match | None) -> str:
    """Return rows with a label: side, score, prediction, label, key; keys on both sides only."""
    logs = comparison.logs
    precision, recall = resolve("precision", logs), resolve("recall", logs)
    score = number(logs.need("score"))
    key = key_sql(comparison, match.columns) if match else "cast(null as varchar)"
    rows = (
        f"select {comparison.side_sql} as side_, {score} as s_, {precision.denominator} as p_, "
        f"{recall.denominator} as t_, {key} as key_ from {logs.relation} "
        f"where (({comparison.baseline.predicate}) or ({comparison.current.predicate})) "
        f"and ({precision.counted}) and ({score}) is not null"
    )
    if match is None:
        return rows
    both = (
        f"select key_ from ({rows}) as k_ where key_ is not null group by key_ "
        "having min(side_) = 0 and max(side_) = 1 and min(t_) = max(t_)"
    )
    return f"select * from ({rows}) as a_ where key_ in ({both})"


def _bin_sql(edges: Array) -> str:
    terms = " + ".join(f"case when s_ >= {lit(edge)} then 1 else 0 end" for edge in edges)
    return terms or "0"


def _cells_sql(rows: str, edges: Array) -> str:
    return (
        "select side_, t_, p_, b_, count(*) as n_, sum(s_) as s_, "
        "sum((t_ - s_) * (t_ - s_)) as q_ "
        f"from (select side_, t_, p_, s_, {_bin_sql(edges)} as b_ from ({rows}) as r_) as i_ "
        "group by side_, t_, p_, b_"
    )


def _joint_sql(rows: str, edges: Array) -> str:
    """Return pairs by bin; the scores of repeated trials are averaged first."""
    mean = (
        f"select key_, side_, max(t_) as t_, avg(s_) as s_ from ({rows}) as r_ group by key_, side_"
    )
    binned = f"select key_, side_, t_, {_bin_sql(edges)} as b_ from ({mean}) as m_"
    pairs = (
        "select max(t_) as t_, max(case when side_ = 0 then b_ end) as b0_, "
        f"max(case when side_ = 1 then b_ end) as b1_ from ({binned}) as b_ group by key_"
    )
    return f"select t_, b0_, b1_, count(*) as n_ from ({pairs}) as p_ group by t_, b0_, b1_"


def _cells(rows: list[dict[str, float]], n_bins: int) -> tuple[Array, Array, Array, Array]:
    counts, called = np.zeros((2, 2, n_bins)), np.zeros((2, 2, n_bins))
    sums, squares = np.zeros((2, n_bins)), np.zeros((2, n_bins))
    for row in rows:
        side, b = int(row["side_"]), int(row["b_"])
        counts[side, int(row["t_"]), b] += row["n_"]
        called[side, int(row["p_"]), b] += row["n_"]
        sums[side, b] += row["s_"]
        squares[side, b] += row["q_"]
    return counts, called, sums, squares


def _cut(called: Array) -> tuple[int, float]:
    """Return the cut that agrees best with a side's predictions, and the share that agrees."""
    missed = np.concatenate([[0.0], np.cumsum(called[1])])
    false = np.concatenate([np.cumsum(called[0][::-1])[::-1], [0.0]])
    wrong = missed + false
    cut = int(np.argmin(wrong))
    return cut, 1 - float(wrong[cut] / called.sum())
