"""Other ways to the same answers: peers that are installed, and baselines written from papers."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from slices_data import Cause, CubeCase

Array = NDArray[np.float64]


def grouping_sets(path: str, dims: int) -> int:
    """Sum all singles and pairs in DuckDB by one GROUPING SETS clause; return the cells."""
    import duckdb

    names = [f"d{k}" for k in range(dims)]
    sets = [(name,) for name in names] + list(itertools.combinations(names, 2))
    clause = ", ".join("(" + ", ".join((*chosen, "side")) + ")" for chosen in sets)
    middle = "(select min(ts) + (max(ts) - min(ts)) / 2 from rows)"
    found = duckdb.sql(
        f"with rows as (select * from '{path}'), r as (select *, ts >= {middle} as side from rows) "
        f"select count(*) from (select {', '.join(names)}, side, count(*) as n, sum(correct) as y "
        f"from r group by grouping sets ({clause}))"
    ).fetchall()
    return int(found[0][0])


def sliceline(codes: list[NDArray[np.int64]], errors: Array, depth: int) -> list[tuple[float, int]]:
    """Return (score, rows) of the five best slices of the sliceline package."""
    from sliceline.slicefinder import Slicefinder

    table = np.column_stack(codes) + 1
    finder = Slicefinder(
        alpha=0.95, k=5, max_l=depth, min_sup=len(errors) // 100, verbose=False
    ).fit(table, errors)
    stats = finder.top_slices_statistics_
    return [(round(float(s["slice_score"]), 6), int(s["slice_size"])) for s in stats]


def divexplorer(codes: list[NDArray[np.int64]], errors: Array, support: float) -> int:
    """Return how many patterns DivExplorer finds at a support, of any depth."""
    import pandas as pd
    from divexplorer import DivergenceExplorer

    frame = pd.DataFrame({f"c{i}": code.astype(str) for i, code in enumerate(codes)})
    frame["wrong"] = errors.astype(bool)
    explorer = DivergenceExplorer(frame)
    return len(explorer.get_pattern_divergence(min_support=support, boolean_outcomes=["wrong"]))


def wise_pizza(case: CubeCase) -> set[Cause]:
    """Return the cells that wise-pizza names, told how many there are."""
    import pandas as pd
    from wise_pizza import explain_changes_in_totals

    frame = pd.DataFrame({**{k: v.astype(object) for k, v in case.columns.items()}, "size": 1.0})
    before, after = frame.assign(total=case.expected), frame.assign(total=case.actual)
    found = explain_changes_in_totals(
        df1=before,
        df2=after,
        dims=case.dimensions,
        total_name="total",
        size_name="size",
        max_segments=len(case.causes),
        max_depth=2,
        how="totals",
        solver="lasso",
    )
    return {
        frozenset((k, str(v)) for k, v in s["segment"].items() if k in case.columns)
        for s in found.segments
    }


def adtributor(case: CubeCase, *, eep: float = 0.1, ep: float = 0.67) -> set[Cause]:
    """Return the elements of the most surprising column (Bhagwan et al. 2014, NSDI)."""
    whole = case.actual.sum() - case.expected.sum()
    best: tuple[float, set[Cause]] = (-np.inf, set())
    for name, values in case.columns.items():
        labels, codes = np.unique(values, return_inverse=True)
        a = np.bincount(codes, case.actual)
        f = np.bincount(codes, case.expected)
        p, q = f / f.sum(), a / a.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = (p + q) / 2
            surprise = 0.5 * np.nan_to_num(p * np.log(p / middle))
            surprise += 0.5 * np.nan_to_num(q * np.log(q / middle))
        power, explained, total, chosen = (a - f) / whole, 0.0, 0.0, set()
        for i in np.argsort(-surprise):
            if power[i] > eep:
                chosen.add(frozenset([(name, str(labels[i]))]))
                explained += power[i]
                total += surprise[i]
            if explained > ep:
                break
        if explained > ep and total > best[0]:
            best = (total, chosen)
    return best[1]


def riskloc(case: CubeCase, *, risk: float = 0.5, least: float = 0.02) -> set[Cause]:
    """Return the root causes by weighted risk (Kalander 2022, section 4, defaults of the paper)."""
    a, f = case.actual.copy(), case.expected.copy()
    with np.errstate(invalid="ignore"):
        deviation = np.nan_to_num(2 * (f - a) / (f + a))
    ordered = np.unique(deviation)
    low, high = ordered[min(5, ordered.size - 1)], ordered[max(-6, -ordered.size)]
    cut = -min(low, high, key=abs)
    odd = deviation > cut if cut >= 0 else deviation < cut
    weight = np.where(odd, np.abs(deviation), np.minimum(np.abs(cut - deviation), 1.0))
    weight = np.where((a == 0) & (f == 0), 0.0, np.minimum(weight, 1.0))
    power = f - a if (f - a)[odd].sum() >= 0 else a - f
    threshold = power[odd].sum() * least
    coded = [np.unique(values, return_inverse=True) for values in case.columns.values()]
    left, found = np.ones(len(a), dtype=bool), set()
    while power[odd & left].sum() > threshold > 0:
        cause = None
        for layer in range(1, len(coded) + 1):
            cause = _riskiest(
                case, coded, layer, left, odd, weight, power, threshold, risk, deviation
            )
            if cause is not None:
                break
        if cause is None:
            break
        found.add(cause[0])
        left &= ~cause[1]
    return found


def _riskiest(
    case: CubeCase,
    coded: list[tuple[NDArray[np.str_], NDArray[np.int64]]],
    layer: int,
    left: NDArray[np.bool_],
    odd: NDArray[np.bool_],
    weight: Array,
    power: Array,
    threshold: float,
    risk: float,
    deviation: Array,
) -> tuple[Cause, NDArray[np.bool_]] | None:
    best, answer = threshold, None
    for dims in itertools.combinations(range(len(coded)), layer):
        shape = [len(coded[d][0]) for d in dims]
        index = np.ravel_multi_index([coded[d][1] for d in dims], shape)
        cells = int(np.prod(shape))
        explained = np.bincount(index[left], power[left], minlength=cells)
        some = np.bincount(index[left], odd[left], minlength=cells) > 0
        candidates = np.flatnonzero(some & (explained > best))
        for cell in candidates[np.argsort(-explained[candidates])]:
            inside = left & (index == cell)
            if _risk(case, inside, odd, weight, deviation) >= risk:
                values = np.unravel_index(int(cell), shape)
                cause = frozenset(
                    (case.dimensions[d], str(coded[d][0][v]))
                    for d, v in zip(dims, values, strict=True)
                )
                best, answer = float(explained[cell]), (cause, inside)
                break
    return answer


def _risk(
    case: CubeCase,
    inside: NDArray[np.bool_],
    odd: NDArray[np.bool_],
    weight: Array,
    deviation: Array,
) -> float:
    high = weight[inside & odd].sum()
    high_risk = high / (high + weight[inside & ~odd].sum() + 1)
    seen = inside & (case.actual != 0) & (case.expected != 0)
    low_risk = 0.0
    if seen.any():
        rippled = case.expected[seen] * case.actual[seen].sum() / case.expected[seen].sum()
        apart = np.abs(2 * (rippled - case.actual[seen]) / (rippled + case.actual[seen])).mean()
        own = np.abs(deviation[seen]).mean()
        low_risk = float(apart / own) if own else 0.0
    return float(high_risk - low_risk)
