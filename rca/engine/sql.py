"""The SQL fragments that analyses are written with.

They keep to a subset that engines agree on: doubles before arithmetic, NaN turned to NULL before
sums, counts as bigint, rates divided in Python, no engine sketches, explicit GROUP BY lists.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

#: Growth of the logarithmic bins: a quantile read from them is within 1 % of the value.
GAMMA = 1.02
_ZERO, _BELOW = -1_000_001, -1_000_002


def lit(value: float) -> str:
    """Return a number as a DOUBLE literal, never a DECIMAL.

    >>> lit(0.1), lit(3), lit(1e-9)
    ('0.1e0', '3.0e0', '1e-09')
    """
    if math.isinf(value):
        return f"cast('{'-' if value < 0 else ''}inf' as double)"
    text = repr(float(value))
    return text if "e" in text else text + "e0"


def f64(x: str) -> str:
    """Cast to double."""
    return f"cast({x} as double)"


def number(x: str) -> str:
    """Return ``x`` as a double whose NaN and infinities are NULL: what sums and means are made of.

    >>> number("a")
    'case when isfinite(cast(a as double)) then cast(a as double) end'
    """
    return f"case when isfinite({f64(x)}) then {f64(x)} end"


def count_if(condition: str) -> str:
    """Count the rows where a condition is true."""
    return f"cast(sum(case when {condition} then 1 else 0 end) as bigint)"


def total(x: str) -> str:
    """Sum as a double; no rows give 0."""
    return f"coalesce(sum({f64(x)}), 0e0)"


def both(*conditions: str | None) -> str:
    """Join conditions with AND, leaving out the empty ones.

    >>> both("a > 1", None, "b < 2")
    '(a > 1) and (b < 2)'
    >>> both()
    'true'
    """
    return " and ".join(f"({c})" for c in conditions if c) or "true"


def log_bin(x: str, gamma: float = GAMMA) -> str:
    """Return the logarithmic bin of a value: floor(ln x / ln gamma); zero and below have bins.

    Bin ``b`` holds the values in [gamma**b, gamma**(b+1)). Counts of bins add up over slices and
    times, and any quantile can be read from them with a relative error under gamma - 1.
    """
    v = number(x)
    return (
        f"case when ({v}) is null then null when ({v}) < 0e0 then {_BELOW} "
        f"when ({v}) = 0e0 then {_ZERO} "
        f"else cast(floor(ln(case when ({v}) > 0e0 then ({v}) end) / {lit(math.log(gamma))}) "
        "as bigint) end"
    )


def bin_value(index: int, gamma: float = GAMMA) -> float:
    """Return the middle (geometric) of a logarithmic bin; negative values are taken as zero."""
    return 0.0 if index in (_ZERO, _BELOW) else gamma ** (index + 0.5)


def grouping_sets(sets: Iterable[Sequence[str]]) -> str:
    """Return a GROUPING SETS clause of already quoted names.

    >>> grouping_sets([["a"], ["a", "b"], []])
    'grouping sets ((a), (a, b), ())'
    """
    return "grouping sets (" + ", ".join("(" + ", ".join(s) + ")" for s in sets) + ")"
