"""Evidently behind its bridge: read without it, run with it, and its traps."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
import rca
from rca.adapters.evidently import bridge, read_results, run
from rca.errors import BadValueError, MissingExtraError, MissingFileError, UnknownNameError
from tests.analysis.drift.planted import plant


def result(column: str, value: float, status: str | None) -> dict[str, object]:
    config = {
        "type": "evidently:metric_v2:ValueDrift",
        "column": column,
        "method": "K-S p_value",
        "threshold": 0.05,
    }
    tests = [{"metric_config": {"params": config}, "status": status}] if status else []
    other = {"config": {"type": "evidently:metric_v2:RowCount"}, "value": 10}
    return {"metrics": [{"config": config, "value": value}, other], "tests": tests}


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (0.001, "FAIL", "EVIDENTLY_DRIFT"),
        (0.9, "SUCCESS", "EVIDENTLY_NO_DRIFT"),
        (0.9, None, "EVIDENTLY_SCORE"),
    ],
)
def test_the_verdict_is_the_tests_status_not_the_score(value, status, code) -> None:
    findings = read_results(result("age", value, status))
    assert [f.code for f in findings] == [code]
    assert findings[0].column == "age"
    assert findings[0].estimate == value


def test_a_json_file_is_read(tmp_path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(result("age", 0.2, "FAIL")))
    assert read_results(path) == read_results(result("age", 0.2, "FAIL"))


def test_what_is_no_result_is_said(tmp_path) -> None:
    with pytest.raises(MissingFileError, match="no Evidently result"):
        read_results(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(BadValueError, match="is not JSON"):
        read_results(tmp_path / "broken.json")
    with pytest.raises(BadValueError, match="no list of metrics"):
        read_results({"suite": []})


def test_without_evidently_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rca\[evidently\]'"):
        bridge.load()


def test_what_pandas_removed_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from pandas.core.dtypes import common

    monkeypatch.delattr(common, "infer_dtype_from_object", raising=False)
    bridge._mend_pandas()
    assert common.infer_dtype_from_object("float64") is np.float64
    assert common.infer_dtype_from_object(pd.Int64Dtype()) is np.int64


def test_arrays_are_written_out_only_while_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    from plotly import basedatatypes

    def encode(_: object) -> None:
        raise AssertionError("written as base64")

    monkeypatch.setattr(basedatatypes, "convert_to_base64", encode, raising=False)
    with bridge.rendering():
        basedatatypes.convert_to_base64({"x": np.arange(3)})
    assert basedatatypes.convert_to_base64 is encode


@pytest.fixture(scope="module")
def report():
    pytest.importorskip("litestar", reason="Evidently is not installed")
    rng = np.random.default_rng(0)
    baseline = pd.DataFrame(
        {
            "same": pd.array(rng.integers(0, 50, 1500), dtype="Int64"),
            "moved": rng.normal(0, 1, 1500),
            "plan": rng.choice(["a", "b", None], 1500),
            "empty": np.nan,
        }
    )
    current = baseline.assign(moved=baseline["moved"] + 1)
    return run(
        baseline,
        current,
        numbers=["same", "moved", "empty"],
        texts=["plan"],
        ours={"same": False, "moved": False, "plan": False},
        thresholds={"plan": 0.3},
    )


def test_a_report_runs_on_awkward_dtypes(report) -> None:
    table = report.table.set_index("column")
    assert table["evidently"].to_dict() == {"same": False, "moved": True, "plan": False}
    assert table["score"]["same"] == 0
    assert table["score"]["moved"] == pytest.approx(1.0, abs=0.05)
    assert table["threshold"]["plan"] == 0.3


def test_disagreements_and_what_is_left_out_are_said(report) -> None:
    assert "Evidently alone sees drift in moved." in report.caveats
    assert "Without values on one side, so not shown: empty." in report.caveats


def test_the_page_needs_no_network_and_holds_no_base64_arrays(report, tmp_path) -> None:
    page = report.save(tmp_path / "report.html").read_text()
    assert "bdata" not in page
    assert 'src="http' not in page
    assert report._repr_html_().count("<iframe") == 1
    assert {f.code for f in report.findings()} == {"EVIDENTLY_DRIFT", "EVIDENTLY_NO_DRIFT"}


def test_a_profile_asks_evidently_about_its_samples() -> None:
    pytest.importorskip("litestar", reason="Evidently is not installed")
    case = plant("x1000", n=4_000, share=0.6, seed=1)
    profile = rca.profile_drift(case.comparison, columns=["amount", "tier", "load"])
    found = profile.to_evidently(columns=["amount", "tier"], rows=500)
    table = found.table.set_index("column")
    assert (
        table["evidently"].to_dict() == table["ours"].to_dict() == {"amount": True, "tier": False}
    )
    assert "500 and" in found.caveats[0]
    assert "at the current hours of day" in found.caveats[0]
    with pytest.raises(UnknownNameError, match="Did you mean 'amount'"):
        profile.to_evidently(columns=["amonut"])


def test_columns_without_values_are_an_error() -> None:
    pytest.importorskip("litestar", reason="Evidently is not installed")
    frame = pd.DataFrame({"x": [np.nan] * 5})
    with pytest.raises(BadValueError, match="no column has values on both sides"):
        run(frame, frame, numbers=["x"], texts=[])
