"""Run Evidently on two samples, with our columns, and put its verdicts beside ours."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rca.adapters.evidently.bridge import load, rendering
from rca.adapters.evidently.read import read_results
from rca.errors import BadValueError, OutputError
from rca.model.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

#: Methods that can be trusted on samples of thousands of rows. Evidently's ``chisquare`` and
#: ``g_test`` take the reference for exact and alert on 20 to 100 % of columns without drift.
NUMBER_METHOD, TEXT_METHOD = "wasserstein", "jensenshannon"


@dataclass(frozen=True, eq=False)
class EvidentlyReport:
    """An Evidently report on samples of both sides.

    Attributes
    ----------
    snapshot
        What ``evidently.Report.run`` returned.
    table : pandas.DataFrame
        One row per column: method, threshold, score, Evidently's verdict and, where known, ours.
    caveats : tuple of str
        What was sampled, and where the verdicts differ.
    """

    snapshot: Any
    table: pd.DataFrame
    caveats: tuple[str, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """Return Evidently's verdicts as findings."""
        return read_results(self.snapshot)

    def html(self) -> str:
        """Return Evidently's page, which needs no network."""
        with rendering():
            return str(self.snapshot.get_html_str(as_iframe=False))

    def save(self, path: str | Path) -> Path:
        """Write Evidently's page to a file.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        path = Path(path)
        try:
            path.write_text(self.html(), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
        return path

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.caveats)
        return (
            f"<ul>{notes}</ul>"
            f'<iframe title="Evidently report" srcdoc="{page}" '
            'style="width:100%;height:900px;border:0"></iframe>'
        )


def run(
    baseline: pd.DataFrame,
    current: pd.DataFrame,
    *,
    numbers: Sequence[str],
    texts: Sequence[str],
    ours: Mapping[str, bool] | None = None,
    methods: Mapping[str, str] | None = None,
    thresholds: Mapping[str, float] | None = None,
    summary: bool = False,
    caveats: Sequence[str] = (),
) -> EvidentlyReport:
    """Test each column for drift with Evidently.

    Parameters
    ----------
    baseline, current : pandas.DataFrame
        Samples of thousands of rows; plain numpy dtypes are made of them.
    numbers, texts : sequence of str
        Columns and how Evidently is to read them.
    ours : mapping of column to bool, optional
        Our own verdicts, to be put beside.
    methods, thresholds : mapping, optional
        Evidently's method and threshold for a column; by default ``wasserstein`` for numbers,
        ``jensenshannon`` for texts and Evidently's own threshold.
    summary : bool
        Whether to add Evidently's summary of each column (slower, larger).

    Raises
    ------
    MissingExtraError, BadValueError
        Evidently is not installed; no column has values on both sides.
    """
    parts = load()
    frames = [_plain(frame, numbers, texts) for frame in (baseline, current)]
    kept = [c for c in (*numbers, *texts) if all(f[c].notna().sum() > 1 for f in frames)]
    if not kept:
        raise BadValueError("no column has values on both sides. Name columns that do.")
    left_out = sorted({*numbers, *texts} - set(kept))
    methods, thresholds = methods or {}, thresholds or {}
    definition = parts.DataDefinition(
        numerical_columns=[c for c in numbers if c in kept],
        categorical_columns=[c for c in texts if c in kept],
        text_columns=[],
    )
    metrics = [
        parts.ValueDrift(
            column=c,
            method=methods.get(c, NUMBER_METHOD if c in numbers else TEXT_METHOD),
            threshold=thresholds.get(c),
        )
        for c in kept
    ]
    if summary:
        metrics.append(parts.DataSummaryPreset())
    with rendering():
        sides = [
            parts.Dataset.from_pandas(frame[kept], data_definition=definition) for frame in frames
        ]
        snapshot = parts.Report(metrics, include_tests=True).run(sides[1], sides[0])
        table = _table(read_results(snapshot), ours or {})
    notes = [*caveats, *_disagreements(table)]
    if left_out:
        notes.append(f"Without values on one side, so not shown: {', '.join(left_out)}.")
    return EvidentlyReport(snapshot, table, tuple(notes))


def _plain(frame: pd.DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    made: dict[str, Any] = {}
    for name in numbers:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy("float64", na_value=np.nan)
        made[name] = np.where(np.isfinite(values), values, np.nan)
    for name in texts:
        words = frame[name].to_numpy(dtype=object)
        missing = pd.isna(words)
        made[name] = pd.Series(
            [None if m else str(w) for w, m in zip(words, missing, strict=True)], dtype=object
        )
    return pd.DataFrame(made)


def _table(findings: Sequence[Finding], ours: Mapping[str, bool]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "column": f.column,
                "method": f.details["method"],
                "threshold": f.details["threshold"],
                "score": f.estimate,
                "evidently": f.code == "EVIDENTLY_DRIFT",
                "ours": ours.get(str(f.column)),
            }
            for f in findings
        ],
        columns=["column", "method", "threshold", "score", "evidently", "ours"],
    )


def _disagreements(table: pd.DataFrame) -> list[str]:
    known = table[table["ours"].notna()]
    only = {
        "Evidently alone sees drift in": known[known["evidently"] & ~known["ours"].astype(bool)],
        "Evidently does not see the drift in": known[
            ~known["evidently"] & known["ours"].astype(bool)
        ],
    }
    return [f"{text} {', '.join(rows['column'])}." for text, rows in only.items() if len(rows)]
