"""An alias of MLflow's model registry, such as ``champion``: a pointer to a version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from rca.errors import BadValueError, MissingExtraError, OutputError, UnknownNameError
from rca.respond.rollback.target import Traffic, plain_name, sole


@dataclass(frozen=True)
class MLflowAliasTarget:
    """An alias that names the version to serve; versions are ``v1``, ``v2``, ... of the model.

    An alias is a pointer: a server that read it at its start serves on what it had. So a rollback
    by alias needs a probe of the service, as every rollback does. Needs ``rca[mlflow]``; MLflow's
    telemetry is turned off before it is imported.

    Attributes
    ----------
    uri : str
        Of the registry, such as ``sqlite:///mlflow.db``.
    model, alias : str
    """

    uri: str
    model: str
    alias: str

    def __post_init__(self) -> None:
        plain_name(self.model, "model")
        plain_name(self.alias, "alias")

    @property
    def name(self) -> str:
        """The model and its alias."""
        return f"mlflow alias {self.model}@{self.alias}"

    def observe(self) -> dict[str, int]:
        """Return 1 for the version that the alias names and 0 for the others."""
        client, failed = self._client()
        try:
            versions = [_number(v) for v in client.search_model_versions(f"name='{self.model}'")]
            named = _number(client.get_model_version_by_alias(self.model, self.alias))
        except failed as error:
            raise UnknownNameError(
                f"{self.name} cannot be read: {str(error)[:200]}. Check the registry's address, "
                "the model and the alias."
            ) from error
        return {f"v{number}": int(number == named) for number in sorted(versions)}

    def problems(self, version: str) -> tuple[str, ...]:
        """Return why the alias could not name a version: unknown, or not ready."""
        client, failed = self._client()
        try:
            found = client.get_model_version(self.model, str(_digits(version)))
        except failed:
            return (f"{self.model} has no such version; it has: {', '.join(self.observe())}",)
        return () if str(found.status) == "READY" else (f"its status is {found.status}",)

    def after(self, version: str) -> dict[str, int]:
        """Return the weights with the alias on one version."""
        return {name: int(name == version) for name in self.observe()}

    def apply(self, traffic: Traffic) -> None:
        """Set the alias and read it back."""
        number = _digits(sole(traffic))
        client, failed = self._client()
        try:
            client.set_registered_model_alias(self.model, self.alias, str(number))
            named = _number(client.get_model_version_by_alias(self.model, self.alias))
        except failed as error:
            raise OutputError(f"{self.name} was not set: {str(error)[:200]}.") from error
        if named != number:
            raise OutputError(f"{self.name} was set to {number} and names {named}. Look at it.")

    def persist(self) -> str:
        """Say that the registry keeps it, and what it does not do."""
        return "kept by the registry; servers that read the alias at their start need to reload"

    def drained(self, version: str) -> bool | None:  # noqa: ARG002 - a registry knows no calls
        """Return None: a registry does not know which calls are in flight."""
        return None

    def _client(self) -> tuple[Any, type[Exception]]:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("DO_NOT_TRACK", "true")
        try:
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ModuleNotFoundError as error:
            raise MissingExtraError.of("mlflow", "mlflow") from error
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri), MlflowException


def _number(version: Any) -> int:
    """Return a version's number, which MLflow gives as text or as an integer."""
    return int(version.version)


def _digits(version: str) -> int:
    if not (version.startswith("v") and version[1:].isascii() and version[1:].isdigit()):
        raise BadValueError(
            f"version = {version!r}: a version of a registered model is v1, v2, ..."
        )
    return int(version[1:])
