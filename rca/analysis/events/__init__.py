"""When did the metric move, and which event explains it?"""

from rca.analysis.events.correlate import EventCorrelation, RankedEvent, correlate_events
from rca.analysis.events.ramps import VersionRamps, version_ramps

__all__ = ["EventCorrelation", "RankedEvent", "VersionRamps", "correlate_events", "version_ramps"]
