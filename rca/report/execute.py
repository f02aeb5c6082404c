"""Run a notebook in a fresh kernel of this very interpreter."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rca.errors
from rca.errors import RCAError

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager
    from nbformat import NotebookNode

_CELL_SECONDS = 3600


def execute(
    notebook: NotebookNode,
    *,
    folder: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Run all cells of a notebook and keep their outputs in it.

    The kernel is the running interpreter, whatever kernels the machine has registered. Figures
    are kept as data, without a copy of plotly.js each.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    folder : path, optional
        Where it runs, so that its relative paths hold; an empty folder by default.
    progress : callable, optional
        Told each heading as the first cell below it starts.

    Raises
    ------
    RCAError
        A cell raised one; it is raised again here, as it was.
    CellExecutionError
        A cell raised anything else.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    said = ""

    def started(cell: Any, cell_index: int) -> None:
        nonlocal said
        heading = _heading(notebook, cell_index)
        if cell.cell_type == "code" and heading != said:
            said = heading
            progress(f"notebook: {heading}")

    with tempfile.TemporaryDirectory(prefix="rca-") as private:
        client = NotebookClient(
            notebook,
            km=_manager(Path(private)),
            timeout=_CELL_SECONDS,
            resources={"metadata": {"path": str(folder or private)}},
            on_cell_start=started,
            shutdown_kernel="immediate",
        )
        try:
            figures = {"PLOTLY_RENDERER": "plotly_mimetype"}
            client.execute(env=os.environ | figures, cleanup_kc=True)
        except CellExecutionError as error:
            raise _mendable(error.ename, error.evalue) or error from error
        except DeadKernelError as error:
            raise RCAError(
                "the notebook's kernel died, most often for want of memory. "
                "Ask for --json alone, or give the log fewer rows."
            ) from error


def _manager(folder: Path) -> KernelManager:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(KernelSpecManager):
        """The one kernel that is sure to import what this process imports."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(
                argv=[*command, "--log-level=ERROR"], display_name="Python 3", language=kernel_name
            )

    # Sockets that are files of this user are no concern of others on the machine.
    private = {"transport": "ipc", "ip": str(folder / "k")} if os.name == "posix" else {}
    return AsyncKernelManager(
        kernel_name="python",
        kernel_spec_manager=ThisInterpreter(),
        connection_file=str(folder / "kernel.json"),
        **private,
    )


def _mendable(name: str, text: str) -> RCAError | None:
    """Return the error of a kernel as it was raised there, where it is one of ours."""
    kind = getattr(rca.errors, name, None)
    if isinstance(kind, type) and issubclass(kind, RCAError):
        return kind(text)
    return None


def _heading(notebook: NotebookNode, index: int) -> str:
    for cell in reversed(notebook.cells[:index]):
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            words = cell.source.splitlines()[0].lstrip("# ").replace("`", "").lower()
            return " ".join(words.split())
    return "start"
