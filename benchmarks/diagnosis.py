"""Ranked causes of drawn incidents: accuracy, calibration and time, beside rules of thumb.

    python benchmarks/diagnosis.py                        # 400 drills, some twenty minutes
    python benchmarks/diagnosis.py --drills 40 --others 12 --rows 15000 --jobs 2
    python benchmarks/diagnosis.py --temperature          # fit it, told on other drills

A drill is drawn by its seed (family, service, season, events, fault); ``rca.samples.compare`` says
whether a candidate names a planted cause. Rules of thumb answer on the same incidents, and change
points of peers, where installed, feed the same ranking of events.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rca
from diagnosis_rules import RULES, event_rankings
from rca.diagnose.combine import TEMPERATURE
from rca.diagnose.hypotheses import Hypothesis, hypotheses
from rca.samples import Truth, compare, simulate, write
from rca.samples.drills import family_of
from rca.samples.score import names
from scipy import optimize, special

Floats = npt.NDArray[np.float64]
#: Drills whose delays or clocks are not those that the priors of the ranking assume.
OTHER_PRIORS: Mapping[str, dict[str, float]] = {
    "delays a third": {"lag_scale": 1 / 3},
    "delays three times": {"lag_scale": 3.0},
    "event clocks off by 10 min": {"clock_error_s": 600.0},
}
_EVENTLESS = ("seasonal_dip", "quiet")
_LEAST = 1e-6


@dataclass(frozen=True)
class Answered:
    """One way of ranking on one drill: its score, and each candidate's probability and truth."""

    rank: int | None
    brier: float
    said: tuple[float, ...]
    right: tuple[float, ...]
    p_none: float
    p_event: float
    blamed: float


@dataclass(frozen=True)
class Outcome:
    """One drill: what was planted, every answer, and the log-odds before they were combined."""

    seed: int
    family: str
    kind: str
    has_event: bool
    seconds: float
    n_rows: int
    answers: Mapping[str, Answered] = field(default_factory=dict)
    rankings: Mapping[str, Answered] = field(default_factory=dict)
    log_odds: tuple[float, ...] = ()
    right: tuple[bool, ...] = ()
    first: str = ""


# ------------------------------------------------------------------ one drill


def answer(seed: int, *, rows: int | None, priors: Mapping[str, float], beside: bool) -> Outcome:
    """Draw, diagnose and score one drill."""
    incident = simulate(family_of(seed), seed=seed, n_rows=rows, **priors)  # type: ignore[arg-type]
    truth = incident.truth
    with tempfile.TemporaryDirectory() as folder:
        opened = rca.read_incident(write(incident, Path(folder) / "drill"))
        began = time.process_time()
        diagnosis = rca.diagnose(opened)
        seconds = time.process_time() - began
        candidates = diagnosis.to_dict()["candidates"]
        answers = {"rca": scored(truth, candidates)}
        rankings: dict[str, Answered] = {}
        if beside:
            answers |= {
                name: scored(truth, rule(opened, diagnosis)) for name, rule in RULES.items()
            }
            rankings = {n: scored(truth, a) for n, a in event_rankings(opened, diagnosis).items()}
        assert diagnosis.facts is not None
        weighed = hypotheses(diagnosis.facts)
    first = candidates[0]
    return Outcome(
        seed,
        truth.family,
        truth.cause.kind,
        any(cause.event_id for cause in truth.causes),
        seconds,
        incident.requests.num_rows,
        answers,
        rankings,
        tuple(h.log_odds for h in weighed),
        tuple(any(names(_plain(h), cause) for cause in truth.causes) for h in weighed),
        f"{first['probability']:.2f} {first['kind']} {first['event_id'] or ''}".rstrip(),
    )


def _plain(hypothesis: Hypothesis) -> dict[str, Any]:
    event = hypothesis.event
    known = event is not None and not event.inferred
    return {
        "kind": hypothesis.kind,
        "event_id": event.event_id if event is not None and known else None,
        "slice": dict(hypothesis.slice),
    }


def scored(truth: Truth, candidates: Sequence[Mapping[str, Any]]) -> Answered:
    """Score candidates; each planted cause is named rightly once, for one over their number."""
    found = compare(truth, {"candidates": list(candidates)})
    open_causes, right = list(truth.causes), []
    for candidate in candidates:
        cause = next((c for c in open_causes if names(candidate, c)), None)
        if cause is not None:
            open_causes.remove(cause)
        right.append(0.0 if cause is None else 1 / len(truth.causes))
    said = [float(c["probability"]) for c in candidates]
    events = [p for p, c in zip(said, candidates, strict=True) if c["event_id"]]
    none = [p for p, c in zip(said, candidates, strict=True) if c["kind"] == "none"]
    return Answered(
        found.rank,
        found.brier,
        tuple(said),
        tuple(right),
        sum(none),
        sum(events),
        max(events, default=0.0),
    )


def drills(
    count: int, seed: int, jobs: int, *, rows: int | None, beside: bool, **priors: float
) -> list[Outcome]:
    """Return the outcomes of drills ``seed``, ``seed + 1``, ...; the same for any jobs."""
    one = partial(answer, rows=rows, priors=priors, beside=beside)
    seeds = range(seed, seed + count)
    if jobs == 1:
        return [one(s) for s in seeds]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(one, seeds))


# ------------------------------------------------------------------ numbers


def top(answers: Sequence[Answered], k: int) -> float:
    """Return the share of answers that name a cause among their first k."""
    return float(np.mean([a.rank is not None and a.rank <= k for a in answers]))


def reliability(answers: Sequence[Answered], *, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return (mean probability, share right, candidates) of each bin of probability."""
    said = np.concatenate([a.said for a in answers])
    right = np.concatenate([a.right for a in answers])
    group = np.minimum((said * bins).astype(int), bins - 1)
    return [
        (float(said[group == i].mean()), float(right[group == i].mean()), int((group == i).sum()))
        for i in range(bins)
        if (group == i).any()
    ]


def calibration_error(answers: Sequence[Answered]) -> tuple[float, float]:
    """Return the expected calibration error over all candidates, and over the first of each."""
    firsts = [
        Answered(a.rank, a.brier, a.said[:1], a.right[:1], a.p_none, a.p_event, a.blamed)
        for a in answers
    ]
    return _error(reliability(answers)), _error(reliability(firsts))


def _error(table: Sequence[tuple[float, float, int]]) -> float:
    n = sum(count for _, _, count in table)
    return sum(abs(said - seen) * count for said, seen, count in table) / n


def auc(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Return the area under the ROC curve (Mann and Whitney), ties counting half."""
    score, truth = np.asarray(scores), np.asarray(truths, dtype=bool)
    if truth.all() or not truth.any():
        return float("nan")
    gap = score[truth][:, None] - score[~truth][None, :]
    return float((gap > 0).mean() + 0.5 * (gap == 0).mean())


def nll(outcomes: Sequence[Outcome], temperature: float) -> float:
    """Return the mean of -log P(a right hypothesis), of drills where one was there to be chosen."""
    found = [
        special.logsumexp(np.asarray(o.log_odds) / temperature)
        - special.logsumexp(np.asarray(o.log_odds)[np.asarray(o.right)] / temperature)
        for o in outcomes
        if any(o.right)
    ]
    return float(np.mean(np.minimum(found, -np.log(_LEAST))))


def fit_temperature(outcomes: Sequence[Outcome]) -> float:
    """Return the temperature of the softmax with the least negative log-likelihood."""
    found = optimize.minimize_scalar(
        lambda log_t: nll(outcomes, float(np.exp(log_t))), bounds=(np.log(0.4), np.log(5.0)),
        method="bounded",
    )  # fmt: skip
    return float(np.exp(found.x))


# ------------------------------------------------------------------ tables


def families_table(outcomes: Sequence[Outcome]) -> None:
    """Print accuracy and Brier score of rca for each family."""
    print(f"\n{'family':20} {'drills':>6} {'top 1':>6} {'top 3':>6} {'Brier':>6}")
    for family in sorted({o.family for o in outcomes}):
        mine = [o.answers["rca"] for o in outcomes if o.family == family]
        brier = np.mean([a.brier for a in mine])
        print(f"{family:20} {len(mine):6d} {top(mine, 1):6.2f} {top(mine, 3):6.2f} {brier:6.2f}")
    for o in outcomes:
        found = o.answers["rca"]
        if found.rank != 1:
            print(f"  missed {o.family} {o.seed} (cause at rank {found.rank}): {o.first}")


def rules_table(outcomes: Sequence[Outcome]) -> None:
    """Print rca beside the rules, on the same drills."""
    print(f"\n{'method':36} {'top 1':>6} {'top 3':>6} {'Brier':>6}")
    for name in outcomes[0].answers:
        mine = [o.answers[name] for o in outcomes]
        print(f"{name:36} {top(mine, 1):6.3f} {top(mine, 3):6.3f} "
              f"{np.mean([a.brier for a in mine]):6.3f}")  # fmt: skip


def rankings_table(outcomes: Sequence[Outcome]) -> None:
    """Print the ranking of events alone behind each finder of change points."""
    named = [o for o in outcomes if o.has_event and o.rankings]
    if not named:
        return
    print(f"\nEvents alone, {len(named)} drills whose cause is an event; onset found by")
    print(f"{'finder':36} {'top 1':>6} {'top 3':>6} {'P(cause)':>8}")
    for name in dict.fromkeys(n for o in named for n in o.rankings):
        mine = [o.rankings[name] for o in named if name in o.rankings]
        sure = np.mean([np.dot(a.said, np.asarray(a.right) > 0) for a in mine])
        print(f"{name:36} {top(mine, 1):6.3f} {top(mine, 3):6.3f} {sure:8.3f}")


def calibration_table(outcomes: Sequence[Outcome]) -> None:
    """Print how often candidates come true, P(none), and what season or quiet is blamed on."""
    mine = [o.answers["rca"] for o in outcomes]
    print(f"\n{'probability':>11} {'said':>6} {'right':>6} {'candidates':>10}")
    for said, seen, n in reliability(mine):
        low = min(int(said * 10), 9) / 10
        print(f"{low:4.1f} to {low + 0.1:3.1f} {said:6.3f} {seen:6.3f} {n:10d}")
    every, first = calibration_error(mine)
    print(f"calibration error: {every:.3f} over all candidates, {first:.3f} over the first of each")
    none = auc([a.p_none for a in mine], [o.kind == "none" for o in outcomes])
    no_event = auc([-a.p_event for a in mine], [not o.has_event for o in outcomes])
    print(f"area under the curve: P(none) for no cause {none:.3f}, "
          f"P(no event) for causes without an event {no_event:.3f}")  # fmt: skip
    calm = [o for o in outcomes if o.family in _EVENTLESS]
    blamed = [o for o in calm if o.answers["rca"].blamed > 0.5]
    print(f"season and quiet: {len(blamed)} of {len(calm)} blamed on an event above 50 %")


def overall(name: str, outcomes: Sequence[Outcome]) -> None:
    """Print one line for a set of drills."""
    mine = [o.answers["rca"] for o in outcomes]
    every, first = calibration_error(mine)
    seconds = [o.seconds for o in outcomes]
    print(
        f"{name:28} {len(mine):6d} {top(mine, 1):6.3f} {top(mine, 3):6.3f} "
        f"{np.mean([a.brier for a in mine]):6.3f} {every:6.3f} {first:9.3f} "
        f"{np.median(seconds):7.1f} {np.quantile(seconds, 0.95):7.1f}",
        flush=True,
    )


def temperature_table(train: Sequence[Outcome], test: Sequence[Outcome]) -> None:
    """Print the fitted temperature and the negative log-likelihood on drills it has not seen."""
    fitted = fit_temperature(train)
    print(f"temperature: {fitted:.2f} fitted on {len(train)} drills (in use: {TEMPERATURE})")
    print(f"{'temperature':>12} {'NLL, fitted on':>15} {'NLL, unseen':>12}")
    for t in (1.0, TEMPERATURE, fitted):
        print(f"{t:12.2f} {nll(train, t):15.3f} {nll(test, t):12.3f}")
    lost = sum(not any(o.right) for o in (*train, *test))
    print(f"drills where no hypothesis names a cause, left out: {lost} of {len(train) + len(test)}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--drills", type=int, default=400)
    parser.add_argument("--others", type=int, default=100, help="drills for each other prior")
    parser.add_argument("--seed", type=int, default=50_000, help="seed of the first drill")
    parser.add_argument("--rows", type=int, default=None, help="calls of a drill; else drawn")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--temperature", action="store_true", help="fit it, and nothing else")
    given = parser.parse_args()
    ask = partial(drills, jobs=given.jobs, rows=given.rows)
    if given.temperature:
        development = ask(given.drills, given.seed + 1_000_000, beside=False)
        temperature_table(development, ask(given.drills, given.seed, beside=False))
        return
    outcomes = ask(given.drills, given.seed, beside=True)
    families_table(outcomes)
    rules_table(outcomes)
    rankings_table(outcomes)
    calibration_table(outcomes)
    print(f"\n{'drills':28} {'n':>6} {'top 1':>6} {'top 3':>6} {'Brier':>6} {'error':>6} "
          f"{'of first':>9} {'s p50':>7} {'s p95':>7}")  # fmt: skip
    overall("as assumed", outcomes)
    for i, (name, priors) in enumerate(OTHER_PRIORS.items(), start=1):
        if given.others:
            seed = given.seed + 100_000 * i
            overall(name, ask(given.others, seed, beside=False, **priors))


if __name__ == "__main__":
    main()
