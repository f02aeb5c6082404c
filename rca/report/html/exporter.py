"""The nbconvert exporter ``rca_html``: a notebook as one HTML file that fetches nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Bool, default
from traitlets.config import Config

from rca.report.html import page
from rca.report.html.outputs import WIDGET_STATE, Outputs
from rca.report.html.sanitize import clean


class StaticOutputs(Preprocessor):
    """Replace every output by HTML that needs no kernel, no widget manager and no network."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with one ``text/html`` output for each that shows something."""
        saved = (nb.metadata.get("widgets") or {}).get(WIDGET_STATE) or {}
        outputs = Outputs(saved.get("state") or {}, _folder(resources))
        for cell in nb.cells:
            if cell.cell_type == "code":
                parts = [part for output in cell.outputs if (part := outputs.one(output))]
                cell.outputs = [_output(part) for part in parts]
            elif cell.cell_type == "raw":
                cell.source = clean(cell.source, _folder(resources))
        nb.metadata.pop("widgets", None)
        resources["rca_n_figures"] = outputs.n_figures
        resources["rca_title"] = _title(nb, resources)
        return nb, resources


class RcaHTMLExporter(HTMLExporter):
    """Export a notebook as a self-contained report.

    ``jupyter nbconvert --to rca_html report.ipynb``, with ``--no-input`` to hide the code. The page
    carries plotly.js once, draws figures when they come into sight, shows a picture of each before
    that and where scripts are off, follows the light or dark setting of its reader, and runs no
    script and fetches no file that a cell has put into it.
    """

    export_from_notebook = "RCA report (offline HTML)"
    compress = Bool(True, help="Keep plotly.js gzipped inside the page.").tag(config=True)

    @default("template_name")
    def _template_name_default(self) -> str:
        return "rca"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(Path(__file__).parent / "templates")]

    @property
    def default_config(self) -> Config:
        """Cells and outputs tagged for removal are left out without further options."""
        config: Config = super().default_config.copy()
        config.merge(
            Config(
                {
                    "TagRemovePreprocessor": {
                        "enabled": True,
                        "remove_cell_tags": {"remove_cell"},
                        "remove_input_tags": {"remove_input", "hide_input"},
                        "remove_all_outputs_tags": {"remove_output"},
                    }
                }
            )
        )
        return config

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and the resources; ``rca_n_figures`` counts its figures."""
        html, resources = super().from_notebook_node(nb, resources, **kw)
        live = 'class="rca-spec"' in html
        return page.completed(html, live=live, compress=self.compress), resources

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Return markdown as safe HTML, its relative pictures embedded."""
        rendered = super().markdown2html(context, source)
        return clean(rendered, _folder(context.get("resources") or {}))

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        static = StaticOutputs(parent=self)  # type: ignore[no-untyped-call]
        self.register_preprocessor(static, enabled=True)  # type: ignore[no-untyped-call]


def _output(html: str) -> NotebookNode:
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
    return NotebookNode(output)  # type: ignore[no-untyped-call]


def _folder(resources: dict[str, Any]) -> Path | None:
    path = (resources.get("metadata") or {}).get("path")
    return None if path is None else Path(path)


def _title(nb: NotebookNode, resources: dict[str, Any]) -> str:
    if nb.metadata.get("title"):
        return str(nb.metadata.title)
    for cell in nb.cells:
        heading = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            return re.sub(r"[*_`]", "", heading.group(1)).strip()
    return str((resources.get("metadata") or {}).get("name") or "Report")
