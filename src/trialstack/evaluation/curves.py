"""The numbers behind the plots of a classifier: ROC, precision-recall, calibration, confusion.

For ROC and precision-recall two classes give one curve, that of class 1; more give one a class,
each against the rest. Classes that do not occur in the rows have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.evaluation.calibration_error import BINS, bins_of, calibration_error, outcomes
from trialstack.evaluation.checks import check_names, check_predictions, scored_classes
from trialstack.evaluation.intervals import wilson_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A line of a plot.

    Attributes:
        label: The class.
        x: From left to right for ROC; by rising recall for precision-recall.
        y: Of the same shape, `(points,)`.
        area: Under the line: AUC, or average precision.
        prevalence: Share of rows that are of the class.
    """

    label: str
    x: Floats
    y: Floats
    area: float
    prevalence: float


@dataclass(frozen=True)
class CalibrationCurve:
    """How often what was predicted came true, by bins of the predicted probability.

    Attributes:
        label: The class, or empty where each row's most probable class was looked at.
        edges: Of all bins, shape `(bins + 1,)`.
        counts: Rows in each bin, shape `(bins,)`.
        predicted: Mean probability in each bin that has rows, shape `(filled bins,)`.
        observed: Share of rows in each of those bins that came true.
        low: Lower end of the 95 % interval of `observed` (Wilson).
        high: Upper end.
        error: Expected calibration error, 0 to 1: the mean of `|observed - predicted|` over rows.
    """

    label: str
    edges: Floats
    counts: NDArray[np.int64]
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    error: float

    @property
    def filled_counts(self) -> NDArray[np.int64]:
        """Rows in each bin that has rows, shape `(filled bins,)`."""
        return self.counts[self.counts > 0]


def roc_curve(y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> list[Curve]:
    """True positive rate against false positive rate, over all thresholds.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes, in the order of the columns.

    Raises:
        DataError: See `check_predictions`; or the number of names does not fit.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> roc_curve([0, 0, 1, 1], p, ["no", "yes"])[0].area
        0.75
    """
    from sklearn.metrics import auc
    from sklearn.metrics import roc_curve as roc_points

    curves = []
    for label, is_class, p in _one_vs_rest(y, probabilities, classes):
        x, rate, _ = roc_points(is_class, p)
        curves.append(Curve(label, x, rate, float(auc(x, rate)), float(is_class.mean())))
    return curves


def precision_recall(y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> list[Curve]:
    """Precision (share of alarms that are right) against recall (share of cases found).

    The area is average precision, the sum of steps: a straight line between two points of this
    curve would be too good.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes, in the order of the columns.

    Raises:
        DataError: See `check_predictions`; or the number of names does not fit.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> curve = precision_recall([0, 0, 1, 1], p, ["no", "yes"])[0]
        >>> round(curve.area, 4), curve.prevalence
        (0.8333, 0.5)
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    curves = []
    for label, is_class, p in _one_vs_rest(y, probabilities, classes):
        precision, recall, _ = precision_recall_curve(is_class, p)
        area = float(average_precision_score(is_class, p))
        curves.append(Curve(label, recall[::-1], precision[::-1], area, float(is_class.mean())))
    return curves


def calibration(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], bins: int = BINS
) -> CalibrationCurve:
    """How often something came true against how probable it was said to be.

    Two classes: the probability of class 1, and whether the row is of class 1. More: the
    probability of each row's most probable class, and whether that is its class, since a curve a
    class would leave too few rows in a bin.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes, in the order of the columns.
        bins: Number of bins of equal width.

    Raises:
        DataError: See `check_predictions`; or the number of names does not fit.

    Reference:
        Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural
        networks. ICML, section 2 (the diagram and the expected calibration error).

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> curve = calibration([0, 0, 1, 1], p, ["no", "yes"], bins=2)
        >>> curve.counts, curve.observed.round(2), round(curve.error, 2)
        (array([3, 1]), array([0.33, 1.  ]), 0.1)
    """
    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    p, came_true = outcomes(labels, matrix)
    bin_of_row = bins_of(p, bins)
    counts = np.bincount(bin_of_row, minlength=bins)
    filled = counts > 0
    n = counts[filled]
    hits = np.bincount(bin_of_row, weights=came_true, minlength=bins)[filled]
    predicted = np.bincount(bin_of_row, weights=p, minlength=bins)[filled] / n
    intervals = np.array([wilson_interval(int(k), int(m)) for k, m in zip(hits, n, strict=True)])
    return CalibrationCurve(
        label=str(classes[1]) if len(classes) == 2 else "",
        edges=np.linspace(0, 1, bins + 1),
        counts=counts,
        predicted=predicted,
        observed=hits / n,
        low=intervals[:, 0],
        high=intervals[:, 1],
        error=calibration_error(labels, matrix, bins),
    )


def confusion(y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """How many rows of each class were taken for which.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; the most probable class is the predicted one.
        classes: Names of the classes, in the order of the columns.

    Returns:
        Counts, shape `(true class, predicted class)`.

    Raises:
        DataError: See `check_predictions`; or the number of names does not fit.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> confusion([0, 0, 1, 1], p, ["no", "yes"]).tolist()
        [[2, 0], [1, 1]]
    """
    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    n = len(classes)
    return np.bincount(labels * n + matrix.argmax(axis=1), minlength=n * n).reshape(n, n)


def _one_vs_rest(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.bool_], Floats]]:
    """Name, truth and probability of each class that has a curve."""
    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    for k in scored_classes(labels, len(classes)):
        yield str(classes[k]), labels == k, matrix[:, k]
