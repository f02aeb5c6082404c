"""Two versions: paired where they answered the same questions, honest where they did not."""

from rca.analysis.versions.many import VersionTable, compare_versions
from rca.analysis.versions.result import VersionDiff
from rca.analysis.versions.tradeoff import trade_off
from rca.analysis.versions.verb import diff, diff_versions

__all__ = [
    "VersionDiff",
    "VersionTable",
    "compare_versions",
    "diff",
    "diff_versions",
    "trade_off",
]
