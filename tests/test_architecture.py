"""ARCHITECTURE.md tells the truth about the tree. As a script it writes the inventory again."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rca"
DOCUMENT = ROOT / "ARCHITECTURE.md"
MARKED = re.compile(r"(?<=<!-- inventory -->\n).*(?=<!-- /inventory -->)", re.DOTALL)
MOST_LINES = 400


def inventory() -> str:
    rows = ["| package | what it is | modules |", "|---|---|---|"]
    for home in sorted(PACKAGE.rglob("__init__.py")):
        folder = home.parent
        words = (ast.get_docstring(ast.parse(home.read_text(encoding="utf-8"))) or "").split("\n")
        modules = sorted(p.stem for p in folder.glob("*.py") if p.stem != "__init__")
        name = ".".join(folder.relative_to(ROOT).parts)
        rows.append(f"| `{name}` | {words[0]} | {', '.join(modules) or '–'} |")
    return "\n".join(rows) + "\n"


def written() -> str:
    return MARKED.search(DOCUMENT.read_text(encoding="utf-8"))[0]


def test_the_inventory_is_the_tree():
    missing = set(inventory().splitlines()) ^ set(written().splitlines())
    assert not missing, f"run `make inventory`; these lines differ: {sorted(missing)}"


def test_every_layer_of_the_picture_is_a_layer_of_the_linter():
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    linted = re.search(r'type = "layers"\nlayers = \[(.*?)\]', config, re.DOTALL)[1]
    drawn = DOCUMENT.read_text(encoding="utf-8").split("## Layers")[1].split("`stats` and")[0]
    order = re.findall(r"^    ([a-z| ]+?)(?:  |$)", drawn, re.MULTILINE)
    assert [layer.strip() for layer in order] == [
        layer.replace("rca.", "") for layer in re.findall(r'"(.*?)"', linted)
    ]


def test_every_part_of_the_tree_stands_in_some_layer():
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    parts = {p.name.removesuffix(".py") for p in PACKAGE.iterdir() if p.suffix in ("", ".py")}
    parts -= {"__init__", "__pycache__", "__main__"}
    assert parts <= set(re.findall(r"rca\.(\w+)", config))


def test_where_new_code_goes_names_places_that_exist():
    table = DOCUMENT.read_text(encoding="utf-8").split("## Where new code goes")[1]
    places = set(re.findall(r"`((?:rca|tests)/[\w./]+)`", table.split("## Inventory")[0]))
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("part", ["rca", "benchmarks"])
def test_no_file_is_too_long(part):
    lines = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in (ROOT / part).rglob("*.py")
    }
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_the_repository_speaks_of_the_product_only():
    """No path of somebody's machine is in a file that is shipped."""
    machine = re.compile(r"(?<![\w.])/(?:home|Users|root|work|tmp)/\w")
    texts = [p for part in ("rca", "notebooks") for p in (ROOT / part).rglob("*.*")]
    texts += [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Makefile")]
    named = [
        str(path.relative_to(ROOT))
        for path in texts
        if path.suffix in (".py", ".md", ".ipynb", ".toml", ".j2", "")
        and machine.search(path.read_text(encoding="utf-8"))
    ]
    assert named == []


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(MARKED.sub(lambda _: inventory(), text), encoding="utf-8")
