"""What the README says is so."""

from __future__ import annotations

import re
from pathlib import Path

import rca
from rca.cli.main import _parser
from rca.logs.aliases import CANONICAL
from rca.model.catalogue import CATALOGUE
from rca.model.event import EVENT_KINDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_the_two_lines_at_the_top_are_what_ci_runs():
    lines = re.search(r"```sh\n(.*?)```", README, re.DOTALL)[1].splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("rca triage sample_data/accuracy_drop")
    assert lines[1].endswith(".ci/check.py")
    assert "README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_metric_is_listed():
    assert set(CATALOGUE) <= named(section("Metrics"))


def test_every_canonical_column_is_listed():
    assert set(CANONICAL) <= named(section("What goes in"))


def test_every_kind_of_event_is_listed():
    listed = re.search(r"a kind \((.*?)\)", section("What goes in"), re.DOTALL)[1]
    assert set(re.split(r",\s+", listed)) == set(EVENT_KINDS)


def test_every_command_and_option_is_listed():
    table = section("Command line")
    commands = re.findall(r"\{(.*?)\}|^    (\w+) ", _parser().format_help(), re.MULTILINE)
    names = {name for pair in commands for part in pair for name in part.split(",") if name}
    assert names
    assert {name for name in names if f"rca {name}" not in table} == set()


def test_every_public_verb_is_shown():
    verbs = {n for n in rca.__all__ if n.islower() and not n.startswith("_")}
    shown = set(re.findall(r"rca\.(\w+)", README))
    assert {"read_incident", "diagnose", "find_slices"} <= shown & verbs
    assert shown & {"slice_metric", "profile_drift", "diff_versions", "correlate_events"}
    packages = {"html", "samples", "respond", "widgets"}
    assert {name for name in shown if name.islower()} <= verbs | packages


def test_the_links_lead_somewhere():
    anchors = {
        re.sub(r"\W+", "-", t.lower()) for t in re.findall(r"^## (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target[1:] in anchors if target.startswith("#") else (ROOT / target).exists()
