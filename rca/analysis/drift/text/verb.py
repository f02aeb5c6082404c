"""How the texts of a column moved between two sets of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from rca.analysis.drift.text.describe import DESCRIPTORS, described, vectors
from rca.analysis.drift.text.result import TextDrift
from rca.analysis.drift.verb import profile_drift
from rca.errors import BadValueError
from rca.model.comparison import Comparison, Side
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.stats.drift_phrases import new_phrases
from rca.stats.drift_vectors import mmd, tell_apart

_ROWS = 5_000
_VECTORS = 3_000
_LEAST_TEXTS = 20
_EXAMPLES = 10
_SEED = 20_240_502


def drift_text(comparison: Comparison, *, column: str, rows: int = _ROWS) -> TextDrift:
    """Find what changed in a column of free text.

    A bounded sample of each side is read. Descriptors that need no model (length, script,
    repetition, refusals, injection markers, unfilled templates, ...) are profiled like columns,
    with onset and like hours of day; phrases are compared by the share of texts that hold them;
    hashed word counts are tested by the maximum mean discrepancy, and a domain classifier picks
    the texts that are most unlike the baseline.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    column : str
        ``input``, ``output`` or any text column.
    rows : int
        Most rows of each side.

    Returns
    -------
    TextDrift
        ``table`` has a row per descriptor; nulls are a cell of their own in each.

    Raises
    ------
    MissingColumnError
        No such column.
    BadValueError
        It is no text, or a side has fewer than twenty texts.

    Examples
    --------
    >>> import pandas as pd, rca
    >>> engine = rca.connect()
    >>> def log(text):
    ...     frame = pd.DataFrame({"output": [f"{text} {i % 7}" for i in range(200)], "correct": 1})
    ...     return rca.read_logs(frame, engine=engine)
    >>> pair = rca.Comparison.of(log("The answer is"), log("I'm sorry, not"), metric="accuracy")
    >>> drift = drift_text(pair, column="output")
    >>> drift.phrases[0].text, float(drift.told.auc)
    ("i'm sorry not", 1.0)
    """
    quoted = comparison.logs.need(column)
    if comparison.logs.columns[column] != "text":
        kind = comparison.logs.columns[column]
        raise BadValueError(f"{column!r} holds {kind}, not text. Profile it with profile_drift.")
    sampled, sql = _sampled(comparison, quoted, rows)
    texts = [[t for t in side.column("text").to_pylist() if t is not None] for side in sampled]
    if min(map(len, texts)) < _LEAST_TEXTS:
        counts = " and ".join(f"{len(side):,}" for side in texts)
        raise BadValueError(f"{column!r} has {counts} texts on the two sides; 20 are needed.")
    rng = np.random.default_rng(_SEED)
    few = [_picked(side, rng) for side in texts]
    x, y = (vectors(side) for side in few)
    told = tell_apart(x, y, rng=rng)
    profile = profile_drift(_described(comparison, sampled), columns=list(DESCRIPTORS))
    caveats = (
        f"Read from samples of {len(sampled[0]):,} and {len(sampled[1]):,} rows.",
        "Descriptors are read by rule: a refusal is a phrase that refusals use, in English.",
        *profile.caveats,
    )
    return TextDrift(
        profile.table,
        caveats=caveats,
        call=f"rca.drift_text(comparison, column={column!r})",
        sql=sql,
        column=column,
        descriptors=profile,
        phrases=tuple(new_phrases(*texts)),
        told=told,
        discrepancy=mmd(x, y, rng=rng),
        examples=_newest(few[1], told.score_current),
    )


def _sampled(
    comparison: Comparison, quoted: str, rows: int
) -> tuple[tuple[pa.Table, pa.Table], tuple[str, ...]]:
    """Return time, text and the metric's parts of a sample of each side."""
    logs, metric = comparison.logs, comparison.metric
    time = "ts" if logs.has("ts") else "cast(null as timestamp)"
    sides, sql = [], []
    for side in (comparison.baseline, comparison.current):
        relation = (
            f"(select {time} as ts, {quoted} as text, {metric.y} as y_, {metric.x} as x_ "
            f"from {logs.relation} where {side.predicate}) as s_"
        )
        n = logs.engine.one(f"select count(*) as n_ from {logs.relation} where {side.predicate}")[
            "n_"
        ]
        if n > rows:
            relation = logs.engine.dialect.scattered(relation, rows / n)
        sql.append(f"select * from {relation}")
        sides.append(logs.engine.table(sql[-1]))
    return (sides[0], sides[1]), tuple(sql)


def _described(comparison: Comparison, sampled: tuple[pa.Table, pa.Table]) -> Comparison:
    """Return the comparison of the samples, with a column for each descriptor."""
    tables = []
    for index, side in enumerate(sampled):
        found = described(side.column("text").to_pylist())
        numbers = {name: pa.array(values, from_pandas=True) for name, values in found.items()}
        parts = {name: side.column(name) for name in ("ts", "y_", "x_")}
        tables.append(pa.table({"side": [index] * len(side), **parts, **numbers}))
    whole = pa.concat_tables(tables)
    engine, own = comparison.logs.engine, comparison.logs
    kinds = {"side": "number", **dict.fromkeys((*DESCRIPTORS, "y_", "x_"), "number")}
    if own.has("ts"):
        kinds["ts"] = "time"
    logs = Logs(engine, engine.register(whole), kinds, own.source)  # type: ignore[arg-type]
    metric = Metric(comparison.metric.name, "ratio", "y_", "x_", columns=("y_", "x_"))
    return replace(
        comparison,
        logs=logs,
        metric=metric,
        baseline=Side("baseline", "side = 0", comparison.baseline.window),
        current=Side("current", "side = 1", comparison.current.window),
    )


def _picked(texts: list[str], rng: np.random.Generator) -> list[str]:
    if len(texts) <= _VECTORS:
        return texts
    return [texts[i] for i in np.sort(rng.choice(len(texts), _VECTORS, replace=False))]


def _newest(
    texts: list[str], score: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[str, ...]:
    """Return different texts that are surest to be of the current side."""
    order = np.argsort(-score, kind="stable")
    return tuple(list(dict.fromkeys(texts[i] for i in order))[:_EXAMPLES])
