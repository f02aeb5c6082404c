"""When did the metric move, and which event explains it?"""

from rca.analysis.events.correlate import EventCorrelation, RankedEvent, correlate_events

__all__ = ["EventCorrelation", "RankedEvent", "correlate_events"]
