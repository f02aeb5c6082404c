"""Tokens to one rule, money with its source, errors in groups: before any statistic.

The commonest "cost spike" is a change of metering, not of use. So how a source counts is decided
by evidence in the rows, and what was decided is said.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rca.engine.sql import count_if, f64, lit
from rca.errors import BadValueError, MissingFileError, listed
from rca.model.logs import Logs

#: A price table: for each model, dollars per million tokens of each kind.
Prices = Mapping[str, Mapping[str, float]]
#: How the providers' own responses count cached tokens.
_PROVIDERS = {
    "anthropic": "exclusive",
    "openai": "inclusive",
    "azure": "inclusive",
    "azure_openai": "inclusive",
    "gemini": "inclusive",
    "vertex_ai": "inclusive",
}
_KINDS = ("input", "cached", "cache_write", "output")
_PER = 1e6
_SAMPLE = 500_000
_MASKED = 160


@dataclass(frozen=True)
class TokenRule:
    """How a provider's rows count cached tokens, and by what that is known."""

    provider: str | None
    rule: str
    why: str


def normalised(logs: Logs, *, token_rule: str = "unknown", prices: Any = None) -> Logs:
    """Return the log with tokens to one rule, cost where it can be had, and errors in groups.

    Parameters
    ----------
    token_rule : str
        How the source is known to count cached tokens: ``inclusive``, ``exclusive``, ``unknown``.
    prices : mapping or path, optional
        Dollars per million tokens: ``{"gpt-4o": {"input": 2.5, "cached": 1.25, "output": 10}}``,
        or a CSV file with the columns model, input, cached, output. Rows without a logged cost
        get one computed from it.

    Raises
    ------
    BadValueError, MissingFileError
        The price table cannot be used.
    """
    logs = _one_token_rule(logs, token_rule)
    if prices is not None:
        logs = priced(logs, price_table(prices))
    return _grouped_errors(logs)


def contract_rule(tables: Iterable[Iterable[str]]) -> str:
    """Return the rule of tables by their column names: the canonical names promise one."""
    promised = {"input_tokens", "cached_input_tokens"}
    return "inclusive" if all(promised <= set(names) for names in tables) else "unknown"


def token_rules(logs: Logs, known: str = "unknown") -> list[TokenRule]:
    """Return, per provider, how the rows count cached tokens: evidence first, then the source."""
    if not logs.has("input_tokens", "cached_input_tokens"):
        return []
    cached = "(coalesce(cached_input_tokens, 0) + " + (
        "coalesce(cache_write_tokens, 0))" if logs.has("cache_write_tokens") else "0)"
    )
    total = "total_tokens" if logs.has("total_tokens", "output_tokens") else "null"
    out = "output_tokens" if logs.has("output_tokens") else "null"
    provider = "provider" if logs.has("provider") else "cast(null as varchar)"
    rows = logs.engine.rows(
        f"select {provider} as provider_, {count_if(f'{cached} > 0')} as cached_, "
        f"{count_if(f'{cached} > input_tokens')} as over_, "
        f"{count_if(f'{cached} > 0 and {total} = input_tokens + {out}')} as within_, "
        f"{count_if(f'{cached} > 0 and {total} = input_tokens + {cached} + {out}')} as beside_ "
        f"from {logs.engine.sample(logs.relation, _SAMPLE)} group by 1 order by 1"
    )
    return [_rule(row, known) for row in rows if row["cached_"]]


def _rule(row: Mapping[str, Any], known: str) -> TokenRule:
    provider = row["provider_"]
    if row["over_"]:
        why = f"cached tokens exceed the input in {row['over_']:,} rows"
        return TokenRule(provider, "exclusive", why)
    if row["beside_"] > row["within_"]:
        return TokenRule(provider, "exclusive", "totals add cached tokens to the input")
    if row["within_"]:
        return TokenRule(provider, "inclusive", "totals hold with cached tokens in the input")
    if known != "unknown":
        return TokenRule(provider, known, "the source documents it")
    if provider and (by := _PROVIDERS.get(provider.lower())):
        return TokenRule(provider, by, f"{provider} counts so")
    return TokenRule(provider, "unknown", "nothing in the rows tells")


def _one_token_rule(logs: Logs, known: str) -> Logs:
    rules = token_rules(logs, known)
    notes = []
    outside = [rule for rule in rules if rule.rule == "exclusive"]
    unknown = [rule for rule in rules if rule.rule == "unknown"]
    if outside:
        quote = logs.engine.dialect.string
        of = " or ".join(
            "provider is null" if rule.provider is None else f"provider = {quote(rule.provider)}"
            for rule in outside
        )
        where = of if logs.has("provider") else "true"
        write = " + coalesce(cache_write_tokens, 0)" if logs.has("cache_write_tokens") else ""
        logs = _with(
            logs,
            {
                "input_tokens": f"case when {where} then input_tokens + "
                f"coalesce(cached_input_tokens, 0){write} else input_tokens end"
            },
        )
        for rule in outside:
            whose = f" of {rule.provider}" if rule.provider else ""
            notes.append(
                f"input tokens{whose} were logged without the cached ones ({rule.why}), "
                "which were added"
            )
    if unknown:
        notes.append(
            "whether the input tokens include the cached ones is unknown: they were left as logged"
        )
    if logs.has("reasoning_tokens", "output_tokens"):
        beyond = count_if("reasoning_tokens > output_tokens")
        sample = logs.engine.sample(logs.relation, _SAMPLE)
        n = logs.engine.one(f"select {beyond} as n_ from {sample}")["n_"]
        if n:
            logs = _with(logs, {"output_tokens": "output_tokens + coalesce(reasoning_tokens, 0)"})
            notes.append(
                "output tokens were logged without reasoning (which exceeds them in "
                f"{n:,} rows): it was added"
            )
    return replace(logs, caveats=(*logs.caveats, *notes))


def price_table(prices: Any) -> dict[str, dict[str, float]]:
    """Return a price table from a mapping or a CSV file, in dollars per million tokens."""
    if isinstance(prices, (str, Path)):
        path = Path(prices).expanduser()
        if not path.is_file():
            raise MissingFileError(f"no price table at {str(prices)!r}. Give a CSV file.")
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = {row.pop("model", ""): row for row in csv.DictReader(file)}
        prices = {
            model: {kind: price for kind, price in row.items() if price}
            for model, row in rows.items()
        }
    table: dict[str, dict[str, float]] = {}
    for model, of in dict(prices).items():
        unknown = set(of) - set(_KINDS)
        if not model or unknown or not {"input", "output"} <= set(of):
            raise BadValueError(
                f"the price of {model!r} is {dict(of)!r}. It needs input and output, and may have "
                "cached and cache_write, in dollars per million tokens."
            )
        try:
            table[model] = {kind: float(price) for kind, price in of.items()}
        except (TypeError, ValueError) as error:
            raise BadValueError(f"the price of {model!r} is no number: {error}.") from error
    if not table:
        raise BadValueError("the price table has no model. Give at least one.")
    return table


def priced(logs: Logs, prices: Prices) -> Logs:
    """Return the log with a cost computed for the rows that have none, and with its source.

    The column ``cost_source`` says of each row ``logged`` or ``computed``.
    """
    model = logs.need("model")
    logs.need("input_tokens")
    logs.need("output_tokens")
    quote = logs.engine.dialect.string
    cached = "coalesce(cached_input_tokens, 0)" if logs.has("cached_input_tokens") else "0"
    write = "coalesce(cache_write_tokens, 0)" if logs.has("cache_write_tokens") else "0"
    cases = []
    for name, of in prices.items():
        full, out = lit(of["input"] / _PER), lit(of["output"] / _PER)
        hit = lit(of.get("cached", of["input"]) / _PER)
        put = lit(of.get("cache_write", of["input"]) / _PER)
        cost = (
            f"(input_tokens - {cached} - {write}) * {full} + {cached} * {hit} + {write} * {put} "
            f"+ output_tokens * {out}"
        )
        cases.append(f"when {model} = {quote(name)} then {f64(cost)}")
    computed = f"case {' '.join(cases)} end"
    known = logs.has("cost_usd")
    value = f"coalesce(cost_usd, {computed})" if known else computed
    origin = "case when cost_usd is not null then 'logged' " if known else "case "
    origin += f"when ({computed}) is not null then 'computed' end"
    result = _with(logs, {"cost_usd": value, "cost_source": origin})
    row = result.engine.one(
        "select "
        + count_if("cost_source = 'computed'")
        + " as computed_, "
        + count_if("cost_source = 'logged'")
        + " as logged_, "
        + count_if("cost_source is null")
        + f" as none_ from {result.relation}"
    )
    notes = [
        f"the cost of {row['computed_']:,} rows was computed from the given prices, of "
        f"{row['logged_']:,} it was logged, and {row['none_']:,} have none"
    ]
    if row["none_"]:
        names = result.engine.rows(
            f"select distinct {model} as m_ from {result.relation} "
            "where cost_source is null order by 1 limit 6"
        )
        notes.append(f"no price was given for: {listed([str(name['m_']) for name in names], 5)}")
    columns = dict(result.columns) | {"cost_usd": "number", "cost_source": "text"}
    return replace(result, columns=columns, caveats=(*result.caveats, *notes))


def masked(text: str) -> str:
    """Return an error message without what differs from call to call.

    >>> masked("Timeout after 30.5s for req_8f14e45fceea (attempt 2 of 3)")
    'Timeout after #s for # (attempt # of #)'
    """
    for pattern, by in _MASKS:
        text = re.sub(pattern, by, text)
    return text[:_MASKED]


_MASKS = (
    (r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}", "#"),
    (r"\b[A-Za-z]{1,8}[_-][0-9A-Za-z]*[0-9][0-9A-Za-z]{5,}\b", "#"),
    (r"\b0x[0-9a-fA-F]+\b", "#"),
    (r"\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{11,}\b", "#"),
    (r"[0-9]+([.,:][0-9]+)*", "#"),
    (r"\s+", " "),
)


def _grouped_errors(logs: Logs) -> Logs:
    """Give the messages of errors a column in which their numbers and ids are masked."""
    if not logs.has("error_message") or logs.has("error_group"):
        return logs
    text = "error_message"
    for pattern, by in _MASKS:
        text = f"regexp_replace({text}, {logs.engine.dialect.string(pattern)}, '{by}', 'g')"
    grouped = _with(logs, {"error_group": f"left({text}, {_MASKED})"})
    return replace(grouped, columns=dict(grouped.columns) | {"error_group": "text"})


def empty_errors(logs: Logs) -> int:
    """Return how many failed rows have zero latency or tokens, which measure nothing."""
    columns = [name for name in ("latency_ms", "input_tokens", "output_tokens") if logs.has(name)]
    if not columns or not logs.has("status"):
        return 0
    zero = " or ".join(f"{name} = 0" for name in columns)
    rule = f"status <> 'ok' and ({zero})"
    return int(logs.engine.one(f"select {count_if(rule)} as n_ from {logs.relation}")["n_"])


def _with(logs: Logs, columns: Mapping[str, str]) -> Logs:
    """Return the log with columns replaced or added, as lazy as it was."""
    ident = logs.engine.dialect.ident
    kept = [ident(name) for name in logs.columns if name not in columns]
    made = [f"{sql} as {ident(name)}" for name, sql in columns.items()]
    view = logs.engine.view(f"select {', '.join([*kept, *made])} from {logs.relation}")
    return replace(logs, relation=view)
