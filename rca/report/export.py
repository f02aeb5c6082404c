"""Export a notebook as one HTML file that can be mailed, archived and read without a network."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class ExportedReport:
    """Where a report was written, how large it is, and how many figures it holds.

    Examples
    --------
    >>> print(ExportedReport(Path("triage.html"), n_bytes=2_140_000, n_figures=6))
    triage.html: 2.1 MB, 6 figures, opens without a network
    """

    path: Path
    n_bytes: int
    n_figures: int

    def __str__(self) -> str:
        noun = "figure" if self.n_figures == 1 else "figures"
        size = f"{self.n_bytes / 1e6:.1f} MB"
        return f"{self.path}: {size}, {self.n_figures} {noun}, opens without a network"


def export_html(
    notebook: str | os.PathLike[str] | NotebookNode,
    path: str | os.PathLike[str] | None = None,
    *,
    hide_inputs: bool = False,
    compress: bool = True,
) -> ExportedReport:
    """Write a notebook as a self-contained HTML report.

    The outputs are taken as they are saved; nothing is executed. The file is complete or not
    written at all.

    Parameters
    ----------
    notebook : path or nbformat.NotebookNode
        The notebook, executed.
    path : path, optional
        The file to write; by default the notebook's own with the ending ``.html``.
    hide_inputs : bool, default False
        Leave the code of all cells out.
    compress : bool, default True
        Keep plotly.js gzipped in the page: about 1.9 MB instead of 4.6 MB. Without it figures also
        become interactive in browsers older than 2023.

    Returns
    -------
    ExportedReport
        Path, size in bytes, number of figures.

    Raises
    ------
    MissingFileError
        There is no notebook at that path.
    CorruptFileError
        The file is not a notebook, or its parts do not fit together.
    OutputError
        The report cannot be written there.

    Examples
    --------
    >>> import tempfile
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> report = export_html(
    ...     new_notebook(cells=[new_markdown_cell("# Nothing moved")]),
    ...     Path(tempfile.mkdtemp()) / "report.html",
    ... )
    >>> report.n_figures, report.n_bytes == report.path.stat().st_size
    (0, True)
    """
    source = None if isinstance(notebook, dict) else Path(notebook)
    target = _target(path, source)
    node: Any = notebook if source is None else _read(source)
    page, n_figures = _page(node, source, hide_inputs=hide_inputs, compress=compress)
    return ExportedReport(target, _write(target, page), n_figures)


def _read(source: Path) -> NotebookNode:
    import nbformat

    if not source.is_file():
        raise MissingFileError(f"no notebook at {source}. Give the path of an .ipynb file.")
    try:
        node: NotebookNode = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise MissingFileError(f"cannot read {source}: {error.strerror}.") from error
    except (UnicodeDecodeError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise CorruptFileError(_not_a_notebook(source, error)) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise CorruptFileError(_not_a_notebook(source, error)) from error
    return node


def _not_a_notebook(source: Path, error: Exception) -> str:
    reason = str(error).strip().splitlines()
    return (
        f"{source} is not a readable notebook ({(reason or [type(error).__name__])[0][:120]}). "
        "Open it in JupyterLab and save it again."
    )


def _page(
    node: NotebookNode, source: Path | None, *, hide_inputs: bool, compress: bool
) -> tuple[str, int]:
    from nbconvert.filters.markdown_mistune import InvalidNotebook

    from rca.report.html import RcaHTMLExporter

    options: dict[str, Any] = {"exclude_input": hide_inputs, "compress": compress}
    exporter = RcaHTMLExporter(**options)  # type: ignore[no-untyped-call]
    where: dict[str, Any] = {"name": "Report"} if source is None else {"name": source.stem}
    if source is not None:
        where["path"] = str(source.resolve().parent)
    try:
        page, resources = exporter.from_notebook_node(node, {"metadata": where})
    except InvalidNotebook as error:
        name = source or "the notebook"
        raise CorruptFileError(f"{name} refers to what it does not hold: {error}.") from error
    return page, int(resources["rca_n_figures"])


def _target(path: str | os.PathLike[str] | None, source: Path | None) -> Path:
    if path is not None:
        target = Path(path)
    elif source is not None:
        target = source.with_suffix(".html")
    else:
        raise BadValueError("a notebook without a file needs the path of the report. Give path=...")
    if target.is_dir():
        raise OutputError(f"{target} is a folder. Give the name of a file, such as report.html.")
    if not target.parent.is_dir():
        raise OutputError(f"no folder {target.parent} to write {target.name} to. Make it first.")
    return target


def _write(target: Path, page: str) -> int:
    content = page.encode("utf-8", errors="replace")
    draft = ""
    try:
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except OSError as error:
        if draft:
            Path(draft).unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {target}: {error.strerror}. Choose a folder you may write to."
        ) from error
    return len(content)
