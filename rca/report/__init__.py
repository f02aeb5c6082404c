"""Documents: the triage notebook, and any notebook as one page that needs no network."""

from rca.report.export import ExportedReport, export_html
from rca.report.next_steps import NextSteps, next_steps
from rca.report.triage import write_triage
from rca.report.versions import version_diff

__all__ = [
    "ExportedReport",
    "NextSteps",
    "export_html",
    "next_steps",
    "version_diff",
    "write_triage",
]
