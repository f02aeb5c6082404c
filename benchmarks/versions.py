"""Errors and power of the version diff by simulation, and its time beside a bare scan.

python benchmarks/versions.py                 # errors, coverage and power
python benchmarks/versions.py --rows 1e6      # time and memory
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import rca
from rca.logs.canonical import canonical
from rca.stats.noninferiority import MarginTest, margin_p_value, verdict
from rca.stats.paired import PairSums, mcnemar, newcombe_paired, paired_difference
from scipy import stats

RUNS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float)
    rows = parser.parse_args().rows
    if rows:
        timings(int(rows))
    else:
        verdicts()
        heavy_tails()


def verdicts() -> None:
    """Print how often each verdict is given, by the true shift, over pairs of right and wrong."""
    print("pairs of 0 and 1, 15 % of pairs differ, margin 0.02")
    print(f"{'n':>6} {'shift':>7} {'covered':>8} {'p<.05':>6}  verdicts")
    rng = np.random.default_rng(0)
    for n in (50, 200, 1000, 5000):
        for shift in (0.0, -0.01, -0.02, -0.05):
            fell, rose = (0.15 - shift) / 2, (0.15 + shift) / 2
            tables = rng.multinomial(n, [0.6, fell, rose, 0.4 - 0.15], size=RUNS).tolist()
            print(f"{n:6} {shift:7.3f} {_line(tables, n, shift)}")


def _line(tables: list[list[int]], n: int, shift: float) -> str:
    said: dict[str, int] = {}
    covered = significant = 0
    for table in tables:

        def interval(level: float, t: list[int] = table) -> tuple[float, float]:
            return newcombe_paired(*t, level=level)

        low, high = interval(0.95)
        p = mcnemar(table[2], table[1]).p_mid
        tested = MarginTest((table[2] - table[1]) / n, p, margin_p_value(interval, 0.02, "down"))
        word = verdict(tested, "down")
        said[word] = said.get(word, 0) + 1
        covered += low <= shift <= high
        significant += p < 0.05
    words = ", ".join(f"{name} {count / RUNS:.3f}" for name, count in sorted(said.items()))
    return f"{covered / RUNS:8.3f} {significant / RUNS:6.3f}  {words}"


def heavy_tails() -> None:
    """Print the coverage of the paired t interval when latencies are log-normal."""
    print("\npaired means of log-normal values (sigma 1), 95 % intervals")
    rng = np.random.default_rng(1)
    for n in (20, 100, 1000):
        covered = 0
        for _ in range(RUNS):
            before, after = rng.lognormal(0, 1, (2, n))
            low, high = paired_difference(PairSums.of(before, 1, after, 1)).ci
            covered += low <= 0 <= high
        half = stats.norm.isf(0.025) * np.sqrt(0.95 * 0.05 / RUNS)
        print(f"n={n:5}: covered {covered / RUNS:.3f} (+/- {half:.3f})")


def timings(rows: int) -> None:
    """Print the time of a diff, paired and unpaired, beside a scan of the same columns."""
    for paired in (True, False):
        engine = rca.connect()
        key = f"range % {rows // 2}" if paired else "range"
        table = engine.materialise(
            f"select case when range < {rows // 2} then 'v1' else 'v2' end as model_version, "
            f"'r' || ({key}) as request_id, 'u' || (hash(range) % 20000) as user_id, "
            "'g' || (hash(range * 7) % 4) as region, 't' || (hash(range * 11) % 30) as tier, "
            "cast(hash(range * 3) % 100 < 85 as int) as correct, "
            "exp(6 + (hash(range * 5) % 1000) / 500.0) as latency_ms "
            f"from range({rows})"
        )
        logs = canonical(engine, table)
        started = time.perf_counter()
        engine.one(f"select count(distinct request_id), sum(correct) from {table}")
        scan = time.perf_counter() - started
        print(f"\n{rows:,} rows, {'paired' if paired else 'unpaired'}; scan of ids {scan:.2f} s")
        for metric in ("accuracy", "p95_latency"):
            for by in ((), ("region", "tier")):
                started = time.perf_counter()
                found = rca.diff_versions(
                    logs, baseline="v1", current="v2", metric=metric, by=list(by)
                )
                took = time.perf_counter() - started
                print(f"{metric:12} by {by or 'nothing'}: {took:.2f} s, {found.verdict}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\npeak memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
