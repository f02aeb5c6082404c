"""``rca export``, ``rca sniff``, ``rca drill`` and the command itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import rca
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rca.cli.screen import printable


def test_export_writes_one_page_beside_the_notebook(command):
    cells = [new_markdown_cell("# Found"), new_code_cell("secret = 1")]
    nbformat.write(new_notebook(cells=cells), "found.ipynb")
    assert command("export", "found.ipynb").status == 0
    assert "secret" in Path("found.html").read_text(encoding="utf-8")
    ran = command("export", "found.ipynb", "-o", "short.html", "--hide-inputs")
    assert ran.status == 0
    assert "short.html" in ran.out
    assert "secret = 1" not in Path("short.html").read_text(encoding="utf-8")


def test_sniff_says_what_files_are_taken_for(incident, command):
    ran = command("sniff", incident() / "requests.csv")
    assert ran.status == 0
    assert "requests.csv" in ran.out


@pytest.mark.slow
def test_a_drill_hides_its_truth_until_it_is_asked_for(command):
    ran = command("drill", "practice", "--seed", "3")
    assert ran.status == 0
    assert not Path("practice/truth.toml").exists()
    told = command("drill", "--answer", "practice")
    assert told.status == 0
    assert "truth:" in told.out


def test_the_same_seed_gives_the_same_drill(command):
    for name in ("one", "two"):
        assert command("drill", name, "--seed", "5").status == 0
    for path in Path("one").iterdir():
        assert path.read_bytes() == (Path("two") / path.name).read_bytes()


def test_version_and_help(command):
    assert command("--version").out == f"rca {rca.__version__}\n"
    text = command("--help").out
    assert all(name in text for name in ("triage", "export", "sniff", "drill"))


@pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")
def test_a_reader_that_goes_away_is_no_error(incident):
    code = "import sys; from rca.cli import main; sys.exit(main())"
    done = subprocess.run(
        f'"{sys.executable}" -c "{code}" triage "{incident()}" --metric mean_latency '
        "--json - | head -c 10",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == '{\n  "rca_v'
    assert done.stderr == ""


def test_the_installed_command_is_there():
    found = shutil.which("rca", path=str(Path(sys.executable).parent))
    assert found, "the package is installed with its command"
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("rca ")


def test_no_text_of_a_log_can_drive_the_terminal():
    assert printable("\x1b]0;title\x07ok\n\ttab") == "\\x1b]0;title\\x07ok\n\ttab"
    assert printable("\u202etxt.exe").startswith("\\")
