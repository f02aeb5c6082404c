"""Phrases that became more frequent: shares of texts with each, tested and corrected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from rca.stats.multiplicity import benjamini_hochberg

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*", re.UNICODE)
_LONGEST = 2_000
_LEAST_TEXTS = 5


@dataclass(frozen=True)
class Phrase:
    """A phrase of one to three words: texts that hold it on each side, and its q-value."""

    text: str
    baseline: int
    current: int
    rise: float
    q_value: float


def words(text: str) -> list[str]:
    """Return the words of the first 2,000 characters, in lower case.

    >>> words("I can't  help_with 3 things")
    ['i', "can't", 'help', 'with', '3', 'things']
    """
    return [found.lower() for found in _WORD.findall(text[:_LONGEST])]


def new_phrases(
    baseline: Sequence[str], current: Sequence[str], *, most: int = 20, level: float = 0.01
) -> list[Phrase]:
    """Return phrases that a larger share of current texts holds, largest rise first.

    Counts texts, not occurrences. Tested one-sided by the normal approximation of two proportions
    with a half added to each count; corrected for every phrase that five texts hold. A phrase
    within a longer one that as many texts hold is left out.

    Examples
    --------
    >>> before = ["the answer is four"] * 50
    >>> now = ["the answer is four"] * 30 + ["as an assistant i cannot answer"] * 20
    >>> [phrase.text for phrase in new_phrases(before, now, most=2)]
    ['assistant i cannot', 'as an assistant']
    """
    counts = [_texts_with(side) for side in (baseline, current)]
    n0, n1 = max(1, len(baseline)), max(1, len(current))
    names = sorted(p for p, k in counts[1].items() if k + counts[0][p] >= _LEAST_TEXTS)
    if not names:
        return []
    k0, k1 = (np.array([c[p] for p in names], dtype=np.float64) for c in counts)
    p0, p1 = (k0 + 0.5) / (n0 + 1), (k1 + 0.5) / (n1 + 1)
    pooled = (k0 + k1 + 1) / (n0 + n1 + 2)
    z = (p1 - p0) / np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    q = benjamini_hochberg(stats.norm.sf(z))
    rise = k1 / n1 - k0 / n0
    order = np.lexsort((np.array([-len(name) for name in names]), -rise))
    kept: list[Phrase] = []
    for i in order:
        if q[i] > level or len(kept) == most:
            continue
        inside = any(f" {names[i]} " in f" {other.text} " for other in kept)
        if not inside:
            kept.append(Phrase(names[i], int(k0[i]), int(k1[i]), float(rise[i]), float(q[i])))
    return kept


def _texts_with(texts: Sequence[str]) -> Counter[str]:
    """Return how many texts hold each phrase of one to three words."""
    found: Counter[str] = Counter()
    for text in texts:
        said = words(text)
        phrases = {
            " ".join(said[i : i + size]) for size in (1, 2, 3) for i in range(len(said) - size + 1)
        }
        found.update(phrases)
    return found
