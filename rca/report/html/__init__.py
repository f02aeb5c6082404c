"""Notebooks as self-contained HTML: the nbconvert exporter ``rca_html``."""

from rca.report.html.exporter import RcaHTMLExporter

__all__ = ["RcaHTMLExporter"]
