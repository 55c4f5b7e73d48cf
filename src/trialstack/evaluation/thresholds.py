"""What a classifier of two classes would do at other thresholds than one half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.evaluation.checks import check_names, check_predictions

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Scores of predicted classes by the probability from which a row is taken for class 1.

    All arrays have the shape `(thresholds,)`.

    Attributes:
        label: Name of class 1.
        thresholds: From 0 to 1; the scores at one hold from just above the threshold before it.
        precision: Share of the rows taken for class 1 that are of it; NaN where none is.
        recall: Share of the rows of class 1 that are taken for it.
        f1: Harmonic mean of both; 0 where none is found.
        accuracy: Share of rows that are right.
    """

    label: str
    thresholds: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    accuracy: Floats

    @property
    def best_f1(self) -> tuple[float, float]:
        """The threshold with the largest F1, the one nearest to 1/2 among equals; and that F1."""
        best = self.f1.max()
        equals = self.thresholds[self.f1 == best]
        return float(equals[np.abs(equals - 0.5).argmin()]), float(best)


def threshold_curve(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> ThresholdCurve:
    """Precision, recall, F1 and accuracy against the threshold.

    Two classes only: see `trialstack.evaluation.confidence` for more.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, 2)`; column 1 is held against the threshold.
        classes: Names of the two classes.

    Raises:
        DataError: See `check_predictions`; or there are more than two classes.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> curve = threshold_curve([0, 0, 1, 1], p, ["no", "yes"])
        >>> curve.thresholds, curve.accuracy
        (array([0. , 0.1, 0.3, 0.4, 0.8, 1. ]), array([0.5 , 0.5 , 0.75, 0.5 , 0.75, 0.5 ]))
        >>> curve.best_f1
        (0.3, 0.8)
    """
    from sklearn.metrics import roc_curve

    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    if len(classes) != 2:
        raise DataError(
            f"threshold curve: {len(classes)} classes came; expected two, since of more the most "
            "probable one is predicted and no threshold is used"
        )
    positives = np.count_nonzero(labels)
    negatives = len(labels) - positives
    false_rate, recall, thresholds = roc_curve(labels, matrix[:, 1], drop_intermediate=False)
    # From the lowest probability up; scikit-learn begins with an infinite threshold.
    thresholds, hits, false_alarms = (
        values[:0:-1]
        for values in (thresholds, np.rint(recall * positives), np.rint(false_rate * negatives))
    )
    if thresholds[0] > 0:  # at 0 every row is taken for class 1
        thresholds = np.append(0.0, thresholds)
        hits, false_alarms = np.append(positives, hits), np.append(negatives, false_alarms)
    if thresholds[-1] < 1:  # at 1 none is
        thresholds = np.append(thresholds, 1.0)
        hits, false_alarms = np.append(hits, 0), np.append(false_alarms, 0)
    with np.errstate(invalid="ignore"):  # no alarm: 0 / 0
        precision = hits / (hits + false_alarms)
    return ThresholdCurve(
        label=str(classes[1]),
        thresholds=thresholds,
        precision=precision,
        recall=hits / positives,
        f1=2 * hits / (hits + false_alarms + positives),
        accuracy=(hits + negatives - false_alarms) / len(labels),
    )
