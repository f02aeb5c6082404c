"""An incident: a log, the events around it, and what was noticed when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from rca.errors import WindowError
from rca.model.catalogue import resolve
from rca.model.comparison import Comparison
from rca.model.event import Events
from rca.model.logs import Logs
from rca.model.metric import Metric
from rca.model.window import Window, iso


@dataclass(frozen=True, eq=False)
class Incident:
    """What is known when an investigation starts; it makes comparisons.

    Attributes
    ----------
    logs, events
        The log of requests and the events around it.
    metric : Metric or None
        What the alert was about; None scans the catalogue for what moved.
    alerted_at : datetime
        When it was noticed; the end of the log unless it is known.
    baseline_window, incident_window : Window or None
        Where a person set them; otherwise they follow from the onset.
    """

    logs: Logs
    events: Events
    alerted_at: datetime
    metric: Metric | None = None
    service: str | None = None
    name: str = ""
    folder: Path | None = None
    baseline_window: Window | None = None
    incident_window: Window | None = None
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        span = self.logs.span
        if span is None:
            return
        # An alert follows the rows it speaks of, and the export may end a little before it.
        slack = max(timedelta(hours=1), 0.05 * span.duration)
        if not span.start <= self.alerted_at <= span.end + slack:
            raise WindowError(
                f"alerted_at = {iso(self.alerted_at)} lies outside the log ({span}). "
                "Give a time within it, or leave it out to take the log's end."
            )
        if self.alerted_at == span.start:
            raise WindowError(
                f"there are no baseline rows before alerted_at = {iso(self.alerted_at)}; "
                f"the log is {span}. Export more of the time before."
            )

    def measuring(self, metric: str | Metric) -> Incident:
        """Return the incident with another metric."""
        return replace(self, metric=resolve(metric, self.logs))

    def comparison(
        self, *, metric: str | Metric | None = None, onset: datetime | None = None
    ) -> Comparison:
        """Compare the time before with the time since the onset.

        Windows that a person set win; else the log is split at ``onset``; else at the alert.

        Raises
        ------
        WindowError
            No metric is known, or one side would have no rows.
        """
        span = self.logs.span
        if span is None:
            raise WindowError("the log has no times, so it has no before and after. Map one to ts.")
        chosen = metric or self.metric
        if chosen is None:
            raise WindowError("the incident has no metric. Give one: metric='accuracy', say.")
        split = onset or self.alerted_at
        if self.baseline_window is None and not span.start < split:
            raise WindowError(f"there are no baseline rows before {iso(split)}; the log is {span}.")
        if self.incident_window is None and not split < span.end:
            split = span.start + 0.8 * span.duration
        return Comparison.by_time(
            self.logs,
            baseline=self.baseline_window or Window(span.start, split),
            incident=self.incident_window or Window(split, span.end),
            metric=chosen,
        )

    def __str__(self) -> str:
        what = self.metric.title if self.metric else "any metric"
        return (
            f"{self.name or 'incident'}: {what}, alerted at {iso(self.alerted_at)}; "
            f"{self.logs.n_rows:,} rows, {len(self.events)} events"
        )

    def _repr_html_(self) -> str:
        from rca.model.render import result_html

        known = self.events.table.dropna(axis=1, how="all")
        return result_html(str(self), self.caveats + self.logs.caveats, known)
