"""Slices side by side with their peers: speed, memory, planted causes, false discoveries.

    python benchmarks/slices.py speed --rows 100000 1000000 10000000
    python benchmarks/slices.py speed --rows 1000000 --dims 50
    python benchmarks/slices.py worst --peers
    python benchmarks/slices.py localize --cases 100 --peers
    python benchmarks/slices.py null --draws 200
    python benchmarks/slices.py power --draws 40

Every measurement runs in a process of its own; CPU seconds count all its threads, and memory is
its peak, interpreter and libraries included. Peers that are not installed are left out and said.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slices_data as data
import slices_peers as peers


def measured(function: Callable[..., Any], *arguments: Any, limit_s: float = 600) -> str:
    """Run a function in a process of its own and return what it took and answered."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_inside, args=(queue, function, arguments))
    process.start()
    process.join(limit_s)
    if process.is_alive():
        process.kill()
        process.join()
        return f"no answer in {limit_s:.0f} s"
    return str(queue.get(timeout=5)) if not queue.empty() else f"died ({process.exitcode})"


def _inside(queue: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        queue.put(function(*arguments))
    except ImportError as error:
        queue.put(f"not installed ({error.name})")
    except MemoryError:
        queue.put("out of memory")


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _report(times: list[float], answer: str) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    first = f" (first {times[0]:.2f})" if len(times) > 1 else ""
    return f"{min(times):8.3f} cpu s{first}, peak {peak:,.0f} MB: {answer}"


def _timed(function: Callable[[], Any], repeats: int = 3) -> tuple[list[float], Any]:
    times, answer = [], None
    for _ in range(repeats):
        start = _spent()
        answer = function()
        times.append(_spent() - start)
    return times, answer


def run_search(path: str, metric: str, depth: int) -> str:
    import rca

    comparison = _comparison(path, metric)
    times, found = _timed(lambda: rca.find_slices(comparison, depth=depth))
    return _report(times, f"{', '.join(found.table['rule']) or found.verdict}")


def run_cube(path: str, metric: str) -> str:
    """Read the rows as codes and sum every single and pair: no search."""
    from rca.analysis.slices.cells import axes_of, cells
    from rca.analysis.slices.rows import dimensions_of, load

    comparison = _comparison(path, metric)
    names = dimensions_of(comparison, None)

    def cube() -> int:
        rows = load(comparison, names)
        axes, crosses = axes_of(rows, names, min_rows=20, depth=2)
        return len(cells(axes, crosses, rows.measures).code)

    times, n_cells = _timed(cube)
    return _report(times, f"{n_cells:,} cells")


def run_sums(path: str, metric: str) -> str:
    """Sum every single and pair of rows that are codes already."""
    from rca.analysis.slices.cells import axes_of, cells
    from rca.analysis.slices.rows import dimensions_of, load

    comparison = _comparison(path, metric)
    names = dimensions_of(comparison, None)
    rows = load(comparison, names)
    axes, crosses = axes_of(rows, names, min_rows=20, depth=2)
    times, table = _timed(lambda: cells(axes, crosses, rows.measures))
    return _report(times, f"{len(table.code):,} cells")


def run_sets(path: str, dims: int) -> str:
    times, n_cells = _timed(lambda: peers.grouping_sets(path, dims), 1)
    return _report(times, f"{n_cells:,} cells by side")


def _comparison(path: str, metric: str) -> Any:
    import rca

    logs = rca.read_logs(path)
    span = logs.span
    assert span is not None
    middle = span.start + span.duration / 2
    sides = rca.Window(span.start, middle), rca.Window(middle, span.end)
    return rca.Comparison.by_time(logs, baseline=sides[0], incident=sides[1], metric=metric)


def speed(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for n in options.rows:
            path = f"{folder}/{n}.parquet"
            data.write_log(path, n, options.dims)
            print(f"\n{n:,} rows x {options.dims} dimensions, singles and pairs")
            for metric in ("accuracy", "mean_latency"):
                print(f"  sums of coded rows, {metric:13}", measured(run_sums, path, metric))
                print(f"  read, code and sum, {metric:13}", measured(run_cube, path, metric))
                print(f"  find_slices,        {metric:13}", measured(run_search, path, metric, 2))
            if options.depth3:
                print("  find_slices depth 3, accuracy", measured(run_search, path, "accuracy", 3))
            if n <= options.most_sets:
                print("  DuckDB GROUPING SETS          ", measured(run_sets, path, options.dims))


def run_worst(depth: int) -> str:
    from rca.stats.search_errors import worst_slices

    codes, errors = data.adult_like()
    sizes = [int(code.max()) + 1 for code in codes]
    times, found = _timed(lambda: worst_slices(codes, sizes, errors, k=5, depth=depth), 5)
    return _report(times, str([(round(one.score, 6), one.n_rows) for one in found]))


def run_sliceline(depth: int) -> str:
    codes, errors = data.adult_like()
    times, found = _timed(lambda: peers.sliceline(codes, errors, depth), 2)
    return _report(times, str(found))


def run_divexplorer(support: float) -> str:
    codes, errors = data.adult_like()
    times, n = _timed(lambda: peers.divexplorer(codes, errors, support), 1)
    return _report(times, f"{n:,} patterns of support {support}")


def worst(options: argparse.Namespace) -> None:
    for depth in (2, 3, 4):
        print(f"\nbest 5 slices of an Adult-sized table (48,842 x 14), depth {depth}")
        print("  rca      ", measured(run_worst, depth))
        if options.peers and depth < 4:
            print("  sliceline", measured(run_sliceline, depth))
    if options.peers:
        print("  divexplorer (any depth)", measured(run_divexplorer, 0.05))


def run_localize(which: str, cases: int, seed: int, method: str) -> str:
    import pandas as pd
    import rca

    tp = fp = fn = exact = 0
    spent = 0.0
    for case in data.cubes(which, cases, seed=seed):
        frame = pd.DataFrame({**case.columns, "actual": case.actual, "expected": case.expected})
        frame = frame.astype(dict.fromkeys(case.dimensions, "str"))
        start = _spent()
        if method == "rca":
            answer = rca.localize(
                frame, dimensions=case.dimensions, actual="actual", expected="expected"
            )
            found = {frozenset(cause.items()) for cause in answer.causes}
        else:
            found = getattr(peers, method)(case)
        spent += _spent() - start
        tp += len(found & case.causes)
        fp += len(found - case.causes)
        fn += len(case.causes - found)
        exact += found == case.causes
    f1 = 2 * tp / max(1, 2 * tp + fp + fn)
    return (
        f"F1 {f1:.3f} (precision {tp / max(1, tp + fp):.3f}, recall {tp / max(1, tp + fn):.3f}), "
        f"exact {exact}/{cases}, {1000 * spent / cases:,.0f} cpu ms a case"
    )


def localize(options: argparse.Namespace) -> None:
    for which in ("S", "L"):
        print(f"\nlocalisation, generator {which}, seed {options.seed}")
        print(
            f"  rca        ({options.cases})",
            measured(run_localize, which, options.cases, options.seed, "rca"),
        )
        if options.peers:
            for method, cases in (("adtributor", 40), ("riskloc", 20), ("wise_pizza", 3)):
                n = min(cases, options.cases)
                print(
                    f"  {method:10} ({n})", measured(run_localize, which, n, options.seed, method)
                )


def _draw(rng: np.random.Generator, n: int, kind: str) -> Any:
    import pandas as pd

    sizes = (3, 4, 6, 10, 30, 80)
    frame = pd.DataFrame({f"d{k}": rng.integers(0, s, n).astype(str) for k, s in enumerate(sizes)})
    if kind == "accuracy":
        frame["correct"] = (rng.random(n) < 0.85).astype(float)
    elif kind == "error_rate":
        frame["status"] = np.where(rng.random(n) < 0.015, "error", "ok")
    elif kind == "mean_latency":
        frame["latency_ms"] = rng.lognormal(6, 1.5, n)
    elif kind == "p95_latency":
        frame["latency_ms"] = rng.lognormal(6, 1.0, n)
    return frame


def _pair(frames: list[Any], metric: str) -> Any:
    import rca

    engine = rca.connect()
    return rca.Comparison.of(*(rca.read_logs(f, engine=engine) for f in frames), metric=metric)


def run_null(kind: str, draws: int, seed: int) -> str:
    import rca

    rng, false = np.random.default_rng(seed), 0
    for _ in range(draws):
        frames = [_draw(rng, n, kind) for n in (8000, int(rng.integers(1500, 8000)))]
        comparison = _pair(frames, kind)
        false += bool(rca.find_slices(comparison).rules)
        comparison.logs.engine.close()
    return f"{false} of {draws} draws name a slice ({false / draws:.1%}; said: 5%)"


def null(options: argparse.Namespace) -> None:
    print("\nfalse discoveries where nothing happened")
    for kind in ("accuracy", "error_rate", "mean_latency", "p95_latency", "requests"):
        print(f"  {kind:13}", measured(run_null, kind, options.draws, options.seed, limit_s=1800))


def run_power(drop: float, draws: int, seed: int) -> str:
    import rca

    rng, first, extra = np.random.default_rng(seed), 0, 0
    for _ in range(draws):
        frames = [_draw(rng, 8000, "accuracy") for _ in range(2)]
        hit = (frames[1]["d0"] == "1") & (frames[1]["d1"] == "2") & (rng.random(8000) < drop)
        frames[1].loc[hit, "correct"] = 0.0
        comparison = _pair(frames, "accuracy")
        rules = [dict(rule.slice) for rule in rca.find_slices(comparison).rules]
        first += bool(rules) and rules[0] == {"d0": "1", "d1": "2"}
        extra += len(rules) - ({"d0": "1", "d1": "2"} in rules)
        comparison.logs.engine.close()
    return f"named first {first / draws:.0%}, other slices named {extra / draws:.2f} a draw"


def power(options: argparse.Namespace) -> None:
    print("\na pair of 1 in 12 rows loses accuracy, 8,000 rows a side, 6 columns")
    for drop in (0.05, 0.1, 0.15, 0.2, 0.3):
        print(f"  by {100 * drop:4.0f}%", measured(run_power, drop, options.draws, options.seed))


PARTS = {"speed": speed, "worst": worst, "localize": localize, "null": null, "power": power}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("part", choices=[*PARTS, "all"])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dims", type=int, default=12)
    parser.add_argument("--most-sets", type=int, default=1_000_000)
    parser.add_argument("--depth3", action="store_true")
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--seed", type=int, default=20_260)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    for name, part in PARTS.items():
        if options.part in (name, "all"):
            part(options)


if __name__ == "__main__":
    main()
