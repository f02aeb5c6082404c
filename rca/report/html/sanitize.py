"""Make HTML that somebody else wrote harmless: no script, no request, no page of its own.

A report is read beside the secrets of a browser, and its outputs quote logs that users wrote. Two
walls stand: this allow-list, and the content security policy of the page, which runs no script but
the two whose hashes it names.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import nh3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS: Final = nh3.ALLOWED_TAGS | _words(
    """section main style input label progress meter tfoot
    svg g path rect circle ellipse line polyline polygon text tspan title desc defs clipPath
    linearGradient radialGradient stop marker pattern
    math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle msub msup msubsup munder mover
    munderover mtable mtr mtd mpadded mphantom semantics"""
)
DROPPED_WHOLE: Final = _words(
    """script noscript iframe object embed template noembed noframes xmp plaintext textarea
    select button"""
)
PLAIN_ATTRIBUTES: Final = _words(
    """id class style title lang dir role tabindex hidden open colspan rowspan scope headers align
    valign width height border cellpadding cellspacing start type value reversed datetime cite
    min max low high optimum for alt
    x y x1 x2 y1 y2 cx cy r rx ry dx dy d points transform viewBox preserveAspectRatio fill
    fill-opacity fill-rule stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin
    stroke-opacity opacity font-size font-family font-weight font-style text-anchor
    dominant-baseline alignment-baseline shape-rendering offset stop-color stop-opacity
    gradientTransform gradientUnits clip-path clipPathUnits refX refY markerWidth markerHeight
    markerUnits orient xmlns
    display mathvariant stretchy fence separator accent columnalign rowspacing columnspacing"""
)
ATTRIBUTES: Final = {
    "a": {"href", "name"},
    "img": {"src", "loading"},
    "input": {"checked", "disabled"},
}
STYLE: Final = re.compile(r"(<style[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
CSS_TEXT: Final = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
"""Comments and strings of a style sheet: what may hold a brace that is none."""
FETCH: Final = re.compile(
    r"@import[^;]*;?|(?:-webkit-)?image-set\([^)]*\)|url\(\s*(?!['\"]?(?:data:image/|#))[^)]*\)",
    re.IGNORECASE,
)
FLOATING: Final = re.compile(r"position\s*:\s*(?:fixed|sticky)", re.IGNORECASE)
LINK_SCHEMES: Final = ("http", "https", "mailto", "")
PICTURE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml|avif|bmp);base64,[\w+/=\s]*")
IMAGE: Final = re.compile(r'<img(?:\s+[\w:-]+="[^"]*")*\s*/?>')
ATTRIBUTE: Final = re.compile(r'([\w:-]+)="([^"]*)"')
MISSING: Final = "attachment:missing:"
MAX_PICTURE: Final = 4_000_000


def clean(fragment: str, folder: Path | None = None) -> str:
    """Return HTML with only what shows text, tables and pictures, well nested.

    Parameters
    ----------
    fragment : str
        Untrusted HTML: an output of a cell, a markdown cell once rendered.
    folder : Path, optional
        Pictures with a relative address below this folder are embedded; without it, and for all
        other addresses, a picture becomes a note that says what was left out.

    Examples
    --------
    >>> clean('<p onclick="x()">a<script>x()</script><a href="javascript:x()">b</a>')
    '<p>a<a>b</a></p>'
    >>> clean('<img src="https://host/p.png">')
    '<span class="rca-missing">[picture not embedded: https://host/p.png]</span>'
    """

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return _quiet(value)
        if attribute == "href":
            return value if _scheme(value) in LINK_SCHEMES else None
        if attribute == "src":
            return embedded(value, folder)
        if tag == "input" and attribute == "type":
            return value if value in ("checkbox", "radio", "range") else "checkbox"
        return value

    cleaned: str = nh3.clean(
        fragment,
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WHOLE),
        attributes={"*": set(PLAIN_ATTRIBUTES), **ATTRIBUTES},
        attribute_filter=allowed,
        generic_attribute_prefixes={"data-", "aria-"},
        url_schemes={"http", "https", "mailto", "data", "attachment"},
        link_rel=None,
    )
    cleaned = IMAGE.sub(_with_note, cleaned)
    return STYLE.sub(lambda m: m.group(1) + scoped(m.group(2)) + m.group(3), cleaned)


def scoped(css: str) -> str:
    """Return a style sheet that reaches only the output it stands in and fetches nothing.

    A sheet whose braces do not match could close the scope early: it is dropped.

    Examples
    --------
    >>> scoped("td { color: red }")
    '@scope { td { color: red } }'
    >>> scoped("} body { display: none }")
    ''
    """
    depth = 0
    for brace in re.findall(r"[{}]", CSS_TEXT.sub("", css)):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return ""
    return f"@scope {{ {_quiet(css).strip()} }}" if depth == 0 else ""


def embedded(address: str, folder: Path | None) -> str:
    """Return the address of a picture as data, or marked as missing when it cannot be embedded."""
    if address.startswith("data:"):
        return address if PICTURE.fullmatch(address) else MISSING + "not a picture"
    if folder is None or _scheme(address) != "":
        return MISSING + address
    path = (folder / unquote(urlsplit(address).path)).resolve()
    kind = mimetypes.guess_type(path.name)[0] or ""
    if not path.is_relative_to(folder.resolve()) or not kind.startswith("image/"):
        return MISSING + address
    try:
        if path.stat().st_size > MAX_PICTURE:
            return MISSING + address
        content = path.read_bytes()
    except OSError:
        return MISSING + address
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _with_note(image: re.Match[str]) -> str:
    attributes = dict(ATTRIBUTE.findall(image.group(0)))
    address = attributes.get("src", MISSING)
    if not address.startswith(MISSING):
        return image.group(0)
    alt = html.unescape(attributes.get("alt", ""))
    what = html.unescape(address.removeprefix(MISSING)) or "no address"
    words = html.escape(f"{alt + ': ' if alt else ''}picture not embedded: {what}")
    return f'<span class="rca-missing">[{words}]</span>'


def _quiet(css: str) -> str:
    return FLOATING.sub("position:relative", FETCH.sub("none", css))


def _scheme(address: str) -> str:
    try:
        return urlsplit(address.strip()).scheme.lower()
    except ValueError:
        return "invalid"
