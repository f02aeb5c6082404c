"""Rollbacks by way of other people's code: OpenFeature with flagd's file provider, and MLflow."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime

import pytest
from rca.errors import BadValueError, MissingExtraError, RefusedError, UnknownNameError
from rca.model.finding import Finding
from rca.respond.audit import AuditLog
from rca.respond.rollback import (
    Bundle,
    FlagdProbe,
    FlagFileTarget,
    MLflowAliasTarget,
    VersionStore,
    execute,
    plan_rollback,
)
from rca.respond.rollback.probe import ProbeFailed

WORSE = Finding("VERSION_REGRESSED", "accuracy was 81 % in v2 against 90 % in v1", n=900)
LONGEST_S = 15.0


def store_of(*versions):
    return VersionStore(
        service="chat",
        versions=tuple(
            Bundle(version=v, released_at=datetime(2026, 3, i + 1, tzinfo=UTC), model=f"{i:064d}")
            for i, v in enumerate(versions)
        ),
    )


def roll_back(target, probe, folder, *, to="v1", **other):
    plan = plan_rollback(store_of("v1", "v2"), target, to=to, because=WORSE)
    return execute(plan, target, probe=probe, audit=AuditLog(folder / "audit.jsonl"), actor="ann",
                   reason="drill", apply=True, confirm=plan.digest, **other)  # fmt: skip


def without(monkeypatch, name):
    for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, None)


def test_a_missing_extra_says_how_to_get_it(monkeypatch, tmp_path):
    without(monkeypatch, "openfeature")
    without(monkeypatch, "mlflow")
    with pytest.raises(MissingExtraError, match=r"pip install 'rca\[flags\]'"):
        FlagdProbe(tmp_path / "flags.json", "model")
    with pytest.raises(MissingExtraError, match=r"pip install 'rca\[mlflow\]'"):
        MLflowAliasTarget("sqlite:///none.db", "chat", "champion").observe()


@pytest.mark.parametrize(("model", "alias"), [("chat'; --", "champion"), ("chat", "a b")])
def test_names_of_a_registry_are_plain(model, alias):
    with pytest.raises(BadValueError, match="may hold only letters"):
        MLflowAliasTarget("sqlite:///none.db", model, alias)


@pytest.fixture
def flagfile(tmp_path):
    if not os.environ.get("RCA_REQUIRE", "").count("flagd"):
        pytest.importorskip("openfeature.contrib.provider.flagd")
    path = tmp_path / "flags.json"
    flag = {"state": "ENABLED", "variants": {"v1": "v1", "v2": "v2"}, "defaultVariant": "v2"}
    path.write_text(json.dumps({"flags": {"model": flag}}))
    return FlagFileTarget(path, "model")


@pytest.fixture
def flagd(flagfile):
    with FlagdProbe(flagfile.path, "model") as probe:
        yield probe


def settles(probe, version):
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        if probe() == version:
            return True
        time.sleep(0.05)
    return False


def test_a_running_client_sees_the_rollback(flagfile, flagd, tmp_path):
    assert flagd() == "v2"
    report = roll_back(flagfile, flagd, tmp_path)
    assert report.status == "done"
    assert flagd() == "v1"
    assert report.seconds < 30


def test_a_restored_backup_is_ignored_by_the_provider_and_ours_is_not(flagfile, flagd):
    backup = flagfile.path.with_name("backup.json")
    shutil.copy2(flagfile.path, backup)
    old = flagfile.path.stat().st_mtime - 3600
    os.utime(backup, (old, old))
    flagfile.apply({"v1": 1, "v2": 0})
    assert settles(flagd, "v1")
    shutil.copy2(backup, flagfile.path)  # cp -p: the file says v2, and is older
    time.sleep(1.5)
    assert flagfile.observe() == {"v1": 0, "v2": 1}
    assert flagd() == "v1"
    flagfile.apply({"v1": 0, "v2": 1})
    assert settles(flagd, "v2")


def test_an_unknown_variant_gives_the_codes_default_and_is_no_proof(flagfile, flagd):
    whole = json.loads(flagfile.path.read_text())
    whole["flags"]["model"]["defaultVariant"] = "v3"
    flagfile.path.write_text(json.dumps(whole))
    now = time.time() + 5
    os.utime(flagfile.path, (now, now))
    end = time.monotonic() + LONGEST_S
    failed = ""
    while time.monotonic() < end and not failed:
        try:
            flagd()
            time.sleep(0.05)
        except ProbeFailed as error:
            failed = str(error)
    assert "ERROR" in failed
    with pytest.raises(BadValueError, match="is none of the variants"):
        flagfile.observe()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    if not os.environ.get("RCA_REQUIRE", "").count("mlflow"):
        pytest.importorskip("mlflow")
        pytest.importorskip("alembic")
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/registry.db"
    target = MLflowAliasTarget(uri, "chat", "champion")
    client, _ = target._client()
    client.create_registered_model("chat")
    for _ in range(2):
        client.create_model_version("chat", source=str(folder))
    client.set_registered_model_alias("chat", "champion", "2")
    return target


def test_an_alias_moves_and_only_the_service_proves_it(registry, tmp_path):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert registry.observe() == {"v1": 0, "v2": 1}
    # The trap: a server that read the alias at its start serves on.
    report = roll_back(registry, lambda: "v2", tmp_path, probe_s=0.3)
    assert report.status == "undone"
    assert registry.observe() == {"v1": 0, "v2": 1}
    # A server that follows the alias.
    served = lambda: max(registry.observe(), key=registry.observe().get)  # noqa: E731
    report = roll_back(registry, served, tmp_path, n_probes=3)
    assert report.status == "done"
    assert registry.observe() == {"v1": 1, "v2": 0}
    with pytest.raises(RefusedError, match="already has all traffic"):
        roll_back(registry, served, tmp_path)


def test_what_the_registry_does_not_know(registry):
    assert "has no such version" in registry.problems("v7")[0]
    with pytest.raises(BadValueError, match="version = 'latest'"):
        registry.problems("latest")
    with pytest.raises(UnknownNameError, match="Check the registry's address"):
        MLflowAliasTarget(registry.uri, "chat", "nobody").observe()
