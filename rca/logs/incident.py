"""A folder of exports as an incident."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rca.engine import Engine, connect
from rca.errors import BadValueError, InputError, MissingFileError, WindowError, listed
from rca.logs.checks import checked
from rca.logs.convert import SMALL
from rca.logs.events import read_events
from rca.logs.files.head import read_head
from rca.logs.read import files, read_logs
from rca.logs.take import take
from rca.model.catalogue import resolve
from rca.model.event import Events
from rca.model.incident import Incident
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.window import Window, parse_time

_REQUESTS = ("requests", "logs", "predictions", "traces", "spans")
_SETTINGS = {"metric", "alerted_at", "service", "mapping", "baseline_window", "incident_window"}


def read_incident(
    folder: str | Path,
    *,
    metric: str | None = None,
    alerted_at: datetime | str | None = None,
    engine: Engine | None = None,
) -> Incident:
    """Open a folder with ``requests.*``, ``events.*`` and perhaps ``incident.toml``.

    Parameters
    ----------
    folder : path
        ``requests.*`` may be a file or a folder of files, and so may ``events.*``, which may be
        absent. Without ``requests.*``, the exports of known tools are found by their content.
        ``incident.toml`` may set ``metric``, ``alerted_at``, ``service``, ``mapping``,
        ``baseline_window`` and ``incident_window`` (two times each).
    metric, alerted_at
        Win over the file's. Without any metric the catalogue is scanned for what moved; without
        a time of alert it is the end of the log.
    engine : Engine, optional
        Where to open the logs.

    Raises
    ------
    RCAError
        One line on what is wrong with the folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise MissingFileError(f"no incident folder at {str(folder)!r}. Give a folder of exports.")
    settings = _settings(folder / "incident.toml")
    logs = _logs(folder, settings, engine or connect())
    events = _events(folder)
    name = metric or settings.get("metric")
    when = alerted_at or settings.get("alerted_at")
    assert logs.span is not None, "checked() lets no log without times through"
    return Incident(
        logs=logs,
        events=events,
        alerted_at=parse_time(when, field="alerted_at") if when else logs.span.end,
        metric=_measured(resolve(str(name), logs), logs) if name else None,
        service=settings.get("service"),
        name=folder.resolve().name,
        folder=folder,
        baseline_window=_window(settings, "baseline_window", logs),
        incident_window=_window(settings, "incident_window", logs),
        caveats=() if len(events) else ("no events were given: none can be named",),
    )


def _measured(metric: Metric, logs: Logs) -> Metric:
    """Return the metric, or say that no row of the log has a value of it."""
    if logs.engine.rows(f"select 1 as one_ from {logs.relation} where {metric.measured} limit 1"):
        return metric
    raise BadValueError(
        f"metric {metric.name!r} has no value in any row: {listed(metric.columns)} is empty. "
        "Choose another metric, or map the column that holds it."
    )


def _settings(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadValueError(f"incident.toml is not TOML: {error}") from error
    unknown = sorted(set(settings) - _SETTINGS)
    if unknown:
        raise BadValueError(
            f"incident.toml sets {listed(unknown)}, which nobody reads. "
            f"It may set: {listed(sorted(_SETTINGS))}."
        )
    return settings


def _logs(folder: Path, settings: Mapping[str, Any], engine: Engine) -> Logs:
    found = _named(folder, _REQUESTS) or _known_exports(folder)
    if not found:
        others = sorted(path.name for path in folder.iterdir())
        raise MissingFileError(
            f"no requests.* in {str(folder)!r}, which has: {listed(others)}. "
            "Name the log requests.parquet, requests.csv or requests.jsonl."
        )
    source = found if len(found) > 1 else found[0]
    logs = read_logs(source, mapping=settings.get("mapping"), engine=engine)
    if sum(path.stat().st_size for path in files(source)) > SMALL or _is_parquet(found):
        return checked(logs)
    # Small text is converted once, not at every question.
    return checked(logs.kept(tuple(logs.columns)))


def _known_exports(folder: Path) -> list[Path]:
    """Return the files that a known tool wrote its requests to, whatever they are called."""
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _is_known(path)]


def _is_known(path: Path) -> bool:
    taken = take(path)
    return taken.source is not None and taken.takes == "requests"


def _is_parquet(found: Sequence[Path]) -> bool:
    return all(path.is_file() and read_head(path).form == "parquet" for path in found)


def _events(folder: Path) -> Events:
    found = _named(folder, ("events",))
    return read_events(found) if found else Events()


def _named(folder: Path, stems: tuple[str, ...]) -> list[Path]:
    for stem in stems:
        found = sorted(p for p in folder.iterdir() if p.name.split(".")[0].lower() == stem)
        if found:
            return found
    return []


def _window(settings: Mapping[str, Any], name: str, logs: Logs) -> Window | None:
    """Return a window that a person set, or say that the log has no row in it."""
    if name not in settings:
        return None
    ends = settings[name]
    if not (isinstance(ends, list) and len(ends) == 2):
        raise InputError(f"incident.toml: {name} = {ends!r} is not [start, end].")
    window = Window.of(*ends)
    inside = window.predicate(logs.engine.dialect)
    if not logs.engine.rows(f"select 1 as one_ from {logs.relation} where {inside} limit 1"):
        side = name.removesuffix("_window")
        raise WindowError(
            f"there are no {side} rows: {name} is {window}, and the log is {logs.span}. "
            "Set it within the log, or leave it out."
        )
    return window
