"""HAProxy by its runtime socket: weights of the servers of one backend."""

from __future__ import annotations

import csv
import io
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from rca.errors import BadValueError, MissingFileError, OutputError, UnknownNameError
from rca.respond.files import write_whole
from rca.respond.rollback.target import Traffic, plain_name

FULL = 100
_MOST_WEIGHT = 256
_MOST_BYTES = 4_000_000
_RUNNING = 2
_CHECKED = 4
_STATE_FIELDS = ("srv_name", "srv_op_state", "srv_admin_state", "srv_uweight", "srv_check_state")


@dataclass(frozen=True)
class HAProxyTarget:
    """The servers of a backend, each named as the version that it runs.

    HAProxy takes "all traffic to a dead server" without a word, so a server must be up and watched
    by health checks before it is given any. A restart brings the configuration's weights back,
    unless the state is saved to ``state_file`` and the configuration loads it
    (``server-state-file`` and ``load-server-state-from-file global``).

    Attributes
    ----------
    socket : Path
        The ``stats socket`` of level admin: a unix socket, never a network address.
    backend : str
    state_file : Path or None
        Where the weights are saved.
    timeout_s : float
        For each step of one command.
    """

    socket: Path
    backend: str
    state_file: Path | None = None
    timeout_s: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "socket", Path(self.socket))
        if self.state_file is not None:
            object.__setattr__(self, "state_file", Path(self.state_file))
        plain_name(self.backend, "backend")
        try:
            mode = self.socket.stat().st_mode
        except OSError as error:
            raise MissingFileError(
                f"no unix socket at {self.socket}. Give the path of HAProxy's stats socket; an "
                "address of a network is refused, since it knows no permissions."
            ) from error
        if not stat.S_ISSOCK(mode):
            raise BadValueError(f"{self.socket} is no socket. Give HAProxy's stats socket.")

    @property
    def name(self) -> str:
        """The socket and the backend."""
        return f"haproxy backend {self.backend} at {self.socket}"

    def observe(self) -> dict[str, int]:
        """Return the weight of each server."""
        return {name: state["srv_uweight"] for name, state in self._servers().items()}

    def problems(self, version: str) -> tuple[str, ...]:
        """Return why a server could not take traffic: unknown, down, set aside or unwatched."""
        servers = self._servers()
        if version not in servers:
            return (f"it is no server of the backend; those are: {', '.join(servers)}",)
        state = servers[version]
        found = []
        if state["srv_op_state"] != _RUNNING:
            found.append("it is DOWN, and HAProxy would send traffic to it without a word")
        if state["srv_admin_state"] != 0:
            found.append("it is in maintenance or drained; set it ready first")
        if not state["srv_check_state"] & _CHECKED:
            found.append("it has no health check, so nobody knows whether it is up; add 'check'")
        return tuple(found)

    def after(self, version: str) -> dict[str, int]:
        """Return the weights with all traffic on one server."""
        return {name: FULL * (name == version) for name in self.observe()}

    def apply(self, traffic: Traffic) -> None:
        """Set all weights in one command, those that rise first, and read them back."""
        before = self.observe()
        for name, weight in traffic.items():
            plain_name(name, "server")
            if name not in before:
                raise UnknownNameError.of("server", name, before)
            if type(weight) is not int or not 0 <= weight <= _MOST_WEIGHT:
                raise BadValueError(f"weight of {name} = {weight!r}. Give 0 to {_MOST_WEIGHT}.")
        rising = sorted(traffic, key=lambda name: before[name] - traffic[name])
        commands = (f"set server {self.backend}/{name} weight {traffic[name]}" for name in rising)
        answer = self._ask("; ".join(commands)).strip()
        if answer:
            raise OutputError(f"{self.name} did not take the weights: {answer[:200]}")
        if {name: self.observe().get(name) for name in traffic} != dict(traffic):
            raise OutputError(f"{self.name} took the weights and has others now. Look at it.")

    def persist(self) -> str:
        """Save the weights of all backends where HAProxy finds them at its next start."""
        if self.state_file is None:
            return "not saved: a restart of HAProxy brings the weights of its configuration back"
        write_whole(self.state_file, self._ask("show servers state"))
        return f"saved to {self.state_file}, for a configuration that loads it at start"

    def drained(self, version: str) -> bool | None:
        """Tell whether a server has no call in flight: streams stay on it to their end."""
        table = self._ask("show stat").lstrip("# ")
        for row in csv.DictReader(io.StringIO(table)):
            if (row.get("pxname"), row.get("svname")) == (self.backend, version):
                return row.get("scur") == "0"
        return None

    def _servers(self) -> dict[str, dict[str, int]]:
        answer = self._ask(f"show servers state {self.backend}")
        lines = [line for line in answer.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[1].startswith("# "):
            said = answer.strip()[:200]
            raise UnknownNameError(
                f"{self.name} does not list its servers: {said or 'no answer'}. "
                "Is the backend's name right?"
            )
        names = lines[1][2:].split()
        found = {}
        for line in lines[2:]:
            row = dict(zip(names, line.split(), strict=False))
            if missing := [field for field in _STATE_FIELDS if field not in row]:
                raise OutputError(f"{self.name} does not say {missing[0]}: too old a HAProxy?")
            found[row["srv_name"]] = {field: int(row[field]) for field in _STATE_FIELDS[1:]}
        return found

    def _ask(self, command: str) -> str:
        assert "\n" not in command
        parts = []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
                asking.settimeout(self.timeout_s)
                asking.connect(str(self.socket))
                asking.sendall(command.encode() + b"\n")
                size = 0
                while (part := asking.recv(65536)) and size < _MOST_BYTES:
                    parts.append(part)
                    size += len(part)
        except OSError as error:
            raise OutputError(
                f"{self.name} does not answer: {error}. Is HAProxy running, and may you write to "
                "its socket?"
            ) from error
        return b"".join(parts).decode("utf-8", "replace")
