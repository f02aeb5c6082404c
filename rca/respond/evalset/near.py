"""Texts that are nearly the same: shared runs of five characters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from rca.respond.evalset.case import EvalCase, folded

GRAM = 5
#: One word replaced in a question of seventy characters leaves about 0.75.
NEAR = 0.7


def grams(text: str) -> frozenset[str]:
    """Return the runs of five characters of a folded text; a shorter text is its own run.

    >>> sorted(grams("abcdef"))
    ['abcde', 'bcdef']
    """
    text = folded(text)
    return frozenset(text[i : i + GRAM] for i in range(max(1, len(text) - GRAM + 1)))


def similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts: shared runs over all runs, from 0 to 1.

    >>> similarity("abcdefg", "abcdefg!")
    0.75
    """
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b)


class NearIndex:
    """Finds, among cases, the one nearest to a text.

    Similarity is the Jaccard index. With a threshold t, a case can only be near when it shares
    one of the rarest (1 - t) |grams| + 1 runs of the text (prefix filter: Chaudhuri, Ganti and
    Kaushik 2006, ICDE), so only those are looked up.
    """

    def __init__(self, cases: Iterable[EvalCase] = ()) -> None:
        self._grams: list[tuple[EvalCase, frozenset[str]]] = []
        self._holding: dict[str, list[int]] = defaultdict(list)
        for case in cases:
            self.add(case)

    def add(self, case: EvalCase) -> None:
        """Let a case be found."""
        runs = grams(case.input)
        place = len(self._grams)
        self._grams.append((case, runs))
        for run in runs:
            self._holding[run].append(place)

    def nearest(self, text: str, *, threshold: float = NEAR) -> tuple[EvalCase, float] | None:
        """Return the nearest case at or above a similarity, and that similarity."""
        runs = grams(text)
        rarest = sorted(runs, key=lambda run: (len(self._holding.get(run, ())), run))
        keep = int((1 - threshold) * len(runs) + 1e-9) + 1
        seen: Counter[int] = Counter()
        for run in rarest[:keep]:
            for place in self._holding.get(run, ()):
                seen[place] += 1
        best: tuple[EvalCase, float] | None = None
        for place in seen:
            case, others = self._grams[place]
            shared = len(runs & others)
            value = shared / (len(runs) + len(others) - shared)
            if value >= threshold and (best is None or value > best[1]):
                best = (case, value)
        return best
