"""More than two versions: each against the first, corrected for how many there are."""

import numpy as np
import pandas as pd
import pytest
import rca
from rca.errors import MissingColumnError, UnknownNameError, WindowError


def logs_of(**versions):
    """One log; each version a list of right and wrong answers to the same questions."""
    frames = [
        pd.DataFrame(
            {
                "ts": pd.Timestamp("2026-03-01", tz="UTC") + pd.Timedelta(hours=i),
                "model_version": name,
                "question_id": range(len(correct)),
                "correct": correct,
            }
        )
        for i, (name, correct) in enumerate(versions.items())
    ]
    return rca.read_logs(pd.concat(frames))


def answers(n, wrong):
    return [0] * wrong + [1] * (n - wrong)


@pytest.mark.shared
def test_the_four_models_of_the_published_drift(shared):
    logs = rca.read_logs(shared / "traces/llmdrift/LEETCODE_EASY_EVAL.csv")
    found = rca.compare_versions(
        logs,
        metric="mean:Directly Usable",
        versions=[
            "openaichat/gpt-4-0314",
            "openaichat/gpt-4-0613",
            "openaichat/gpt-3.5-turbo-0301",
            "openaichat/gpt-3.5-turbo-0613",
        ],
    )
    assert found.table["value"].tolist() == pytest.approx([0.52, 0.10, 0.22, 0.02])
    assert found.table["pairs"].tolist() == [0, 50, 50, 50]
    assert found.table["verdict"].tolist() == ["", "regressed", "regressed", "regressed"]


def test_versions_are_ordered_by_their_first_row_and_corrected_by_holm():
    found = rca.compare_versions(
        logs_of(zeta=answers(60, 5), alpha=answers(60, 11), beta=answers(60, 20)),
        metric="accuracy",
    )
    table = found.table
    assert table["version"].tolist() == ["zeta", "alpha", "beta"]
    assert table["p_holm"][1] == pytest.approx(table["p_value"][1])
    assert table["p_holm"][2] == pytest.approx(2 * table["p_value"][2])
    assert table["verdict"].tolist() == ["", "regressed", "regressed"]
    assert [f.code for f in found.findings()] == ["VERSION_REGRESSED"] * 2
    assert "beta" in found.summary()
    assert len(found.plot().data) == 1


def test_alike_versions_do_not_pass_for_regressed():
    rng = np.random.default_rng(1)
    versions = {f"v{i}": (rng.random(200) < 0.8).astype(int).tolist() for i in range(6)}
    found = rca.compare_versions(logs_of(**versions), metric="accuracy")
    assert "regressed" not in set(found.table["verdict"])


def test_quantiles_of_many_versions():
    rng = np.random.default_rng(2)
    slow = rng.lognormal(6, 0.3, 400)
    frame = pd.DataFrame(
        {
            "app_version": np.repeat(["a", "b", "c"], 400),
            "latency_ms": np.concatenate([slow, slow * 1.01, slow * 1.5]),
        }
    )
    found = rca.compare_versions(rca.read_logs(frame), metric="p95_latency")
    assert found.table["value"].tolist() == pytest.approx(
        [np.quantile(slow, 0.95) * k for k in (1, 1.01, 1.5)]
    )
    assert found.table["verdict"].tolist()[2] == "regressed"


def test_one_version_is_refused():
    with pytest.raises(MissingColumnError, match="column='COLUMN'"):
        rca.compare_versions(logs_of(v1=[1, 0]), metric="accuracy")
    with pytest.raises(WindowError, match="Two are needed"):
        rca.compare_versions(logs_of(v1=[1], v2=[1]), metric="accuracy", versions=["v1"])


def test_an_unknown_version_is_named():
    with pytest.raises(UnknownNameError, match="Known: v1, v2"):
        rca.compare_versions(logs_of(v1=[1], v2=[1]), metric="accuracy", versions=["v1", "v9"])
