"""Probes: ask the service itself which version answers, because a pointer is no proof."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rca.errors import BadValueError, MissingExtraError

#: Returns the version that answered, or raises ProbeFailed.
Probe = Callable[[], str]

_MOST_BYTES = 1_000_000


class ProbeFailed(Exception):  # noqa: N818 - it is an answer, not a mistake of the caller
    """The service did not answer, or its answer names no version."""


@dataclass(frozen=True)
class HttpProbe:
    """Asks over HTTP, with a new connection each time, which version served the answer.

    Attributes
    ----------
    url : str
        ``http://`` or ``https://``; with ``socket`` only its path is used.
    header, field : str
        Where the answer says its version: a header, or a field of its JSON object. One of the two.
    socket : str or path, optional
        A unix socket to ask on.
    timeout_s : float
        For each step of one probe.
    """

    url: str
    header: str = ""
    field: str = ""
    socket: str | Path | None = None
    timeout_s: float = 2.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadValueError(f"url = {self.url!r} is no http:// or https:// address.")
        if bool(self.header) == bool(self.field):
            raise BadValueError(
                f"header = {self.header!r}, field = {self.field!r}: give the one of the two that "
                "names the version in the service's answer."
            )

    def __call__(self) -> str:
        """Return the version that answered."""
        connection = self._connection()
        try:
            parts = urlsplit(self.url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise ProbeFailed(f"no answer: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ProbeFailed(f"status {answer.status}")
        version = answer.getheader(self.header) if self.header else _field(body, self.field)
        if not isinstance(version, str) or not version:
            raise ProbeFailed(f"the answer has no text {self.header or self.field!r}")
        return version

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if self.socket is not None:
            return _UnixConnection(str(self.socket), timeout=self.timeout_s)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=self.timeout_s)
        return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_s)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, *, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _field(body: bytes, name: str) -> object:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ProbeFailed("the answer is no JSON") from error
    return answer.get(name) if isinstance(answer, dict) else None


class FlagdProbe:
    """Reads a flag as an application would: OpenFeature with flagd's file provider.

    The provider keeps its last good flags when a file is broken or older than the last, and serves
    the code's default for an unknown variant; so the value counts only when its reason is no error.
    Needs ``rca[flags]``. Close it when done, or use it in a ``with`` block.

    Parameters
    ----------
    path : str or path
        The flag file.
    flag : str
        A flag whose value is the version's name.
    """

    def __init__(self, path: str | Path, flag: str) -> None:
        try:
            from openfeature import api
            from openfeature.contrib.provider.flagd import FlagdProvider
            from openfeature.contrib.provider.flagd.config import ResolverType
        except ModuleNotFoundError as error:
            raise MissingExtraError.of("openfeature-provider-flagd", "flags") from error
        self._flag, self._domain, self._api = flag, f"rca-{id(self)}", api
        provider = FlagdProvider(
            resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=500
        )
        api.set_provider_and_wait(provider, self._domain)
        self._client = api.get_client(self._domain)
        self._provider = provider

    def __call__(self) -> str:
        """Return the flag's value, or raise ProbeFailed with the provider's reason."""
        seen = self._client.get_string_details(self._flag, "")
        if str(seen.reason) == "ERROR" or seen.error_code is not None or not seen.value:
            raise ProbeFailed(f"{seen.reason}: {seen.error_code or 'no value'}")
        return str(seen.value)

    def close(self) -> None:
        """Stop the provider's watching thread."""
        self._provider.shutdown()

    def __enter__(self) -> FlagdProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
