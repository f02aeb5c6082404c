"""Whether precision was traded for recall by a threshold, or the scores themselves changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rca.analysis.versions.pairing import Match
from rca.analysis.versions.scores import Scores, read_scores
from rca.model.comparison import Comparison
from rca.model.finding import Finding
from rca.model.result import Result
from rca.stats.calibration import Calibration, calibration
from rca.stats.operating_point import MEASURES, PARTS, Walk, walk_with_intervals
from rca.stats.ranking import paired_ranking_difference, ranking, ranking_difference
from rca.stats.ratio import Difference

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_WORDS = {
    "threshold": "the threshold moved",
    "scores": "the scores moved up or down as a whole",
    "ranking": "the scores rank positives differently",
    "prevalence": "the share of positives moved",
}
#: Precision and recall by four parts: each interval is Bonferroni's for eight.
_LEVEL = 1 - 0.05 / 8
_LEAST_AGREEMENT = 0.99


@dataclass(frozen=True, eq=False, kw_only=True)
class TradeOff(Result):
    """The shift of precision, recall and F1 split by what made it.

    Attributes
    ----------
    sides : pandas.DataFrame
        One row a side: threshold, AUC, calibration, share called positive, prevalence.
    auc : Difference
        The shift of the AUC.
    """

    columns: ClassVar = {
        "measure": "precision, recall or f1",
        "part": "ranking, scores, threshold or prevalence; all for the whole shift",
        "shift": "what the part adds to the shift; the parts add up to all",
        "low": "lower end of its interval (99.4 %, for eight looked at)",
        "high": "upper end of it",
    }

    comparison: Comparison
    scores: Scores
    walk: Walk
    sides: pd.DataFrame
    auc: Difference
    calibrations: tuple[Calibration, Calibration] | None

    @property
    def moved(self) -> tuple[str, ...]:
        """The parts that surely moved precision or recall, the largest first."""
        sure = (self.walk.low[:2] > 0) | (self.walk.high[:2] < 0)
        size = np.where(sure, np.abs(self.walk.parts[:2]), 0).max(axis=0)
        order = np.argsort(-size, kind="stable")
        return tuple(PARTS[i] for i in order if size[i] > 0)

    def summary(self) -> str:
        """Return both shifts and what made them."""
        b, c = self.walk.baseline, self.walk.current
        text = ", ".join(f"{name} {b[i]:.1%} to {c[i]:.1%}" for i, name in enumerate(MEASURES[:2]))
        why = " and ".join(_WORDS[part] for part in self.moved)
        low, high = self.auc.ci
        return (
            f"{text}: {why or 'no part surely moved'}; AUC {self.auc.shift:+.3f} "
            f"(95% {low:+.3f} to {high:+.3f}, n={int(self.scores.counts.sum()):,})."
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return one claim for each part that surely moved precision or recall."""
        found = []
        for part in self.moved:
            p = PARTS.index(part)
            m = int(np.argmax(np.abs(self.walk.parts[:2, p])))
            found.append(
                Finding(
                    code=f"VERSION_{part.upper()}_MOVED",
                    claim=f"{_WORDS[part]}: {100 * self.walk.parts[m, p]:+.2f} points of "
                    f"{MEASURES[m]}.",
                    estimate=float(self.walk.parts[m, p]),
                    ci=(float(self.walk.low[m, p]), float(self.walk.high[m, p])),
                    n=int(self.scores.counts.sum()),
                    unit="share",
                    column="score",
                    call=self.call,
                    sql=self.sql[0],
                    details={"measure": MEASURES[m], "auc_shift": self.auc.shift},
                )
            )
        return tuple(found)

    def plot(self) -> go.Figure:
        """Return the distributions of the score by label on both sides, with the thresholds."""
        from rca.plots.scores import score_distributions

        return score_distributions(
            self.scores.edges,
            self.scores.counts,
            (self.scores.threshold(0), self.scores.threshold(1)),
            names=(self.comparison.baseline.name, self.comparison.current.name),
        )

    def plot_calibration(self) -> go.Figure | None:
        """Return the reliability diagram of both sides, or None when scores are no shares."""
        from rca.plots.scores import reliability

        if self.calibrations is None:
            return None
        return reliability(
            self.calibrations,
            names=(self.comparison.baseline.name, self.comparison.current.name),
        )


def trade_off(comparison: Comparison, *, match: Match | None = None, seed: int = 0) -> TradeOff:
    """Tell a moved threshold from scores that moved, rank differently or met other traffic.

    Parameters
    ----------
    comparison : Comparison
        Of a log with prediction, label (two classes) and score.
    match : Match or None
        How rows are paired; pairs narrow the intervals.
    seed : int
        Of the bootstrap.

    Raises
    ------
    MissingColumnError, EmptyLogError
        A column is absent, or no row has all three.

    Notes
    -----
    The threshold of a side is the score that parts its predictions best. See
    :mod:`rca.stats.operating_point` for the walk whose steps are the parts.
    """
    scores = read_scores(comparison, match)
    found = walk_with_intervals(
        scores.joint, scores.counts[0], scores.counts[1], *scores.cuts, level=_LEVEL, seed=seed
    )
    each = [ranking(scores.counts[side, 0], scores.counts[side, 1]) for side in (0, 1)]
    auc = (
        ranking_difference(each[0], each[1])
        if scores.joint is None
        else paired_ranking_difference(scores.joint[0], scores.joint[1])
    )
    calibrations = _calibrations(scores) if scores.probabilities else None
    return TradeOff(
        table=_table(found),
        caveats=_caveats(scores),
        call=f"rca.analysis.versions.trade_off({comparison.call})",
        sql=scores.sql,
        comparison=comparison,
        scores=scores,
        walk=found,
        sides=_sides(comparison, scores, [r.auc for r in each], calibrations),
        auc=auc,
        calibrations=calibrations,
    )


def _calibrations(scores: Scores) -> tuple[Calibration, Calibration]:
    def one(side: int) -> Calibration:
        rows = scores.called[side].sum(axis=0)
        return calibration(rows, scores.sums[side], scores.positives[side], scores.squares[side])

    return one(0), one(1)


def _table(found: Walk) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for m, measure in enumerate(MEASURES):
        whole = float(found.current[m] - found.baseline[m])
        rows.append((measure, "all", whole, float("nan"), float("nan")))
        rows += [
            (
                measure,
                part,
                float(found.parts[m, p]),
                float(found.low[m, p]),
                float(found.high[m, p]),
            )
            for p, part in enumerate(PARTS)
        ]
    return pd.DataFrame(rows, columns=list(TradeOff.columns))


def _sides(
    comparison: Comparison,
    scores: Scores,
    aucs: list[float],
    calibrations: tuple[Calibration, Calibration] | None,
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for side, of in enumerate((comparison.baseline, comparison.current)):
        called, counts = scores.called[side], scores.counts[side]
        rows.append(
            {
                "side": of.name,
                "n": int(called.sum()),
                "threshold": scores.threshold(side),
                "agreement": scores.agreement[side],
                "called_positive": float(called[1].sum() / called.sum()),
                "prevalence": float(counts[1].sum() / counts.sum()),
                "auc": aucs[side],
                "calibration_error": calibrations[side].error if calibrations else float("nan"),
                "calibration_gap": calibrations[side].gap if calibrations else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _caveats(scores: Scores) -> tuple[str, ...]:
    notes = []
    if min(scores.agreement) < _LEAST_AGREEMENT:
        notes.append(
            f"only {min(scores.agreement):.1%} of a side's predictions follow one threshold on the "
            "score: the parts are those of the nearest threshold"
        )
    if not scores.probabilities:
        notes.append("scores lie outside 0 to 1: they rank, but cannot be calibrated")
    fewest = int(scores.counts.sum(axis=2).min())
    if fewest < 30:
        notes.append(f"a side has only {fewest:,} rows of one label: the parts are rough")
    return tuple(notes)
