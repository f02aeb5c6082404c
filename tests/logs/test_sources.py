"""Exports of each tool, read as they are."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import rca
from tests.logs import samples
from tests.logs.samples import attributes, otlp

TS = "2026-03-01T10:00:00"


def lines(path: Path, *records: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def rows(logs: rca.Logs) -> list[dict[str, Any]]:
    found = logs.engine.rows(f"select * from {logs.relation}")
    return [{name: row[name] for name in logs.columns} for row in found]


def row(logs: rca.Logs) -> dict[str, Any]:
    (only,) = rows(logs)
    return only


def check(found: Mapping[str, Any], **expected: Any) -> None:
    ts = expected.pop("ts", TS)
    assert found["ts"].isoformat() == ts
    for name, value in expected.items():
        wanted = pytest.approx(value) if isinstance(value, float) else value
        assert found[name] == wanted, name


# ---- OTLP -------------------------------------------------------------------------------------


def test_otlp_as_the_collector_writes_it(shared: Path) -> None:
    logs = rca.read_logs(shared / "formats" / "otel-otlp" / "genai_traces_1_37.jsonl")
    check(
        row(logs),
        ts="2025-05-23T11:33:20",
        request_id="00f067aa0ba902b7",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        provider="openai",
        model="gpt-4o",
        model_version="gpt-4o-2024-08-06",
        operation="chat",
        latency_ms=1500.0,
        input_tokens=31.0,
        output_tokens=19.0,
        session_id="conv-7f3a",
        finish_reason="tool_calls",
        service="agef-demo-agent",
        status="ok",
    )
    assert dict(logs.intake.left_out) == {
        "a step that is no call of a model": 1,
        "a span without a time": 1,
    }
    assert logs.intake.n_rows == logs.intake.n_kept + 2 == 3


def test_a_trace_without_any_model_call_is_kept_whole(shared: Path) -> None:
    logs = rca.read_logs(shared / "formats" / "otel-otlp" / "trace.json")
    check(row(logs), ts="2018-12-13T14:51:00", service="my.service", latency_ms=1000.0)
    assert any("all 1 steps were kept" in caveat for caveat in logs.caveats)


@pytest.mark.parametrize(("name", "what"), [("metrics.json", "metrics"), ("logs.json", "logs")])
def test_other_signals_of_otlp_are_refused_by_name(shared: Path, name: str, what: str) -> None:
    with pytest.raises(rca.RCAError, match=f"OTLP {what} hold no spans"):
        rca.read_logs(shared / "formats" / "otel-otlp" / name)


@pytest.mark.parametrize(
    "named",
    [
        attributes(
            gen_ai__provider__name="openai",
            gen_ai__request__model="gpt-4o",
            gen_ai__operation__name="chat",
            gen_ai__usage__input_tokens=100,
            gen_ai__usage__output_tokens=20,
            gen_ai__usage__cache_read__input_tokens=40,
        ),
        attributes(
            gen_ai__system="openai",
            gen_ai__request__model="gpt-4o",
            gen_ai__usage__prompt_tokens=100,
            gen_ai__usage__completion_tokens=20,
            gen_ai__usage__cache_read_input_tokens=40,
        ),
        attributes(
            openinference__span__kind="LLM",
            llm__provider="openai",
            llm__model_name="gpt-4o",
            llm__token_count__prompt=100,
            llm__token_count__completion=20,
            llm__token_count__prompt_details__cache_read=40,
        ),
    ],
    ids=["1.37", "1.26", "openinference"],
)
def test_all_generations_of_names_read_the_same(
    tmp_path: Path, named: list[dict[str, Any]]
) -> None:
    logs = rca.read_logs(lines(tmp_path / "data.json", otlp(named)))
    check(
        row(logs),
        provider="openai",
        model="gpt-4o",
        input_tokens=100.0,
        cached_input_tokens=40.0,
        output_tokens=20.0,
        latency_ms=1500.0,
        service="qa",
        app_version="1.4.0",
    )


def test_langfuse_and_traceloop_attributes_over_otlp(tmp_path: Path) -> None:
    named = attributes(
        langfuse__observation__type="generation",
        langfuse__observation__model__name="gpt-4o",
        langfuse__observation__prompt__version=3,
        langfuse__session__id="conv",
        langfuse__observation__completion_start_time='"2026-03-01T10:00:00.300Z"',
        gen_ai__usage__input_tokens=100,
    )
    found = row(rca.read_logs(lines(tmp_path / "d.json", otlp(named))))
    check(found, model="gpt-4o", prompt_version="3", session_id="conv", ttft_ms=300.0)


def test_faults_of_spans_become_statuses(tmp_path: Path) -> None:
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m"}
    raised = [
        {
            "name": "exception",
            "attributes": attributes(
                exception__type="RateLimitError", exception__message="limit 30 per 60s"
            ),
        }
    ]
    path = lines(
        tmp_path / "d.json",
        otlp(attributes(**call, error__type="timeout"), spanId="a", status={"code": 2}),
        otlp(attributes(**call), spanId="b", status={"code": "STATUS_CODE_ERROR"}, events=raised),
        otlp(attributes(**call), spanId="c", status={"code": 2, "message": "boom 17"}),
        otlp(attributes(**call), spanId="d", endTimeUnixNano=""),
        otlp(attributes(**call), spanId="e", status={}),
    )
    found = {each["request_id"]: each for each in rows(rca.read_logs(path))}
    assert {key: each["status"] for key, each in found.items()} == {
        "a": "timeout",
        "b": "rate_limited",
        "c": "error",
        "d": "unfinished",
        "e": "ok",
    }
    assert found["b"]["error_type"] == "RateLimitError"
    assert found["b"]["error_group"] == "limit # per #s"
    assert found["c"]["error_group"] == "boom #"


def test_an_attribute_that_comes_twice_and_odd_values_do_no_harm(tmp_path: Path) -> None:
    named = attributes(gen_ai__operation__name="chat", region="eu")
    named += [*attributes(region="us"), {"key": "empty", "value": {}}, {"key": "bare"}]
    named.append({"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}})
    found = row(rca.read_logs(lines(tmp_path / "d.json", otlp(named))))
    assert found["region"] in ("eu", "us")


@pytest.mark.parametrize("packed", [True, False])
def test_the_collectors_framing(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "data.json"
    with path.open("wb") as file:
        for number in range(3):
            text = json.dumps(
                otlp(attributes(gen_ai__operation__name="chat"), spanId=f"s{number}")
            ).encode()
            data = pa.compress(text, "zstd", asbytes=True) if packed else text
            file.write(struct.pack(">I", len(data)) + data)
    logs = rca.read_logs(path)
    assert [each["request_id"] for each in rows(logs)] == ["s0", "s1", "s2"]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(rca.RCAError, match="cut in object 3"):
        rca.read_logs(path)


# ---- Tools, from real files -------------------------------------------------------------------


def test_litellm_spend_logs(shared: Path) -> None:
    check(
        row(rca.read_logs(shared / "formats" / "litellm" / "spend_logs_payload.json")),
        ts="2025-01-24T09:20:46.847371",
        request_id="chatcmpl-2283081b-dc89-41f6-93e6-d4f914774027",
        session_id="1234567890",
        provider="openai",
        model="gpt-4o",
        operation="acompletion",
        latency_ms=4.583,
        input_tokens=10.0,
        output_tokens=20.0,
        cost_usd=0.000225,
        status="ok",
    )


def test_litellm_standard_payload(shared: Path) -> None:
    found = row(rca.read_logs(shared / "formats" / "litellm" / "standard_logging_payload.json"))
    check(
        found,
        ts="2025-01-24T09:20:46.847371",
        latency_ms=7.394075393676758,
        finish_reason="stop",
        cost_usd=0.000225,
        input_tokens=10.0,
    )
    assert "Hello, world!" in found["input"]


def test_litellm_failures_retries_and_fallbacks(tmp_path: Path, shared: Path) -> None:
    real = json.loads((shared / "formats" / "litellm" / "spend_logs_payload.json").read_text())
    about = json.loads(real["metadata"])
    about |= {
        "attempted_retries": 2,
        "original_model_group": "gpt-4o",
        "error_information": {
            "error_code": "429",
            "error_class": "RateLimitError",
            "error_message": "Rate limit reached, try again in 3.2s",
        },
    }
    failed = real | {
        "status": "failure",
        "metadata": json.dumps(about),
        "request_id": "b",
        "model_group": "fallback",
        "completionStartTime": "2025-01-24 09:20:46.849",
    }
    check(
        row(rca.read_logs(lines(tmp_path / "x.jsonl", failed))),
        ts="2025-01-24T09:20:46.847371",
        status="rate_limited",
        http_status=429.0,
        retries=2.0,
        fallback_from="gpt-4o",
        model="fallback",
        model_version="gpt-4o",
        error_group="Rate limit reached, try again in #s",
        ttft_ms=1.629,
    )


def test_langsmith_batches_of_the_sdk(shared: Path) -> None:
    folder = shared / "formats" / "langsmith"
    logs = rca.read_logs(folder / "langsmith_py_wrap_openai_reasoning.json")
    check(
        row(logs),
        ts="2024-10-11T20:58:24.544431",
        latency_ms=15138.093,
        model="o1-mini",
        model_version="o1-mini-2024-09-12",
        input_tokens=43.0,
        output_tokens=2497.0,
        reasoning_tokens=1408.0,
        status="ok",
        app_version="v0.1.82-381-g03d9e1a-dirty",
    )
    streamed = row(rca.read_logs(folder / "langsmith_py_wrap_openai_stream.json"))
    check(streamed, ts="2024-10-11T20:58:20.695375", ttft_ms=1238.419)
    assert rca.read_logs(folder / "*.json").n_rows == 3


def test_mlflow_traces(shared: Path) -> None:
    path = shared / "formats" / "mlflow" / "traces.jsonl"
    logs = rca.read_logs(path)
    found = {each["session_id"]: each for each in rows(logs)}
    assert len(found) == 3
    check(
        found["s3"],
        ts="2026-11-22T17:51:53.362576",
        status="timeout",
        error_type="TimeoutError",
        model="gpt-4o-mini",
        provider="openai",
        user_id="u3",
        input_tokens=120.0,
        output_tokens=30.0,
        cost_usd=3.6e-05,
        app_version="1.4.0",
    )
    assert dict(logs.intake.left_out) == {"a step that is no call of a model": 3}


def test_mlflow_traces_as_the_table_of_search_traces(shared: Path, tmp_path: Path) -> None:
    path = shared / "formats" / "mlflow" / "traces.jsonl"
    traces = [json.loads(line) for line in path.read_text().splitlines()]
    table = pd.DataFrame(
        [
            {
                "trace_id": trace["info"]["trace_id"],
                "state": trace["info"]["state"],
                "request_time": 1_795_369_913_362,
                "execution_duration": trace["info"]["execution_duration_ms"],
                "trace_metadata": json.dumps(trace["info"]["trace_metadata"]),
                "tags": json.dumps(trace["info"]["tags"]),
                "spans": json.dumps(trace["data"]["spans"]),
            }
            for trace in traces
        ]
    )
    table.to_parquet(tmp_path / "t.parquet")
    as_lines, as_table = rows(rca.read_logs(path)), rows(rca.read_logs(tmp_path / "t.parquet"))
    key = "request_id"
    assert sorted(as_table, key=lambda r: r[key]) == sorted(as_lines, key=lambda r: r[key])


def test_a_mapping_wins_over_what_a_source_is_known_to_mean(tmp_path: Path) -> None:
    path = lines(tmp_path / "h.jsonl", samples.HELICONE)
    logs = rca.read_logs(path, mapping={"tenant": "region"})
    check(row(logs), tenant="eu", latency_ms=1500.0)
    with pytest.raises(rca.RCAError, match="Did you mean 'region'"):
        rca.read_logs(path, mapping={"tenant": "regoin"})


# ---- Tools, from their field tables -----------------------------------------------------------


def test_phoenix_spans_as_table_and_as_json(tmp_path: Path) -> None:
    frame = pd.DataFrame([samples.PHOENIX])
    frame.to_parquet(tmp_path / "spans.parquet")
    context = {"span_id": "s1", "trace_id": "t1"}
    nested = {
        key: value
        for key, value in samples.PHOENIX.items()
        if not key.startswith(("attributes", "context"))
    } | {
        "context": context,
        "attributes": {
            "llm": {
                "model_name": "gpt-4o",
                "provider": "openai",
                "token_count": {
                    "prompt": 100,
                    "completion": 20,
                    "prompt_details": {"cache_read": 40},
                },
                "cost": {"total": 0.01},
            },
            "session": {"id": "conv"},
            "openinference": {"span": {"kind": "LLM"}},
        },
    }
    for path in (tmp_path / "spans.parquet", lines(tmp_path / "spans.jsonl", nested)):
        check(
            row(rca.read_logs(path)),
            request_id="s1",
            trace_id="t1",
            parent_id="p1",
            model="gpt-4o",
            provider="openai",
            operation="LLM",
            latency_ms=1500.0,
            input_tokens=100.0,
            cached_input_tokens=40.0,
            output_tokens=20.0,
            cost_usd=0.01,
            session_id="conv",
            status="ok",
        )


def test_langfuse_blob_export(tmp_path: Path) -> None:
    span = samples.LANGFUSE_EXPORT | {"id": "o2", "type": "SPAN", "usage_details": {}}
    folder = tmp_path / "project" / "observations"
    lines(folder / "a.jsonl", samples.LANGFUSE_EXPORT, span)
    trace = {"id": "t1", "timestamp": TS, "user_id": "u", "session_id": "s", "bookmarked": False}
    score = {"id": "x", "trace_id": "t1", "name": "ok", "value": 1, "string_value": None}
    lines(tmp_path / "project" / "scores" / "a.jsonl", score)
    lines(tmp_path / "project" / "traces" / "a.jsonl", trace)
    logs = rca.read_logs(tmp_path / "project")
    check(
        row(logs),
        request_id="o1",
        model="gpt-4o",
        latency_ms=1500.0,
        ttft_ms=300.0,
        input_tokens=100.0,  # 60 and the 40 cached: the total of 120 shows that they are apart.
        cached_input_tokens=40.0,
        output_tokens=20.0,
        cost_usd=0.01,
        prompt_version="7",
        environment="production",
        status="ok",
        region="eu",
        user_id="u",
        session_id="s",
    )
    said = " ".join(logs.caveats)
    assert "which were added" in said
    assert "a.jsonl was left out: it has no requests: give the observations" in said
    with pytest.raises(rca.RCAError, match="no tokens and cost: give the observations"):
        rca.read_logs(tmp_path / "project" / "traces" / "a.jsonl")


def test_langfuse_api_and_its_pages(tmp_path: Path) -> None:
    page = {"data": [samples.LANGFUSE_API], "meta": {"page": 1, "totalItems": 1}}
    for path in (
        lines(tmp_path / "one.jsonl", samples.LANGFUSE_API),
        lines(tmp_path / "page.json", page),
    ):
        logs = rca.read_logs(path)
        check(
            row(logs),
            model="gpt-4o",
            latency_ms=1500.0,
            ttft_ms=300.0,
            input_tokens=100.0,
            cost_usd=0.01,
            status="timeout",
            error_group="Request timed out",
        )
        assert not [c for c in logs.caveats if "cached" in c]


def test_langsmith_runs(tmp_path: Path) -> None:
    chain = samples.LANGSMITH | {"id": "c", "run_type": "chain"}
    logs = rca.read_logs(lines(tmp_path / "runs.jsonl", samples.LANGSMITH, chain))
    found = row(logs)
    check(
        found,
        request_id="r1",
        provider="openai",
        model="gpt-4o",
        latency_ms=1500.0,
        ttft_ms=300.0,
        input_tokens=100.0,
        cost_usd=0.01,
        region="eu",
    )
    assert "session_id" not in found  # It is the project, not a conversation.


def test_openai_usage_and_costs(tmp_path: Path) -> None:
    logs = rca.read_logs(lines(tmp_path / "usage.json", samples.OPENAI_USAGE))
    check(
        row(logs),
        weight=10.0,
        input_tokens=100.0,
        cached_input_tokens=40.0,
        output_tokens=20.0,
        model="gpt-4o",
        tenant="p",
        operation="completions",
    )
    assert any("a row is a bucket" in caveat for caveat in logs.caveats)
    costs = rca.read_logs(lines(tmp_path / "costs.json", samples.OPENAI_COSTS))
    check(row(costs), cost_usd=0.06, operation="gpt-4o, output")


def test_helicone(tmp_path: Path) -> None:
    pending = samples.HELICONE | {"request_id": "r2", "response_status": -2}
    logs = rca.read_logs(lines(tmp_path / "h.jsonl", samples.HELICONE, pending))
    first, second = rows(logs)
    check(
        first,
        request_id="r1",
        model="gpt-4o",
        model_version="gpt-4o-2024-08-06",
        latency_ms=1500.0,
        ttft_ms=300.0,
        input_tokens=100.0,
        cost_usd=0.01,
        http_status=200.0,
        status="ok",
        user_id="u1",
        session_id="conv",
        region="eu",
    )
    assert second["status"] == "unfinished"
    assert second["http_status"] is None


def test_helicone_as_csv(tmp_path: Path) -> None:
    flat = samples.HELICONE | {"request_properties": '{"region": "eu"}', "request_body": "{}"}
    pd.DataFrame([flat]).to_csv(tmp_path / "h.csv", index=False)
    check(row(rca.read_logs(tmp_path / "h.csv")), latency_ms=1500.0, cost_usd=0.01, region="eu")


def test_weave_counts_usage_once(tmp_path: Path) -> None:
    logs = rca.read_logs(lines(tmp_path / "calls.jsonl", *samples.WEAVE))
    check(
        row(logs),
        request_id="below",
        model="gpt-4o",
        latency_ms=1500.0,
        input_tokens=100.0,
        output_tokens=20.0,
        session_id="conv",
        user_id="u1",
        operation="openai.chat.completions.create",
        region="eu",
        status="ok",
    )
    assert logs.intake.n_rows == 2


def test_kserve_pairs_requests_and_responses(tmp_path: Path) -> None:
    alone = samples.KSERVE[0] | {"id": "r2"}
    first, second = sorted(
        rows(rca.read_logs(lines(tmp_path / "e.jsonl", *samples.KSERVE, alone))),
        key=lambda each: each["request_id"],
    )
    check(first, latency_ms=1500.0, service="fraud", environment="prod", status="ok")
    assert first["output"] == '{"predictions":[1]}'
    assert second["status"] == "unfinished"


def test_sagemaker_takes_endpoint_and_variant_from_the_path(tmp_path: Path) -> None:
    path = tmp_path / "fraud" / "blue" / "2026" / "03" / "01" / "10" / "x.jsonl"
    found = row(rca.read_logs(lines(path, samples.SAGEMAKER)))
    check(found, service="fraud", model_version="blue", score=0.75, input="1,2,3", output="0.75")


@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_databricks_inference_tables(tmp_path: Path, generation: str) -> None:
    pd.DataFrame([samples.DATABRICKS[generation]]).to_parquet(tmp_path / "t.parquet")
    check(
        row(rca.read_logs(tmp_path / "t.parquet")),
        request_id="r1",
        latency_ms=1500.0,
        model_version="e7",
        input_tokens=100.0,
        output_tokens=20.0,
        finish_reason="stop",
        weight=2.0,
        status="ok",
    )


def test_inspect_logs_as_archive_and_as_json(tmp_path: Path) -> None:
    wrong = samples.INSPECT_SAMPLE | {"id": "q2", "scores": {"match": {"value": "I"}}}
    both: Iterable[Mapping[str, Any]] = (samples.INSPECT_SAMPLE, wrong)
    archive = tmp_path / "log.eval"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("header.json", json.dumps({"version": 2, "eval": samples.INSPECT_EVAL}))
        for sample in both:
            file.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
    whole = tmp_path / "log.json"
    document = {"version": 2, "eval": samples.INSPECT_EVAL, "samples": list(both)}
    whole.write_text(json.dumps(document, indent=2), encoding="utf-8")
    for path in (archive, whole):
        first, second = sorted(rows(rca.read_logs(path)), key=lambda each: each["request_id"])
        check(
            first,
            request_id="run/q1/1",
            model="openai/gpt-4o",
            model_version="gpt-4o-2024-08-06",
            service="maths",
            app_version="abc",
            latency_ms=1500.0,
            input_tokens=100.0,
            label="2",
            prediction="2",
            correct=1.0,
            score_name="match",
            region="eu",
        )
        assert second["correct"] == 0.0


def test_bentoml_takes_roles_from_its_schema(tmp_path: Path) -> None:
    columns = [
        {"name": "age", "role": "feature", "type": "numerical"},
        {"name": "risk", "role": "prediction", "type": "categorical"},
    ]
    about = {"meta_data": {"bento_name": "b", "bento_version": "1"}, "columns": columns}
    lines(tmp_path / "m" / "schema" / "schema.0.log", about)
    data = {"age": 40, "risk": "low", "timestamp": TS, "request_id": "1", "trace_id": "2"}
    path = lines(tmp_path / "m" / "data" / "data.0.log", data)
    for source in (path, tmp_path / "m"):
        check(row(rca.read_logs(source)), prediction="low", age=40, request_id="1")
