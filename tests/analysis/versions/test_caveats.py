"""What a version diff refuses, and what it says about the rows it had."""

import numpy as np
import pandas as pd
import pytest
import rca
from rca.errors import MissingColumnError, PairingError, UnknownNameError


def log(baseline, current, *, ids=None, **columns):
    """Two versions' answers in one log; ``ids`` name the questions."""
    n, m = len(baseline), len(current)
    frame = {"model_version": ["v1"] * n + ["v2"] * m, "correct": [*baseline, *current]}
    if ids is not None:
        frame["question_id"] = list(ids)
    return rca.read_logs(pd.DataFrame(frame | columns))


def diffed(logs, metric="accuracy", **given):
    return rca.diff_versions(logs, baseline="v1", current="v2", metric=metric, **given)


def test_ids_that_do_not_match_are_refused_with_the_figures():
    logs = log([1] * 10, [0] * 10, ids=[*range(10), *range(7, 17)])
    with pytest.raises(
        PairingError, match=r"3 of 10 baseline and 10 current values of question_id"
    ):
        diffed(logs, pairing="paired")
    with pytest.raises(PairingError, match="pairing='unpaired'"):
        diffed(logs, pair_by="question_id")
    assert not diffed(logs).paired
    assert "3 of 10" in diffed(logs).caveats[-1]


def test_traffic_that_repeats_its_inputs_is_no_evaluation_set():
    rng = np.random.default_rng(12)
    texts = [f"canned {i}" for i in rng.integers(0, 15, 300)]
    logs = log([1] * 150, [1] * 150, input=texts)
    found = diffed(logs)
    assert not found.paired
    assert "rows each" in found.caveats[-1]
    assert diffed(logs, pair_by="input").paired
    evaluated = log([1] * 15, [1] * 15, input=[f"question {i}" for i in range(15)] * 2)
    assert diffed(evaluated).paired


def test_pairs_of_several_users_are_not_clustered_by_one_of_them():
    n = 120
    ids = [*range(n)] * 2
    own = log([1] * n, [0] * n, ids=ids, user_id=[f"u{i % 30}" for i in range(n)] * 2)
    other = log([1] * n, [0] * n, ids=ids, user_id=[f"u{i % 29}" for i in range(2 * n)])
    assert diffed(own).units.cluster == "user_id"
    assert diffed(other).units.cluster is None


def test_no_column_to_pair_by():
    with pytest.raises(MissingColumnError, match="pair_by='COLUMN'"):
        diffed(log([1] * 5, [0] * 5), pairing="paired")


def test_an_unknown_version_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="model_version=v2"):
        rca.diff_versions(log([1], [0]), baseline="v1", current="v3", metric="accuracy")


def test_sums_per_hour_are_refused():
    logs = log([1] * 5, [0] * 5, cost_usd=[0.1] * 10)
    with pytest.raises(UnknownNameError, match="cost_per_request"):
        diffed(logs, "cost")


def test_an_unknown_slice_column_is_named():
    with pytest.raises(MissingColumnError, match="Did you mean 'region'"):
        diffed(log([1] * 5, [0] * 5, region=["a"] * 10), by="regoin")


def test_missing_values_of_unpaired_rows_are_counted():
    found = diffed(log([1] * 20 + [None] * 3, [1] * 15 + [None] * 9))
    assert any("3 baseline and 9 current rows have no accuracy" in c for c in found.caveats)
    assert found.overall.cell.rows == (20, 15)


def test_a_side_without_any_value_says_nothing():
    found = diffed(log([1.0] * 12, [None] * 12))
    assert found.verdict == "cannot_tell"
    assert found.overall.p_value == 1
    assert "unknown" in found.summary()
    quantile = diffed(log([1] * 9, [1] * 9, latency_ms=[5.0] * 9 + [None] * 9), "p95_latency")
    assert quantile.verdict == "cannot_tell"


def test_pairs_that_differ_in_slice_or_input_are_said():
    n = 12
    logs = log(
        [1] * n,
        [1] * n,
        ids=[*range(n)] * 2,
        region=["eu"] * n + ["eu"] * (n - 2) + ["us"] * 2,
        input=[f"q{i}" for i in range(n)] + [f"q{i}" for i in range(n - 3)] + ["other"] * 3,
    )
    caveats = " ".join(diffed(logs, by="region").caveats)
    assert "2 pairs differ in region" in caveats
    assert "input differs in 3 of 12 pairs" in caveats
