"""What labels and probabilities must be before anything is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError

Labels = NDArray[np.int64]
"""Class index of each row, 0 to classes - 1, shape `(rows,)`."""

Probabilities = NDArray[np.float64]
"""Shape `(rows, classes)`; rows sum to one. Binary: column 1 is the positive class."""

SUM_TOLERANCE = 1e-2
"""How far a row may be from one: half precision is off by less, a missing softmax by more."""


def check_predictions(y: ArrayLike, probabilities: ArrayLike) -> tuple[Labels, Probabilities]:
    """Labels and probabilities as the other functions want them, or a clear refusal.

    Rows are scaled to sum to one in double precision: those of a float32 softmax do so only
    nearly, which scikit-learn warns of.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`, between 0 and 1.

    Returns:
        `y` as int64 and the probabilities as float64, copied.

    Raises:
        DataError: Shapes that do not fit, labels that are no class indices or all of one class,
            values that are NaN, infinite, negative or do not sum to one.

    Example:
        >>> y, p = check_predictions([0, 1], np.array([[0.9, 0.1], [0.3, 0.7]], dtype="float32"))
        >>> bool(np.all(p.sum(axis=1) == 1.0))
        True
    """
    matrix = np.array(probabilities, dtype=np.float64)
    labels = np.asarray(y)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise DataError(
            f"probabilities have the shape {matrix.shape}; expected (rows, classes) with two or "
            "more columns: give both columns of a binary model, column 1 the positive class"
        )
    if labels.shape != (len(matrix),):
        raise DataError(
            f"labels have the shape {labels.shape}; expected ({len(matrix)},), "
            "one for each row of probabilities"
        )
    return _class_indices(labels, classes=matrix.shape[1]), _normalised(matrix)


def check_names(probabilities: Probabilities, classes: Sequence[str]) -> None:
    """Refuses names of classes that are not one a column of the probabilities.

    Raises:
        DataError: They are more or fewer.
    """
    if probabilities.shape[1] != len(classes):
        raise DataError(
            f"{len(classes)} class names came for {probabilities.shape[1]} columns of "
            "probabilities; expected one name a column"
        )


def scored_classes(y: Labels, classes: int) -> list[int]:
    """The classes that are looked at against the rest: of two the second, of more all in `y`.

    Example:
        >>> scored_classes(np.array([0, 1]), 2), scored_classes(np.array([0, 2]), 3)
        ([1], [0, 2])
    """
    return [1] if classes == 2 else np.unique(y).tolist()


def _class_indices(labels: NDArray[np.generic], classes: int) -> Labels:
    allowed = np.isin(labels, np.arange(classes))
    if not allowed.all():
        raise DataError(
            f"label {labels[~allowed][0]!s} came; expected class indices 0 to {classes - 1}: "
            "encode the classes in sorted order"
        )
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"the {len(labels)} rows are all of one class ({labels[0]!s}), of which no score tells "
            "anything; expected two or more: evaluate on more rows, or split them stratified"
        )
    return labels.astype(np.int64)


def _normalised(matrix: Probabilities) -> Probabilities:
    not_finite = np.count_nonzero(~np.isfinite(matrix).all(axis=1))
    if not_finite:
        raise DataError(
            f"probabilities are NaN or infinite in {not_finite} of {len(matrix)} rows; expected "
            "numbers from 0 to 1: the model diverged, or its inputs have missing values"
        )
    sums = matrix.sum(axis=1, keepdims=True)
    if matrix.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = int(np.argmax(np.maximum(-matrix.min(axis=1), np.abs(sums[:, 0] - 1))))
        raise DataError(
            f"row {worst} of the probabilities is {np.array2string(matrix[worst], precision=3)}; "
            "expected numbers from 0 to 1 that sum to one: end the model in a softmax or sigmoid"
        )
    return np.asarray(matrix / sums)
