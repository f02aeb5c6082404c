"""A watch after a fix: known verdicts, missing and late hours, a state that survives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import rca
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import BadValueError, CorruptFileError, MissingFileError, WindowError
from rca.respond.verify import (
    Hour,
    Measured,
    Objective,
    objective_of,
    plan_verification,
    read_hours,
    read_state,
    verify,
    watch,
)
from rca.respond.verify.objective import _from_baseline
from rca.stats.betting import beta_binomial, block_kappa, log_wealth_above, log_wealth_below

START = datetime(2026, 3, 1, tzinfo=UTC)


def errors(**other):
    fields = {"name": "errors", "metric": "error_rate", "worse": "up", "limit": 0.02}
    return Objective(**{**fields, "rows_per_hour": 500, **other})


def plan_of(*objectives, **other):
    return plan_verification(objectives or [errors()], start=START, **other)


def hours_of(values, *, name="errors", n=500, seen_at=None):
    return [
        Hour(
            start=START + timedelta(hours=i),
            values={name: Measured(n=n, value=float(value))},
            seen_at=seen_at,
        )
        for i, value in enumerate(values)
    ]


def test_evidence_of_the_first_hour_is_the_mean_of_the_bets_by_hand():
    row = verify(plan_of(), hours_of([0.06])).table.iloc[0]
    # x is three times the limit, so each bet f wins 1 + 2 f: f = .1, .25, .5, .75, .95.
    assert row["e_alarm"] == pytest.approx(1 + 2 * (0.1 + 0.25 + 0.5 + 0.75 + 0.95) / 5)


def test_a_clean_day_is_recovered_and_a_bad_one_is_not():
    clean = verify(plan_of(), hours_of([0.004] * 24))
    assert clean.status == "recovered"
    assert clean.findings()[0].code == "VERIFY_RECOVERED"
    bad = verify(plan_of(), hours_of([0.06] * 24))
    assert bad.status == "not_recovered"
    assert bad.table.iloc[0]["alarmed_at"] < pd.Timestamp(START + timedelta(hours=6))


def test_a_day_at_the_limit_is_neither():
    result = verify(plan_of(), hours_of([0.02] * 24))
    assert result.status == "inconclusive"
    assert any("proved recovered at" in caveat for caveat in result.caveats)


def test_an_alarm_needs_no_full_day_and_recovery_does():
    assert verify(plan_of(), hours_of([0.08] * 5)).status == "not_recovered"
    assert verify(plan_of(), hours_of([0.001] * 23)).status == "waiting"


@pytest.mark.parametrize("missing", [6, 1])
def test_missing_hours_rule_recovery_out(missing):
    hours = hours_of([0.001] * 24)[: 24 - missing]
    result = verify(plan_of(), hours, now=START + timedelta(hours=25))
    assert result.status == "inconclusive"
    assert f"{24 - missing} of 24 hours seen" in result.summary()
    allowed = verify(plan_of(max_missing=6), hours, now=START + timedelta(hours=25))
    assert allowed.status == "recovered"


def test_an_hour_without_rows_is_a_missing_hour():
    hours = hours_of([0.001] * 24)
    empty = {"errors": Measured(n=0, value=None)}
    hours[7] = Hour(start=hours[7].start, values=empty)
    result = verify(plan_of(), hours)
    assert (result.status, result.n_missing) == ("inconclusive", 1)


def test_late_hours_are_counted_and_may_still_prove():
    hours = hours_of([0.001] * 24, seen_at=START + timedelta(hours=30))
    result = verify(plan_of(), hours)
    assert (result.status, result.n_late) == ("recovered", 24)
    assert any("24 hours were read" in caveat for caveat in result.caveats)


def test_accuracy_is_watched_from_below():
    objective = errors(name="accuracy", metric="accuracy", worse="down", limit=0.9)
    good = verify(plan_of(objective), hours_of([0.97] * 24, name="accuracy"))
    bad = verify(plan_of(objective), hours_of([0.8] * 24, name="accuracy"))
    assert (good.status, bad.status) == ("recovered", "not_recovered")
    row = good.table.iloc[0]
    assert row["low"] < 0.97 < row["high"]
    assert row["can_prove"] > 0.9 > row["can_alarm"]


def test_hours_that_vary_more_than_planned_prove_nothing():
    wild = [0.0] * 20 + [0.09, 0.0, 0.08, 0.0]
    assert np.mean(wild) < 0.01
    result = verify(plan_of(errors(rows_per_hour=5000, clustering=0.001)), hours_of(wild, n=5000))
    assert result.status != "recovered"
    assert any("vary more than the plan allows" in caveat for caveat in result.caveats)


def test_verdicts_at_the_limit_are_seldom_wrong_with_clustered_errors():
    rng = np.random.default_rng(7)
    days = beta_binomial(0.02, 200, 0.02, (120, 24), rng)
    plan = plan_of(errors(rows_per_hour=200))
    found = [verify(plan, hours_of(day, n=200)).status for day in days]
    slack = 3 * (0.05 * 0.95 / len(days)) ** 0.5
    assert found.count("not_recovered") / len(days) <= 0.05 + slack
    assert found.count("recovered") / len(days) <= 0.05 + slack
    assert set(found) <= {"recovered", "not_recovered", "inconclusive"}


def test_a_limit_that_was_measured_keeps_the_level():
    """The baseline's own error is paid for: at baseline + margin neither verdict comes often."""
    rng, wrong = np.random.default_rng(9), {"recovered": 0, "not_recovered": 0}
    for _ in range(300):
        before = beta_binomial(0.02, 400, 0.01, (48,), rng)
        fields = _from_baseline(before, 0.012, "up", 0.05)
        after = beta_binomial(0.032, 400, 0.01, (24,), rng)
        level = 0.05 * 0.9
        kappa = block_kappa(400, 0.01)
        alarm = log_wealth_above(after, fields["alarm_limit"]).max() >= np.log(1 / level)
        proof = log_wealth_below(after, fields["limit"], kappa)[-1] >= np.log(1 / level)
        wrong["not_recovered"] += alarm
        wrong["recovered"] += proof
    assert max(wrong.values()) / 300 <= 0.05


def test_every_key_objective_must_recover_and_any_may_alarm():
    slow = errors(name="slow", metric="p95_latency", limit=0.05, threshold=800.0)
    both = plan_of(errors(), slow)

    def hours(first, second):
        return [
            Hour(start=a.start, values={**a.values, **b.values})
            for a, b in zip(
                hours_of([first] * 24), hours_of([second] * 24, name="slow"), strict=True
            )
        ]

    assert verify(both, hours(0.004, 0.01)).status == "recovered"
    assert verify(both, hours(0.004, 0.05)).status == "inconclusive"
    assert verify(both, hours(0.004, 0.2)).status == "not_recovered"
    shown = plan_of(errors(), slow.model_copy(update={"key": False}))
    assert verify(shown, hours(0.004, 0.2)).status == "recovered"


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(24)), st.integers(0, 10))
def test_the_order_of_the_hours_does_not_change_the_final_evidence(order, seed):
    rates = beta_binomial(0.015, 500, 0.02, (24,), np.random.default_rng(seed))
    hours = hours_of(rates)
    straight = verify(plan_of(), hours).table.iloc[0]
    mixed = verify(plan_of(), [hours[i] for i in order]).table.iloc[0]
    assert mixed["e_recovered"] == pytest.approx(straight["e_recovered"])
    assert mixed["value"] == pytest.approx(straight["value"])


def test_hour_by_hour_is_the_same_as_all_at_once(tmp_path):
    rates = beta_binomial(0.03, 500, 0.02, (24,), np.random.default_rng(4))
    path, hours = tmp_path / "watch.json", hours_of(rates)
    for i, hour in enumerate(hours):
        now = hour.start + timedelta(hours=1, minutes=5)
        watch(path, [hour], plan=plan_of(), now=now)
        again = watch(path, hours[: i + 1], now=now)  # the job runs twice
    once = verify(plan_of(), hours)
    assert again.status == once.status
    pd.testing.assert_frame_equal(again.table, once.table)
    assert len(read_state(path).hours) == 24
    assert (again.n_late, again.n_revised) == (0, 0)


def test_other_numbers_for_a_known_hour_replace_it_and_are_said(tmp_path):
    path = tmp_path / "watch.json"
    watch(path, hours_of([0.9]), plan=plan_of(), now=START)
    result = watch(path, hours_of([0.01]), now=START + timedelta(hours=2))
    assert (result.status, result.n_revised) == ("waiting", 1)
    assert any("replaced by later numbers" in caveat for caveat in result.caveats)


def test_a_crash_while_writing_leaves_the_state_of_before(tmp_path, monkeypatch):
    path = tmp_path / "watch.json"
    watch(path, hours_of([0.01]), plan=plan_of(), now=START)
    before = path.read_text()

    def crash(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", crash)
    with pytest.raises(rca.RCAError, match=r"cannot write .*No space left"):
        watch(path, hours_of([0.01, 0.01]), now=START)
    monkeypatch.undo()
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir() if "tmp" in p.name or p.name.startswith(".w")] == []
    watch(path, hours_of([0.01, 0.01]), now=START)
    assert len(read_state(path).hours) == 2


def test_a_watch_of_a_log_reads_its_hours():
    logs = log_of(days=10, bad_from=8, bad=0.06, good=0.005)
    pair = rca.Comparison.by_time(
        logs,
        baseline=rca.Window.of("2026-02-01", "2026-02-08"),
        incident=rca.Window.of("2026-02-09", "2026-02-11"),
        metric="error_rate",
    )
    objective = objective_of(pair, margin=0.015)
    assert objective.limit < 0.02 < objective.alarm_limit
    assert objective.rows_per_hour == pytest.approx(200, rel=0.1)
    sick = plan_verification([objective], start="2026-02-09T00:00Z")
    read = read_hours(logs, sick)
    assert len(read.hours) == 24
    assert all(hour.values["error_rate"].n == 200 for hour in read.hours)
    assert verify(sick, read.hours, sql=read.sql).status == "not_recovered"
    well = plan_verification([objective], start="2026-02-05T00:00Z")
    assert verify(well, read_hours(logs, well).hours).status == "recovered"


def test_an_hour_that_is_not_over_is_not_read():
    logs = log_of(days=2, bad_from=9)
    plan = plan_verification([errors()], start="2026-02-02T12:00Z")
    assert len(read_hours(logs, plan).hours) == 11  # the log ends with the last row at 23:59:42
    assert len(read_hours(logs, plan, now=datetime(2026, 2, 2, 14, 59, tzinfo=UTC)).hours) == 2
    later = read_hours(logs, plan, now=datetime(2026, 2, 2, 15, 0, tzinfo=UTC), settle_minutes=10)
    assert len(later.hours) == 2


def test_a_percentile_is_the_share_of_rows_above_its_limit():
    logs = log_of(days=3, bad_from=9)
    pair = rca.Comparison.by_time(
        logs,
        baseline=rca.Window.of("2026-02-01", "2026-02-03"),
        incident=rca.Window.of("2026-02-03", "2026-02-04"),
        metric="p95_latency",
    )
    objective = objective_of(pair, limit=800.0)
    assert (objective.limit, objective.threshold, objective.worse) == (
        pytest.approx(0.05),
        800.0,
        "up",
    )
    plan = plan_verification([objective], start="2026-02-03T00:00Z")
    read = read_hours(logs, plan, now=datetime(2026, 2, 4, tzinfo=UTC))
    values = [hour.values["p95_latency"].value for hour in read.hours]
    slow = logs.engine.one(
        f"select avg(case when latency_ms > 800 then 1.0 else 0.0 end) as s from {logs.relation} "
        "where ts >= timestamp '2026-02-03'"
    )["s"]
    assert np.mean(values) == pytest.approx(slow)


def log_of(*, days, bad_from, bad=0.06, good=0.005):
    n = days * 24 * 200
    rng = np.random.default_rng(3)
    day = np.arange(n) // (24 * 200)
    failed = rng.random(n) < np.where(day >= bad_from, bad, good)
    return rca.read_logs(
        pd.DataFrame(
            {
                "ts": pd.date_range("2026-02-01", periods=n, freq="18s", tz="UTC"),
                "status": np.where(failed, "error", "ok"),
                "latency_ms": rng.gamma(4, 100, n),
            }
        )
    )


def test_bad_calls_say_what_to_do(tmp_path):
    with pytest.raises(BadValueError, match=r"limit = 2.*less than or equal to 1"):
        plan_from = {"name": "x", "metric": "m", "worse": "up", "limit": 2, "rows_per_hour": 1}
        from rca.respond.files import checked

        checked(Objective, plan_from, where="objective")
    with pytest.raises(BadValueError, match="same name"):
        plan_of(errors(), errors())
    with pytest.raises(BadValueError, match="comes twice"):
        verify(plan_of(), hours_of([0.1]) * 2)
    with pytest.raises(BadValueError, match="is none of the plan"):
        verify(plan_of(), [Hour(start=START + timedelta(minutes=1), values={})])
    with pytest.raises(BadValueError, match="'slow', which is no objective"):
        verify(plan_of(), hours_of([0.1], name="slow"))
    with pytest.raises(MissingFileError, match="no state of a watch"):
        watch(tmp_path / "none.json")
    pair = log_of(days=3, bad_from=9)
    by_mean = rca.Comparison.by_time(
        pair,
        baseline=rca.Window.of("2026-02-01", "2026-02-02"),
        incident=rca.Window.of("2026-02-02", "2026-02-03"),
        metric="mean_latency",
    )
    with pytest.raises(BadValueError, match=r"not from 0 to 1.*Watch a share"):
        objective_of(by_mean)
    with pytest.raises(BadValueError, match="give one of the two"):
        objective_of(by_mean.measuring("error_rate"), limit=0.1, margin=0.1)
    with pytest.raises(WindowError, match="no less than the margin"):
        objective_of(by_mean.measuring("error_rate"), margin=0.0001)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s[:-40], "is not whole JSON"),
        (lambda s: s.replace('"revised"', '"revise"'), "unknown field 'revise'. Did you mean"),
        (lambda s: s.replace('"limit": 0.02', '"limit": "2%"'), "objectives.0.limit = '2%'"),
        (lambda s: s.replace('"limit": 0.02', '"limit": NaN'), "NaN, which is no number"),
        (lambda s: s.replace('"value": 0.01', '"value": null'), "null where n = 0"),
        (lambda s: s.replace('"value": 0.01', '"value": 1.5'), "value = 1.5"),
        (lambda s: s.replace('"hours": 24', '"hours": true'), "plan.hours = True"),
        (lambda s: s.replace("rca.verify/1", "rca.verify/9"), "format = 'rca.verify/9'"),
        (lambda s: s.replace('"revised": 0', '"revised": 0, "revised": 1'), "'revised' twice"),
    ],
)
def test_a_broken_state_is_one_clear_error(tmp_path, edit, message):
    path = tmp_path / "watch.json"
    watch(path, hours_of([0.01]), plan=plan_of(), now=START)
    text = edit(path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises((BadValueError, CorruptFileError)) as caught:
        watch(path, hours_of([0.01]), now=START)
    assert message in str(caught.value)
    assert path.read_text() == text


def test_a_plan_cannot_be_changed_once_it_has_begun(tmp_path):
    path = tmp_path / "watch.json"
    watch(path, plan=plan_of(), now=START)
    with pytest.raises(BadValueError, match="belongs to another plan"):
        watch(path, plan=plan_of(errors(limit=0.2)), now=START)


def test_a_watch_that_saw_nothing_is_said_and_not_fine():
    few = plan_of(errors(rows_per_hour=20))
    assert verify(few, []).status == "waiting"
    result = verify(few, [], now=START + timedelta(days=2))
    assert (result.status, result.n_missing) == ("inconclusive", 24)
    assert any("never proved recovered" in caveat for caveat in result.caveats)
    details = result.findings()[0].details
    assert details["can_prove"] is None
    assert json.loads(json.dumps(dict(details), allow_nan=False))["hours_missing"] == 24
    assert result.plot().layout.title.text


def test_the_result_has_what_every_result_has():
    result = verify(plan_of(), hours_of([0.004] * 24))
    assert list(result.table.columns) == list(result.columns)
    assert set(result.shown) <= set(result.columns)
    assert len(result.plot().data) == 2
    assert "recovered" in result._repr_html_()
    finding = result.findings()[0]
    assert finding.p_value < 0.05
    assert finding.n == 12_000
    json.dumps(dict(finding.details))
