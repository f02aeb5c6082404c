"""Drift: time and memory beside a bare scan and Evidently, false alarms, and planted faults.

python benchmarks/drift.py speed [--rows 1e6] [--evidently]   # each tool in a process of its own
python benchmarks/drift.py alone [--rows 1e7 --columns 100]   # this package by itself
python benchmarks/drift.py alarms                             # no drift: how often is it said?
python benchmarks/drift.py planted [--rows 1e5]               # every kind of fault, found how well
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import rca

sys.path.insert(0, str(Path(__file__).parents[1]))

NUMBERS, TEXTS = 20, 10
PLANTED = ("n00", "n01", "n02", "n03", "c01", "c04")
DAY = "2026-01-08"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("what", choices=["speed", "alone", "alarms", "planted", "_tool"])
    parser.add_argument("--rows", type=float)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--evidently", action="store_true")
    parser.add_argument("--tool")
    parser.add_argument("--folder")
    given = parser.parse_args()
    if given.what == "speed":
        speed(int(given.rows or 1e6), evidently=given.evidently)
    elif given.what == "alone":
        alone(int(given.rows or 1e7), given.columns)
    elif given.what == "alarms":
        alarms()
    elif given.what == "planted":
        planted(int(given.rows or 1e5))
    else:
        TOOLS[given.tool](Path(given.folder))


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    pass


def write(folder: Path, rows: int, numbers: int, texts: int) -> None:
    """Write a week without and a day with six faults, the same number of rows each."""
    import duckdb

    connection = duckdb.connect()
    for name, start, days in (("baseline", "2026-01-01", 7), ("current", DAY, 1)):
        step = int(days * 86_400e6 / rows)
        cells = [f"timestamp '{start}' + to_microseconds(i * {step}) as ts"]
        cells += [_number(i, faulty=name == "current") for i in range(numbers)]
        cells += [_text(i, faulty=name == "current") for i in range(texts)]
        cells.append("random() < 0.9 as correct")
        connection.execute(
            f"copy (select setseed(0.{days}), * from (select {', '.join(cells)} "
            f"from range({rows}) as t(i))) to '{folder / name}.parquet'"
        )
    connection.close()


def _number(i: int, *, faulty: bool) -> str:
    normal = "sqrt(-2 * ln(random() + 1e-12)) * cos(6.283185307 * random())"
    value = f"round({normal}, 4)" if i % 2 else f"exp({normal} * 0.5)"
    if faulty:
        value = {
            0: f"{value} + 0.15",
            1: f"1000 * ({value})",
            2: f"case when random() < 0.2 then 0 else {value} end",
            3: f"case when random() < 0.25 then null else {value} end",
        }.get(i, value)
    elif i == 3:
        value = f"case when random() < 0.02 then null else {value} end"
    return f"{value} as n{i:02}"


def _text(i: int, *, faulty: bool) -> str:
    size = (3, 5, 8, 12, 20, 40, 80, 150, 500, 2000)[i % 10]
    value = f"'v' || cast(floor(random() * random() * {size}) as int)"
    if faulty and i == 1:
        value = f"replace({value}, 'v1', 'renamed')"
    if faulty and i == 4:
        value = f"case when random() < 0.05 then 'unseen' else {value} end"
    return f"{value} as c{i:02}"


def compared(folder: Path) -> rca.Comparison:
    logs = rca.read_logs(str(folder / "*.parquet"))
    return rca.Comparison.by_time(
        logs,
        baseline=rca.Window.of("2026-01-01", DAY),
        incident=rca.Window.of(DAY, "2026-01-09"),
        metric="accuracy",
    )


def run_rca(folder: Path) -> None:
    profile = rca.profile_drift(compared(folder))
    profile.save_baseline(folder / "saved")
    _said(profile.table.loc[profile.table["drifted"], "column"])


def run_saved(folder: Path) -> None:
    profile = rca.profile_drift(compared(folder), baseline=folder / "saved")
    _said(profile.table.loc[profile.table["drifted"], "column"])


def run_scan(folder: Path) -> None:
    engine = rca.connect()
    files = engine.open(sorted(map(str, folder.glob("*.parquet"))), "parquet")
    kinds = engine.schema(files)
    sums = ", ".join(
        f"{'max' if kind in ('VARCHAR', 'TIMESTAMP', 'BOOLEAN') else 'sum'}({name})"
        for name, kind in kinds.items()
    )
    engine.rows(f"select {sums} from {files}")
    _said([])


def run_evidently(folder: Path) -> None:
    from rca.adapters.evidently import run

    sides = [pd.read_parquet(folder / f"{side}.parquet") for side in ("baseline", "current")]
    names = [name for name in sides[0] if name[1:].isdigit()]
    report = run(
        *sides,
        numbers=[n for n in names if n.startswith("n")],
        texts=[n for n in names if n.startswith("c")],
    )
    _said(report.table.loc[report.table["evidently"], "column"])


def _said(columns: object) -> None:
    found = sorted(str(column) for column in columns)  # type: ignore[attr-defined]
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss / 1e6:.2f} {','.join(found)}")


TOOLS = {"scan": run_scan, "rca": run_rca, "rca saved": run_saved, "evidently": run_evidently}


def speed(rows: int, *, evidently: bool) -> None:
    """Print CPU, wall and peak memory of each tool on the same two files."""
    print(f"{rows:,} against {rows:,} rows, {NUMBERS} numbers and {TEXTS} texts, whole process")
    print(f"planted: {', '.join(PLANTED)}")
    print(f"{'':10} {'CPU s':>7} {'wall s':>7} {'GB':>5}  missed / false")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, rows, NUMBERS, TEXTS)
        for tool in ("scan", "rca", "rca saved", *(["evidently"] if evidently else [])):
            _print_tool(tool, folder)


def _print_tool(tool: str, folder: Path) -> None:
    began = time.perf_counter()
    command = [sys.executable, __file__, "_tool", "--tool", tool, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    cpu, memory, *found = done.stdout.split()
    names = set(found[0].split(",")) if found else set()
    missed, false = sorted(set(PLANTED) - names), sorted(names - set(PLANTED))
    verdict = f"{','.join(missed) or '-'} / {','.join(false) or '-'}" if tool != "scan" else ""
    print(f"{tool:10} {float(cpu):7.2f} {wall:7.2f} {float(memory):5.2f}  {verdict}", flush=True)


def alone(rows: int, columns: int) -> None:
    """Print time and memory of one profile of many rows and columns."""
    texts = columns // 5
    print(f"{rows:,} against {rows:,} rows, {columns - texts} numbers and {texts} texts")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, rows, columns - texts, texts)
        for tool in ("scan", "rca", "rca saved"):
            _print_tool(tool, folder)


def alarms() -> None:
    """Print how often drift is said where there is none."""
    print("8 columns; baseline of 7 days, current window of 3 to 24 hours; q <= 0.02")
    print(f"{'current rows':>12} {'days differ by':>14} {'p<.05':>6} {'p<.01':>6} {'profiles':>9}")
    for n, runs in ((300, 60), (3_000, 60), (30_000, 25), (1_000_000, 3)):
        for spread in (0.0, 0.15):
            p, said = [], 0
            rng = np.random.default_rng(n)
            for _ in range(runs):
                hours = int(rng.choice([3, 8, 24])) if n < 1e6 else 24
                table = _quiet(rng, n, hours, spread).table
                p += table["p_value"].tolist()
                said += bool(table["drifted"].any())
            below = [np.mean(np.array(p) < level) for level in (0.05, 0.01)]
            share = f"{said}/{runs}"
            print(
                f"{n:12,} {spread:11.2f} sd {below[0]:6.3f} {below[1]:6.3f} {share:>9}", flush=True
            )


def _quiet(rng: np.random.Generator, n: int, hours: int, spread: float) -> rca.DriftProfile:
    rate = n / hours
    size = int(rate * (min(7 * 24, 1.5e6 / rate) + hours))
    t = np.sort(rng.random(size)) * size / rate * 3600
    end = pd.Timestamp("2026-01-20")
    hour = (t / 3600) % 24
    cycle = np.cos(2 * np.pi * hour / 24)
    day = ((t[-1] - t) // 86_400).astype(int)
    own = rng.normal(0, spread, (day.max() + 1, 6))
    chance = 1 / (1 + np.exp(-cycle - own[day, 4]))
    frame = pd.DataFrame(
        {
            "ts": end - pd.to_timedelta(t[-1] - t, unit="s"),
            "a": rng.normal(cycle + own[day, 0]),
            "b": np.exp(rng.normal(own[day, 1], 1)),
            "c": rng.poisson(np.exp(0.7 + 0.3 * cycle + own[day, 2])),
            "d": np.where(rng.random(size) < 0.05, np.nan, rng.normal(own[day, 3])),
            "e": np.where(rng.random(size) < chance, "x", "y"),
            "f": np.array([f"v{i}" for i in range(60)])[np.minimum(59, rng.zipf(1.5, size) - 1)],
            "g": rng.beta(2, 5, size),
            "correct": (rng.random(size) < 0.9).astype(float),
        }
    )
    start = end - pd.Timedelta(hours=hours)
    comparison = rca.Comparison.by_time(
        rca.read_logs(frame),
        baseline=rca.Window.of(str(frame["ts"].min()), str(start)),
        incident=rca.Window.of(str(start), str(end)),
        metric="accuracy",
    )
    return rca.profile_drift(comparison)


def planted(rows: int) -> None:
    """Print for every kind of fault whether it is named, its share and its onset."""
    from tests.analysis.drift.planted import FAULTS, plant

    print(f"{rows:,} rows of 5 days and 8 hours, the fault in 60 % of rows since 2.3 h of the 8")
    print(f"{'fault':16} {'code':18} {'named':>6} {'share':>12} {'onset':>6}  others")
    for name, fault in FAULTS.items():
        named = onset = 0
        errors, others = [], 0
        for seed in range(3):
            case = plant(name, n=rows, share=0.6, seed=seed)
            profile = rca.profile_drift(case.comparison)
            if fault.column is None:
                named += fault.code in {f.code for f in profile.findings()}
                continue
            row = profile.table.set_index("column").loc[fault.column]
            named += row["fault"] == fault.code
            errors.append(row["share_touched"] / case.share - 1)
            true = case.onset.tz_localize("UTC")
            onset += bool(row["onset_low"] <= true <= row["onset_high"])
            others += int(profile.table["drifted"].sum()) - 1
        off = f"{np.mean(errors):+.1%}" if errors else ""
        inside = f"{onset}/3" if errors else ""
        print(f"{name:16} {fault.code:18} {named}/3 {off:>14} {inside:>6}  {others}", flush=True)


if __name__ == "__main__":
    main()
