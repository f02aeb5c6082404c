"""The version diff that a diagnosis calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rca.errors import UnknownNameError
from rca.model.comparison import VERSION_COLUMNS

if TYPE_CHECKING:
    from rca.analysis.versions import VersionDiff
    from rca.diagnose import Diagnosis
    from rca.model.finding import Candidate
    from rca.model.incident import Incident

#: Candidates under this probability call for no diff.
LEAST = 0.05


def version_diff(diagnosis: Diagnosis) -> VersionDiff | None:
    """Compare the two versions that the likeliest candidate with versions speaks of.

    Parameters
    ----------
    diagnosis : Diagnosis
        Candidates under 5 % are passed over.

    Returns
    -------
    VersionDiff or None
        Sliced by the columns of the candidate's slice. None where no candidate names two versions
        that the log has rows of, and for sums per hour, which rows of versions do not have.

    Examples
    --------
    >>> version_diff(diagnosis)  # doctest: +SKIP
    """
    from rca.analysis.versions import diff_versions

    assert diagnosis.facts is not None
    incident = diagnosis.facts.incident
    metric = incident.metric
    assert metric is not None
    if metric.family == "per_hour":
        return None
    for candidate in diagnosis.candidates:
        versions = _versions(candidate, incident)
        if candidate.probability < LEAST or versions is None:
            continue
        by = [column for column in candidate.slice if column not in VERSION_COLUMNS]
        try:
            return diff_versions(
                incident.logs,
                baseline=versions[0],
                current=versions[1],
                metric=metric,
                by=by or None,
            )
        except UnknownNameError:
            continue
    return None


def _versions(candidate: Candidate, incident: Incident) -> tuple[str, str] | None:
    event = incident.events.get(candidate.event_id) if candidate.event_id else None
    if event is None or not event.from_version or not event.version:
        return None
    return event.from_version, event.version
