import numpy as np
from rca.analysis.events.timeline import Timeline
from rca.model.metric import Metric
from rca.stats.ratio import Sums


def line(n):
    value = np.arange(n, dtype=float)
    sums = Sums(value + 1, value + 1, value, value + 1, value, value)
    return Timeline(Metric("accuracy", "mean", "correct"), value * 60, 60.0, value + 2, sums)


def test_coarser_buckets_hold_the_same_rows():
    fine = line(10)
    coarse = fine.coarser(4)
    assert coarse.times.tolist() == [0.0, 180.0, 360.0, 540.0]
    assert coarse.width_s == 180.0
    assert coarse.sums.y.tolist() == [3.0, 12.0, 21.0, 9.0]
    assert coarse.rows.sum() == fine.rows.sum()


def test_few_buckets_stay_as_they_are():
    fine = line(4)
    assert fine.coarser(4) is fine
