"""DeLong's variance of the area under the ROC curve, from mid-ranks.

The AUC is the share of (positive, negative) pairs of rows in which the positive row has the higher
score, ties counting one half. DeLong et al. write it as a mean over positive rows, or over negative
rows, of each row's own share of pairs won: the *structural components* `V10` and `V01`. Their
variances give that of the AUC. Sun and Xu read the components off ranks, so that sorting,
O(n log n), replaces the comparison of all pairs.

Reference:
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or
    more correlated receiver operating characteristic curves. Biometrics 44, 837-845.
    Sun, X. and Xu, W. (2014). Fast implementation of DeLong's algorithm. IEEE Signal Processing
    Letters 21, 1389-1393.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import DataError

Floats = NDArray[np.float64]


def delong_components(
    y: NDArray[np.integer], scores: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Each row's share of the pairs that the positive row of the pair wins.

    Args:
        y: 1 for positive and 0 for negative rows, shape `(rows,)`.
        scores: Higher means more likely positive, shape `(rows,)`.

    Returns:
        `V10` of the positive rows and `V01` of the negative rows, each in the order of `y` and with
        the AUC as its mean.

    Raises:
        DataError: One of the classes has no row.

    Example:
        >>> delong_components(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        (array([0.75, 1.  ]), array([1.  , 0.75]))
    """
    wins10, wins01 = pair_wins(y, scores)
    return wins10 / (2 * len(wins01)), wins01 / (2 * len(wins10))


def delong_variance(y: NDArray[np.integer], scores: NDArray[np.floating]) -> tuple[float, float]:
    """The AUC and its variance.

    Args:
        y: 1 for positive and 0 for negative rows, shape `(rows,)`.
        scores: Higher means more likely positive, shape `(rows,)`.

    Returns:
        The AUC, and its variance: exactly 0 where all rows of a class win alike (as at an AUC of
        0 or 1), NaN where a class has one row only.

    Example:
        >>> delong_variance(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        (0.875, 0.03125)
    """
    wins10, wins01 = pair_wins(y, scores)
    return mean_and_variance(wins10, wins01)


def pair_wins(y: NDArray[np.integer], scores: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """The structural components times twice the number of pairs of a row: whole numbers.

    Sums and differences of whole numbers are exact, so that models that rank alike differ by
    exactly 0.

    Args:
        y: 1 for positive and 0 for negative rows, shape `(rows,)`.
        scores: Higher means more likely positive, shape `(rows,)`.

    Returns:
        Twice the pairs won (a tie counts 1): by each positive row, and by the positive rows against
        each negative row.

    Raises:
        DataError: One of the classes has no row.
    """
    from scipy.stats import rankdata

    positive = np.asarray(y) == 1
    m, n = np.count_nonzero(positive), np.count_nonzero(~positive)
    if not m or not n:
        raise DataError(f"{m} positive and {n} negative rows came; an AUC needs some of both")
    # A row's mid-rank among all rows, less that among its own class, counts the rows of the other
    # class below it, ties as one half.
    ranks = 2 * rankdata(scores)
    wins10 = ranks[positive] - 2 * rankdata(scores[positive])
    wins01 = 2 * m - (ranks[~positive] - 2 * rankdata(scores[~positive]))
    return wins10, wins01


def mean_and_variance(wins10: Floats, wins01: Floats) -> tuple[float, float]:
    """The AUC (or a difference of AUCs) and its variance, from `pair_wins` (or their differences).

    Args:
        wins10: Of the positive rows, shape `(m,)`.
        wins01: Of the negative rows, shape `(n,)`.

    Returns:
        Mean, and `var(V10) / m + var(V01) / n` with NaN where `m` or `n` is 1.
    """
    m, n = len(wins10), len(wins01)
    mean = float(wins10.sum()) / (2 * m * n)
    if min(m, n) < 2:
        return mean, float("nan")
    variance10 = np.var(wins10, ddof=1) / (2 * n) ** 2
    variance01 = np.var(wins01, ddof=1) / (2 * m) ** 2
    return mean, float(variance10 / m + variance01 / n)
