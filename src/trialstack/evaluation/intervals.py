"""Confidence intervals: how far a score on these rows may be from the score on all rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
"""Lower and upper end."""

ROUNDING = 1e-9
"""A standard error, or a difference between resamples, that is less comes from rounding only."""


def wilson_interval(successes: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion, such as accuracy.

    Args:
        successes: 0 to `n`; a score that is like a proportion may give a fraction.
        n: Number of rows, at least 1.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains `successes / n`.

    Reference:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
        Journal of the American Statistical Association 22, 209-212.

    Example:
        >>> low, high = wilson_interval(9, 10)
        >>> f"{low:.3f} to {high:.3f}"
        '0.596 to 0.982'
    """
    z = z_of(level)
    proportion = successes / n
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    spread = math.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return around(proportion, centre - z * spread, centre + z * spread)


def logit_interval(estimate: float, error: float, level: float = 0.95) -> Interval:
    """Interval of a score between 0 and 1, symmetric on the scale of `ln(p / (1 - p))`.

    It stays within 0 and 1, and is wider towards 1/2.

    Args:
        estimate: Above 0 and below 1.
        error: Its standard error, above 0.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the estimate.

    Example:
        >>> low, high = logit_interval(0.9, 0.05)
        >>> f"{low:.3f} to {high:.3f}"
        '0.752 to 0.964'
    """
    from scipy.special import expit, logit

    # The derivative of the logit takes the error to its scale.
    margin = z_of(level) * error / (estimate * (1 - estimate))
    low, high = expit(logit(estimate) - margin), expit(logit(estimate) + margin)
    return around(estimate, float(low), float(high))


def mean_interval(values: NDArray[np.float64], largest: float, level: float = 0.95) -> Interval:
    """Interval of a mean of losses, symmetric on the logarithmic scale.

    A few rows make up most of the log loss of a good model, so its upper end is farther away than
    its lower one. Where no row has any loss, the upper end is Wilson's for rows of which each has
    none or the largest loss. Rows that all have the same loss leave no doubt that they tell of.

    Args:
        values: Loss of each row, 0 to `largest`, shape `(rows,)`.
        largest: What the loss of a row can be at most.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the mean.

    Example:
        >>> low, high = mean_interval(np.array([0.1, 0.2, 0.1, 0.8]), largest=1.0)
        >>> f"{low:.3f} to {high:.3f}"
        '0.100 to 0.901'
        >>> mean_interval(np.zeros(143), largest=1.0) == wilson_interval(0, 143)
        True
    """
    mean = float(np.mean(values))
    if not mean > 0:
        return 0.0, largest * wilson_interval(0, len(values), level)[1]
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    factor = math.exp(z_of(level) * error / mean)
    return mean / factor, min(mean * factor, largest)


def deviation(resampled: NDArray[np.float64]) -> float:
    """Standard deviation of a score over resamples; exactly 0 where they differ by rounding."""
    return float(np.std(resampled, ddof=1)) if np.ptp(resampled) > ROUNDING else 0.0


def z_of(level: float) -> float:
    """Half-width of an interval of this level in standard errors: 1.96 for 0.95."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def around(estimate: float, low: float, high: float) -> Interval:
    """The interval within 0 and 1, its ends not beyond the estimate by rounding."""
    return max(0.0, min(low, estimate)), min(1.0, max(high, estimate))
