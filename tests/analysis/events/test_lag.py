from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rca.analysis.events.lag import PRIORS, prior_of, time_bayes_factor
from rca.model.event import EVENT_KINDS, Event
from rca.stats.changepoint import TimePosterior
from scipy import integrate
from tests.analysis.events.planted import after

HOUR = 3600.0
EVENT = Event("e", after(10), "config")


def _density(lag: float, median_h: float, noted_late: float = 0.0, late_h: float = 0.5) -> float:
    """Lomax of shape 1.2 with a given median, 6 % Laplace clock error, and its mirror image."""

    def lomax(t: float, median: float) -> float:
        scale = median * HOUR / (2 ** (1 / 1.2) - 1)
        return 1.2 / scale * (1 + t / scale) ** -2.2 if t >= 0 else 0.0

    clock = np.exp(-abs(lag) / 180) / 360
    main = (0.94 - noted_late) * lomax(lag, median_h)
    return float(main + 0.06 * clock + noted_late * lomax(-lag, late_h))


@pytest.mark.parametrize(("low", "high"), [(0.0, 600.0), (600.0, 7200.0), (-900.0, 0.0)])
@pytest.mark.parametrize("kind", ["config", "upstream"])
def test_the_mass_is_the_integral_of_the_density(kind: str, low: float, high: float) -> None:
    prior = PRIORS[kind]
    shape = (prior.median_h, prior.noted_late, prior.late_h)
    wanted, _ = integrate.quad(_density, low, high, args=shape, epsabs=1e-12)
    found = prior.mass(np.array([low]), np.array([high]))
    assert found[0] == pytest.approx(wanted, rel=1e-6)


def test_half_of_the_effects_come_within_the_median() -> None:
    # A config change: 94 % Lomax of median 6 min, 6 % clock error, of which half is after it.
    within = PRIORS["config"].mass(np.array([0.0]), np.array([0.1 * HOUR]))[0]
    clock = 0.06 * 0.5 * (1 - np.exp(-360 / 180))
    assert within == pytest.approx(0.94 * 0.5 + clock)


@pytest.mark.parametrize("kind", [*EVENT_KINDS, "something else"])
def test_every_prior_is_a_distribution(kind: str) -> None:
    whole = prior_of(kind).mass(np.array([-1e15]), np.array([1e15]))[0]
    assert whole == pytest.approx(1.0, abs=1e-6)


def test_a_known_onset_weighs_density_against_a_flat_one() -> None:
    onset = after(10).timestamp() + 1200
    posterior = TimePosterior(np.array([onset - 0.5, onset + 0.5]), np.array([1.0]))
    found = time_bayes_factor(EVENT, posterior, 96 * HOUR)
    assert found == pytest.approx(_density(1200.0, 0.1) * 96 * HOUR, rel=1e-4)


def test_a_posterior_averages_over_its_cells() -> None:
    start = after(10).timestamp()
    edges = start + np.array([0.0, 600.0, 1800.0])
    cells = [TimePosterior(edges[i : i + 2], np.array([1.0])) for i in range(2)]
    apart = [time_bayes_factor(EVENT, cell, 1e5) for cell in cells]
    both = time_bayes_factor(EVENT, TimePosterior(edges, np.array([0.3, 0.7])), 1e5)
    assert both == pytest.approx(0.3 * apart[0] + 0.7 * apart[1])


def test_a_run_may_act_at_any_time_until_it_ends() -> None:
    run = replace(EVENT, kind="pipeline", ts_end=after(12))
    at_end = after(12).timestamp() + np.array([-60.0, 60.0])
    posterior = TimePosterior(at_end, np.array([1.0]))
    starts = [after(10 + i / 4) for i in range(9)]
    each = [time_bayes_factor(replace(run, ts=t, ts_end=None), posterior, 1e5) for t in starts]
    assert time_bayes_factor(run, posterior, 1e5) == pytest.approx(np.mean(each))


def test_only_what_is_noted_late_may_follow_its_effect() -> None:
    before = after(9).timestamp() + np.array([0.0, 60.0])
    posterior = TimePosterior(before, np.array([1.0]))
    deploy, notice = replace(EVENT, kind="deploy"), replace(EVENT, kind="upstream")
    assert time_bayes_factor(deploy, posterior, 96 * HOUR) < 1e-4
    assert time_bayes_factor(notice, posterior, 96 * HOUR) > 1


@given(
    st.sampled_from(sorted(PRIORS)),
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3).map(sorted),
)
def test_masses_add_up(kind: str, ends: list[float]) -> None:
    a, b, c = (np.array([end]) for end in ends)
    prior = PRIORS[kind]
    assert prior.mass(a, b) >= -1e-12
    assert prior.mass(a, b) + prior.mass(b, c) == pytest.approx(prior.mass(a, c), abs=1e-9)
