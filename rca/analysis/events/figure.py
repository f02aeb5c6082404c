"""The picture of an onset and its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rca.analysis.events.locate import Located
from rca.model.window import Window

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


#: Buckets that are drawn; narrower ones are noise to the eye.
_MOST_BUCKETS = 160


def onset_figure(
    located: Located, events: pd.DataFrame, *, windows: Sequence[Window] | None = None
) -> go.Figure:
    """Return the metric over time where its onset is clearest, and the events below it.

    ``windows`` are the baseline and the incident window to shade; by default those of the onset.
    """
    from rca.plots.events import timeline_figure

    line, onset = located.searched.coarser(_MOST_BUCKETS), located.onset
    series, change = line.series, onset.change
    season = onset.changes.season
    level = change.before if change else float(np.nanmean(series.value))
    base = (
        np.log(level / (1 - level))
        if series.kind == "rate" and 0 < level < 1
        else (np.log(level) if series.kind == "count" and level > 0 else level)
    )
    expected = series.native(base + season.effect(line.times, line.width_s))
    rows = f" in {located.seen_in}" if located.seen_in.columns else ""
    windows = (onset.baseline, onset.current) if windows is None else windows
    return timeline_figure(
        times=line.times + line.width_s / 2,
        values=series.value,
        errors=np.sqrt(series.variance) * np.abs(series.slope(series.working)),
        title=f"{line.metric.title}{rows}",
        unit=line.metric.unit,
        events=events,
        onset=(change.low, change.at, change.high) if change else None,
        windows=tuple((w.start.timestamp(), w.end.timestamp()) for w in windows),
        changes=[(p.low, p.at, p.high) for p in onset.changes.points if p is not change],
        expected=expected if season.kind != "none" else None,
    )
