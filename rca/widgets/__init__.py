"""Controls over the verbs, for JupyterLab and other notebooks.

A widget computes no number: it calls a verb, keeps its answer as ``.result`` and shows the call as
``.code``. What it shows stands in the notebook as plain HTML too, for whoever has no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rca.model.comparison import Comparison
from rca.model.incident import Incident
from rca.model.logs import Logs
from rca.widgets.browse import ExampleBrowser
from rca.widgets.columns import DriftBrowser
from rca.widgets.compare import VersionBrowser
from rca.widgets.cross import SliceExplorer
from rca.widgets.figview import FigView
from rca.widgets.memory import forget
from rca.widgets.overview import Timeline
from rca.widgets.triage import Console

__all__ = [
    "Console",
    "DriftBrowser",
    "ExampleBrowser",
    "FigView",
    "SliceExplorer",
    "Timeline",
    "VersionBrowser",
    "console",
    "drift",
    "examples",
    "forget",
    "slices",
    "timeline",
    "versions",
]


def console(incident: Incident) -> Console:
    """Open the triage screen of an incident.

    The metric over time with its onset and the events; both windows can be dragged (or typed), the
    metric changed; candidates are ranked beside it, and choosing one shows why it is one, its
    event, slices, drift and worst examples. The cell run again keeps what was chosen.

    Parameters
    ----------
    incident : Incident
        From :func:`rca.read_incident`.

    Returns
    -------
    Console
        ``result`` is the :class:`rca.Diagnosis`, ``candidate`` the one chosen, ``code`` the call.

    Raises
    ------
    RCAError
        The log cannot answer: no time column, no rows, no metric.
    """
    return Console(incident)


def timeline(incident: Incident) -> Timeline:
    """Look at a metric over time with its changes, the events in lanes and their probabilities.

    Zooming in the picture, or typing two times, narrows ``window`` and the list of events; below
    stand the ramps: which version answered which share of the rows.

    Parameters
    ----------
    incident : Incident
        With a metric.

    Returns
    -------
    Timeline
        ``result`` is what :func:`rca.correlate_events` returns, ``window`` what is looked at,
        ``event_id`` the event that is chosen.

    Raises
    ------
    WindowError
        The incident has no metric, or its log no times.
    """
    return Timeline(incident)


def drift(comparison: Comparison, *, columns: Sequence[str] | None = None) -> DriftBrowser:
    """Look through the columns by how far their distributions moved.

    Each with its kind of fault, what of the metric's shift goes with it, both distributions and
    its onset; a button hands samples of the same rows to Evidently (``rca[evidently]``).

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    columns : sequence of str, optional
        By default all but identifiers, callers' ids and the row's time.

    Returns
    -------
    DriftBrowser
        ``result`` is the :class:`rca.DriftProfile`, ``column`` the one that is shown.

    Raises
    ------
    RCAError
        A column is not there, or there is nothing to profile.
    """
    return DriftBrowser(comparison, columns)


def versions(logs: Logs, *, metric: str | None = None) -> VersionBrowser:
    """Compare two versions: choose them, the metric and the slices; read the answers that changed.

    Parameters
    ----------
    logs : Logs
        With two values in a version column.
    metric : str, optional
        By default the first of the catalogue that the log can measure.

    Returns
    -------
    VersionBrowser
        ``result`` is the :class:`rca.VersionDiff`.

    Raises
    ------
    RCAError
        No version column holds two versions; no such metric.
    """
    return VersionBrowser(logs, metric)


def slices(comparison: Comparison, *, dimensions: Sequence[str] | None = None) -> SliceExplorer:
    """Explore where a metric moved: bars of every column, and a click keeps a value.

    Every other column follows: its bars and shifts are of the rows that are kept. Beside it stand
    the slices that carry the shift; choosing one says why it is there and keeps its rows. A star
    marks shifts that are real after correction for all slices listed.

    Parameters
    ----------
    comparison : Comparison
        Two sets of rows and a metric.
    dimensions : sequence of str, optional
        Columns; by default up to eight dimensions of the log with 2 to 40 values.

    Returns
    -------
    SliceExplorer
        ``result`` is the :class:`rca.CrossSlices`, ``found`` the search, ``chosen`` what is kept.

    Raises
    ------
    RCAError
        No such column; it cannot be sliced by; the metric is null on one side.
    """
    return SliceExplorer(comparison, dimensions)


def examples(
    logs: Logs,
    where: str = "",
    *,
    slice: Mapping[str, Any] | None = None,
    metric: str | None = None,
    page: int = 10,
) -> ExampleBrowser:
    """Read the rows behind a number, a page at a time, sampled or worst first.

    Parameters
    ----------
    logs : Logs
        The log.
    where : str
        SQL condition over its columns.
    slice : mapping, optional
        Columns and their value, or a list of values.
    metric : str, optional
        What "worst" means; can be changed in the widget.
    page : int
        Rows a page.

    Returns
    -------
    ExampleBrowser
        ``result`` is the page as :class:`rca.Examples`.

    Raises
    ------
    RCAError
        No such column or metric.
    """
    return ExampleBrowser(logs, where, slice, metric, page)
