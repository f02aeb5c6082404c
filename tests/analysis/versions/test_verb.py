"""The version diff: known answers, invariants, identical pairs, planted causes, errors."""

import numpy as np
import pandas as pd
import pytest
import rca
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.analysis.versions import diff
from rca.stats.ratio import newcombe
from scipy import stats


def log(baseline, current, *, ids=None, **columns):
    """Two versions' answers in one log; ``ids`` name the questions."""
    n, m = len(baseline), len(current)
    frame = {"model_version": ["v1"] * n + ["v2"] * m, "correct": [*baseline, *current]}
    if ids is not None:
        frame["question_id"] = list(ids)
    return rca.read_logs(pd.DataFrame(frame | columns))


def diffed(logs, metric="accuracy", **given):
    return rca.diff_versions(logs, baseline="v1", current="v2", metric=metric, **given)


def binary_pairs(both, fell, rose, neither):
    before = [1] * (both + fell) + [0] * (rose + neither)
    after = [1] * both + [0] * fell + [1] * rose + [0] * neither
    n = len(before)
    return log(before, after, ids=[*range(n), *range(n)])


@pytest.mark.shared
def test_the_published_fall_of_directly_executable_code(shared):
    # Chen, Zaharia and Zou (2023): GPT-4, March to June, 52 % to 10 % of 50 problems.
    logs = rca.read_logs(shared / "traces/llmdrift/LEETCODE_EASY_EVAL.csv")
    found = rca.diff_versions(
        logs,
        baseline="openaichat/gpt-4-0314",
        current="openaichat/gpt-4-0613",
        metric="mean:Directly Usable",
    )
    assert found.paired
    assert found.overall.cell.pairs == 50
    assert (found.overall.baseline, found.overall.current) == pytest.approx((0.52, 0.10))
    assert found.discordance == (3, 23, 2, 22)
    assert found.mcnemar.p_exact == pytest.approx(stats.binomtest(2, 25).pvalue)
    assert found.verdict == "regressed"


def test_binary_pairs_by_hand():
    found = diffed(binary_pairs(14, 0, 5, 22))
    assert found.discordance == (14, 0, 5, 22)
    assert found.overall.shift == pytest.approx(5 / 41)
    assert np.round(found.overall.ci, 3).tolist() == [0.011, 0.226]
    assert found.mcnemar.p_exact == pytest.approx(2 * 0.5**5)
    assert found.overall.p_value == pytest.approx(2 * 0.5**5 - 0.5**5)


def test_paired_means_are_the_paired_t_test():
    rng = np.random.default_rng(1)
    before = rng.lognormal(6, 1, 60)
    after = before * rng.lognormal(0.1, 0.2, 60)
    order = rng.permutation(60)
    logs = log(
        [1] * 60,
        [1] * 60,
        ids=[*range(60), *order],
        latency_ms=[*before, *after[order]],
    )
    found = diffed(logs, "mean_latency").overall
    assert found.p_value == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert found.shift == pytest.approx(float(np.mean(after - before)))


def test_unpaired_rows_are_newcombes_interval():
    found = diffed(log([1] * 48 + [0] * 32, [1] * 56 + [0] * 14))
    assert not found.paired
    assert found.overall.ci == pytest.approx(newcombe((48, 56), (80, 70)))
    assert "unpaired" in found.caveats[-1]


def test_unpaired_means_are_welchs():
    rng = np.random.default_rng(2)
    before, after = rng.normal(100, 10, 50), rng.normal(105, 30, 70)
    logs = log([1] * 50, [1] * 70, latency_ms=[*before, *after])
    found = diffed(logs, "mean_latency").overall
    theirs = stats.ttest_ind(after, before, equal_var=False)
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.ci == pytest.approx(tuple(theirs.confidence_interval()))


def test_repeated_trials_are_averaged_by_question():
    before, after = [1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]
    logs = log(before, after, ids=[1, 1, 2, 2, 3, 3] * 2)
    found = diffed(logs)
    differences = np.array([1 - 0.5, 1 - 1, 0.5 - 0])
    assert found.overall.cell.pairs == 3
    assert found.overall.shift == pytest.approx(differences.mean())
    assert found.overall.p_value == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert found.discordance is None


def test_pairs_without_a_value_are_left_out_and_said():
    logs = log([1, 1, None, 0, 1], [1, 0, 1, None, 1], ids=[*range(5)] * 2)
    found = diffed(logs)
    assert found.discordance == (2, 1, 0, 0)
    assert any("2 pairs have no accuracy" in caveat for caveat in found.caveats)


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(3)
    users = np.repeat(np.arange(60), 20)
    taste = rng.random(60)[users]
    version = np.where(np.arange(60)[users] % 2 == 0, "v1", "v2")
    correct = (rng.random(1200) < taste).astype(int)
    order = np.argsort(version, kind="stable")
    logs = log(correct[order][:600], correct[order][600:], user_id=[f"u{u}" for u in users[order]])
    clustered, plain = diffed(logs), diffed(logs, cluster=None)
    assert clustered.units.cluster == "user_id"
    assert clustered.overall.cell.sums.n == 60
    assert clustered.overall.shift == pytest.approx(plain.overall.shift)
    widths = [np.ptp(found.overall.ci) for found in (clustered, plain)]
    assert widths[0] > 2 * widths[1]


def test_a_row_without_a_cluster_is_one_of_its_own():
    users = [f"u{i // 4}" if i < 160 else None for i in range(200)]
    rng = np.random.default_rng(11)
    logs = log(rng.integers(0, 2, 200), rng.integers(0, 2, 200), user_id=users * 2)
    found = diffed(logs)
    assert found.units.cluster == "user_id"
    assert found.overall.cell.sums.n == 40 + 2 * 40


def test_a_planted_slice_regresses_and_no_other():
    rng = np.random.default_rng(4)
    n = 3000
    region = rng.choice(["eu", "us", "apac", "br"], n)
    before = (rng.random(n) < 0.85).astype(int)
    broken = (region == "br") & (rng.random(n) < 0.3)
    # As many rise as fall: 0.85 * 0.012 = 0.15 * 0.068.
    flipped = np.where(rng.random(n) < np.where(before == 1, 0.012, 0.068), 1 - before, before)
    after = np.where(broken, 0, flipped)
    logs = log(before, after, ids=[*range(n)] * 2, region=[*region, *region])
    found = diffed(logs, by="region", margin=0.03)
    said = dict(zip(found.table["value"], found.table["verdict"], strict=True))
    assert said["br"] == "regressed"
    assert {said[r] for r in ("eu", "us", "apac")} <= {"no_regression", "cannot_tell"}
    codes = [finding.code for finding in found.findings()]
    assert codes == ["VERSION_REGRESSED", "VERSION_SLICE_REGRESSED"]
    assert found.findings()[1].slice == {"region": "br"}


def test_slices_found_under_no_change_keep_the_false_discovery_rate():
    rng = np.random.default_rng(5)
    said = []
    for _ in range(25):
        n = 800
        before = (rng.random(n) < 0.7).astype(int)
        after = np.where(rng.random(n) < 0.2, (rng.random(n) < 0.7).astype(int), before)
        slices = rng.integers(0, 12, n)
        logs = log(before, after, ids=[*range(n)] * 2, shard=[f"s{s}" for s in [*slices] * 2])
        found = diffed(logs, by="shard")
        said.append(any(e.verdict in ("regressed", "improved") for e in found.slices))
    assert sum(said) <= 5


def test_thin_slices_are_pooled():
    names = ["a"] * 20 + ["b"] * 3 + ["c"] * 2 + ["d"]
    n = len(names)
    logs = log([1] * n, [1] * n, ids=[*range(n)] * 2, kind=names * 2)
    found = diffed(logs, by="kind", min_rows=10)
    assert found.table[["value", "n"]].to_numpy().tolist() == [["", 26], ["a", 20], ["(rest)", 6]]


def test_an_identical_pair_shows_nothing():
    rng = np.random.default_rng(6)
    correct = (rng.random(400) < 0.8).astype(int)
    logs = log(correct, correct, ids=[*range(400)] * 2, region=["eu", "us"] * 400)
    found = diffed(logs, by="region")
    assert found.overall.shift == 0
    assert found.overall.p_value == 1
    assert set(found.table["verdict"]) <= {"no_regression"}


def test_several_metrics_are_corrected_by_holm():
    rng = np.random.default_rng(7)
    n = 100
    tokens = rng.gamma(3, 50, n)
    logs = log(
        [1] * n,
        [1] * (n - 5) + [0] * 5,
        ids=[*range(n)] * 2,
        output_tokens=[*tokens, *(tokens * 1.2)],
        latency_ms=[*tokens, *rng.permutation(tokens)],
    )
    found = diffed(logs, also=["output_tokens", "mean_latency"]).metrics.set_index("metric")
    assert found["p_holm"]["output_tokens"] == pytest.approx(3 * found["p_value"]["output_tokens"])
    assert found["p_holm"]["accuracy"] == pytest.approx(2 * found["p_value"]["accuracy"])
    assert found["verdict"].to_dict() == {
        "accuracy": "cannot_tell",
        "output_tokens": "regressed",
        "mean_latency": "cannot_tell",
    }


def test_two_tables_are_a_comparison_too():
    engine = rca.connect()
    frame = pd.DataFrame({"question_id": range(40), "correct": [1] * 30 + [0] * 10})
    before = rca.read_logs(frame, engine=engine)
    after = rca.read_logs(frame.assign(correct=[1] * 20 + [0] * 20), engine=engine)
    found = diff(rca.Comparison.of(before, after, metric="accuracy"))
    assert found.paired
    assert found.discordance == (20, 10, 0, 10)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=4, max_size=30),
    st.randoms(use_true_random=False),
)
@settings(max_examples=8, deadline=None)
def test_swapping_sides_turns_signs_and_row_order_is_irrelevant(pairs, random):
    before, after = ([p[i] for p in pairs] for i in (0, 1))
    ids = [*range(len(pairs))]
    forward = diffed(log(before, after, ids=ids * 2)).overall
    backward = rca.diff_versions(
        log(before, after, ids=ids * 2), baseline="v2", current="v1", metric="accuracy"
    ).overall
    assert backward.shift == pytest.approx(-forward.shift)
    assert backward.ci == pytest.approx((-forward.ci[1], -forward.ci[0]))
    assert backward.p_value == pytest.approx(forward.p_value)
    order = random.sample(ids, len(ids))
    shuffled = log(
        [before[i] for i in order],
        [after[i] for i in sorted(order)],
        ids=[*order, *sorted(order)],
    )
    assert diffed(shuffled).overall.ci == pytest.approx(forward.ci)


def test_a_quantile_is_compared_by_its_values_not_by_its_mean():
    rng = np.random.default_rng(8)
    n = 2000
    before = rng.lognormal(6, 0.5, n)
    after = np.where(before > np.quantile(before, 0.8), before * 1.5, before)
    logs = log([1] * n, [1] * n, ids=[*range(n)] * 2, latency_ms=[*before, *after])
    p95, p50 = (diffed(logs, name).overall for name in ("p95_latency", "p50_latency"))
    assert p95.shift == pytest.approx(np.quantile(after, 0.95) - np.quantile(before, 0.95))
    assert p95.verdict == "regressed"
    assert p50.verdict == "no_regression"


def test_quantiles_by_slice_and_by_cluster():
    rng = np.random.default_rng(9)
    n = 1500
    region = rng.choice(["eu", "us", "a'b"], n)
    before, after = rng.lognormal(6, 0.5, n), rng.lognormal(6, 0.5, n)
    after[region == "eu"] *= 2
    users = [f"u{u}" for u in np.arange(2 * n) % 300]
    columns = {"latency_ms": [*before, *after], "region": [*region, *region]}
    plain = diffed(log([1] * n, [1] * n, **columns), "p95_latency", by="region")
    clustered = diffed(log([1] * n, [1] * n, user_id=users, **columns), "p95_latency", by="region")
    for found in (plain, clustered):
        rows = found.table.set_index("value")
        assert rows.loc["eu", "verdict"] == "regressed"
        assert rows.loc["us", "shift"] == pytest.approx(
            np.quantile(after[region == "us"], 0.95) - np.quantile(before[region == "us"], 0.95)
        )
        assert rows.loc["us", "verdict"] != "regressed"
        assert rows.loc["a'b", "verdict"] != "regressed"
    assert clustered.table["n"][0] == 300


def test_clustered_pairs_keep_their_discordance_but_not_mcnemars_test():
    n = 200
    before, after = [1] * n, [1] * 150 + [0] * 50
    users = [f"u{i // 5}" for i in range(n)]
    found = diffed(log(before, after, ids=[*range(n)] * 2, user_id=users * 2))
    assert found.units.cluster == "user_id"
    assert found.discordance == (150, 50, 0, 0)
    assert found.mcnemar is None
    assert found.overall.cell.sums.n == 40


def test_weights_count_a_row_as_many():
    weights = [1.0] * 6 + [3.0] * 6
    found = diffed(
        log([1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0], weight=weights[:3] * 2 + weights[6:])
    )
    assert found.overall.baseline == pytest.approx(0.5)
    heavy = log([1, 0, 0], [1, 1, 0], weight=[5, 1, 1, 1, 1, 4])
    assert diffed(heavy).overall.baseline == pytest.approx(5 / 7)
    assert diffed(heavy).overall.current == pytest.approx(2 / 6)


def test_precision_is_a_ratio_over_pairs():
    rng = np.random.default_rng(10)
    n = 400
    label = rng.integers(0, 2, n)
    told = [np.where(rng.random(n) < p, label, 1 - label) for p in (0.9, 0.7)]
    logs = log(
        [1] * n, [1] * n, ids=[*range(n)] * 2, label=[*label] * 2, prediction=[*told[0], *told[1]]
    )
    found = diffed(logs, "precision", also=["recall", "f1"])
    hit = [((t == 1) & (label == 1)).sum() / (t == 1).sum() for t in told]
    assert (found.overall.baseline, found.overall.current) == pytest.approx(tuple(hit))
    assert found.verdict == "regressed"
    assert found.metrics["metric"].tolist() == ["precision", "recall", "f1"]


def test_the_call_computes_the_same_again():
    logs = binary_pairs(30, 9, 3, 20)
    found = diffed(logs, pairing="paired", cluster=None, margin=0.1, also=["accuracy"])
    again = eval(found.call, {"rca": rca, "logs": logs})
    assert "cluster=None, margin=0.1" in found.call
    assert again.call == found.call
    assert again.table.equals(found.table)


def test_the_html_is_readable_and_escaped():
    n = 30
    logs = log([1] * n, [0] * n, ids=[*range(n)] * 2, region=["<b>eu</b>"] * (2 * n))
    text = diffed(logs, by="region")._repr_html_()
    assert "&lt;b&gt;eu" in text
    assert "<b>eu" not in text
