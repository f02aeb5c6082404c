"""Precision against recall: a threshold, the scores' level, their ranking, or other traffic."""

import numpy as np
import pandas as pd
import pytest
import rca
from rca.analysis.versions import trade_off
from rca.errors import EmptyLogError, MissingColumnError


def expit(x):
    return 1 / (1 + np.exp(-x))


def two_versions(cause, *, n=4000, seed=1, paired=True):
    rng = np.random.default_rng(seed)

    def side(changed):
        draw = np.random.default_rng(seed if paired else seed + changed)
        prevalence = 0.15 if changed and cause == "prevalence" else 0.3
        label = (draw.random(n) < prevalence).astype(int)
        logit = 2.4 * label - 1.8 + draw.normal(size=n)
        if changed and cause == "ranking":
            logit = 0.8 * label - 1.3 + 1.4 * rng.normal(size=n)
        if changed and cause == "scores":
            logit = logit + 1
        score = expit(logit)
        threshold = 0.7 if changed and cause == "threshold" else 0.5
        return pd.DataFrame(
            {
                "model_version": f"v{2 if changed else 1}",
                "question_id": np.arange(n) + (0 if paired else n * changed),
                "label": label,
                "score": score,
                "prediction": (score >= threshold).astype(int),
            }
        )

    return pd.concat([side(0), side(1)])


def traded(frame, **given):
    logs = rca.read_logs(frame)
    found = rca.diff_versions(logs, baseline="v1", current="v2", metric="recall", **given)
    return found.trade_off()


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("cause", ["threshold", "scores", "ranking"])
def test_the_cause_is_named_first(cause, paired):
    found = traded(two_versions(cause, paired=paired))
    assert found.moved[0] == cause
    assert (found.scores.joint is not None) == paired
    assert found.findings()[0].code == f"VERSION_{cause.upper()}_MOVED"


def test_a_threshold_alone_leaves_ranking_and_calibration():
    found = traded(two_versions("threshold"))
    assert found.moved == ("threshold",)
    assert found.auc.shift == pytest.approx(0)
    assert found.sides["threshold"].tolist() == pytest.approx([0.5, 0.7], abs=0.005)
    assert found.sides["agreement"].tolist() == [1, 1]
    assert found.sides["calibration_error"][0] == found.sides["calibration_error"][1]
    assert "the threshold moved" in found.summary()


def test_scores_that_rose_are_out_of_calibration():
    found = traded(two_versions("scores"))
    assert found.sides["calibration_gap"][1] < found.sides["calibration_gap"][0] - 0.1
    assert found.auc.shift == pytest.approx(0, abs=0.001)


def test_other_traffic_is_not_a_worse_model():
    found = traded(two_versions("prevalence", paired=False))
    assert found.moved == ("prevalence",)


def test_nothing_moved_between_samples_of_one_version():
    found = traded(two_versions("none", paired=False))
    assert found.moved == ()
    assert found.findings() == ()


def test_the_parts_are_precision_and_recall_of_the_rows():
    frame = two_versions("ranking")
    found = traded(frame)
    parts = found.table[found.table["part"] != "all"].groupby("measure")["shift"].sum()
    for measure in ("precision", "recall"):
        values = []
        for _, rows in frame.groupby("model_version"):
            hit = ((rows["prediction"] == 1) & (rows["label"] == 1)).sum()
            whole = rows["prediction" if measure == "precision" else "label"].sum()
            values.append(hit / whole)
        assert parts[measure] == pytest.approx(values[1] - values[0])


def test_predictions_that_follow_no_threshold_are_said():
    frame = two_versions("none")
    rng = np.random.default_rng(2)
    frame["prediction"] = np.where(
        rng.random(len(frame)) < 0.1, 1 - frame["prediction"], frame["prediction"]
    )
    assert "follow one threshold" in " ".join(traded(frame).caveats)


def test_figures_are_drawn_from_the_counts():
    found = traded(two_versions("scores"))
    assert len(found.plot().data) == 4
    assert len(found.plot_calibration().data) == 3


def test_scores_beyond_one_cannot_be_calibrated():
    frame = two_versions("threshold")
    frame["score"] = 10 * frame["score"]
    found = traded(frame)
    assert found.moved == ("threshold",)
    assert found.plot_calibration() is None
    assert "cannot be calibrated" in " ".join(found.caveats)


def test_a_log_without_scores_or_labels_is_refused():
    logs = rca.read_logs(two_versions("none").drop(columns="score"))
    comparison = rca.Comparison.by_version(logs, baseline="v1", current="v2", metric="recall")
    with pytest.raises(MissingColumnError, match="score"):
        trade_off(comparison)
    unlabelled = two_versions("none").assign(
        label=lambda f: f["label"].where(f.model_version == "v1")
    )
    logs = rca.read_logs(unlabelled)
    comparison = rca.Comparison.by_version(logs, baseline="v1", current="v2", metric="recall")
    with pytest.raises(EmptyLogError, match="Join the labels"):
        trade_off(comparison)
