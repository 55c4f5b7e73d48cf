"""Evaluation plots of any Keras classifier of tabular rows.

For several models on the same axes, and for predictions that are there already, see
`trialstack.plots.evaluation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.evaluation import curves
from trialstack.plots.confusion import draw_confusion
from trialstack.plots.evaluation import draw_calibration, draw_precision_recall, draw_roc
from trialstack.plots.labels import class_labels
from trialstack.plots.model_outputs import check_takes, model_outputs, n_classes_of
from trialstack.plots.plane import numeric_rows
from trialstack.plots.regions import class_probabilities

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of rows, beside what is true.

    Attributes:
        y: Index of each row's class, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes.
    """

    y: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    classes: list[str]


def predictions(
    model: Any, X: ArrayLike, y: ArrayLike, classes: Sequence[object] | None = None
) -> Predictions:
    """A model's probabilities on labelled rows.

    One output of a binary model is the probability of class 1, clipped to [0, 1]; several that
    are no probabilities go through softmax.

    Args:
        model: A Keras model with one input of shape `(rows, features)` and one output.
        X: Raw values, shape `(rows, features)`.
        y: Labels, shape `(rows,)`: names of classes or their indices; or one-hot, shape
            `(rows, classes)`.
        classes: The classes in the order of the model's outputs; sorted labels if not given.

    Raises:
        DataError: Model, rows and labels do not fit together, or the model's output is NaN.
    """
    rows = numeric_rows(X)
    check_takes(model, rows.shape[1])
    outputs = model_outputs(model, rows)
    labels = class_labels(y, classes, n_classes_of(outputs))
    if len(labels.indices) != len(rows):
        raise DataError(
            f"plot: got {len(labels.indices)} labels for {len(rows)} rows; give one a row"
        )
    unknown = np.count_nonzero(~np.isfinite(outputs.reshape(len(rows), -1)).all(axis=1))
    if unknown:
        raise DataError(
            f"plot: the model's output is NaN or infinite for {unknown} of {len(rows)} rows; it "
            "diverged, or those rows have missing values"
        )
    probabilities = class_probabilities(outputs, len(rows), len(labels.names))
    return Predictions(labels.indices, probabilities, labels.names)


def roc(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """The ROC curve: true positive rate against false positive rate, one a class beyond two.

    Args:
        model: See `predictions`.
        X: See `predictions`.
        y: See `predictions`.
        classes: See `predictions`.
        title: What was evaluated on which rows.

    Raises:
        DataError: See `predictions`; or all rows are of one class.
    """
    said = predictions(model, X, y, classes)
    return draw_roc({"": curves.roc_curve(said.y, said.probabilities, said.classes)}, title)


def precision_recall(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """Precision against recall, one curve a class beyond two.

    Args:
        model: See `predictions`.
        X: See `predictions`.
        y: See `predictions`.
        classes: See `predictions`.
        title: What was evaluated on which rows.

    Raises:
        DataError: See `predictions`; or all rows are of one class.
    """
    said = predictions(model, X, y, classes)
    drawn = curves.precision_recall(said.y, said.probabilities, said.classes)
    return draw_precision_recall({"": drawn}, title)


def calibration(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """How often something came true against how probable the model said it was.

    Args:
        model: See `predictions`.
        X: See `predictions`.
        y: See `predictions`.
        classes: See `predictions`.
        title: What was evaluated on which rows.

    Raises:
        DataError: See `predictions`; or all rows are of one class.
    """
    said = predictions(model, X, y, classes)
    return draw_calibration(
        {"": curves.calibration(said.y, said.probabilities, said.classes)}, title
    )


def confusion_matrix(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """Which classes the model takes for which.

    Args:
        model: See `predictions`.
        X: See `predictions`.
        y: See `predictions`.
        classes: See `predictions`.
        title: What was evaluated on which rows.

    Raises:
        DataError: See `predictions`; or all rows are of one class.
    """
    said = predictions(model, X, y, classes)
    counts = curves.confusion(said.y, said.probabilities, said.classes)
    return draw_confusion({"": counts}, said.classes, title)
