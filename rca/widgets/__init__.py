"""Controls over the verbs, for JupyterLab and other notebooks.

A widget computes no number: it calls a verb, keeps its answer as ``.result`` and shows the call as
``.code``. What it shows stands in the notebook as plain HTML too, for whoever has no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rca.model.incident import Incident
from rca.model.logs import Logs
from rca.widgets.browse import ExampleBrowser
from rca.widgets.figview import FigView
from rca.widgets.memory import forget
from rca.widgets.triage import Console

__all__ = ["Console", "ExampleBrowser", "FigView", "console", "examples", "forget"]


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
