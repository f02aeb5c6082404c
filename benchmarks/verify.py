"""How often a watch of 24 hours is wrong, and what it sees: bets on hours beside other tests.

    python benchmarks/verify.py [--watches 4000]

Errors are drawn with a correlation within the hour (beta-binomial). Each line is the share of
watches that, at any of 24 hourly looks, say "broken" (z, bets on rows, bets on hours) or, at the
end, "recovered". The limit is 2 %; at it, every share should be 0.05 or less.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from rca.stats.betting import (
    beta_binomial,
    block_kappa,
    log_wealth_above,
    log_wealth_below,
    reach,
)
from scipy import special

LIMIT, ALPHA, HOURS = 0.02, 0.05, 24
WALL = np.log(1 / ALPHA)


def z_at_every_look(x: np.ndarray, n: int) -> float:
    seen = n * np.arange(1, HOURS + 1)
    mean = np.cumsum(x, axis=1) / np.arange(1, HOURS + 1)
    return float(np.mean((mean - LIMIT > 1.645 * np.sqrt(LIMIT * (1 - LIMIT) / seen)).any(axis=1)))


def rows_as_independent(x: np.ndarray, n: int) -> float:
    """Return how often a beta(1, 1) mixture of bets on single rows, above the limit, wins."""
    bad = np.cumsum(np.rint(x * n), axis=1)
    rows = n * np.arange(1, HOURS + 1)
    mixed = special.betaln(bad + 1, rows - bad + 1) + np.log(
        np.maximum(special.betaincc(bad + 1, rows - bad + 1, LIMIT), 1e-300)
    )
    null = bad * np.log(LIMIT) + (rows - bad) * np.log1p(-LIMIT)
    return float(np.mean((mixed - np.log(1 - LIMIT) - null >= WALL).any(axis=1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--watches", type=int, default=4000)
    watches = parser.parse_args().watches
    rng, start = np.random.default_rng(0), perf_counter()
    print(f"{watches} watches of {HOURS} hours, limit {LIMIT:.0%}, alpha {ALPHA}")
    print("   n    rho  true   broken: z  bets on rows  bets on hours | recovered")
    for n in (50, 200, 2000):
        for rho in (0.0, 0.005, 0.02, 0.05):
            for mean in (0.005, 0.01, LIMIT, 0.03, 0.04):
                x = beta_binomial(mean, n, rho, (watches, HOURS), rng)
                hours = np.mean(log_wealth_above(x, LIMIT).max(axis=1) >= WALL)
                proof = log_wealth_below(x, LIMIT, block_kappa(n, rho))[:, -1] >= WALL
                print(
                    f"{n:5d} {rho:6.3f} {mean:5.1%} {z_at_every_look(x, n):12.3f} "
                    f"{rows_as_independent(x, n):13.3f} {hours:14.3f} | {proof.mean():.3f}"
                )
    print("recovered at the limit when the true correlation is 2.5 times the one planned for:")
    for n in (50, 200, 2000):
        for rho in (0.005, 0.02):
            x = beta_binomial(LIMIT, n, 2.5 * rho, (watches, HOURS), rng)
            proof = log_wealth_below(x, LIMIT, block_kappa(n, rho))[:, -1]
            print(f"{n:5d} {rho:6.3f} {np.mean(proof >= WALL):.3f}")
    print("smallest effects, said in advance (8 times in 10):")
    for n in (20, 50, 200, 2000):
        for rho in (0.0, 0.02):
            print(f"{n:5d} {rho:6.3f} {reach(LIMIT, n=n, rho=rho)}")
    print(f"{perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
