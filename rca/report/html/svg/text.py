"""Pieces of SVG text: escaping, measuring, colours, and plotly's text templates."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from rca.report.html.svg.scales import formatted

CHAR: Final = 6.4
"""Width in pixels of an average character at a font size of 12."""
COLOR: Final = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]+|(?:rgb|hsl)a?\([0-9.,%\s/]+\)")
PLACE: Final = re.compile(r"%\{([^}:|]+)(?::([^}]*))?\}")
NAMED: Final = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
    "grey": (128, 128, 128),
    "gray": (128, 128, 128),
}


def attr(**values: object) -> str:
    """Return attributes of an element: names with dashes, numbers short, ``None`` left out.

    Examples
    --------
    >>> attr(x=1.25, stroke_width=2, fill=None, id="<a>")
    ' x="1.2" stroke-width="2" id="&lt;a&gt;"'
    """
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        text = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
        parts.append(f' {name.rstrip("_").replace("_", "-")}="{html.escape(text)}"')
    return "".join(parts)


def text(x: float, y: float, words: object, **attributes: object) -> str:
    """Return a text element; its words are escaped, a long one keeps its whole in a tooltip."""
    limit = attributes.pop("limit", None)
    whole = str(words)
    shown = shortened(whole, limit) if isinstance(limit, int) else whole
    hint = f"<title>{html.escape(whole)}</title>" if shown != whole else ""
    return f"<text{attr(x=float(x), y=float(y), **attributes)}>{hint}{html.escape(shown)}</text>"


def shortened(words: str, limit: int) -> str:
    """Return text cut to ``limit`` characters.

    Examples
    --------
    >>> shortened("question_answering", 9)
    'question…'
    """
    return words if len(words) <= limit else words[: limit - 1] + "…"


def width_of(words: object) -> float:
    """Return about how many pixels a text takes at a font size of 12."""
    return len(str(words)) * CHAR


def color(value: object, default: str = "currentColor") -> str:
    """Return a colour that may stand in an attribute, ``default`` for anything else.

    Examples
    --------
    >>> color("rgba(1,2,3,0.5)"), color("url(http://host/x)")
    ('rgba(1,2,3,0.5)', 'currentColor')
    """
    return value if isinstance(value, str) and COLOR.fullmatch(value.strip()) else default


def color_at(scale: Sequence[Sequence[Any]], share: float) -> str:
    """Return the colour of a colour scale at a share of its length.

    Examples
    --------
    >>> color_at([[0, "#000000"], [1, "rgb(200,100,0)"]], 0.5)
    'rgb(100,50,0)'
    """
    share = min(max(share, 0.0), 1.0)
    stops = [(float(at), _rgb(name)) for at, name in scale]
    for (low, first), (high, last) in pairwise(stops):
        if share <= high:
            mix = (share - low) / (high - low) if high > low else 0.0
            red, green, blue = (round(a + (b - a) * mix) for a, b in zip(first, last, strict=True))
            return f"rgb({red},{green},{blue})"
    return "rgb({},{},{})".format(*stops[-1][1])


def ink_on(fill: str) -> str:
    """Return black or white, whichever reads better on a colour.

    Examples
    --------
    >>> ink_on("#0b3c66"), ink_on("rgb(240,240,240)")
    ('#ffffff', '#111111')
    """
    red, green, blue = _rgb(fill)
    return "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"


def colorscale(value: object, default: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Return a colour scale as stops, from stops, a list of colours or a name plotly knows."""
    if isinstance(value, str):
        from plotly.colors import get_colorscale
        from plotly.exceptions import PlotlyError

        try:
            return list(get_colorscale(value))
        except PlotlyError:
            return default
    if isinstance(value, list) and value:
        if all(isinstance(stop, str) for stop in value):
            last = max(len(value) - 1, 1)
            return [[place / last, name] for place, name in enumerate(value)]
        if all(isinstance(stop, (list, tuple)) and len(stop) == 2 for stop in value):
            return value
    return default


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return a plotly text template with its places filled.

    Examples
    --------
    >>> filled("%{y:.1%} of %{x}", {"x": "eu", "y": 0.25})
    '25.0% of eu'
    """

    def replacement(match: re.Match[str]) -> str:
        value = values.get(match.group(1))
        if value is None:
            return ""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return formatted(float(value), match.group(2))
        return str(value)

    return PLACE.sub(replacement, template)


def _rgb(name: object) -> tuple[int, int, int]:
    words = str(name).strip().lower()
    if words.startswith("#"):
        digits = words[1:]
        digits = "".join(d * 2 for d in digits[:3]) if len(digits) in (3, 4) else digits
        if len(digits) >= 6 and re.fullmatch(r"[0-9a-f]{6,8}", digits):
            return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    numbers = re.findall(r"[\d.]+", words) if words.startswith("rgb") else []
    if len(numbers) >= 3:
        red, green, blue = (min(round(float(n)), 255) for n in numbers[:3])
        return red, green, blue
    return NAMED.get(words, (128, 128, 128))
