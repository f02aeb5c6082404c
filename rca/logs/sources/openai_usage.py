"""OpenAI's organisation usage and costs: pages of buckets, not of requests."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, first


def _rows(documents: str) -> str:
    return (
        "select file_, result_ as row_, bucket_ as bucket from (select file_, bucket_, unnest("
        "case when bucket_ is null then [null] else json_extract(bucket_, '$.results[*]') end) "
        "as result_ from (select file_, unnest(case when doc_ is null then [null] "
        "when json_extract_string(doc_, '$.object') = 'bucket' then [doc_] "
        f"else json_extract(doc_, '$.data[*]') end) as bucket_ from {documents}) as b_) as r_"
    )


def _sniff(record: Record) -> float:
    data = record.get("data")
    if record.get("object") == "page" and isinstance(data, list):
        return (
            1.0 if any(isinstance(x, dict) and x.get("object") == "bucket" for x in data) else 0.5
        )
    return 1.0 if record.get("object") == "bucket" and "results" in record else 0.0


_N = "nullif(try_cast({num_model_requests} as double), 0)"


def _mean(path: str) -> str:
    """Return a sum over the bucket's requests as their mean, so that weights give the sum back."""
    return f"cast(try_cast({path} as double) / coalesce({_N}, 1e0) as varchar)"


SOURCE = Source(
    name="openai-usage",
    title="OpenAI usage and costs API",
    sniff=_sniff,
    rows=_rows,
    parts=("bucket",),
    columns={
        "ts": "{bucket|start_time}",
        "provider": "'openai'",
        "model": "{model}",
        "operation": first("{line_item}", "regexp_extract({object}, 'usage[.]([a-z_]+)', 1)"),
        "input_tokens": _mean("{input_tokens}"),
        "cached_input_tokens": _mean("{input_cached_tokens}"),
        "output_tokens": _mean("{output_tokens}"),
        "cost_usd": "{amount.value}",
        "tenant": "{project_id}",
        "user_id": "{user_id}",
        "weight": first("{num_model_requests}", "'1'"),
    },
    token_rule="inclusive",
    extras=("",),
    ignored=frozenset(
        {"object", "amount", "input_uncached_tokens", "num_model_requests", "line_item"}
    ),
    gives="per bucket: tokens, cached tokens, requests and cost by model, project, user and key",
    lacks="single requests, latency, errors; costs come without tokens",
    caveats=(
        "a row is a bucket: its tokens are the mean of its requests, weighted by their number, so "
        "an interval says nothing of the spread between requests",
    ),
)
