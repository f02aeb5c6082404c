"""A baseline that is profiled once."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import rca
from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError
from tests.analysis.drift.planted import plant

CASES = ("x1000", "renamed", "nulls in text", "stale")


@pytest.mark.parametrize("name", CASES)
def test_a_saved_baseline_gives_the_same_answer(name: str, tmp_path) -> None:
    case = plant(name, n=8_000, share=0.6, seed=3)
    profile = rca.profile_drift(case.comparison)
    folder = profile.save_baseline(tmp_path / "baseline")
    again = rca.profile_drift(case.comparison, baseline=folder)
    same = ["column", "effect_size", "noise", "p_value", "drifted", "fault", "share_touched"]
    pd.testing.assert_frame_equal(profile.table[same], again.table[same])
    assert "was saved before" in again.caveats[0]
    assert f"baseline={str(folder)!r}" in again.call


def test_the_baseline_is_not_read_again(tmp_path) -> None:
    case = plant("x1000", n=4_000, share=0.6, seed=4)
    profile = rca.profile_drift(case.comparison)
    folder = profile.save_baseline(tmp_path)
    again = rca.profile_drift(case.comparison, baseline=folder)
    counting = [sql for sql in again.sql if "which_" in sql and "y_" not in sql]
    assert counting
    assert not any(
        case.comparison.baseline.predicate in sql.split(" where ")[1] for sql in counting
    )


def test_a_column_that_is_new_is_said_and_left_out(tmp_path) -> None:
    case = plant("nulls", n=4_000, share=0.6, seed=5)
    known = rca.profile_drift(case.comparison, columns=["amount", "city"])
    folder = known.save_baseline(tmp_path)
    profile = rca.profile_drift(case.comparison, columns=["amount", "tier"], baseline=folder)
    assert profile.table["column"].tolist() == ["amount"]
    assert "it does not have tier" in profile.caveats[0]


def test_what_is_no_saved_baseline_is_said(tmp_path) -> None:
    case = plant("nulls", n=1_000, share=0.6, seed=6)
    with pytest.raises(MissingFileError, match="save_baseline"):
        rca.profile_drift(case.comparison, baseline=tmp_path / "absent")
    profile = rca.profile_drift(case.comparison, columns=["amount"])
    folder = profile.save_baseline(tmp_path / "one")
    facts = json.loads((folder / "baseline.json").read_text())
    (folder / "baseline.json").write_text(json.dumps(facts | {"layout": 0}))
    with pytest.raises(BadValueError, match="has layout 0"):
        rca.profile_drift(case.comparison, baseline=folder)
    (folder / "counts.parquet").write_bytes(b"no parquet")
    with pytest.raises(CorruptFileError, match="cannot be read"):
        rca.profile_drift(case.comparison, baseline=folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        profile.save_baseline(tmp_path / "file")
