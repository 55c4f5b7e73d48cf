"""What a classifier would do if it were asked only where it is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.evaluation.checks import check_names, check_predictions

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ConfidenceCurve:
    """Scores by the probability that a prediction must have to be counted.

    All arrays have the shape `(thresholds,)`.

    Attributes:
        thresholds: From 1 / classes, below which no largest probability is, to the largest; the
            scores at one hold from just above the threshold before it.
        coverage: Share of rows whose most probable class has at least that probability.
        accuracy: Share of these that are right.
    """

    thresholds: Floats
    coverage: Floats
    accuracy: Floats


def confidence_curve(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> ConfidenceCurve:
    """Accuracy and coverage against the probability of the predicted class.

    It is the threshold curve for any number of classes: of more than two the most probable one is
    predicted, and the threshold is on how probable that one is.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes.

    Raises:
        DataError: See `check_predictions`.

    Reference:
        El-Yaniv and Wiener (2010), "On the Foundations of Noise-free Selective Classification",
        Journal of Machine Learning Research 11: accuracy is one minus their selective risk.

    Example:
        >>> p = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]
        >>> curve = confidence_curve([1, 1, 2], p, ["a", "b", "c"])
        >>> [f"{t:.2f} {c:.2f} {a:.2f}" for t, c, a in
        ...  zip(curve.thresholds, curve.coverage, curve.accuracy)]
        ['0.33 1.00 0.67', '0.50 1.00 0.67', '0.60 0.67 1.00', '0.80 0.33 1.00']
    """
    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    sure = matrix.max(axis=1)
    right = matrix.argmax(axis=1) == labels
    order = np.argsort(sure, kind="stable")
    values, first = np.unique(sure[order], return_index=True)
    counted = len(labels) - first  # rows at or above each value
    hits = np.cumsum(right[order][::-1])[::-1][first]
    thresholds, coverage, accuracy = values, counted / len(labels), hits / counted
    lowest = 1 / matrix.shape[1]
    if thresholds[0] > lowest:
        thresholds = np.append(lowest, thresholds)
        coverage, accuracy = np.append(1.0, coverage), np.append(accuracy[0], accuracy)
    return ConfidenceCurve(thresholds, coverage, accuracy)
