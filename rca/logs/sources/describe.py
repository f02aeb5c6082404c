"""The table of sources for the documentation, from the declarations of the readers."""

from __future__ import annotations

from rca.logs.sources.bentoml import SCHEMA
from rca.logs.sources.registry import SOURCES

_HEAD = """\
## Sources of request logs

What `rca.read_logs` and `rca sniff` know by content. Any other CSV, Parquet, JSON or JSON lines is
read by the names of its columns (`timestamp`, `prompt_tokens`, `spend`, ...) or by a `mapping`.
*Checked on* says what the reader's tests read: a real file of the tool, or one written from the
tool's published field table.

| source | gives | lacks | cached tokens | checked on |
|---|---|---|---|---|
"""
_FLAT = (
    "| plain CSV, Parquet, JSON lines | every column; canonical ones by name | what the file "
    "lacks | by totals or provider | real files |\n"
)
_RULES = {
    "inclusive": "within the input",
    "exclusive": "beside the input",
    "unknown": "by totals or provider",
}
_SEEN = {"real": "real files", "fields": "field table"}


def markdown() -> str:
    """Return the table of sources as Markdown; the README holds this text."""
    rows = [
        f"| {source.title} | {source.gives} | {source.lacks} | {_RULES[source.token_rule]} "
        f"| {_SEEN[source.seen]} |\n"
        for source in SOURCES
    ]
    bento = f"| BentoML monitoring | {SCHEMA.gives} | tokens, cost, latency | - | field table |\n"
    return _HEAD + "".join(rows) + bento + _FLAT
