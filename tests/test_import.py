"""``import rca`` is light, and what is public is found when it is first used."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rca

HEAVY = (
    "anywidget",
    "duckdb",
    "evidently",
    "ipywidgets",
    "nbclient",
    "nbconvert",
    "numba",
    "numpy",
    "pandas",
    "plotly",
    "polars",
    "pyarrow",
    "pyspark",
    "rich",
    "scipy",
    "sklearn",
)


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    assert loaded_after("import rca").isdisjoint(HEAVY)


def test_the_command_line_parses_without_anything_heavy():
    assert loaded_after("import rca.cli").isdisjoint(HEAVY)


def test_naming_what_is_wrong_needs_nothing_heavy():
    assert loaded_after("from rca import RCAError").isdisjoint(HEAVY)


def test_opening_logs_needs_no_figures_and_no_optional_package():
    loaded = loaded_after("import rca; rca.read_logs, rca.Comparison")
    assert loaded.isdisjoint({"plotly", "ipywidgets", "anywidget", "evidently", "nbconvert"})


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'dignose'"):
        rca.dignose  # noqa: B018


def test_completion_offers_the_public_names():
    assert set(rca.__all__) == set(dir(rca))


@pytest.mark.parametrize(
    "before", ["import rca.cli", "import rca.diagnose", "from rca.diagnose import Diagnosis"]
)
def test_a_verb_is_not_hidden_by_the_package_of_its_name(before):
    code = f"{before}\nimport rca\nrca.Diagnosis\nassert callable(rca.diagnose), rca.diagnose"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parts_are_there_by_name():
    code = "import rca; rca.errors.WindowError, rca.samples.drill, rca.report.next_steps"
    subprocess.run([sys.executable, "-c", code], check=True)
