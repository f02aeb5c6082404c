"""Whether the rows of two versions answer the same questions, and by which column one can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rca.engine.sql import both, count_if
from rca.errors import MissingColumnError, PairingError
from rca.logs.aliases import normal
from rca.model.comparison import Comparison

Pairing = Literal["auto", "paired", "unpaired"]

#: Columns that name one question, best first; the text of the input is the last resort.
PAIR_KEYS: tuple[str, ...] = (
    "request_id",
    "id",
    "question_id",
    "example_id",
    "case_id",
    "item_id",
    "sample_id",
    "task_id",
    "row_id",
    "doc_id",
    "trace_id",
    "input",
)
#: Share of the keys of the smaller side that must be on both for rows to be called pairs.
MATCHED_SHARE = 0.5
#: Rows of one input's text a side, above which it is traffic that repeats itself, where a pair
#: would count an input once however often it is asked.
MOST_REPEATS = 3.0
#: Above this many rows, keys are compared in one part of them first.
_WHOLE = 2_000_000
_PARTS = 16


@dataclass(frozen=True)
class Match:
    """How the keys of the two sides meet.

    Attributes
    ----------
    columns : tuple of str
        The columns that name a question.
    keys_baseline, keys_current, matched : int
        Distinct keys on each side, and on both.
    rows_baseline, rows_current : int
        Rows with a key.
    share_seen : float
        The part of the keys that was compared: 1 unless the log is large.
    """

    columns: tuple[str, ...]
    keys_baseline: int
    keys_current: int
    matched: int
    rows_baseline: int
    rows_current: int
    share_seen: float = 1.0

    @property
    def share(self) -> float:
        """The share of the smaller side's keys that the other side has too."""
        smaller = min(self.keys_baseline, self.keys_current)
        return self.matched / smaller if smaller else 0.0

    @property
    def repeats(self) -> float:
        """Rows for each key, on the side that has more of them."""
        sides = ((self.rows_baseline, self.keys_baseline), (self.rows_current, self.keys_current))
        return max(rows / keys if keys else 0.0 for rows, keys in sides)

    @property
    def pairs(self) -> bool:
        """Whether the rows may be called pairs."""
        return self.share >= MATCHED_SHARE and self.matched >= 2

    @property
    def evaluates(self) -> bool:
        """Whether the rows look like a set of questions: texts that callers repeat do not."""
        return self.pairs and ("input" not in self.columns or self.repeats <= MOST_REPEATS)

    def __str__(self) -> str:
        seen = "" if self.share_seen == 1 else f" of the {self.share_seen:.0%} looked at"
        return (
            f"{self.matched:,} of {self.keys_baseline:,} baseline and {self.keys_current:,} "
            f"current values of {' and '.join(self.columns)}{seen} are on both sides"
            f"{f', {self.repeats:.3g} rows each' if self.repeats > 1 else ''}"
        )


def choose(
    comparison: Comparison, *, pairing: Pairing, pair_by: Sequence[str]
) -> tuple[Match | None, tuple[Match, ...]]:
    """Return the match to pair by, or None, and every match that was looked at.

    Raises
    ------
    PairingError
        Pairs were asked for, and no column's values mostly meet; the figures are given.
    MissingColumnError
        Pairs were asked for, and the log has no column to pair by.
    """
    if pairing == "unpaired":
        return None, ()
    candidates = [tuple(pair_by)] if pair_by else _candidates(comparison)
    asked = pairing == "paired" or bool(pair_by)
    seen: list[Match] = []
    for columns in candidates:
        match = matched(comparison, columns)
        if match.evaluates or (match.pairs and asked):
            return match, (*seen, match)
        seen.append(match)
    if not asked:
        return None, tuple(seen)
    if not seen:
        raise MissingColumnError(
            f"no column to pair by (looked for {', '.join(PAIR_KEYS)}). "
            f"The table has: {', '.join(comparison.logs.columns)}. Name one: pair_by='COLUMN'."
        )
    figures = "; ".join(map(str, seen))
    raise PairingError(
        f"the rows cannot be paired: {figures}. At least {MATCHED_SHARE:.0%} of the smaller side "
        "must meet. Name another column (pair_by='COLUMN'), or compare unpaired "
        "(pairing='unpaired')."
    )


def key_sql(comparison: Comparison, columns: Sequence[str]) -> str:
    """Return SQL of a row's key; NULL where a part is missing. Long texts are hashed."""
    text = comparison.logs.engine.dialect.text
    parts = [text(comparison.logs.need(name)) for name in columns]
    joined = parts[0] if len(parts) == 1 else " || chr(31) || ".join(parts)
    return f"md5({joined})" if "input" in columns else joined


def matched(comparison: Comparison, columns: Sequence[str]) -> Match:
    """Count how the values of a key meet, in a part of the keys of a large log."""
    logs = comparison.logs
    key = key_sql(comparison, columns)
    part = f"hash({key}) % {_PARTS} = 0" if logs.n_rows > _WHOLE else None
    either = f"({comparison.baseline.predicate}) or ({comparison.current.predicate})"
    rows = (
        f"select {comparison.side_sql} as side_, {key} as key_ from {logs.relation} "
        f"where {both(either, part)}"
    )
    keys = (
        f"select key_, {count_if('side_ = 0')} as b_, {count_if('side_ = 1')} as c_ "
        f"from ({rows}) as r_ where key_ is not null group by key_"
    )
    row = logs.engine.one(
        f"select {count_if('b_ > 0')} as kb_, {count_if('c_ > 0')} as kc_, "
        f"{count_if('b_ > 0 and c_ > 0')} as m_, cast(sum(b_) as bigint) as rb_, "
        f"cast(sum(c_) as bigint) as rc_ from ({keys}) as k_"
    )
    n = {name: int(value or 0) for name, value in row.items()}
    share_seen = 1 / _PARTS if part else 1.0
    return Match(tuple(columns), n["kb_"], n["kc_"], n["m_"], n["rb_"], n["rc_"], share_seen)


def _candidates(comparison: Comparison) -> list[tuple[str, ...]]:
    by_normal = {normal(name): name for name in reversed(list(comparison.logs.columns))}
    return [(by_normal[key],) for key in PAIR_KEYS if key in by_normal]
