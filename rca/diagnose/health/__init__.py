"""Is it the measurement that broke? Labels, repeated rows, metering and prices."""

from rca.analysis.events.locate import Located
from rca.diagnose.health.broken import Broken
from rca.diagnose.health.labels import labels
from rca.diagnose.health.metering import metering, prices
from rca.diagnose.health.repeats import repeats
from rca.model.comparison import Comparison

__all__ = ["Broken", "broken_measurements"]


def broken_measurements(comparison: Comparison, located: Located, alert: float) -> list[Broken]:
    """Return what broke in the measurement of a metric by the alert, most telling first."""
    found = [
        labels(comparison.metric, located, alert),
        repeats(comparison.logs, located, alert),
        metering(comparison),
        prices(comparison),
    ]
    return sorted((f for f in found if f is not None), key=lambda f: -f.log_odds)
