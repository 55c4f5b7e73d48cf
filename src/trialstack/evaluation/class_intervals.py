"""Intervals of the scores of predicted classes: balanced accuracy, F1 and Matthews' correlation.

All of them are read off the confusion matrix. Resampling rows within their class is the same as
drawing each row of the matrix from a multinomial distribution, whose cost does not grow with the
number of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.bootstrap import SEED, resamples_of
from trialstack.evaluation.intervals import (
    Interval,
    around,
    deviation,
    logit_interval,
    wilson_interval,
    z_of,
)

Counts = NDArray[np.int64]
"""A confusion matrix: rows of each class by predicted class, shape `(classes, classes)`."""


@dataclass(frozen=True, eq=False)
class Margins:
    """What F1 and Matthews' correlation need of confusion matrices.

    Attributes:
        hits: Rows of each class that were predicted right, shape `(resamples, classes)`.
        predicted: Rows that were taken for each class, shape `(resamples, classes)`.
        true: Rows of each class, shape `(classes,)`.
    """

    hits: NDArray[np.float64]
    predicted: NDArray[np.float64]
    true: NDArray[np.float64]

    @classmethod
    def of(cls, counts: Counts) -> Margins:
        """Those of one matrix, as one resample."""
        matrix = np.asarray(counts, dtype=np.float64)
        return cls(np.diag(matrix)[np.newaxis], matrix.sum(axis=0)[np.newaxis], matrix.sum(axis=1))

    def macro_f1(self) -> NDArray[np.float64]:
        """Mean F1 over the classes that occur, shape `(resamples,)`."""
        occurring = self.true > 0
        f1 = 2 * self.hits / np.maximum(self.predicted + self.true, 1)
        return np.asarray(f1[:, occurring].mean(axis=1))

    def mcc(self) -> NDArray[np.float64]:
        """Matthews' correlation of predicted and true classes, shape `(resamples,)`.

        Reference:
            Gorodkin, J. (2004). Comparing two K-category assignments by a K-category correlation
            coefficient. Computational Biology and Chemistry 28, 367-374.
        """
        rows = self.true.sum()
        covariance = rows * self.hits.sum(axis=1) - self.predicted @ self.true
        of_true = rows**2 - (self.true**2).sum()
        of_predicted = rows**2 - (self.predicted**2).sum(axis=1)
        # Where all rows are taken for one class there is no correlation: 0 by convention.
        scale = np.sqrt(of_true * of_predicted)
        return np.asarray(covariance / np.where(scale > 0, scale, np.inf))


def balanced_accuracy_interval(counts: Counts, level: float = 0.95) -> Interval:
    """Interval of the mean over classes of the share of their rows found.

    The shares are independent proportions. Each has Wilson's interval, and the distances of their
    ends combine as the root of their squares, divided by the number of classes.

    Args:
        counts: A confusion matrix.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the balanced accuracy.

    Reference:
        Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
        general approach. Statistics in Medicine 27, 1693-1702.

    Example:
        >>> low, high = balanced_accuracy_interval(np.array([[50, 3], [2, 88]]))
        >>> f"{low:.3f} to {high:.3f}"
        '0.905 to 0.981'
    """
    rows = counts.sum(axis=1)
    occurring = rows > 0
    hits, sizes = np.diag(counts)[occurring], rows[occurring]
    shares = hits / sizes
    ends = np.array(
        [wilson_interval(int(hit), int(n), level) for hit, n in zip(hits, sizes, strict=True)]
    )
    below, above = np.sqrt(((ends - shares[:, np.newaxis]) ** 2).sum(axis=0)) / len(shares)
    mean = float(shares.mean())
    return around(mean, mean - float(below), mean + float(above))


def f1_interval(counts: Counts, level: float = 0.95, seed: int = SEED) -> Interval:
    """Interval of F1: of two classes that of the second, of more the mean of those that occur.

    Of two classes: F1 is `2 J / (1 + J)`, where `J` is the share of right predictions among the
    rows that are of the class or taken for it, a proportion that has Wilson's interval. Of more:
    standard error from a bootstrap by class, on the logit scale.

    Args:
        counts: A confusion matrix.
        level: Of confidence, between 0 and 1.
        seed: Of the drawing.

    Returns:
        An interval that contains F1.

    Reference:
        Lam, K. F. Y., Gopal, V. and Qian, J. (2023). Confidence intervals for the F1 score: a
        comparison of four methods. arXiv:2309.14621 (the first case).

    Example:
        >>> low, high = f1_interval(np.array([[50, 3], [2, 88]]))
        >>> f"{low:.3f} to {high:.3f}"
        '0.936 to 0.988'
    """
    if len(counts) == 2:
        hits = int(counts[1, 1])
        low, high = wilson_interval(hits, hits + int(counts[0, 1] + counts[1, 0]), level)
        return 2 * low / (1 + low), 2 * high / (1 + high)
    return _bootstrapped(counts, Margins.macro_f1, level, seed)


def mcc_interval(counts: Counts, level: float = 0.95, seed: int = SEED) -> Interval:
    """Interval of Matthews' correlation, -1 to 1.

    Its standard error comes from a bootstrap by class, and the interval is symmetric on Fisher's
    scale, the inverse hyperbolic tangent, as is usual for correlations.

    Args:
        counts: A confusion matrix.
        level: Of confidence, between 0 and 1.
        seed: Of the drawing.

    Returns:
        An interval that contains the correlation.

    Example:
        >>> low, high = mcc_interval(np.array([[50, 3], [2, 88]]))
        >>> 0.8 < low < 0.925 < high < 1
        True
    """

    # Fisher's scale is half of the logit of (1 + r) / 2.
    def from_zero_to_one(margins: Margins) -> NDArray[np.float64]:
        return (1 + margins.mcc()) / 2

    low, high = _bootstrapped(counts, from_zero_to_one, level, seed)
    return 2 * low - 1, 2 * high - 1


def _bootstrapped(
    counts: Counts,
    score: Callable[[Margins], NDArray[np.float64]],
    level: float,
    seed: int,
) -> Interval:
    """Interval of a score between 0 and 1.

    Where all resamples agree, as those of a model without mistakes do, they are drawn from a
    matrix to which as many rows are added as in Wilson's interval: z² in all, half of them right.
    """
    estimate = float(score(Margins.of(counts))[0])
    matrix = np.asarray(counts, dtype=np.float64)
    error = deviation(score(_resampled(matrix, matrix.sum(axis=1), seed)))
    if error > 0:
        return logit_interval(estimate, error, level)
    k = len(matrix)
    rows = matrix.sum(axis=1, keepdims=True)
    added = np.where(np.eye(k, dtype=bool), 1 / 2, 1 / (2 * (k - 1)))
    smoothed = matrix + added * z_of(level) ** 2 * rows / rows.sum()
    resampled = score(_resampled(smoothed, rows[:, 0], seed))
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return around(estimate, float(low), float(high))


def _resampled(matrix: NDArray[np.float64], rows: NDArray[np.float64], seed: int) -> Margins:
    """Draws as many rows of each class as there are, with the matrix's shares."""
    rng = np.random.default_rng(seed)
    k = len(matrix)
    resamples = resamples_of(k, k)
    hits, predicted = np.zeros((resamples, k)), np.zeros((resamples, k))
    for true in np.flatnonzero(rows):
        shares = matrix[true] / matrix[true].sum()
        drawn = rng.multinomial(int(rows[true]), shares, size=resamples)
        hits[:, true] = drawn[:, true]
        predicted += drawn
    return Margins(hits, predicted, rows)
