"""What came before: the version each deploy replaced, read off the order of the deploys."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from rca.logs.events.source import Draft
from rca.logs.events.times import sort_key
from rca.logs.events.values import text

_NUMBERED = re.compile(r"v?\d+(\.\d+)+([-+.].*)?|v\d+")
_NOT_DONE = {"failure", "failed", "error", "canceled", "cancelled", "skipped", "blocked"}


def is_version(word: str | None) -> bool:
    """Tell whether a git ref is a version and no branch.

    >>> is_version("v1.2.0"), is_version("main")
    (True, False)
    """
    return word is not None and _NUMBERED.fullmatch(word) is not None


def chained(drafts: Iterable[Draft]) -> list[Draft]:
    """Fill ``from_version`` with the version last deployed to the same service and environment.

    A deploy that failed replaces nothing. What an export says itself is kept.
    """
    by_place: dict[tuple[str | None, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        place = tuple(map(text, (draft.service, draft.target, draft.environment)))
        by_place[place].append(draft)
    filled = []
    for group in by_place.values():
        current = None
        for draft in sorted(group, key=lambda draft: sort_key(draft.ts)):
            filled.append(
                draft if text(draft.from_version) else replace(draft, from_version=current)
            )
            if (text(draft.status) or "").lower() not in _NOT_DONE:
                current = text(draft.version) or current
    return filled
