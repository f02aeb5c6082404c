"""A rollback through a real HAProxy, on unix sockets only."""

from __future__ import annotations

import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from rca.errors import BadValueError, MissingFileError, OutputError, RefusedError, UnknownNameError
from rca.model.finding import Finding
from rca.respond.audit import AuditLog
from rca.respond.rollback import (
    Bundle,
    HAProxyTarget,
    HttpProbe,
    VersionStore,
    execute,
    plan_rollback,
    readiness,
)
from rca.respond.rollback.probe import ProbeFailed

pytestmark = pytest.mark.haproxy
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
WORSE = Finding("VERSION_REGRESSED", "accuracy was 81 % in v12 against 90 % in v11", n=900)
VERSIONS = ("v9", "v10", "v11", "v12")
LONGEST_S = 15.0

CONFIGURATION = """
global
    stats socket {home}/admin.sock mode 600 level admin
    server-state-file {home}/state
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    load-server-state-from-file global
frontend in
    bind unix@{home}/in.sock
    default_backend model
backend model
    balance roundrobin
{servers}
backend unwatched
    server v11 unix@{home}/v11.sock weight 0
    server v12 unix@{home}/v12.sock weight 100
"""


def require_haproxy():
    if HAPROXY:
        return
    reason = "haproxy is not installed: apt-get install haproxy"
    if os.environ.get("CI") and "haproxy" in os.environ.get("RCA_REQUIRE", ""):
        pytest.fail(reason)
    pytest.skip(reason)


class Backend(socketserver.ThreadingUnixStreamServer):
    """A model of one version: it answers with its name, and streams when asked to."""

    daemon_threads = True

    def __init__(self, path, version):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "unix"

            def log_message(self, *args):
                pass

            def do_GET(self):
                parts = 8 if self.path == "/stream" else 1
                self.send_response(200)
                self.send_header("X-Model-Version", version)
                self.send_header("Content-Length", str(len(version) * parts))
                self.end_headers()
                for part in range(parts):
                    if part:
                        time.sleep(0.1)
                    self.wfile.write(version.encode())
                    self.wfile.flush()

        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Proxy:
    """A HAProxy and its four models, in a folder short enough for the names of unix sockets."""

    def __init__(self, home, binary):
        self.home, self.binary, self.process = Path(home), binary, None
        self.models = {v: Backend(f"{home}/{v}.sock", v) for v in VERSIONS}
        servers = "\n".join(
            f"    server {v} unix@{home}/{v}.sock check inter 50ms fall 1 rise 1 "
            f"weight {100 * (v == 'v12')}"
            for v in VERSIONS
        )
        text = CONFIGURATION.format(home=home, servers=servers)
        (self.home / "haproxy.cfg").write_text(text)
        (self.home / "state").touch()
        self.start()

    def start(self):
        with (self.home / "log").open("ab") as log:
            command = [self.binary, "-db", "-f", str(self.home / "haproxy.cfg")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: self.probe("/") in VERSIONS, (self.home / "log").read_text)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        (self.home / "admin.sock").unlink(missing_ok=True)
        (self.home / "in.sock").unlink(missing_ok=True)

    def kill_model(self, version):
        server = self.models.pop(version)
        server.shutdown()
        server.server_close()
        (self.home / f"{version}.sock").unlink()
        wait_for(lambda: any("DOWN" in said for said in self.target().problems(version)))

    def close(self):
        self.stop()
        for server in self.models.values():
            server.shutdown()
            server.server_close()

    def target(self, **other):
        given = {"backend": "model", "state_file": self.home / "state", **other}
        return HAProxyTarget(self.home / "admin.sock", **given)

    def probe(self, path="/"):
        ask = HttpProbe(
            f"http://localhost{path}", header="X-Model-Version", socket=self.home / "in.sock"
        )
        return ask()


def wait_for(condition, explain=str):
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (ProbeFailed, OutputError, OSError):
            pass
        time.sleep(0.02)
    pytest.fail(f"not so after {LONGEST_S} s. {explain()}")


@pytest.fixture
def proxy():
    require_haproxy()
    with tempfile.TemporaryDirectory(prefix="rca") as home:
        made = Proxy(home, HAPROXY)
        yield made
        made.close()


@pytest.fixture
def store():
    return VersionStore(
        service="chat",
        versions=tuple(
            Bundle(version=v, released_at=datetime(2026, 3, i + 1, tzinfo=UTC), model=f"{i:064d}")
            for i, v in enumerate(VERSIONS)
        ),
    )


def roll_back(proxy, store, *, to="v11", target=None, **other):
    target = target or proxy.target()
    plan = plan_rollback(store, target, to=to, because=WORSE)
    given = {"probe": proxy.probe, "audit": AuditLog(proxy.home / "audit.jsonl"), "actor": "ann",
             "reason": "drill", "apply": True, "confirm": plan.digest}  # fmt: skip
    return plan, execute(plan, target, **{**given, **other})


def test_a_rollback_under_load_loses_no_request(proxy, store):
    answers, failures, stop = [], [], threading.Event()

    def load():
        while not stop.is_set() and len(answers) < 20_000:
            begun = time.monotonic()
            try:
                answers.append((begun, proxy.probe()))
            except ProbeFailed as error:
                failures.append(str(error))

    threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answers) > 30)
    plan, report = roll_back(proxy, store)
    done = time.monotonic()
    wait_for(lambda: sum(begun > done for begun, _ in answers) > 30)
    stop.set()
    for thread in threads:
        thread.join(timeout=5)
    assert report.status == "done"
    assert failures == []
    assert {version for begun, version in answers if begun > done} == {"v11"}
    assert proxy.target().observe() == plan.after
    assert report.within_budget
    assert report.seconds < 30
    seconds = report.table.set_index("step")["seconds"]
    assert seconds["switch"] < 2


def test_traffic_to_a_dead_server_is_taken_by_haproxy_and_refused_here(proxy, store):
    proxy.kill_model("v11")
    target = proxy.target()
    with pytest.raises(RefusedError, match=r"v11 cannot serve .*DOWN"):
        roll_back(proxy, store)
    result = readiness(store, target)
    assert (result.n_ready, result.serving) == (2, "v12")
    assert "v11: it is DOWN" in result.summary()
    # The trap itself: the weights are accepted, and then nobody answers.
    target.apply({"v11": 100, "v12": 0})
    with pytest.raises(ProbeFailed, match="status 503"):
        proxy.probe()


def test_a_version_that_dies_at_the_switch_is_undone(proxy, store):
    target = proxy.target()
    plan = plan_rollback(store, target, to="v11", because=WORSE)
    first = [True]

    def probe():
        if first:
            first.clear()
            proxy.kill_model("v11")
        return proxy.probe()

    report = execute(plan, target, probe=probe, audit=AuditLog(proxy.home / "a.jsonl"),
                     actor="ann", reason="drill", apply=True, confirm=plan.digest,
                     probe_s=0.5)  # fmt: skip
    assert report.status == "undone"
    assert proxy.probe() == "v12"
    assert report.traffic == plan.before


def test_a_restart_undoes_a_rollback_unless_the_state_is_saved(proxy, store):
    unsaved = proxy.target(state_file=None)
    _, report = roll_back(proxy, store, target=unsaved)
    assert any("a restart of HAProxy brings" in caveat for caveat in report.caveats)
    proxy.stop()
    proxy.start()
    assert proxy.probe() == "v12"
    assert unsaved.observe()["v12"] == 100
    roll_back(proxy, store)
    proxy.stop()
    proxy.start()
    assert {proxy.probe() for _ in range(10)} == {"v11"}
    assert proxy.target().observe()["v11"] == 100


def test_a_stream_stays_on_the_old_version_and_is_reported(proxy, store):
    begun = threading.Event()
    seen = []

    def stream():
        begun.set()
        seen.append(proxy.probe("/stream"))

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    begun.wait(timeout=5)
    wait_for(lambda: proxy.target().drained("v12") is False)
    _, early = roll_back(proxy, store)
    drain = early.table.set_index("step").loc["drain"]
    assert early.status == "done"
    assert not drain["ok"]
    assert any("still answers calls that began before" in caveat for caveat in early.caveats)
    thread.join(timeout=10)
    assert seen == ["v12"]
    wait_for(lambda: proxy.target().drained("v12") is True)


def test_weights_that_were_moved_after_the_plan_stop_it(proxy, store):
    target = proxy.target()
    plan = plan_rollback(store, target, to="v11", because=WORSE, valid=timedelta(minutes=5))
    target.apply({"v11": 10})
    with pytest.raises(RefusedError, match="the traffic changed since the plan"):
        execute(plan, target, probe=proxy.probe, audit=AuditLog(proxy.home / "a.jsonl"),
                actor="ann", reason="drill", apply=True, confirm=plan.digest)  # fmt: skip


def test_a_server_that_nobody_watches_or_that_is_set_aside_is_not_ready(proxy):
    unwatched = proxy.target(backend="unwatched")
    assert "no health check" in unwatched.problems("v11")[0]
    target = proxy.target()
    assert target.problems("v11") == ()
    assert "no server of the backend" in target.problems("v13")[0]
    target._ask("set server model/v10 state maint")
    assert any("maintenance" in said for said in target.problems("v10"))


def test_bad_names_and_weights_never_reach_the_socket(proxy):
    target = proxy.target()
    before = target.observe()
    with pytest.raises(BadValueError, match="may hold only letters"):
        target.apply({"v11 weight 100; shutdown": 100})
    with pytest.raises(UnknownNameError, match="unknown server 'v13'"):
        target.apply({"v13": 100})
    with pytest.raises(BadValueError, match="Give 0 to 256"):
        target.apply({"v11": 257})
    with pytest.raises(UnknownNameError, match="Is the backend's name right"):
        proxy.target(backend="other").observe()
    assert target.observe() == before


def test_what_haproxy_says_in_words_is_a_failure(proxy, monkeypatch):
    target = proxy.target()
    monkeypatch.setattr("rca.respond.rollback.haproxy._MOST_WEIGHT", 1000)
    with pytest.raises(OutputError, match=r"did not take the weights: .*[Ww]eight"):
        target.apply({"v11": 999})


def test_only_unix_sockets(proxy, tmp_path):
    with pytest.raises(MissingFileError, match="an address of a network is refused"):
        HAProxyTarget(Path("127.0.0.1:9999"), "model")
    with pytest.raises(BadValueError, match="is no socket"):
        HAProxyTarget(proxy.home / "haproxy.cfg", "model")
    target = proxy.target()
    proxy.stop()
    (proxy.home / "admin.sock").touch()
    with pytest.raises(OutputError, match="Is HAProxy running"):
        target.observe()
    (proxy.home / "admin.sock").unlink()
    proxy.start()
