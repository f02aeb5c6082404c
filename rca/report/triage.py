"""The triage notebook: filled, executed, and as a page."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rca.model.window import iso
from rca.report.execute import execute
from rca.report.export import export_html
from rca.report.files import check_writable, drafts

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOK, PAGE = "triage.ipynb", "triage.html"


def write_triage(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    metric: str | None = None,
    alerted_at: datetime | str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Path]:
    """Write ``triage.ipynb``, executed, and ``triage.html``, which opens without a network.

    The notebook is the template of this package with the arguments filled in; it runs in a fresh
    kernel, so that it holds all that is needed to run it again. Both files are written when all
    went well, and neither otherwise.

    Parameters
    ----------
    folder : path
        An incident folder; see :func:`rca.read_incident`.
    out : path
        Where the two files go; made if it is not there.
    metric, alerted_at : optional
        Passed to :func:`rca.read_incident`.
    progress : callable, optional
        Told each section of the notebook as it starts.

    Returns
    -------
    tuple of Path
        The notebook and the page.

    Raises
    ------
    OutputError
        Nothing can be written in ``out``.
    RCAError
        What :func:`rca.read_incident` and :func:`rca.diagnose` raise.

    Examples
    --------
    >>> notebook, page = write_triage("sample_data/accuracy_drop", "out")  # doctest: +SKIP
    >>> page.name  # doctest: +SKIP
    'triage.html'
    """
    import nbformat

    target = Path(out).expanduser()
    check_writable(target)
    notebook = filled(folder, metric=metric, alerted_at=alerted_at)
    execute(notebook, progress=progress)
    progress("writing the notebook and the page")
    with drafts(target, [NOTEBOOK, PAGE]) as draft:
        nbformat.write(notebook, draft / NOTEBOOK)  # type: ignore[no-untyped-call]
        export_html(draft / NOTEBOOK, draft / PAGE)
    return target / NOTEBOOK, target / PAGE


def template() -> NotebookNode:
    """Return the notebook that :func:`write_triage` fills, without outputs."""
    import nbformat

    text = files("rca.report").joinpath("templates", NOTEBOOK).read_text(encoding="utf-8")
    notebook: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def filled(
    folder: str | os.PathLike[str],
    *,
    metric: str | None = None,
    alerted_at: datetime | str | None = None,
) -> NotebookNode:
    """Return the template with an incident's folder, metric and time of alert in it.

    Examples
    --------
    >>> print(parameters(filled("/incidents/tuesday", metric="accuracy")).source)
    folder = '/incidents/tuesday'
    metric = 'accuracy'  # None scans the catalogue for what moved
    alerted_at = None  # None takes the folder's own, or the end of the log
    """
    place = Path(folder).expanduser().resolve()
    when = iso(alerted_at) if isinstance(alerted_at, datetime) else alerted_at
    notebook = template()
    parameters(notebook).source = (
        f"folder = {str(place)!r}\n"
        f"metric = {metric!r}  # None scans the catalogue for what moved\n"
        f"alerted_at = {when!r}  # None takes the folder's own, or the end of the log"
    )
    # Backticks keep the signs of a folder's name from being read as markdown.
    heading = notebook.cells[0]
    heading.source = heading.source.replace(
        "# Triage", f"# Triage of `` {place.name.replace('`', '')} ``", 1
    )
    notebook.metadata["title"] = f"Triage of {place.name}"
    return notebook


def parameters(notebook: NotebookNode) -> Any:
    """Return the cell of a notebook that holds its parameters."""
    return next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
