"""The metrics that a log of requests can have, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rca.engine.sql import count_if, f64, number
from rca.errors import MissingColumnError, RCAError, UnknownNameError, listed
from rca.model.logs import Logs
from rca.model.metric import Direction, Metric

#: A call that was not served has failed, whoever stopped it (a filter blocks, a caller gives up).
_FAILED = "('error', 'timeout', 'rate_limited', 'blocked', 'unfinished')"
_POSITIVE = "('1', '1.0', 'true', 't', 'yes', 'y', 'positive', 'pos')"
_NEGATIVE = "('0', '0.0', 'false', 'f', 'no', 'n', 'negative', 'neg')"
#: Error rows are often logged with no time and no tokens: a zero of theirs measures nothing.
_NO_EMPTY_ERRORS = "error rows with a zero were left out"


def resolve(name: str | Metric, logs: Logs) -> Metric:
    """Return a metric bound to the columns of a log.

    Parameters
    ----------
    name : str or Metric
        A name of :data:`CATALOGUE`; or ``mean:COLUMN``, ``p95:COLUMN`` (any percentile),
        ``sum:COLUMN`` (per hour), ``ratio:COLUMN/COLUMN``; or a numeric column, for its mean.

    Raises
    ------
    UnknownNameError
        Nobody knows the name; the nearest are named.
    MissingColumnError
        The log lacks a column that the metric is made of.
    """
    if isinstance(name, Metric):
        for column in name.columns:
            logs.need(column)
        return name
    key = ALIASES.get(name.strip().lower(), name.strip())
    if key in CATALOGUE:
        try:
            return CATALOGUE[key](logs)
        except MissingColumnError as error:
            raise MissingColumnError(f"metric {key!r} cannot be measured: {error}") from error
    spelt = re.fullmatch(r"(mean|sum|ratio|p\d{1,2}(?:\.\d+)?):(.+)", key)
    if spelt:
        return _spelt(spelt[1], spelt[2], logs)
    if logs.columns.get(key) in ("number", "bool"):
        return _mean(key, key)(logs)
    raise UnknownNameError.of("metric", name, [*CATALOGUE, *logs.features])


def available(logs: Logs) -> dict[str, Metric]:
    """Return every metric of the catalogue that a log has the columns and the values for."""
    found: dict[str, Metric] = {}
    for name, make in CATALOGUE.items():
        try:
            found[name] = make(logs)
        except RCAError:
            continue
    if not found:
        return {}
    counts = ", ".join(
        f"{count_if(metric.measured)} as c{i}_" for i, metric in enumerate(found.values())
    )
    row = logs.engine.one(f"select {counts} from {logs.relation}")
    return {name: m for i, (name, m) in enumerate(found.items()) if row[f"c{i}_"]}


def _spelt(how: str, of: str, logs: Logs) -> Metric:
    if how == "ratio":
        y, _, x = of.partition("/")
        if not x:
            raise UnknownNameError(f"ratio:{of} names one column. Write ratio:COLUMN/COLUMN.")
        _numeric(logs, y)
        _numeric(logs, x)
        return Metric.ratio(f"ratio:{of}", y, x)
    _numeric(logs, of)
    if how == "mean":
        return Metric.mean(f"mean:{of}", of)
    if how == "sum":
        return Metric.per_hour(f"sum:{of}", of)
    return Metric.quantile(f"{how}:{of}", of, float(how[1:]) / 100)


def _numeric(logs: Logs, column: str) -> None:
    logs.need(column)
    if logs.columns[column] not in ("number", "bool"):
        numbers = [name for name, kind in logs.columns.items() if kind == "number"]
        raise MissingColumnError(
            f"column {column!r} holds {logs.columns[column]}, not numbers. "
            f"Numeric columns: {listed(numbers)}."
        )


def _mean(
    name: str, column: str, unit: str = "", worse: Direction = "both", label: str = ""
) -> Callable[[Logs], Metric]:
    def make(logs: Logs) -> Metric:
        _numeric(logs, column)
        counted, note = _without_empty_errors(column, logs)
        return Metric(
            name,
            "mean",
            number(logs.need(column)),
            unit=unit,
            worse=worse,
            counted=counted,
            counted_note=note,
            columns=(column,),
            label=label,
        )

    return make


def _quantile(name: str, column: str, q: float, unit: str, label: str) -> Callable[[Logs], Metric]:
    def make(logs: Logs) -> Metric:
        _numeric(logs, column)
        counted, note = _without_empty_errors(column, logs)
        return Metric(
            name,
            "quantile",
            number(logs.need(column)),
            unit=unit,
            worse="up",
            q=q,
            counted=counted,
            counted_note=note,
            columns=(column,),
            label=label,
        )

    return make


def _without_empty_errors(column: str, logs: Logs) -> tuple[str, str]:
    emptied = column.endswith(("_ms", "_tokens"))
    if not (emptied and logs.has("status")):
        return "", ""
    # A null status is no error: the row keeps its value.
    return f"coalesce(status not in {_FAILED}, true) or {f64(column)} > 0e0", _NO_EMPTY_ERRORS


def _sum(name: str, column: str, unit: str, label: str) -> Callable[[Logs], Metric]:
    def make(logs: Logs) -> Metric:
        _numeric(logs, column)
        return Metric(
            name,
            "per_hour",
            number(logs.need(column)),
            unit=unit,
            worse="up",
            columns=(column,),
            label=label,
        )

    return make


def _requests(_logs: Logs) -> Metric:
    return Metric("requests", "per_hour", "1e0", unit="per hour", label="requests per hour")


def _accuracy(logs: Logs) -> Metric:
    if logs.has("correct") and logs.columns["correct"] in ("bool", "number"):
        y = f64("correct")
        columns: tuple[str, ...] = ("correct",)
    elif logs.has("prediction", "label"):
        text = logs.engine.dialect.text
        y = (
            "case when prediction is null or label is null then null "
            f"when {text('prediction')} = {text('label')} then 1e0 else 0e0 end"
        )
        columns = ("prediction", "label")
    else:
        raise MissingColumnError.of("correct", logs.columns)
    return Metric("accuracy", "mean", y, unit="share", worse="down", columns=columns, binary=True)


def _positive(logs: Logs, column: str) -> str:
    """Return SQL that is true, false or NULL: whether a column says the positive class."""
    logs.need(column)
    if logs.columns[column] == "number":
        return f"{f64(column)} >= 0.5e0"
    if logs.columns[column] == "bool":
        return column
    text = f"lower({logs.engine.dialect.text(column)})"
    return f"case when {text} in {_POSITIVE} then true when {text} in {_NEGATIVE} then false end"


def _classified(name: str, label: str) -> Callable[[Logs], Metric]:
    def make(logs: Logs) -> Metric:
        p, t = _positive(logs, "prediction"), _positive(logs, "label")
        hit = f"case when ({p}) and ({t}) then 1e0 else 0e0 end"
        told, true = (f"case when {c} then 1e0 else 0e0 end" for c in (p, t))
        known = f"({p}) is not null and ({t}) is not null"
        y, x = {
            "precision": (hit, told),
            "recall": (hit, true),
            "f1": (f"2e0 * ({hit})", f"({told}) + ({true})"),
        }[name]
        return Metric(
            name,
            "ratio",
            y,
            x,
            unit="share",
            worse="down",
            counted=known,
            columns=("prediction", "label"),
            label=label,
        )

    return make


def _share(name: str, column: str, condition: str, label: str) -> Callable[[Logs], Metric]:
    def make(logs: Logs) -> Metric:
        known = logs.need(column)
        y = f"case when {known} is null then null when {condition} then 1e0 else 0e0 end"
        return Metric(
            name,
            "mean",
            y,
            unit="share",
            worse="up",
            columns=(column,),
            binary=True,
            label=label,
        )

    return make


def _error_rate(logs: Logs) -> Metric:
    if logs.has("status"):
        return _share("error_rate", "status", f"status in {_FAILED}", "error rate")(logs)
    if logs.columns.get("http_status") == "number":
        return _share("error_rate", "http_status", "http_status >= 400", "error rate")(logs)
    logs.need("error_type")
    y = "case when error_type is null or error_type = '' then 0e0 else 1e0 end"
    return Metric(
        "error_rate",
        "mean",
        y,
        unit="share",
        worse="up",
        columns=("error_type",),
        binary=True,
        label="error rate",
    )


def _flagged(logs: Logs) -> Metric:
    _numeric(logs, "flagged")
    return Metric(
        "flagged_rate",
        "mean",
        f64("flagged"),
        unit="share",
        worse="up",
        columns=("flagged",),
        binary=True,
        label="share of flagged outputs",
    )


#: Every named metric, in the order in which an incident without one is scanned.
CATALOGUE: Mapping[str, Callable[[Logs], Metric]] = {
    "accuracy": _accuracy,
    "precision": _classified("precision", "precision of the positive class"),
    "recall": _classified("recall", "recall of the positive class"),
    "f1": _classified("f1", "F1 of the positive class"),
    "error_rate": _error_rate,
    "flagged_rate": _flagged,
    "mean_latency": _mean("mean_latency", "latency_ms", "ms", "up", "mean latency"),
    "p50_latency": _quantile("p50_latency", "latency_ms", 0.5, "ms", "median latency"),
    "p95_latency": _quantile("p95_latency", "latency_ms", 0.95, "ms", "95th percentile latency"),
    "p99_latency": _quantile("p99_latency", "latency_ms", 0.99, "ms", "99th percentile latency"),
    "ttft": _mean("ttft", "ttft_ms", "ms", "up", "mean time to first token"),
    "p95_ttft": _quantile("p95_ttft", "ttft_ms", 0.95, "ms", "95th percentile first token"),
    "retrieval_latency": _mean("retrieval_latency", "retrieval_ms", "ms", "up"),
    "cost": _sum("cost", "cost_usd", "USD per hour", "spend per hour"),
    "cost_per_request": _mean("cost_per_request", "cost_usd", "USD", "up"),
    "input_tokens": _mean("input_tokens", "input_tokens", "tokens", "up", "mean input tokens"),
    "output_tokens": _mean("output_tokens", "output_tokens", "tokens", "up", "mean output tokens"),
    "retries": _mean("retries", "retries", "retries", "up", "mean retries"),
    "requests": _requests,
}

#: Other spellings of the same metrics.
ALIASES: Mapping[str, str] = {
    "acc": "accuracy",
    "correct": "accuracy",
    "errors": "error_rate",
    "error": "error_rate",
    "flagged": "flagged_rate",
    "unsafe_rate": "flagged_rate",
    "latency": "mean_latency",
    "latency_ms": "mean_latency",
    "latency_mean": "mean_latency",
    "median_latency": "p50_latency",
    "latency_p50": "p50_latency",
    "latency_p95": "p95_latency",
    "latency_p99": "p99_latency",
    "p50_latency_ms": "p50_latency",
    "p95_latency_ms": "p95_latency",
    "p99_latency_ms": "p99_latency",
    "ttft_ms": "ttft",
    "mean_ttft": "ttft",
    "retrieval_ms": "retrieval_latency",
    "spend": "cost",
    "total_cost": "cost",
    "cost_usd": "cost_per_request",
    "mean_cost": "cost_per_request",
    "mean_input_tokens": "input_tokens",
    "prompt_tokens": "input_tokens",
    "mean_output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "mean_retries": "retries",
    "request_rate": "requests",
    "traffic": "requests",
}
