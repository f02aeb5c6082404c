"""What can be read off a text without a model: length, script, repetition, refusals, markers."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rca.stats.drift_phrases import words

Array = NDArray[np.float64]

_LONGEST = 20_000
_DIMENSIONS = 384
_REFUSAL = re.compile(
    r"\b(i'?m sorry|i am sorry|i (?:can(?:no|')?t|cannot|am unable to|won'?t)\b|as an ai\b|"
    r"not able to (?:help|assist)|against (?:my|our) (?:policy|guidelines))",
    re.IGNORECASE,
)
_INJECTION = re.compile(
    r"\b(ignore (?:all |any |the )?(?:previous|above|prior)|disregard (?:all|the|your)|"
    r"system prompt|you are now|developer mode|jailbreak|pretend (?:to be|you))",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{?[^{}\n]{0,60}\}\}?|<\|[^|\n]{1,40}\|>|\$\{[^}\n]{0,40}\}|%\(\w+\)s")


def _share(text: str, keep: Callable[[str], bool]) -> float:
    return sum(map(keep, text)) / len(text) if text else 0.0


def _non_latin(text: str) -> float:
    letters = [c for c in text if c.isalpha()]
    return sum(ord(c) > 0x24F for c in letters) / len(letters) if letters else 0.0


def _repetition(text: str) -> float:
    """Return the part of a text that compression takes out beyond the usual."""
    raw = text.encode("utf-8")
    return 1 - len(zlib.compress(raw, 6)) / len(raw) if len(raw) >= 40 else 0.0


def _is_json(text: str) -> float:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return 0.0
    try:
        json.loads(text)
    except ValueError:
        return 0.0
    return 1.0


#: Name of each descriptor and how it is read; shares and flags lie between 0 and 1.
DESCRIPTORS: Mapping[str, Callable[[str], float]] = {
    "characters": lambda text: float(len(text)),
    "words": lambda text: float(len(text.split())),
    "lines": lambda text: float(text.count("\n") + 1),
    "digits": lambda text: _share(text, str.isdigit),
    "upper_case": lambda text: _share(text, str.isupper),
    "punctuation": lambda text: _share(text, lambda c: not c.isalnum() and not c.isspace()),
    "non_ascii": lambda text: _share(text, lambda c: not c.isascii()),
    "non_latin_letters": _non_latin,
    "repetition": _repetition,
    "refusal": lambda text: float(bool(_REFUSAL.search(text))),
    "injection": lambda text: float(bool(_INJECTION.search(text))),
    "link": lambda text: float(bool(_URL.search(text))),
    "unfilled_template": lambda text: float(bool(_TEMPLATE.search(text))),
    "json": _is_json,
    "code_block": lambda text: float("```" in text),
    "replacement_character": lambda text: float("\ufffd" in text),
}


def described(texts: Sequence[str | None]) -> dict[str, Array]:
    """Return each descriptor of each text; NaN where there is none.

    >>> found = described(["I'm sorry, I can't help.", None])
    >>> found["refusal"].tolist()
    [1.0, nan]
    """
    return {
        name: np.array([np.nan if t is None else read(t[:_LONGEST]) for t in texts])
        for name, read in DESCRIPTORS.items()
    }


def vectors(texts: Sequence[str]) -> Array:
    """Return hashed counts of words and pairs of words, each row of length 1.

    Weinberger et al. (2009): the sign of a second hash keeps collisions from adding up.
    """
    rows = np.zeros((len(texts), _DIMENSIONS))
    for row, text in zip(rows, texts, strict=True):
        said = words(text)
        for feature in (*said, *(f"{a} {b}" for a, b in pairwise(said))):
            code = zlib.crc32(feature.encode("utf-8"))
            row[code % _DIMENSIONS] += 1.0 if code >> 31 else -1.0
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))
