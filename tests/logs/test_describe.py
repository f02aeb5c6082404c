"""The documentation says what the readers are."""

from __future__ import annotations

from pathlib import Path

from rca.logs.sources.describe import markdown
from rca.logs.sources.registry import OTHERS, SOURCES


def test_the_table_of_sources_is_up_to_date() -> None:
    readme = Path(__file__).resolve().parents[2] / "README.md"
    assert markdown().strip() in readme.read_text(encoding="utf-8")


def test_every_source_has_a_name_of_its_own_and_says_what_it_gives_and_lacks() -> None:
    names = [source.name for source in (*SOURCES, *OTHERS)]
    assert len(set(names)) == len(names)
    assert all(source.gives and source.lacks for source in SOURCES)
    assert all("|" not in source.gives + source.lacks + source.title for source in SOURCES)
