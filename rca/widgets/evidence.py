"""What stands behind one candidate, as plain HTML: each part is the answer of a verb."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rca.analysis.examples import examples
from rca.analysis.slices import slice_metric
from rca.diagnose import Diagnosis
from rca.errors import RCAError
from rca.model.comparison import Comparison
from rca.model.finding import Candidate, Finding
from rca.model.render import table_html
from rca.plots.examples import cards_html

if TYPE_CHECKING:
    import pandas as pd

_MOST_COLUMNS = 3
_MOST_EXAMPLES = 5


def why(diagnosis: Diagnosis, candidate: Candidate) -> str:
    """Return the parts of a candidate's log-odds and the findings that it rests on."""
    parts = diagnosis.evidence()
    own = parts[parts["rank"] == candidate.rank][["part", "log_odds", "reason"]]
    cited = [f for f in diagnosis.findings() if f.id in candidate.findings]
    return (
        f"<p><b>{html.escape(str(candidate))}</b></p>"
        + table_html(own, caption="Parts of the log-odds", rows=30)
        + table_html(_findings_table(cited), caption="Findings", rows=30)
    )


def event(diagnosis: Diagnosis, candidate: Candidate) -> str:
    """Return the event of a candidate, what it touches and how it fits."""
    if candidate.event_id is None:
        return "<p>This candidate names no event.</p>"
    assert diagnosis.facts is not None
    correlation = diagnosis.facts.correlation
    row = correlation.table[correlation.table["event_id"] == candidate.event_id]
    ranked = [r.event for r in correlation.ranked if r.event.event_id == candidate.event_id]
    fields: dict[str, Any] = {}
    for found in ranked[:1]:
        fields = {k: v for k, v in vars(found).items() if k != "scope" and v not in (None, (), "")}
        fields |= dict(found.scope)
    return table_html(row, caption="How it fits") + table_html(_fields(fields), rows=40)


def slices(diagnosis: Diagnosis, candidate: Candidate) -> str:
    """Return the shift over the values of the candidate's columns, and the slices found."""
    pair = _pair(diagnosis)
    if pair is None:
        return _NO_PAIR
    assert diagnosis.facts is not None
    search = diagnosis.facts.search
    found = search._repr_html_() if search is not None else ""
    columns = [name for name in candidate.slice if pair.logs.has(name)][:_MOST_COLUMNS]
    return "".join(_by(pair, name) for name in columns) + found


def drift(diagnosis: Diagnosis, candidate: Candidate) -> str:
    """Return the drift of the candidate's column, or of the columns that drifted."""
    assert diagnosis.facts is not None
    profile = diagnosis.facts.drift
    if profile is None:
        return _NO_PAIR
    named = {candidate.column, *candidate.slice}
    own = profile.table[profile.table["column"].isin(named)]
    if own.empty:
        return profile._repr_html_()
    shown = own[list(profile.shown)]
    return table_html(shown, caption="Drift of the candidate's columns") + profile._repr_html_()


def rows(diagnosis: Diagnosis, candidate: Candidate) -> str:
    """Return the worst current rows of the candidate's slice."""
    pair = _pair(diagnosis)
    if pair is None:
        return _NO_PAIR
    found = examples(
        pair.logs,
        where=pair.current.predicate,
        slice={k: v for k, v in candidate.slice.items() if pair.logs.has(k)},
        metric=pair.metric,
        order="worst",
        limit=_MOST_EXAMPLES,
    )
    return f"<p>{html.escape(found.summary())}</p>{cards_html(found.table)}"


#: The parts in the order of their tabs.
PARTS: Mapping[str, Callable[[Diagnosis, Candidate], str]] = {
    "Why": why,
    "Event": event,
    "Slices": slices,
    "Drift": drift,
    "Examples": rows,
}
_NO_PAIR = "<p>The two windows could not be compared; the caveats say why.</p>"


def _pair(diagnosis: Diagnosis) -> Comparison | None:
    assert diagnosis.facts is not None
    return diagnosis.facts.comparison


def _by(pair: Comparison, name: str) -> str:
    try:
        return slice_metric(pair, by=name)._repr_html_()
    except RCAError as error:
        return f"<p>{html.escape(str(error))}</p>"


def _findings_table(found: list[Finding]) -> pd.DataFrame:
    import pandas as pd

    names = ("id", "claim", "ci", "q_value", "n")
    return pd.DataFrame([{n: getattr(f, n) for n in names} for f in found], columns=list(names))


def _fields(fields: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"field": list(fields), "value": list(fields.values())})
