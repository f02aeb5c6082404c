"""Masks for what a log may hold and an evaluation set must not."""

from __future__ import annotations

import re
from collections.abc import Callable

Redact = Callable[[str], str]

#: In this order: a key may hold digits, and an address may hold both. Each reads a hostile text
#: in time that grows with its length: no run is begun anew inside itself.
_MASKS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.S),
        "[key]",
    ),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), "[email]"),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), "[key]"),
    (
        re.compile(
            r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abprs]|hf|npm)[-_][\w-]{12,}"
            r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{30,}"
        ),
        "[key]",
    ),
    (
        re.compile(
            r"(?i)\b(bearer|(?:api[ _-]?key|access[ _-]?token|secret|password|passwd|token)\s*[:=])"
            r"\s*[\"']?[^\s\"',;]{6,}[\"']?"
        ),
        r"\1 [key]",
    ),
    (re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}"), lambda found: _long_run(found[0])),
    (re.compile(r"(?<![\w.])\+?\d(?:[ ().-]{0,2}\d){7,}(?!\w)"), "[number]"),
)


def _long_run(run: str) -> str:
    """Return a long run masked when it holds letters and digits: a word or a rule stays."""
    return "[key]" if re.search(r"\d", run) and re.search(r"[A-Za-z]", run) else run


def mask(text: str) -> str:
    """Return text with e-mail addresses, keys and long runs of digits masked.

    Keys are private keys, tokens with known beginnings, what follows ``password:``, ``Bearer`` and
    the like, and runs of 32 or more letters and digits. Numbers of 8 or more digits are masked,
    with or without separators: cards, telephones, accounts. Names and addresses of people are not
    recognised: give your own ``redact`` where they occur.

    >>> mask("ann@example.org paid with 4111 1111 1111 1111, password: hunter22 (order 12345)")
    '[email] paid with [number], password: [key] (order 12345)'
    """
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text
