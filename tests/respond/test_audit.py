"""An audit whose every change shows."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from rca.errors import BadValueError, CorruptFileError, OutputError
from rca.respond.audit import AuditLog


@pytest.fixture
def log(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    for i in range(4):
        log.append("looked", actor="ann", reason=f"number {i}", details={"i": i})
    return log


def test_entries_hold_the_digest_of_the_one_before(log):
    entries = log.entries()
    assert [entry.details["i"] for entry in entries] == [0, 1, 2, 3]
    assert entries[0].previous == "0" * 64
    assert [e.previous for e in entries[1:]] == [e.digest for e in entries[:-1]]
    assert log.head == entries[-1].digest


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0].replace("number 0", "number 9"), *lines[1:]], 1),
        (lambda lines: [lines[0].replace('"i": 0', '"i": 7'), *lines[1:]], 1),
        (lambda lines: lines[:1] + lines[2:], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines[:2], '{"entry": 1}', *lines[2:]], 3),
        (lambda lines: [*lines[:3], "", lines[3]], 4),
    ],
)
def test_a_change_is_found_at_its_line_and_nothing_is_added(log, change, line):
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join(change(lines)) + "\n")
    before = log.path.read_text()
    with pytest.raises((CorruptFileError, BadValueError), match=f"line {line}"):
        log.append("looked", actor="ann", reason="again")
    assert log.path.read_text() == before


def test_a_cut_tail_leaves_a_whole_chain_that_only_the_head_gives_away(log):
    head = log.head
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join(lines[:2]) + "\n")
    assert len(log.entries()) == 2
    assert log.head != head


def test_a_torn_last_line_is_said(log):
    log.path.write_text(log.path.read_text()[:-30])
    with pytest.raises(CorruptFileError, match=r"last line .* is torn"):
        log.append("looked", actor="ann", reason="again")


@pytest.mark.parametrize(
    ("actor", "reason", "details", "message"),
    [
        (" ", "x", {}, "an audit needs both"),
        ("ann", "", {}, "an audit needs both"),
        ("ann", "x", {"a": object()}, "plain values"),
        ("ann", "x", {"a": float("nan")}, "plain values"),
    ],
)
def test_bad_entries_are_refused(log, actor, reason, details, message):
    with pytest.raises(BadValueError, match=message):
        log.append("looked", actor=actor, reason=reason, details=details)
    assert len(log.entries()) == 4


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write the audit"):
        AuditLog(tmp_path / "none" / "audit.jsonl").append("x", actor="a", reason="b")


def test_text_of_any_kind_is_kept_on_one_line(log):
    log.append("looked", actor="ann", reason="a\nb\u2028c \x7f", details={"t": "<b>\n"})
    assert len(log.path.read_text().split("\n")) == 6
    assert log.entries()[-1].reason == "a\nb\u2028c \x7f"


def test_two_writers_at_once_keep_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    program = (
        "import sys; from pathlib import Path; from rca.respond.audit import AuditLog\n"
        "for i in range(15): AuditLog(Path(sys.argv[1])).append('w', actor=sys.argv[2], reason='r')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in "ab"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    entries = AuditLog(path).entries()
    assert sorted(entry.actor for entry in entries) == ["a"] * 15 + ["b"] * 15
    assert all(json.loads(line) for line in path.read_text().splitlines())
