"""Evidently's results as findings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rca.errors import BadValueError, MissingFileError
from rca.model.finding import Finding

_DRIFT = ":ValueDrift"


def read_results(source: Any) -> tuple[Finding, ...]:
    """Return a finding for each column that an Evidently report tested for drift.

    Parameters
    ----------
    source : snapshot, mapping or path
        What ``Report.run`` returned, its ``dict()``, or a file with its ``json()``.

    Returns
    -------
    tuple of Finding
        Code ``EVIDENTLY_DRIFT`` where Evidently's test failed, ``EVIDENTLY_NO_DRIFT`` where it
        passed, ``EVIDENTLY_SCORE`` where the report was run without tests. Whether small or large
        scores mean drift differs by method, so that only the test's status is taken.

    Raises
    ------
    MissingFileError, BadValueError
        No such file; it is no Evidently result.

    Examples
    --------
    >>> config = {"type": "evidently:metric_v2:ValueDrift", "column": "age", "method": "psi",
    ...           "threshold": 0.1}
    >>> read_results({"metrics": [{"config": config, "value": 0.25}], "tests": []})[0].claim
    "Evidently's psi of age is 0.25 (threshold 0.1)."
    """
    tree = _tree(source)
    statuses = dict(_statuses(tree))
    return tuple(_finding(metric, statuses) for metric in tree["metrics"] if _tested(metric))


def _tree(source: Any) -> Mapping[str, Any]:
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise MissingFileError(f"no Evidently result at {str(source)!r}. Give its JSON file.")
        try:
            source = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadValueError(
                f"{path.name} is not JSON. Write it with snapshot.json()."
            ) from error
    tree = source if isinstance(source, Mapping) else source.dict()
    if not isinstance(tree.get("metrics"), list):
        raise BadValueError(
            "this is no result of an Evidently report: it has no list of metrics. "
            "Give what Report.run returned, its dict(), or its json() in a file."
        )
    return tree


def _tested(metric: Mapping[str, Any]) -> bool:
    return str(metric.get("config", {}).get("type", "")).endswith(_DRIFT)


def _statuses(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for test in tree.get("tests") or ():
        params = test.get("metric_config", {}).get("params", {})
        if str(params.get("type", "")).endswith(_DRIFT) and params.get("column"):
            yield params["column"], str(getattr(test["status"], "value", test["status"])).upper()


def _finding(metric: Mapping[str, Any], statuses: Mapping[str, str]) -> Finding:
    config = metric["config"]
    column, status = str(config["column"]), statuses.get(config["column"], "")
    score = float(metric["value"])
    code = "EVIDENTLY_SCORE"
    if status:
        code = "EVIDENTLY_DRIFT" if "FAIL" in status else "EVIDENTLY_NO_DRIFT"
    method, threshold = config.get("method"), config.get("threshold")
    said = {"EVIDENTLY_DRIFT": ": drift", "EVIDENTLY_NO_DRIFT": ": no drift"}.get(code, "")
    return Finding(
        code,
        f"Evidently's {method} of {column} is {score:.4g} (threshold {threshold}){said}.",
        estimate=score,
        column=column,
        details={"method": method, "threshold": threshold, "status": status},
    )
