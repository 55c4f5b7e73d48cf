"""Intervals of the area under the ROC curve."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.bootstrap import SEED, bootstrap_auc
from trialstack.evaluation.checks import Labels, Probabilities
from trialstack.evaluation.delong import delong_variance
from trialstack.evaluation.intervals import Interval, around, logit_interval, z_of


def auc_interval(
    y: NDArray[np.integer], scores: NDArray[np.floating], level: float = 0.95
) -> Interval:
    """DeLong's interval on the logit scale; Newcombe's where DeLong's has no width.

    On the logit scale the interval stays within 0 and 1 and is wider towards 1/2, as it should be
    for an AUC near 1. DeLong's variance is zero at an AUC of 0 or 1 (which does not mean that the
    model is certain to be perfect) and unknown where a class has one row only.

    Args:
        y: 1 for positive and 0 for negative rows, shape `(rows,)`.
        scores: Higher means more likely positive, shape `(rows,)`.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the AUC.

    Raises:
        DataError: One of the classes has no row.

    Reference:
        Pepe, M. S. (2003). The Statistical Evaluation of Medical Tests for Classification and
        Prediction. Oxford University Press, section 5.2.

    Example:
        >>> y = np.array([0, 0, 0, 1, 1, 1])
        >>> low, high = auc_interval(y, np.array([0.1, 0.2, 0.6, 0.5, 0.8, 0.9]))
        >>> f"{low:.3f} to {high:.3f}"
        '0.261 to 0.995'
    """
    auc, variance = delong_variance(y, scores)
    if not variance > 0:  # NaN too
        positives = int(np.count_nonzero(np.asarray(y) == 1))
        return newcombe_interval(auc, positives, len(y) - positives, level)
    return logit_interval(auc, math.sqrt(variance), level)


def newcombe_interval(auc: float, positives: int, negatives: int, level: float = 0.95) -> Interval:
    """Newcombe's score interval of an AUC, from the AUC and the numbers of rows alone (method 5).

    Its ends are the values `a` that lie just `z` standard errors from the estimate, where the
    error is that of an AUC of `a`, not of the estimate. Hence it has a width at 0 and 1 too. The
    variance is Hanley and McNeil's, with both of their `m - 1` and `n - 1` replaced by the mean
    `N = (m + n) / 2 - 1`:

        V(a) = a (1 - a) [1 + N (1 - a) / (2 - a) + N a / (1 + a)] / (m n)

    Args:
        auc: The estimate, 0 to 1.
        positives: Number of positive rows, m.
        negatives: Number of negative rows, n.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the AUC.

    Reference:
        Newcombe, R. G. (2006). Confidence intervals for an effect size measure based on the
        Mann-Whitney statistic. Part 2: asymptotic methods and evaluation. Statistics in Medicine
        25, 559-573.

    Example:
        >>> low, high = newcombe_interval(1.0, positives=90, negatives=53)
        >>> f"{low:.3f} to {high:.3f}"
        '0.971 to 1.000'
    """
    z = z_of(level)
    # The variance is the same for a and 1 - a, so the upper end mirrors a lower one.
    low = _newcombe_lower_end(auc, positives, negatives, z)
    high = 1 - _newcombe_lower_end(1 - auc, positives, negatives, z)
    return around(auc, low, high)


def _newcombe_lower_end(auc: float, m: int, n: int, z: float) -> float:
    from scipy.optimize import brentq

    if auc <= 0:
        return 0.0
    mean_size = (m + n) / 2 - 1

    def excess(a: float) -> float:
        """`(auc - a)² - z² V(a)`, over `1 - a`: for an AUC of 1 that removes the root at 1."""
        distance = 1 - a if auc >= 1 else (auc - a) ** 2 / (1 - a)
        bracket = 1 + mean_size * ((1 - a) / (2 - a) + a / (1 + a))
        return distance - z**2 * a * bracket / (m * n)

    return float(brentq(excess, 0.0, auc, xtol=1e-12))


def bootstrap_interval(
    y: Labels,
    probabilities: Probabilities,
    level: float = 0.95,
    resamples: int | None = None,
    seed: int = SEED,
) -> Interval:
    """Percentile bootstrap interval of the one-vs-rest macro AUC, stratified by class.

    Where all resamples agree (every class separated without error) the mean of the classes'
    Newcombe intervals stands in: a mean of AUCs cannot be less sure than its parts are on average.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        level: Of confidence, between 0 and 1.
        resamples: How many times the rows are drawn anew; see `bootstrap_auc`.
        seed: Of the drawing.

    Returns:
        An interval that contains the AUC.

    Example:
        >>> p = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2],
        ...               [0.1, 0.2, 0.7], [0.1, 0.5, 0.4]])
        >>> low, high = bootstrap_interval(np.array([0, 0, 1, 1, 2, 2]), p)
        >>> 0 < low < high <= 1
        True
    """
    resampled = bootstrap_auc(y, [probabilities], resamples, seed)[:, 0]
    areas = {k: delong_variance(y == k, probabilities[:, k])[0] for k in np.unique(y)}
    auc = float(np.mean(list(areas.values())))
    if np.ptp(resampled) > 0:
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    else:
        sizes = {k: int(np.count_nonzero(y == k)) for k in areas}
        low, high = np.mean(
            [newcombe_interval(areas[k], sizes[k], len(y) - sizes[k], level) for k in areas], axis=0
        )
    return around(auc, float(low), float(high))
