"""How noisy the buckets are, and how much neighbours share: variance, autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LAGS = 5
MAX_RHO = 0.95


@dataclass(frozen=True)
class Noise:
    """Noise of the standardised residuals: white plus a first-order autoregression.

    The correlation at lag ``h`` is ``share * rho ** h``: ``share`` is the part of the variance
    that neighbours have in common, the rest is sampling noise of each bucket.
    """

    variance: float
    rho: float
    share: float
    degrees: float

    def inflation(self, size: Floats | float) -> Floats:
        """Return the variance of a mean of ``size`` neighbours over that of independent ones.

        ``1 + 2 share sum_{h<m} (1 - h/m) rho^h``, in closed form.
        """
        m = np.maximum(np.asarray(size, dtype=np.float64), 1.0)
        r = self.rho
        tail = r / (1 - r) - r * (1 - r**m) / (m * (1 - r) ** 2)
        return np.asarray(1 + 2 * self.share * np.maximum(tail, 0.0), dtype=np.float64)

    @property
    def long_run(self) -> float:
        """Return the inflation of a long mean."""
        return float(1 + 2 * self.share * self.rho / (1 - self.rho))


def neighbours_median(y: Floats) -> Floats:
    """Return, for each bucket, the mean of the middle two of its four nearest neighbours."""
    padded = np.concatenate((y[[4, 3]], y, y[[-4, -5]]))
    low, high = padded[:-4].copy(), padded[:-4].copy()
    total = padded[:-4].copy()
    for step in (1, 3, 4):
        other = padded[step : step + len(y)]
        np.minimum(low, other, out=low)
        np.maximum(high, other, out=high)
        total += other
    total -= low
    total -= high
    total /= 2
    for edge, around in ((1, [0, 2, 3, 4]), (-2, [-1, -3, -4, -5])):
        total[edge] = float(np.sort(y[around])[1:3].mean())
    return total


def robust_sd(residual: Floats) -> float:
    """Return 1.4826 times the median absolute residual (at most 100 000 of them are read)."""
    step = max(1, len(residual) // 100_000)
    return 1.4826 * float(np.median(np.abs(residual[::step])))


def autocovariance(residual: Floats, position: Ints, lags: int) -> Floats:
    """Return the mean products at lags 0..``lags``, of pairs that are truly that far apart."""
    found = np.zeros(lags + 1)
    found[0] = float(np.mean(residual**2))
    gapless = position[-1] - position[0] == len(position) - 1
    for h in range(1, min(lags, len(residual) - 1) + 1):
        product = residual[h:] * residual[:-h]
        if not gapless:
            product = product[position[h:] - position[:-h] == h]
        found[h] = float(product.mean()) if len(product) else 0.0
    return found


def innovation_variance(covariance: Floats) -> float:
    """Return the one-step prediction variance by the Levinson-Durbin recursion."""
    variance = covariance[0]
    if variance <= 0:
        return 0.0
    known = np.zeros(0)
    for h in range(1, len(covariance)):
        reflection = (covariance[h] - known @ covariance[h - 1 : 0 : -1]) / variance
        reflection = float(np.clip(reflection, -0.99, 0.99))
        known = np.append(known - reflection * known[::-1], reflection)
        variance *= 1 - reflection**2
    return float(variance)


def estimate(residual: Floats, position: Ints, *, levels: int, parameters: int) -> Noise:
    """Estimate the noise from residuals around ``levels`` segment levels and a season.

    Each fitted level takes about ``long_run`` times one bucket's variance out of every
    autocovariance; it is put back (two rounds), so that short segments do not look independent.
    """
    n = len(residual)
    raw = autocovariance(residual, position, LAGS)
    raw_variance = max(raw[0], 1e-300)
    noise = Noise(raw_variance, 0.0, 0.0, max(1.0, n - levels - parameters))
    for _ in range(3):
        lost = min(0.5, (noise.long_run * levels + parameters) / n)
        variance = raw_variance / (1 - lost)
        correlation = (raw[1:] / raw_variance) * (1 - lost) + lost
        rho, share = _fit_decay(correlation, n)
        noise = Noise(variance, rho, share, 1.0)
    degrees = max(2.0, n / noise.long_run - levels - min(parameters, n / 4) / noise.long_run)
    return Noise(noise.variance, noise.rho, noise.share, degrees)


def _fit_decay(correlation: Floats, n: int) -> tuple[float, float]:
    """Fit ``share * rho^h`` to the correlations at lags 1..; noise alone gives zero."""
    first = float(correlation[0])
    if first <= 1.0 / np.sqrt(n):
        return (max(0.0, first), 1.0) if first > 0 else (0.0, 0.0)
    grid = np.linspace(0.02, MAX_RHO, 94)
    powers = grid[:, None] ** np.arange(1, len(correlation) + 1)
    share = np.minimum(1.0, (powers @ correlation) / (powers**2).sum(1))
    loss = ((correlation - share[:, None] * powers) ** 2).sum(1)
    best = int(np.argmin(loss))
    return float(grid[best]), float(max(share[best], 0.0))
