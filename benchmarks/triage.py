"""Time and peak memory of ``rca.diagnose`` beside one bare scan of the same columns.

    python benchmarks/triage.py --rows 1 10 --folder bench-logs

Each figure is of a process of its own (its greatest resident size, imports included), the median
of ``--repeat`` runs; the log is read once before, so that both find it in the file cache. The bare
scan sums every numeric column and counts the distinct values of every other one, in one DuckDB
query over the Parquet file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

FAMILY, SEED = "model_rollout", 12


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        print(f"{'rows':>12} {'file':>8} {'what':>10} {'seconds':>8} {'times':>6} {'peak MB':>8}")
        for millions in options.rows:
            folder = Path(options.folder or scratch) / f"{millions:g}m"
            if not folder.exists():
                _run("write", folder, int(millions * 1e6))
            _compare(folder, int(millions * 1e6), options.repeat)


def _compare(folder: Path, n_rows: int, repeat: int) -> None:
    size = (folder / "requests.parquet").stat().st_size
    _run("scan", folder, n_rows)
    base = None
    for what in ("scan", "diagnose"):
        runs = [_run(what, folder, n_rows) for _ in range(repeat)]
        seconds = statistics.median(run["seconds"] for run in runs)
        peak = max(run["peak_mb"] for run in runs)
        base = base or seconds
        print(
            f"{n_rows:>12,} {size / 1e6:>5.0f} MB {what:>10} {seconds:>8.2f} "
            f"{seconds / base:>6.1f} {peak:>8.0f}",
            flush=True,
        )
        if "steps" in runs[-1]:
            print(f"{'':>22} {runs[-1]['steps']}\n{'':>22} first: {runs[-1]['first']}", flush=True)


def _run(what: str, folder: Path, n_rows: int) -> dict[str, object]:
    command = [sys.executable, __file__, "--child", what, str(folder), str(n_rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _child(what: str, folder: Path, n_rows: int) -> None:
    import resource

    answer = {"write": _write, "scan": _scan, "diagnose": _diagnose}[what](folder, n_rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer["peak_mb"] = peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps(answer))


def _write(folder: Path, n_rows: int) -> dict[str, object]:
    from rca.samples import big_log

    big_log(n_rows, SEED, folder, family=FAMILY)
    return {}


def _scan(folder: Path, _: int) -> dict[str, object]:
    import duckdb

    path = str(folder / "requests.parquet")
    start = perf_counter()
    columns = duckdb.execute("describe select * from read_parquet(?)", [path]).fetchall()
    parts = ", ".join(
        f'sum("{name}")' if kind in ("DOUBLE", "BIGINT", "INTEGER", "FLOAT") else
        f'approx_count_distinct("{name}")'
        for name, kind, *_ in columns
    )  # fmt: skip
    duckdb.execute(f"select {parts} from read_parquet(?)", [path]).fetchall()
    return {"seconds": perf_counter() - start}


def _diagnose(folder: Path, _: int) -> dict[str, object]:
    import rca

    diagnose = rca.diagnose
    start = perf_counter()
    diagnosis = diagnose(rca.read_incident(folder))
    seconds = perf_counter() - start
    steps = ", ".join(f"{step} {taken:.1f}" for step, taken in diagnosis.timings_s.items())
    return {"seconds": seconds, "steps": steps, "first": str(diagnosis.candidates[0])}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=float, default=[1, 10, 50], metavar="MILLION")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", help="where logs are kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
