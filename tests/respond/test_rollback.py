"""A rollback: refused unless it is safe, and done only when the service says so."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from rca.errors import (
    BadValueError,
    CorruptFileError,
    OutputError,
    RCAError,
    RefusedError,
    UnknownNameError,
)
from rca.model.finding import Finding
from rca.respond.audit import AuditLog
from rca.respond.rollback import (
    Bundle,
    FlagFileTarget,
    HttpProbe,
    RollbackPlan,
    RollbackTarget,
    VersionStore,
    digest_of,
    execute,
    plan_rollback,
    read_versions,
    readiness,
    record,
)
from rca.respond.rollback.probe import ProbeFailed

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WORSE = Finding("VERSION_REGRESSED", "accuracy was 81 % in v12 against 90 % in v11", n=900)


def bundle(name, day, **digests):
    return Bundle(
        version=name,
        released_at=NOW - timedelta(days=20 - day),
        **(digests or {"model": f"{day:064d}", "prompt": "a" * 64}),
    )


STORE = VersionStore(service="chat", versions=tuple(bundle(f"v{i}", i) for i in (8, 9, 10, 11, 12)))


class Memory:
    """A target kept in memory, which may be told to misbehave."""

    name = "memory"

    def __init__(self, weights=None):
        self.weights = weights or {"v9": 0, "v10": 0, "v11": 0, "v12": 100}
        self.down, self.fail, self.drains = set(), [], [True]
        self.applied, self.saved = [], 0

    def observe(self):
        return dict(self.weights)

    def problems(self, version):
        return ("it is DOWN",) if version in self.down else ()

    def after(self, version):
        return {name: 100 * (name == version) for name in self.weights}

    def apply(self, traffic):
        self.applied.append(dict(traffic))
        if self.fail and self.fail.pop(0):
            self.weights["v11"] = 50
            raise OutputError("the target did not take the weights")
        self.weights = dict(traffic)

    def persist(self):
        self.saved += 1
        return "saved"

    def drained(self, version):  # noqa: ARG002
        return self.drains.pop(0) if len(self.drains) > 1 else self.drains[0]

    def served(self):
        return max(self.weights, key=self.weights.get)


@pytest.fixture
def target():
    return Memory()


@pytest.fixture
def audit(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def plan_of(target, **other):
    return plan_rollback(STORE, target, **{"to": "v11", "because": WORSE, "now": NOW, **other})


def run(plan, target, audit, **other):
    given = {
        "probe": target.served, "audit": audit, "actor": "ann", "reason": "INC-7", "apply": True,
        "confirm": plan.digest, "now": NOW, "probe_s": 0.2,
    }  # fmt: skip
    return execute(plan, target, **{**given, **other})


def actions(audit):
    return [entry.action for entry in audit.entries()]


def test_a_plan_says_what_would_change(target):
    plan = plan_of(target)
    assert (plan.serving, plan.to, plan.changed, plan.override) == ("v12", "v11", ("model",), False)
    assert plan.after == {"v9": 0, "v10": 0, "v11": 100, "v12": 0}
    assert plan.digest in str(plan)
    assert "v11 0 to 100, v12 100 to 0" in str(plan)
    assert target.applied == []
    assert isinstance(target, RollbackTarget)


def test_a_dry_run_is_the_default_and_touches_nothing(target, audit):
    plan = plan_of(target)
    report = run(plan, target, audit, apply=False, confirm="")
    assert report.status == "dry_run"
    assert target.applied == []
    assert not audit.path.exists()
    assert report.table["step"].tolist() == ["check"]


def test_a_rollback_that_the_service_confirms(target, audit):
    plan = plan_of(target)
    report = run(plan, target, audit)
    assert report.status == "done"
    assert target.weights == plan.after
    assert report.table["step"].tolist() == ["check", "switch", "probe", "persist", "drain"]
    assert report.table["ok"].all()
    assert report.within_budget
    assert report.seconds == pytest.approx(report.table["seconds"].sum())
    assert actions(audit) == ["rollback_started", "rollback_done"]
    details = audit.entries()[-1].details
    assert (details["plan"], details["override"], details["before"]) == (
        plan.digest,
        False,
        plan.before,
    )
    assert report.findings()[0].code == "ROLLBACK_DONE"
    assert len(report.plot().data) == 5


def test_a_pointer_that_nobody_follows_is_undone(target, audit):
    plan = plan_of(target)
    report = run(plan, target, audit, probe=lambda: "v12")
    assert report.status == "undone"
    assert target.weights == plan.before
    assert report.table["step"].tolist() == ["check", "switch", "probe", "undo", "probe_after_undo"]
    assert any("mostly on v12, the bad version" in caveat for caveat in report.caveats)
    assert actions(audit) == ["rollback_started", "rollback_undone"]


def test_hold_keeps_the_switch_and_says_that_it_is_unproved(target, audit):
    report = run(plan_of(target), target, audit, probe=lambda: "v12", on_probe_failure="hold")
    assert report.status == "held"
    assert target.served() == "v11"
    assert any("which no probe has confirmed" in caveat for caveat in report.caveats)


def test_answers_must_come_in_a_row(target, audit):
    answers = iter(["v11", "v12"] * 500)
    report = run(plan_of(target), target, audit, probe=lambda: next(answers), n_probes=2)
    assert report.status == "undone"


def test_a_slow_reload_is_waited_for(target, audit):
    answers = iter(["v12", "v12", *["v11"] * 30])
    assert run(plan_of(target), target, audit, probe=lambda: next(answers)).status == "done"


def test_a_service_that_does_not_answer_is_no_proof(target, audit):
    def dead():
        raise ProbeFailed("status 503")

    report = run(plan_of(target), target, audit, probe=dead)
    assert report.status == "undone"
    assert "status 503" in report.table.set_index("step").loc["probe", "detail"]


def test_a_switch_taken_in_part_is_undone(target, audit):
    target.fail = [True]
    plan = plan_of(target)
    report = run(plan, target, audit)
    assert report.status == "failed"
    assert target.weights == plan.before
    target.fail = [True, True]
    report = run(plan, target, AuditLog(audit.path.with_name("b.jsonl")))
    assert report.status == "failed"
    assert report.traffic["v11"] == 50


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_whatever_a_probe_raises_traffic_goes_back(target, audit, error):
    def broken():
        raise error

    plan = plan_of(target)
    with pytest.raises(error):
        run(plan, target, audit, probe=broken)
    assert target.weights == plan.before
    assert actions(audit) == ["rollback_started", "rollback_abandoned"]
    assert audit.entries()[-1].details["undone"] is True


def test_a_call_in_flight_is_waited_for_or_said(target, audit):
    target.drains = [False, False, True]
    report = run(plan_of(target), target, audit, drain_s=5)
    assert "no call in flight" in report.table.iloc[-1]["detail"]
    target.weights, target.drains = {"v11": 0, "v12": 100}, [False]
    report = run(plan_of(target), target, audit)
    assert report.status == "done"
    assert any("still answers calls that began before" in caveat for caveat in report.caveats)


def test_the_budget_is_measured_and_exceeding_it_is_said(target, audit):
    ticks = iter(range(0, 10_000, 20))
    report = run(plan_of(target, budget=timedelta(seconds=30)), target, audit,
                 clock=lambda: float(next(ticks)), n_probes=1)  # fmt: skip
    assert not report.within_budget
    assert any("more than the 30 s budgeted" in caveat for caveat in report.caveats)
    assert audit.entries()[-1].details["within_budget"] is False


def test_a_plan_that_was_saved_is_the_same_plan(target, audit, tmp_path):
    plan = plan_of(target)
    path = tmp_path / "plan.json"
    plan.save(path)
    read = RollbackPlan.read(path)
    assert (read, read.digest) == (plan, plan.digest)
    assert run(read, target, audit).status == "done"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"override": false', '"override": "no"', "override = 'no'"),
        ('"v12": 100', '"v12": 1.5', "before.v12 = 1.5"),
        ('"because"', '"becase"', "unknown field 'becase'. Did you mean 'because'"),
        ('"2026-03-10T12:15:00Z"', '"soon"', "expires_at = 'soon'"),
    ],
)
def test_a_broken_plan_is_one_clear_error(target, tmp_path, old, new, message):
    path = tmp_path / "plan.json"
    plan_of(target).save(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadValueError) as caught:
        RollbackPlan.read(path)
    assert message in str(caught.value)


def test_a_plan_that_was_edited_needs_another_confirmation_and_must_make_sense(target, audit):
    plan = plan_of(target)
    edited = plan.model_copy(update={"after": {**plan.after, "v12": 100}})
    with pytest.raises(RefusedError, match="is not the plan's digest"):
        run(edited, target, audit, confirm=plan.digest)
    with pytest.raises(RefusedError, match="is not what gives v11 all traffic"):
        run(edited, target, audit)
    assert target.applied == []


def _expired(target, plan):
    return {"now": NOW + timedelta(minutes=15)}


def _changed(target, plan):
    target.weights = {"v9": 0, "v10": 0, "v11": 20, "v12": 80}
    return {}


def _down(target, plan):
    target.down.add("v11")
    return {}


def _other(target, plan):
    target.name = "another"
    return {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confirm": ""}, "is not the plan's digest"),
        ({"confirm": "0" * 16}, "is not the plan's digest"),
        (_expired, "the plan expired at"),
        (_changed, "the traffic changed since the plan"),
        (_down, "v11 cannot serve now: it is DOWN"),
        (_other, "the plan is for memory, not for another"),
        ({"actor": " "}, "needs both"),
        ({"reason": ""}, "needs both"),
        ({"n_probes": 0}, "n_probes = 0"),
        ({"on_probe_failure": "pray"}, "Give 'undo' or 'hold'"),
    ],
)
def test_what_is_not_safe_is_refused_before_anything_is_touched(target, audit, change, message):
    plan = plan_of(target)
    other = change(target, plan) if callable(change) else change
    with pytest.raises(RCAError) as caught:
        run(plan, target, audit, **other)
    assert message in str(caught.value)
    assert target.applied == []
    assert not audit.path.exists()


def test_a_broken_audit_stops_it_before_the_switch(target, audit):
    audit.path.write_text("{}\n")
    with pytest.raises(RCAError, match="line 1"):
        run(plan_of(target), target, audit)
    assert target.applied == []


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        ({"because": None}, RefusedError, "or an override with its reason; neither was given"),
        ({"because": Finding("COST_PRICE", "x")}, RefusedError, "the finding COST_PRICE was given"),
        ({"to": "v7"}, UnknownNameError, "unknown version 'v7'"),
        ({"to": "v8"}, RefusedError, "Those are: v11, v10, v9"),
        ({"to": "v12"}, RefusedError, "already has all traffic"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(target, other, error, message):
    with pytest.raises(error) as caught:
        plan_of(target, **other)
    assert message in str(caught.value)


def test_an_override_is_allowed_and_audited(target, audit):
    plan = plan_of(target, because=None, override="customers cannot log in")
    assert plan.override
    assert "OVERRIDE" in str(plan).upper()
    run(plan, target, audit)
    details = audit.entries()[0].details
    assert (details["override"], details["because"]) == (True, "override: customers cannot log in")


def test_the_plan_is_bound_to_what_it_says(target):
    plan = plan_of(target)
    assert plan.model_copy(update={"to": "v10"}).digest != plan.digest
    assert plan_of(target).digest == plan.digest


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"v11": 50, "v12": 50}, "have the same traffic"), ({"v11": 0, "v12": 0}, "no version has")],
)
def test_which_version_serves_must_be_clear(weights, message):
    with pytest.raises(RefusedError, match=message):
        plan_of(Memory(weights))


def test_readiness_names_the_version_that_is_down(target):
    target.down.add("v10")
    result = readiness(STORE, target)
    assert result.table["version"].tolist() == ["v11", "v10", "v9"]
    assert result.n_ready == 2
    assert "2 of 3 earlier versions" in result.summary()
    assert "v10: it is DOWN" in result.summary()
    assert result.findings()[0].code == "ROLLBACK_NOT_READY"
    assert list(result.table.columns) == list(result.columns)
    target.down.clear()
    assert readiness(STORE, target).findings()[0].code == "ROLLBACK_READY"


def test_a_short_store_is_never_ready(target):
    store = VersionStore(service="chat", versions=STORE.versions[-2:])
    result = readiness(store, target)
    assert result.findings()[0].code == "ROLLBACK_NOT_READY"
    assert any("only 1 versions" in caveat for caveat in result.caveats)
    alone = readiness(VersionStore(service="chat", versions=STORE.versions[-1:]), target)
    assert alone.n_ready == 0


def test_versions_are_recorded_once(tmp_path):
    path = tmp_path / "versions.json"
    for item in STORE.versions:
        record(path, item, service="chat")
    assert record(path, STORE.versions[0], service="chat") == read_versions(path) == STORE
    with pytest.raises(BadValueError, match="A version never changes"):
        record(path, bundle("v12", 3), service="chat")
    with pytest.raises(BadValueError, match="of the service 'chat', not of 'other'"):
        record(path, bundle("v13", 13), service="other")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"v12"', '"v12; rm"', "versions.4.version = 'v12; rm'"),
        ('"v12"', '"v11"', "a version is there twice"),
        ('"chat"', "7", "service = 7"),
        ('"prompt"', '"promt"', "unknown field 'versions.0.promt'"),
        ('"versions"', '"version"', "unknown field 'version'. Did you mean 'versions'"),
        ("]", "", "is not whole JSON"),
    ],
)
def test_a_broken_list_of_versions_is_one_clear_error(tmp_path, old, new, message):
    path = tmp_path / "versions.json"
    text = STORE.model_dump_json()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises((BadValueError, CorruptFileError)) as caught:
        read_versions(path)
    assert message in str(caught.value)


def test_a_digest_of_a_folder_is_of_names_and_contents(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.bin").write_bytes(b"1")
    one = digest_of(tmp_path / "m")
    (tmp_path / "m" / "a.bin").rename(tmp_path / "m" / "b.bin")
    assert digest_of(tmp_path / "m") != one
    assert digest_of(tmp_path / "m" / "b.bin").startswith("6b86b273ff34fce1")  # SHA-256 of "1"


def flags(**change):
    flag = {
        "state": "ENABLED",
        "variants": {"v11": "v11", "v12": "v12"},
        "defaultVariant": "v12",
        **change,
    }
    return {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {"model": flag}}


@pytest.fixture
def flagfile(tmp_path):
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(flags()))
    return FlagFileTarget(path, "model")


def test_a_flag_is_rolled_back_and_the_rest_of_its_file_kept(flagfile, audit):
    plan = plan_of(flagfile)
    served = lambda: next(v for v, w in flagfile.observe().items() if w)  # noqa: E731
    report = execute(plan, flagfile, probe=served, audit=audit, actor="ann", reason="INC-7",
                     apply=True, confirm=plan.digest, now=NOW)  # fmt: skip
    assert report.status == "done"
    kept = json.loads(flagfile.path.read_text())
    assert kept == flags(defaultVariant="v11")


def test_the_flag_file_is_always_newer_than_before(flagfile):
    ahead = flagfile.path.stat().st_mtime_ns + 3_600_000_000_000
    os.utime(flagfile.path, ns=(ahead, ahead))
    flagfile.apply({"v11": 1, "v12": 0})
    assert flagfile.path.stat().st_mtime_ns > ahead


def test_a_reader_never_sees_half_a_flag_file(flagfile):
    text = json.dumps({**flags(), "padding": "x" * 200_000})
    flagfile.path.write_text(text)
    reader = flagfile.path.open()
    flagfile.apply({"v11": 1, "v12": 0})
    assert reader.read() == text  # the old file stays whole for who has it open
    reader.close()
    assert flagfile.observe() == {"v11": 1, "v12": 0}
    assert sorted(p.name for p in flagfile.path.parent.iterdir()) == [
        "flags.json",
        "flags.json.lock",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "DISABLED"}, "the flag's state is 'DISABLED'"),
        ({"targeting": {"if": [True, "v12"]}}, "targeting rules, which decide before"),
        ({"variants": {"v12": "v12"}}, "it is no variant of the flag"),
    ],
)
def test_a_flag_that_would_not_reach_everybody_is_refused(flagfile, change, message):
    flagfile.path.write_text(json.dumps(flags(**change)))
    with pytest.raises(RefusedError) as caught:
        plan_of(flagfile)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(flags(defaultVariant="v13")), "flags.model.defaultVariant = 'v13' is none of"),
        (json.dumps(flags(variants={})), "give one variant at least"),
        (json.dumps(flags(variants={"v11": 1, "v12": "v12"})), "values of several types"),
        (json.dumps(flags(variants={"v 1": "a", "v12": "b"})), "flags.model.variants = 'v 1'"),
        (json.dumps({"flag": {}}), 'has no object "flags"'),
        (json.dumps({"flags": {"modle": {}}}), "unknown flag 'model'. Did you mean 'modle'"),
        (json.dumps(flags())[:-9], "is not whole JSON"),
        ("", "is not whole JSON"),
        ('{"flags": {}, "flags": {}}', "'flags' twice"),
    ],
)
def test_a_broken_flag_file_is_one_clear_error(flagfile, text, message):
    flagfile.path.write_text(text)
    with pytest.raises(RCAError) as caught:
        plan_of(flagfile)
    assert message in str(caught.value)
    assert flagfile.path.read_text() == text


def test_names_and_addresses_that_could_do_harm(tmp_path):
    with pytest.raises(BadValueError, match="a flag file is JSON"):
        FlagFileTarget(tmp_path / "flags.yml", "model")
    with pytest.raises(BadValueError, match="may hold only letters"):
        FlagFileTarget(tmp_path / "flags.json", "a\nb")
    with pytest.raises(BadValueError, match="is no http:// or https://"):
        HttpProbe("file:///etc/passwd", header="x")
    with pytest.raises(BadValueError, match="give the one of the two"):
        HttpProbe("http://localhost/")
