"""Change points against peers: false alarms, recovery on seasonal series, intervals, speed.

    python benchmarks/changepoints.py                     # everything, about five minutes
    python benchmarks/changepoints.py --runs 20 --series 40 --sizes 1000 10000

ruptures and apache-otava are used when they are installed; a line says so when they are not.
Peers get the same buckets with gaps interpolated, once as they are and once with a robust
day-and-week profile removed first, which is more help than their users have.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rca.stats.changepoint import ChangePoints, Series, detect
from simulated_series import DAY, QUIET, START, Truth, production, quiet

Floats = npt.NDArray[np.float64]
Peer = Callable[[Floats], list[int]]


# ------------------------------------------------------------------ peers


def peers() -> dict[str, Peer | None]:
    """Return name -> function from a complete series to bucket numbers; None if not installed."""
    found: dict[str, Peer | None] = {"naive |z| > 3 of a day": naive}
    if importlib.util.find_spec("ruptures"):
        found |= {
            "ruptures KernelCPD l2, 2 log n": _kernel_cpd,
            "ruptures Pelt l2 jump 5, pen 10": _pelt,
            "ruptures Window 20 l2, pen 10": _window,
        }
    else:
        found["ruptures"] = None
    found["otava, defaults"] = _otava if importlib.util.find_spec("otava") else None
    return found


def naive(y: Floats) -> list[int]:
    """Return starts of runs further than 3 sds from the mean of the 24 buckets before."""
    past = np.lib.stride_tricks.sliding_window_view(y, 24)[:-1]
    far = np.abs(y[24:] - past.mean(1)) > 3 * past.std(1) + 1e-12
    return (np.flatnonzero(far & ~np.concatenate(([False], far[:-1]))) + 24).tolist()


def _standard(y: Floats) -> Floats:
    return (y - y.mean()) / (y.std() or 1.0)


def _by_differences(y: Floats) -> Floats:
    step = np.diff(y)
    sd = 1.4826 * np.median(np.abs(step - np.median(step))) / np.sqrt(2)
    return y / (sd if sd > 0 else 1.0)


def _kernel_cpd(y: Floats) -> list[int]:
    import ruptures

    model = ruptures.KernelCPD("linear", min_size=2).fit(_by_differences(y))
    return [int(i) for i in model.predict(pen=2 * np.log(len(y)))[:-1]]


def _pelt(y: Floats) -> list[int]:
    import ruptures

    return [int(i) for i in ruptures.Pelt("l2").fit(_standard(y)).predict(pen=10)[:-1]]


def _window(y: Floats) -> list[int]:
    import ruptures

    found = ruptures.Window(width=20, model="l2").fit(_standard(y)).predict(pen=10)
    return [int(i) for i in found[:-1]]


def _otava(y: Floats) -> list[int]:
    from otava.analysis import compute_change_points

    # It adds lists: an array would be summed instead.
    return [int(p.index) for p in compute_change_points(y.tolist())[0]]


def complete(series: Series) -> Floats:
    """Return the values with gaps interpolated, as a peer needs them."""
    known = np.isfinite(series.value)
    return np.interp(series.times, series.times[known], series.value[known])


def without_season(series: Series) -> Floats:
    """Return complete values less the median of each hour of the day, then of each weekday."""
    y = complete(series)
    for group in (series.times % DAY // 3600, (series.times + 3 * DAY) % (7 * DAY) // DAY):
        for part in np.unique(group):
            y[group == part] -= np.median(y[group == part])
    return y


# ------------------------------------------------------------------ tables


def false_alarms(runs: int, seed: int) -> None:
    """Print the share of quiet series with any change, per kind of noise and length."""
    names = [name for name, peer in peers().items() if peer]
    print(f"\nFalse alarms: share of {runs} series without change that get one")
    print(f"{'noise':20} {'n':>5} {'rca':>6}  " + "  ".join(f"{name[:24]:>24}" for name in names))
    for kind in QUIET:
        for n in (60, 200, 1000):
            ours, theirs = 0, dict.fromkeys(names, 0)
            for run in range(runs):
                series = quiet(kind, n, np.random.default_rng([seed, n, run]))
                ours += bool(detect(series).points)
                if run < max(10, runs // 5):
                    for name in names:
                        theirs[name] += bool(peers()[name](without_season(series)))
            asked = min(runs, max(10, runs // 5))
            rest = "  ".join(f"{theirs[name] / asked:24.2f}" for name in names)
            print(f"{kind:20} {n:5d} {ours / runs:6.3f}  {rest}", flush=True)


@dataclass
class Tally:
    """Counts of one method over the seasonal series."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    alarms: list[bool] = field(default_factory=list)
    delay: list[float] = field(default_factory=list)
    margin: list[float] = field(default_factory=list)

    def add(self, truth: Truth, found: list[float], width: float) -> list[tuple[float, int]]:
        """Match each true onset to the nearest unused answer within half a day."""
        free, pairs = dict(enumerate(found)), []
        for onset in truth.onsets:
            near = min(free, key=lambda i: abs(free[i] - onset), default=None)
            if near is not None and abs(free[near] - onset) <= DAY / 2:
                self.delay.append(abs(free.pop(near) - onset) / width)
                pairs.append((onset, near))
        self.hits += len(pairs)
        self.false += len(found) - len(pairs)
        self.missed += len(truth.onsets) - len(pairs)
        self.margin.append(_margin_f1(truth.onsets, found, 5 * width, truth.series.times[0]))
        if not truth.onsets:
            self.alarms.append(bool(found))
        return pairs

    def row(self) -> str:
        f1 = 2 * self.hits / max(1, 2 * self.hits + self.false + self.missed)
        precision = self.hits / max(1, self.hits + self.false)
        recall = self.hits / max(1, self.hits + self.missed)
        late = float(np.median(self.delay)) if self.delay else float("nan")
        return (
            f"{f1:8.3f} {precision:9.3f} {recall:7.3f} {np.mean(self.margin):8.3f} "
            f"{np.mean(self.alarms or [0]):6.3f} {late:7.1f}"
        )


def _margin_f1(true: list[float], found: list[float], margin: float, start: float) -> float:
    """Return the F1 of the Turing change point benchmark; the start counts as a change."""
    truth, answer = [start, *true], [start, *found]
    hit = sum(any(abs(a - t) <= margin for a in answer) for t in truth)
    precision, recall = min(1.0, hit / len(answer)), hit / len(truth)
    return 2 * precision * recall / (precision + recall) if hit else 0.0


def seasonal(count: int, seed: int) -> None:
    """Print recovery on production-like series, and the coverage of the intervals."""
    tallies = {"rca": Tally()}
    held: dict[str, list[bool]] = {}
    seconds = 0.0
    for run in range(count):
        truth = production(np.random.default_rng([seed, run]))
        series = truth.series
        began = time.process_time()
        answer: ChangePoints = detect(series)
        seconds += time.process_time() - began
        points = answer.points
        for onset, i in tallies["rca"].add(truth, [p.at for p in points], series.width_s):
            inside = points[i].low <= onset <= points[i].high
            for key in ("all", truth.kind, series.kind):
                held.setdefault(key, []).append(inside)
        for name, peer in peers().items():
            if peer is None:
                continue
            for label, y in (("raw", complete(series)), ("season off", without_season(series))):
                tally = tallies.setdefault(f"{name}, {label}", Tally())
                tally.add(truth, [float(series.times[i]) for i in peer(y)], series.width_s)
    print(f"\nSeasonal series: {count}, seed {seed}; {1000 * seconds / count:.0f} ms CPU each")
    print(f"{'method':44} {'F1 12 h':>8} {'precision':>9} {'recall':>7} {'F1 m5':>8} {'alarm':>6}"
          f" {'buckets':>7}")  # fmt: skip
    for name, tally in tallies.items():
        print(f"{name:44} {tally.row()}")
    for name, peer in peers().items():
        if peer is None:
            print(f"{name:44} not installed")
    covered = [f"{key} {np.mean(inside):.3f} of {len(inside)}" for key, inside in held.items()]
    print("90 % interval of the onset holds the truth:", ", ".join(covered))


def speed(sizes: list[int]) -> None:
    """Print CPU seconds with a level shift every 2 000 buckets (compiled beforehand)."""
    detect(quiet("white", 200, np.random.default_rng(0)))
    limits = {"ruptures Pelt l2 jump 5, pen 10": 10_000, "otava, defaults": 100_000}
    print("\nSpeed: CPU seconds, white noise, one level shift per 2 000 buckets")
    for n in sizes:
        rng = np.random.default_rng(n)
        size = max(1, n // 2000)
        y = rng.normal(size=n) + np.repeat(1.5 * rng.normal(size=size), -(-n // size))[:n]
        series = Series.values(START + 60.0 * np.arange(n), y, 60.0)
        began = time.process_time()
        found = len(detect(series).points)
        used = time.process_time() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{n:8d} rca {used:7.3f} s, {found} of {size - 1} changes, peak {memory:.0f} MB")
        for name, peer in peers().items():
            if peer is None or n > limits.get(name, 200_000):
                continue
            began = time.process_time()
            found = len(peer(y))
            used = time.process_time() - began
            print(f"{n:8d} {name} {used:7.3f} s, {found} changes", flush=True)


def main() -> None:
    """Run the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=100, help="series per cell of false alarms")
    parser.add_argument("--series", type=int, default=200, help="seasonal series")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 100_000, 1_000_000])
    given = parser.parse_args()
    if given.sizes:
        speed(given.sizes)
    if given.series:
        seasonal(given.series, given.seed)
    if given.runs:
        false_alarms(given.runs, given.seed)


if __name__ == "__main__":
    main()
