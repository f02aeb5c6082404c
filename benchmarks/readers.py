"""Rows per second and peak memory of reading exports, against what a person would write by hand.

    python benchmarks/readers.py                       # 0.2 GB each, about two minutes
    python benchmarks/readers.py --gigabytes 5 --skip-pandas

Two exports are made: OTLP JSON lines as the OpenTelemetry collector writes them, and LiteLLM's
spend logs. Each is read by ``rca.read_logs`` (spans unnested, attributes found under any name,
tokens, cost and status normalised, rows counted), by a bare ``read_json`` of DuckDB into a table,
and by pandas; the last two only parse. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

MODELS = ("small-1", "small-2", "large-1", "large-2")
START_NS = 1_772_359_200_000_000_000
SPANS_PER_LINE = 5


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name, make in (("OTLP JSON lines", otlp_lines), ("LiteLLM JSON lines", litellm_lines)):
            path = Path(folder) / f"{make.__name__}.jsonl"
            n = write(path, make, arguments.gigabytes)
            size = path.stat().st_size
            print(f"\n{name}: {n:,} rows, {size / 1e9:.2f} GB, {os.cpu_count()} cores")
            print(f"{'reader':<34}{'seconds':>9}{'rows/s':>12}{'MB/s':>8}{'peak GB':>9}")
            for title, read in READERS.items():
                if title == "pandas" and arguments.skip_pandas:
                    continue
                seconds, memory = apart(read, path)
                print(
                    f"{title:<34}{seconds:>9.1f}{n / seconds:>12,.0f}"
                    f"{size / 1e6 / seconds:>8.0f}{memory / 1e9:>9.2f}",
                    flush=True,
                )
            path.unlink()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=0.2, help="size of each export")
    parser.add_argument("--folder", help="where to write them (default: a temporary folder)")
    parser.add_argument("--skip-pandas", action="store_true", help="it holds the whole in memory")
    return parser.parse_args()


def write(path: Path, make: Callable[[], Iterator[tuple[str, int]]], gigabytes: float) -> int:
    """Write lines until the file is large enough; return its rows."""
    size = rows = 0
    with path.open("w", encoding="utf-8") as file:
        for line, n in make():
            size += file.write(line + "\n")
            rows += n
            if size >= gigabytes * 1e9:
                return rows
    raise AssertionError("makers do not end")


def otlp_lines() -> Iterator[tuple[str, int]]:
    rng, number = random.Random(0), 0
    while True:
        spans = []
        for _ in range(SPANS_PER_LINE):
            number += 1
            start = START_NS + number * 20_000_000
            values = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": rng.choice(MODELS),
                "gen_ai.response.model": "large-2026-02-01",
                "gen_ai.conversation.id": f"c{rng.randrange(10_000)}",
                "gen_ai.input.messages": "what is the refund policy " * rng.randrange(5, 40),
                "gen_ai.output.messages": "refunds take five days " * rng.randrange(5, 40),
                "region": rng.choice(("eu", "us")),
            }
            counts = {
                "gen_ai.usage.input_tokens": rng.randrange(100, 4000),
                "gen_ai.usage.output_tokens": rng.randrange(10, 500),
                "gen_ai.usage.cache_read.input_tokens": rng.randrange(0, 100),
            }
            attributes = [{"key": k, "value": {"stringValue": v}} for k, v in values.items()]
            attributes += [{"key": k, "value": {"intValue": str(v)}} for k, v in counts.items()]
            spans.append(
                {
                    "traceId": f"{number:032x}",
                    "spanId": f"{number:016x}",
                    "name": "chat",
                    "kind": 3,
                    "startTimeUnixNano": str(start),
                    "endTimeUnixNano": str(start + rng.randrange(10**8, 4 * 10**9)),
                    "attributes": attributes,
                    "status": {},
                }
            )
        resource_ = {"attributes": [{"key": "service.name", "value": {"stringValue": "qa"}}]}
        request = {"resourceSpans": [{"resource": resource_, "scopeSpans": [{"spans": spans}]}]}
        yield json.dumps(request), SPANS_PER_LINE


def litellm_lines() -> Iterator[tuple[str, int]]:
    rng, number = random.Random(0), 0
    while True:
        number += 1
        second, milli = divmod(number * 20, 1000)
        clock = f"2026-03-01 {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
        tokens_in, tokens_out = rng.randrange(100, 4000), rng.randrange(10, 500)
        usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
        details = {"usage_object": usage, "attempted_retries": rng.choice((None, 1))}
        row = {
            "request_id": f"chatcmpl-{number:016x}",
            "session_id": f"s{rng.randrange(10_000)}",
            "call_type": "acompletion",
            "api_key": f"{rng.randrange(50):064x}",
            "startTime": f"{clock}.{milli:03}",
            "endTime": f"{clock}.{min(999, milli + 5):03}",
            "completionStartTime": f"{clock}.{milli:03}",
            "model": rng.choice(MODELS),
            "team_id": f"t{rng.randrange(20)}",
            "metadata": json.dumps(details | {"pad": "x" * 600}),
            "spend": 1e-6 * tokens_in + 4e-6 * tokens_out,
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "request_tags": "[]",
            "custom_llm_provider": "openai",
            "messages": "{}",
            "response": "{}",
            "status": "success",
        }
        yield json.dumps(row), 1


def with_rca(path: Path) -> None:
    import rca

    logs = rca.read_logs(path, cache=False)
    assert logs.intake.n_kept == logs.n_rows > 0


def with_rca_again(path: Path) -> None:
    import rca

    rca.read_logs(path)


def with_duckdb(path: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"create table t as select * from read_json('{path}')")


def with_pandas(path: Path) -> None:
    import pandas as pd

    pd.read_json(path, lines=True)


READERS: dict[str, Callable[[Path], None]] = {
    "rca.read_logs": with_rca,
    "rca.read_logs, filling the cache": with_rca_again,
    "rca.read_logs, from the cache": with_rca_again,
    "DuckDB read_json, parse only": with_duckdb,
    "pandas": with_pandas,
}


def apart(read: Callable[[Path], None], path: Path) -> tuple[float, float]:
    """Run a reader in a process of its own; return its seconds and its peak memory in bytes."""
    context = multiprocessing.get_context("spawn")
    inner, outer = context.Pipe()
    process = context.Process(target=_timed, args=(read, path, outer))
    process.start()
    outer.close()
    try:
        seconds, memory = inner.recv()
    except EOFError:
        seconds, memory = float("nan"), float("nan")
    process.join()
    return seconds, memory


def _timed(read: Callable[[Path], None], path: Path, out: object) -> None:
    os.environ["RCA_CACHE"] = str(path.parent / "cache")
    __import__("rca.logs", fromlist=["x"])
    start = time.perf_counter()
    read(path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    out.send((seconds, peak))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
