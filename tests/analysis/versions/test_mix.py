"""Unpaired versions on a common mix of requests."""

import numpy as np
import pandas as pd
import pytest
import rca

EASY, HARD = 0.95, 0.55


def mixed(seed, *, easy_before, easy_after, broken=0.0, n=3000, users=None):
    rng = np.random.default_rng(seed)
    share = np.repeat([easy_before, easy_after], n)
    kind = np.where(rng.random(2 * n) < share, "easy", "hard")
    right = np.where(kind == "easy", EASY, HARD) - np.repeat([0, broken], n)
    frame = {
        "model_version": np.repeat(["v1", "v2"], n),
        "query_type": kind,
        "region": rng.choice(["eu", "us"], 2 * n),
        "correct": (rng.random(2 * n) < right).astype(int),
    }
    if users:
        frame["user_id"] = [f"u{u}" for u in rng.integers(0, users, 2 * n)]
    return rca.read_logs(pd.DataFrame(frame))


def diffed(logs, **given):
    return rca.diff_versions(logs, baseline="v1", current="v2", metric="accuracy", **given)


def test_a_moved_mix_is_not_blamed_on_the_version():
    found = diffed(mixed(1, easy_before=0.8, easy_after=0.5), margin=0.04)
    assert found.overall.verdict == "regressed"
    assert found.adjusted.columns == ("query_type",)
    assert found.verdict == "no_regression"
    # The mix's part: 0.3 fewer easy requests, which are right 0.4 more often.
    assert found.adjusted.at_mix.mix == pytest.approx(-0.3 * (EASY - HARD), abs=0.02)
    assert "query_type" in found.summary()
    assert found.table["value"][1] == "at a common mix of query_type"


def test_a_regression_hidden_by_a_moved_mix_is_found():
    found = diffed(mixed(2, easy_before=0.5, easy_after=0.75, broken=0.1))
    assert found.overall.verdict != "regressed"
    assert found.verdict == "regressed"
    assert found.findings()[0].code == "VERSION_REGRESSED"
    assert found.adjusted.estimate.ci[0] < -0.1 < found.adjusted.estimate.ci[1]


def test_an_equal_mix_is_left_alone():
    found = diffed(mixed(3, easy_before=0.6, easy_after=0.6))
    assert found.adjusted is None
    assert len(found.table) == 1


def test_columns_can_be_named_or_refused():
    logs = mixed(4, easy_before=0.8, easy_after=0.5)
    assert diffed(logs, adjust=None).adjusted is None
    named = diffed(logs, adjust=["query_type", "region"]).adjusted
    assert named.columns == ("query_type", "region")
    assert named.at_mix.n_strata == 4


def test_clusters_keep_their_width_at_a_common_mix():
    logs = mixed(5, easy_before=0.8, easy_after=0.5, users=60)
    clustered, plain = diffed(logs), diffed(logs, cluster=None)
    assert clustered.units.cluster == "user_id"
    assert clustered.adjusted.estimate.shift == pytest.approx(plain.adjusted.estimate.shift)
    ratio = np.ptp(clustered.adjusted.estimate.ci) / np.ptp(plain.adjusted.estimate.ci)
    plain_ratio = np.sqrt(
        float(clustered.overall.cell.sums.variance) / float(plain.overall.cell.sums.variance)
    )
    assert ratio == pytest.approx(plain_ratio, rel=0.01)
