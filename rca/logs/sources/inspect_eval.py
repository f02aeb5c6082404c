"""Inspect evaluation logs: ``.eval`` archives and ``.json`` files, one row per sample."""

from __future__ import annotations

from rca.logs.sources.base import Record, Source, first, times


def _rows(documents: str) -> str:
    """Return samples; an archive comes as one document per sample, a file as one of all."""
    usage = "json_extract(sample_, '$.model_usage')"
    model = f"json_keys({usage})[1]"
    return (
        "select file_, sample_ as row_, cast(eval_ as varchar) as about, "
        f"cast(case when json_type({usage}) = 'OBJECT' and len(json_keys({usage})) > 0 then "
        f"""json_extract({usage}, '$."' || replace({model}, '"', '') || '"') end as varchar) """
        "as usage, json_keys(sample_, '$.scores')[1] as scorer_, "
        "cast(json_extract(sample_, '$.scores.*')[1] as varchar) as scored from ("
        "select file_, json_extract(doc_, '$.eval') as eval_, unnest(case when doc_ is null "
        "then [null] when json_type(doc_, '$.sample') = 'OBJECT' "
        "then [json_extract(doc_, '$.sample')] else json_extract(doc_, '$.samples[*]') end) "
        f"as sample_ from {documents}) as samples_"
    )


def _sniff(record: Record) -> float:
    about = record.get("eval")
    if not isinstance(about, dict):
        return 0.0
    return 1.0 if ("samples" in record or "sample" in record or "task" in about) else 0.0


_VALUE = "{scored|value}"
_RIGHT = (
    f"case when upper({_VALUE}) = 'C' then '1' when upper({_VALUE}) in ('I', 'N') then '0' "
    f"when {_VALUE} in ('true', 'false') then {_VALUE} end"
)

SOURCE = Source(
    name="inspect",
    title="Inspect evaluation logs",
    sniff=_sniff,
    rows=_rows,
    parts=("about", "usage", "scorer_", "scored"),
    columns={
        "ts": first("{started_at}", "{about|created}"),
        "request_id": first("{uuid}", "{about|run_id} || '/' || {id} || '/' || {epoch}"),
        "service": "{about|task}",
        "model": "{about|model}",
        "model_version": "{output.model}",
        "app_version": "{about|revision.commit}",
        "latency_ms": times("{total_time}", 1e3),
        "input_tokens": "{usage|input_tokens}",
        "output_tokens": "{usage|output_tokens}",
        "total_tokens": "{usage|total_tokens}",
        "cached_input_tokens": "{usage|input_tokens_cache_read}",
        "cache_write_tokens": "{usage|input_tokens_cache_write}",
        "reasoning_tokens": "{usage|reasoning_tokens}",
        "status": "case when {error} is not null then 'error' "
        "when {output.stop_reason} = 'content_filter' then 'blocked' else 'ok' end",
        "error_message": "{error.message}",
        "finish_reason": first("{output.stop_reason}", "{output.choices[0].stop_reason}"),
        "label": "{target}",
        "prediction": "{scored|answer}",
        "score": f"case when try_cast({_VALUE} as double) is not null then {_VALUE} end",
        "score_name": "scorer_",
        "correct": _RIGHT,
        "input": "{input}",
        "output": first("{output.completion}", "{output.choices[0].message.content}"),
    },
    token_rule="unknown",
    extras=("metadata",),
    gives="score, answer, target, model, tokens, time taken, errors, per sample and epoch",
    lacks="cost, users; times of samples in older logs (the run's own is used)",
)
