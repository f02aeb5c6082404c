"""Figures of drift show what the tables say."""

from __future__ import annotations

import pandas as pd
import pytest
import rca
from rca.errors import UnknownNameError
from tests.analysis.drift.planted import plant


@pytest.fixture(scope="module")
def profile() -> rca.DriftProfile:
    case = plant("merged", n=6_000, share=1.0, seed=2)
    return rca.profile_drift(case.comparison, columns=["tier", "amount", "hour_local"])


def test_ranked_columns_have_their_noise(profile: rca.DriftProfile) -> None:
    bars, noise = profile.plot().data
    assert list(bars.y)[-1] == "tier"
    assert list(noise.x) == profile.table["noise"].tolist()[::-1]


def test_both_sides_of_a_text_are_ordered_by_how_much_they_moved(profile) -> None:
    cells = profile.cells("tier")
    assert cells["cell"][0] == "paid"
    assert cells[["baseline", "current"]].sum().tolist() == pytest.approx([1, 1])
    figure = profile.plot_column("tier")
    assert {bar.name for bar in figure.data} == {"baseline", "current"}
    assert figure.data[0].y[-1] == "paid"


def test_bins_of_a_number_keep_their_order(profile) -> None:
    cells = profile.cells("amount")
    assert cells["cell"][0].startswith(("below", "null")) or " to " in cells["cell"][0]
    assert cells["current"].sum() == pytest.approx(1)
    assert list(profile.plot_column("amount").data[0].x) == cells["cell"].tolist()


def test_few_values_are_named_by_themselves(profile) -> None:
    assert set(profile.cells("hour_local")["cell"]) <= {str(h) for h in range(24)}


def test_onsets_have_intervals(profile) -> None:
    lines, points = profile.plot_onsets().data
    assert list(points.y) == ["tier"]
    assert pd.Timestamp(points.x[0]).date() == pd.Timestamp("2026-03-07").date()
    assert lines.x[0] <= points.x[0] <= lines.x[1]
    assert lines.x[0] < lines.x[1]


def test_a_column_nobody_profiled_is_an_error(profile) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'tier'"):
        profile.plot_column("teir")
