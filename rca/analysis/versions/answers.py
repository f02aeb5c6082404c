"""How the answers of an LLM changed in kind: format, refusals, empty ones, length.

A score that falls overnight is often the same answer in a new wrapping that the parser behind it
does not take: code in a fence, an opening courtesy, a refusal. The kinds are told apart by SQL on
the output's text, so that no text leaves the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rca.analysis.versions.estimate import Estimate, estimate
from rca.analysis.versions.moments import cells
from rca.analysis.versions.units import Clusters, Units, make_units
from rca.model.finding import Finding
from rca.model.logs import Logs
from rca.model.metric import Direction, Metric
from rca.model.result import Result
from rca.stats.multiplicity import holm

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_REFUSAL = (
    r"^\W*(i'?m |i am )?(very |so |terribly )?sorry\b|\bi apologi[sz]e\b|\bas an ai\b"
    r"|\bi('m| am) (not able|unable|not allowed) to\b"
    r"|\bi (can ?not|can't|won't|must decline|will not) "
    r"(help|assist|answer|provide|fulfil|comply|do|create|generate|discuss|write)"
)
_COURTESY = (
    r"^\W*(sure|certainly|of course|absolutely|great question|okay|here('s| is| are)|"
    r"thank you|thanks)\b"
)
#: One hash opens a comment in code as often as a heading.
_MARKDOWN = r"(^|\n)\s{0,3}(#{2,6} |[-*] |\d+\. )|\*\*\S"
#: Characters at the head of an answer in which a refusal or a courtesy is looked for.
_HEAD = 300
_ALPHA = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class AnswerChanges(Result):
    """Kinds of answers on both sides, and whether a new kind goes with the worse score."""

    columns: ClassVar = {
        "kind": "what is true of an answer; length is in characters",
        "baseline": "share of the baseline's answers, or mean length",
        "current": "the same of the current version",
        "shift": "current - baseline",
        "low": "lower end of the 95 % interval of the shift",
        "high": "upper end of it",
        "p_value": "two-sided p-value of no change",
        "p_holm": "the same, corrected for all kinds (Holm)",
        "appeared": "pairs in which the kind (or a doubled length) is new; empty when unpaired",
        "vanished": "pairs in which it is gone (or the length halved)",
        "appeared_in_worse": "share of the pairs that got worse in which it is new",
        "appeared_in_others": "share of the other pairs in which it is new",
    }

    units: Units
    n: int
    n_worse: int

    def summary(self) -> str:
        """Return the kinds that moved, the largest shift of a share first."""
        moved = self._moved()
        if not moved:
            return f"No kind of answer moved between the versions (n={self.n:,})."
        return f"Answers changed in kind (n={self.n:,}): " + "; ".join(map(self._claim, moved))

    def plot(self) -> go.Figure:
        """Return the shift of each kind with its interval."""
        from rca.plots.versions import forest

        table = self.table[self.table["kind"] != "length"]
        moved = table["p_holm"] < _ALPHA
        return forest(
            table.assign(
                label=table["kind"],
                n=self.n,
                verdict=["regressed" if flag else "cannot_tell" for flag in moved],
            ),
            title="Kinds of answers: shift of their share",
            unit="share",
            worse="both",
            names={"regressed": "moved", "cannot_tell": "not shown to move"},
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return one claim for each kind that moved."""
        return tuple(
            Finding(
                code="VERSION_ANSWERS_CHANGED",
                claim=self._claim(row),
                estimate=row["shift"],
                ci=(row["low"], row["high"]),
                p_value=row["p_value"],
                q_value=row["p_holm"],
                n=self.n,
                unit="chars" if row["kind"] == "length" else "share",
                column="output",
                call=self.call,
                sql=self.sql[0],
                details={"kind": row["kind"], "appeared_in_worse": row["appeared_in_worse"]},
            )
            for row in self._moved()
        )

    def _moved(self) -> list[dict[Any, Any]]:
        moved = self.table[self.table["p_holm"] < _ALPHA].to_dict("records")
        return sorted(moved, key=lambda row: (row["kind"] == "length", -abs(row["shift"])))

    def _claim(self, row: dict[Any, Any]) -> str:
        if row["kind"] == "length":
            text = f"mean length went from {row['baseline']:,.0f} to {row['current']:,.0f} chars"
        else:
            text = f"{row['kind']} went from {row['baseline']:.1%} to {row['current']:.1%}"
        if self.n_worse and row["appeared_in_worse"] == row["appeared_in_worse"]:
            text += (
                f" (new in {row['appeared_in_worse']:.0%} of the {self.n_worse:,} pairs that got "
                f"worse, {row['appeared_in_others']:.0%} of the others)"
            )
        return text


def kinds(logs: Logs) -> tuple[Metric, ...]:
    """Return the kinds of answers as metrics of a log's output.

    Answers that are NULL were not recorded and take no part; an empty text is an empty answer.
    """
    output = logs.engine.dialect.text(logs.need("output"))
    head = f"lower(substr({output}, 1, {_HEAD}))"
    trimmed = f"trim({output}, chr(32) || chr(9) || chr(10) || chr(13))"
    string = logs.engine.dialect.string
    found = [
        _kind("empty", f"{trimmed} = ''", output, "up"),
        _kind("refusal", f"regexp_matches({head}, {string(_REFUSAL)})", output, "up"),
        _kind("courtesy first", f"regexp_matches({head}, {string(_COURTESY)})", output),
        _kind("code fence", f"{output} like '%```%'", output),
        _kind("markdown", f"regexp_matches({output}, {string(_MARKDOWN)})", output),
        _kind(
            "JSON",
            f"({trimmed} like '{{%}}' or {trimmed} like '[%]')",
            output,
        ),
    ]
    if logs.has("finish_reason"):
        cut = "lower(finish_reason) in ('length', 'max_tokens', 'max_output_tokens')"
        found.append(_kind("cut off", cut, "finish_reason", "up"))
    length = Metric(
        "length", "mean", f"cast(length({output}) as double)", unit="chars", columns=("output",)
    )
    return (*found, length)


def answer_changes(units: Units) -> AnswerChanges:
    """Return how the answers changed in kind between the two sides of some units.

    Each kind is compared as a metric of its own (pairs, clusters and all), with Holm's correction
    over the kinds. Where rows are paired, pairs in which a kind is new are counted among those
    whose value got worse and among the others.

    Raises
    ------
    MissingColumnError
        The log has no output.
    """
    comparison = units.comparison
    metrics = kinds(comparison.logs)
    own = make_units(
        comparison,
        metrics=(*metrics, comparison.metric),
        by=(),
        match=units.match,
        clusters=Clusters(units.cluster, units.some_without),
    )
    estimates, sql = [], [own.sql]
    for i, metric in enumerate(metrics):
        (cell,), query = cells(own, i)
        estimates.append(
            estimate(
                cell,
                metric,
                paired=own.paired,
                clustered=own.cluster is not None,
                margin=None,
            )
        )
        sql.append(query)
    flips = _flips(own) if own.paired else {}
    return AnswerChanges(
        table=_table(metrics, estimates, flips),
        caveats=_caveats(estimates),
        call=f"rca.analysis.versions.diff({comparison.call}).answers()",
        sql=tuple(sql),
        units=own,
        n=sum(estimates[0].cell.rows) if not own.paired else estimates[0].cell.pairs,
        n_worse=int(flips.get("worse_", 0)),
    )


def _kind(name: str, condition: str, known: str, worse: Direction = "both") -> Metric:
    value = f"case when {known} is null then null when {condition} then 1e0 else 0e0 end"
    return Metric(name, "mean", value, unit="share", worse=worse, columns=("output",), binary=True)


def _flips(units: Units) -> dict[str, Any]:
    """Count pairs in which each kind appeared or vanished, and how many of them got worse."""
    last = len(units.metrics) - 1
    metric = units.metrics[last]
    rose, fell = f"y{last}1_ > y{last}0_", f"y{last}1_ < y{last}0_"
    worse = {"up": rose, "down": fell, "both": f"({rose} or {fell})"}[metric.worse]
    known = f"m{last}0_ > 0 and m{last}1_ > 0"
    counts = [f"sum(case when {known} and {worse} then 1 else 0 end) as worse_"]
    counts.append(f"sum(case when {known} and not ({worse}) then 1 else 0 end) as others_")
    for i, kind in enumerate(units.metrics[:-1]):
        factor = "2e0 * " if kind.name == "length" else ""
        new = f"m{i}0_ > 0 and m{i}1_ > 0 and y{i}1_ > {factor}y{i}0_"
        gone = f"m{i}0_ > 0 and m{i}1_ > 0 and {factor}y{i}1_ < y{i}0_"
        counts += [
            f"sum(case when {new} then 1 else 0 end) as new{i}_",
            f"sum(case when {gone} then 1 else 0 end) as gone{i}_",
            f"sum(case when {known} and {worse} and {new} then 1 else 0 end) as worse{i}_",
            f"sum(case when {known} and not ({worse}) and {new} then 1 else 0 end) as others{i}_",
        ]
    return units.comparison.logs.engine.one(f"select {', '.join(counts)} from {units.relation}")


def _table(
    metrics: Sequence[Metric], estimates: Sequence[Estimate], flips: dict[str, Any]
) -> pd.DataFrame:
    import pandas as pd

    adjusted = holm([e.p_value for e in estimates])
    nothing = float("nan")

    def share(part: str, whole: str) -> float:
        return float(flips[part]) / float(flips[whole]) if flips and flips[whole] else nothing

    return pd.DataFrame(
        [
            {
                "kind": metric.name,
                "baseline": e.baseline,
                "current": e.current,
                "shift": e.shift,
                "low": e.ci[0],
                "high": e.ci[1],
                "p_value": e.p_value,
                "p_holm": float(adjusted[i]),
                "appeared": float(flips[f"new{i}_"]) if flips else nothing,
                "vanished": float(flips[f"gone{i}_"]) if flips else nothing,
                "appeared_in_worse": share(f"worse{i}_", "worse_"),
                "appeared_in_others": share(f"others{i}_", "others_"),
            }
            for i, (metric, e) in enumerate(zip(metrics, estimates, strict=True))
        ],
        columns=list(AnswerChanges.columns),
    )


def _caveats(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    notes = ["kinds are told by patterns for English; a refusal in other words is missed"]
    if min(e.cell.sums.n for e in estimates) < 20:
        notes.append("fewer than 20 answers to compare: shares are rough")
    return tuple(notes)
