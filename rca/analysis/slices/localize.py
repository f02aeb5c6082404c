"""Which cells of a table of leaves moved away from what was expected of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import stats

from rca.analysis.slices.parts import rule_text
from rca.analysis.slices.rows import NULL
from rca.errors import BadValueError, EmptyLogError, MissingColumnError
from rca.model.finding import Finding
from rca.model.result import Result
from rca.stats.search_cube import MOST_CELLS, Deviant, deviants, deviations, noise

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Measure = str | tuple[str, str]


@dataclass(frozen=True, eq=False)
class Localization(Result):
    """The cells that moved away from what was expected, those that explain most first.

    ``total`` is the whole's actual less its expected value, ``direction`` its sign, and ``noise``
    the median relative noise of a leaf.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "rule": "the cell as one reads it",
        "slice": "its columns and values",
        "depth": "how many columns",
        "n_leaves": "leaves in the cell that say something",
        "actual": "what was seen in the cell",
        "expected": "what was expected of it",
        "shift": "actual less expected",
        "share": "part of the whole's shift (of the sum of all cells' shifts, for ratios)",
        "deviation": "the leaves' common relative deviation, -1 to 1",
        "ci": "95 % interval of the deviation",
        "gain": "log-likelihood gained by letting the cell deviate",
        "threshold": "the gain that chance reaches, over all cells looked at",
        "p_value": "two-sided, of a gain as large by chance in this cell",
        "q_value": "the same for the largest of all cells (Bonferroni)",
    }

    dimensions: tuple[str, ...] = ()
    actual: float = float("nan")
    expected: float = float("nan")
    noise: float = float("nan")
    n_leaves: int = 0

    @property
    def causes(self) -> tuple[dict[str, str], ...]:
        """The root-cause set: each cell's columns and values."""
        return tuple(dict(cell) for cell in self.table["slice"])

    @property
    def total(self) -> float:
        """The whole's actual less its expected value."""
        return self.actual - self.expected

    def summary(self) -> str:
        """Return which cells explain how much of the whole's shift."""
        seen = (
            f"actual {self.actual:,.4g} against expected {self.expected:,.4g} "
            f"({self.n_leaves:,} leaves)"
        )
        if self.table.empty:
            return f"{seen}: no cell deviates beyond chance; the leaves deviate each by itself."
        named = "; ".join(
            f"{rule} ({share:.0%})"
            for rule, share in zip(self.table["rule"][:4], self.table["share"][:4], strict=True)
        )
        more = f" and {len(self.table) - 4} more" if len(self.table) > 4 else ""
        return f"{seen}: explained by {named}{more}."

    def plot(self) -> go.Figure:
        """Return each cell's deviation with its interval."""
        from rca.plots.slices import forest

        shown = self.table.assign(shift=self.table["deviation"])
        return forest(shown, unit="share", title="Cells that deviate from what was expected")

    def findings(self) -> tuple[Finding, ...]:
        """Return a LOCALIZED_SHIFT for each cell."""
        return tuple(
            Finding(
                "LOCALIZED_SHIFT",
                f"{row['rule']} deviates by {100 * row['deviation']:+.1f}% from what was expected "
                f"and explains {row['share']:.0%} of the shift ({row['n_leaves']:,} leaves).",
                estimate=float(row["shift"]),
                p_value=float(row["p_value"]),
                q_value=float(row["q_value"]),
                n=int(row["n_leaves"]),
                slice=dict(row["slice"]),
                call=self.call,
                details={name: row[name] for name in ("share", "deviation", "ci", "gain")},
            )
            for _, row in self.table.iterrows()
        )


def localize(
    table: Any,
    *,
    dimensions: Sequence[str],
    actual: Measure,
    expected: Measure,
    depth: int | None = None,
    max_causes: int = 20,
) -> Localization:
    """Find the cells of a table of leaves whose actual values moved away from the expected ones.

    Multi-dimensional localisation as the literature poses it: every row is a leaf, with one value
    per dimension, its actual and its expected (forecast, or earlier) value; the answer is a set of
    cells, of any depth, that explain the whole's deviation. A leaf deviates by
    u = (actual - expected) / max(actual, expected); a cell's gain is the log-likelihood of its
    leaves deviating together, (sum u/s^2)^2 / (2 sum 1/s^2), with the noise s read from the leaves
    that deviate against the whole. The best cell is taken, its leaves are set aside, and so on
    while the gain is above what the same search finds with the sign turned.

    Parameters
    ----------
    table : pandas, polars or Arrow table
        One row per leaf; rows of one leaf count apart and are summed for the cells' values.
    dimensions : sequence of str
        The columns that make up a leaf. A null is a value of its own.
    actual, expected : str or pair of str
        Columns of numbers; a pair is a ratio (numerator, denominator), such as a success rate.
        Rows with a null or infinite number are left out and said.
    depth : int, optional
        How many columns a cell may fix; all by default.
    max_causes : int
        Stop after as many cells.

    Returns
    -------
    Localization

    Raises
    ------
    MissingColumnError, BadValueError, EmptyLogError
        A column is not there or no number; the leaves' cube is too large; there are no leaves.

    Notes
    -----
    The problem is that of Adtributor (Bhagwan et al. 2014), HotSpot (Sun et al. 2018), Squeeze
    (Li et al. 2019) and RiskLoc (Kalander 2022). The threshold by the turned search follows
    target-decoy searches (Elias and Gygi 2007): it takes noise to be symmetric, and a real
    deviation the other way raises it.

    Examples
    --------
    >>> import pandas as pd
    >>> leaves = pd.DataFrame([(r, p, 10.0) for r in "abcdef" for p in "uvwxyz"],
    ...                       columns=["region", "plan", "expected"])
    >>> noisy = leaves["expected"] + [0.1, -0.1] * 18
    >>> leaves["actual"] = noisy.where(leaves["region"] != "b", 4.0)
    >>> localize(leaves, dimensions=["region", "plan"], actual="actual", expected="expected").causes
    ({'region': 'b'},)
    """
    leaves = _read(table, dimensions, actual, expected)
    codes, labels = zip(*(_coded(leaves[name]) for name in dimensions), strict=True)
    sums = [_numbers(leaves[name], name) for name in _columns(actual, expected)]
    known = np.logical_and.reduce([np.isfinite(part) for part in sums])
    codes = tuple(code[known] for code in codes)
    sums = [part[known] for part in sums]
    if not known.any():
        raise EmptyLogError("the table has no leaf with an actual and an expected value.")
    sizes = [len(values) for values in labels]
    if np.prod([size + 1.0 for size in sizes]) > MOST_CELLS:
        raise BadValueError(
            f"the dimensions make a cube of {np.prod([size + 1.0 for size in sizes]):,.0f} cells, "
            f"more than {MOST_CELLS:,}. Leave out the one with most values: "
            f"{dimensions[int(np.argmax(sizes))]!r} has {max(sizes):,}."
        )
    ratio = isinstance(actual, tuple)
    seen, wanted = (_values(sums[:2]), _values(sums[2:])) if ratio else (sums[0], sums[1])
    every = np.ones(len(seen), dtype=bool)
    whole = tuple(_value(part, every) for part in _halves(sums))
    direction = 1.0 if whole[0] >= whole[1] else -1.0
    deviation = deviations(seen, wanted)
    size = sums[1] + sums[3] if ratio else np.maximum(np.abs(seen), np.abs(wanted))
    spread = noise(deviation, size, direction)
    found = deviants(
        codes,
        sizes,
        deviation,
        spread,
        direction,
        depth=len(dimensions) if depth is None else depth,
        most=max_causes,
    )
    frame = _table(found, dimensions, codes, labels, sums, direction)
    lost = int((~known).sum())
    return Localization(
        frame,
        caveats=_caveats(lost, found, max_causes),
        call=f"rca.localize(table, dimensions={list(dimensions)!r}, actual={actual!r}, "
        f"expected={expected!r})",
        dimensions=tuple(dimensions),
        actual=whole[0],
        expected=whole[1],
        noise=float(np.median(spread)),
        n_leaves=int(np.isfinite(deviation).sum()),
    )


def _columns(actual: Measure, expected: Measure) -> list[str]:
    if isinstance(actual, tuple) != isinstance(expected, tuple):
        raise BadValueError(
            f"actual={actual!r} and expected={expected!r} must both be columns, or both be pairs "
            "(numerator, denominator)."
        )
    return [*_pair(actual), *_pair(expected)]


def _pair(measure: Measure) -> tuple[str, ...]:
    return measure if isinstance(measure, tuple) else (measure,)


def _read(
    table: Any, dimensions: Sequence[str], actual: Measure, expected: Measure
) -> dict[str, pa.ChunkedArray]:
    """Return the columns that are needed, from any kind of table."""
    wanted = [*dimensions, *_columns(actual, expected)]
    known = list(getattr(table, "column_names", None) or table.columns)
    for name in wanted:
        if name not in known:
            raise MissingColumnError.of(name, known)
    if not dimensions:
        raise MissingColumnError(f"no dimensions were given. Choose from: {', '.join(known)}.")
    made = table if isinstance(table, pa.Table) else pa.table({n: _arrow(table[n]) for n in wanted})
    return {name: made.column(name) for name in wanted}


def _arrow(column: Any) -> pa.Array:
    return column.to_arrow() if hasattr(column, "to_arrow") else pa.Array.from_pandas(column)


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return a column's codes in order of its values' text, and the values."""
    text = pc.fill_null(pc.cast(column, pa.string()), NULL)
    encoded = text.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=lambda i: str(values[i]))
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    return rank[encoded.indices.to_numpy()], [str(values[i]) for i in order]


def _numbers(column: pa.ChunkedArray, name: str) -> Array:
    try:
        return np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid as error:
        raise BadValueError(f"column {name!r} holds {column.type}, not numbers.") from error


def _halves(sums: Sequence[Array]) -> tuple[Sequence[Array], Sequence[Array]]:
    return sums[: len(sums) // 2], sums[len(sums) // 2 :]


def _values(parts: Sequence[Array]) -> Array:
    numerator, denominator = parts
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _value(parts: Sequence[Array], rows: Bools) -> float:
    """Return the value of some rows: a sum, or a ratio of sums."""
    added = [float(part[rows].sum()) for part in parts]
    if len(added) == 1:
        return added[0]
    return added[0] / added[1] if added[1] else float("nan")


def _table(
    found: Sequence[Deviant],
    dimensions: Sequence[str],
    codes: Sequence[NDArray[np.int64]],
    labels: Sequence[Sequence[str]],
    sums: Sequence[Array],
    direction: float,
) -> pd.DataFrame:
    import pandas as pd

    every = np.ones(len(sums[0]), dtype=bool)
    seen, wanted = _halves(sums)
    total = _value(seen, every) - _value(wanted, every)
    rows = []
    for one in found:
        inside = every.copy()
        for code, own in zip(codes, one.codes, strict=True):
            if own >= 0:
                inside &= code == own
        cell = {
            name: values[own]
            for name, values, own in zip(dimensions, labels, one.codes, strict=True)
            if own >= 0
        }
        actual, expected = _value(seen, inside), _value(wanted, inside)
        part = actual - expected
        if len(seen) == 2:
            # What the ratio would not have moved by, had the cell done as expected.
            part = _value(seen, every) - _without(seen, wanted, inside)
        z = float(np.sqrt(2 * one.gain))
        middle = direction * one.deviation
        p = float(2 * stats.norm.sf(z))
        rows.append(
            {
                "rule": rule_text(cell),
                "slice": cell,
                "depth": one.depth,
                "n_leaves": one.n_leaves,
                "actual": actual,
                "expected": expected,
                "shift": actual - expected,
                "share": part / total if total else float("nan"),
                "deviation": middle,
                "ci": (middle - 1.96 * one.standard_error, middle + 1.96 * one.standard_error),
                "gain": one.gain,
                "threshold": one.threshold,
                "p_value": p,
                "q_value": min(1.0, p * float(np.exp(one.cost))),
            }
        )
    frame = pd.DataFrame(rows, columns=list(Localization.columns))
    order = frame["share"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _without(seen: Sequence[Array], wanted: Sequence[Array], inside: Bools) -> float:
    """Return the ratio with a cell's denominator as seen and its value as expected."""
    numerator, denominator = (float(part.sum()) for part in seen)
    own = float(seen[1][inside].sum()) * _value(wanted, inside)
    return (numerator - float(seen[0][inside].sum()) + own) / denominator


def _caveats(lost: int, found: Sequence[Deviant], most: int) -> tuple[str, ...]:
    said = ["A cell that deviates may only travel with its cause."] if found else []
    if lost:
        said.append(f"{lost:,} rows without an actual or an expected value were left out.")
    if len(found) >= most:
        said.append(f"The search stopped at {most} cells: there may be more.")
    return tuple(said)
