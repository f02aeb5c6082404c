"""All readers of event exports, and which of them a record belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rca.logs.events.airflow import AIRFLOW
from rca.logs.events.alerts import OPSGENIE, PAGERDUTY
from rca.logs.events.canonical import CANONICAL
from rca.logs.events.dagster import DAGSTER
from rca.logs.events.dbt import DBT
from rca.logs.events.git import GIT_TAGS
from rca.logs.events.github import GITHUB
from rca.logs.events.gitlab import GITLAB
from rca.logs.events.grafana import GRAFANA
from rca.logs.events.helm import HELM
from rca.logs.events.kubernetes import KUBERNETES
from rca.logs.events.launchdarkly import LAUNCHDARKLY
from rca.logs.events.mlflow import MLFLOW
from rca.logs.events.openlineage import OPENLINEAGE
from rca.logs.events.quality import GREAT_EXPECTATIONS, SODA
from rca.logs.events.source import Source

SOURCES: tuple[Source, ...] = (
    *(GITHUB, GITLAB, KUBERNETES, HELM, GIT_TAGS),
    *(MLFLOW, LAUNCHDARKLY),
    *(AIRFLOW, DAGSTER, DBT, OPENLINEAGE, GREAT_EXPECTATIONS, SODA),
    *(GRAFANA, PAGERDUTY, OPSGENIE),
    CANONICAL,
)


def sniff(record: Mapping[str, Any]) -> tuple[Source, float]:
    """Return the source that claims a record most, and its confidence from 0 to 1.

    Examples
    --------
    >>> source, confidence = sniff({"ts": "2026-03-01", "kind": "deploy"})
    >>> source.name, confidence
    ('canonical', 0.3)
    """
    claims = [(source.sniff(record), source) for source in SOURCES]
    confidence, source = max(claims, key=lambda claim: claim[0])
    return source, confidence
