"""What a Keras model says of rows, and whether it can be asked."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.errors import DataError

ROWS_A_CALL = 8192
"""Bounds the memory of a prediction."""


def model_outputs(model: Any, X: ArrayLike | ChosenRows) -> NDArray[np.float32]:
    """A Keras model's output for rows, without a progress bar.

    By direct calls: `predict` would compile a function of its own, even in the middle of `fit`.

    Args:
        model: A Keras model with one input of shape `(rows, features)` and one output.
        X: Raw values, shape `(rows, features)`.

    Returns:
        Shape `(rows, outputs)`, or `(rows,)` where the model gives that.

    Raises:
        DataError: The model cannot be called on these rows, or has several outputs.
    """
    rows = X if isinstance(X, ChosenRows) else np.asarray(X, np.float32)
    starts = range(0, len(rows), ROWS_A_CALL)
    return np.concatenate([_call(model, rows[start : start + ROWS_A_CALL]) for start in starts])


def check_takes(model: Any, features: int) -> None:
    """Refuses what is no Keras model of rows with so many features.

    Raises:
        DataError: It is not.
    """
    if not callable(model):
        raise DataError(f"plot: got a {type(model).__name__}; give a Keras model")
    shape = getattr(model, "input_shape", None)  # a model that was never built has none
    if shape is None:
        return
    # Keras makes columns of shape (features, 1) of rows where a model wants those.
    if not isinstance(shape, tuple) or shape[2:] not in {(), (1,)} or len(shape) < 2:
        raise DataError(
            f"plot: the model takes inputs of shape {shape}; only models of one input with "
            "shape (rows, features) have a decision boundary on a plane"
        )
    if shape[1] not in {None, features}:
        raise DataError(
            f"plot: the model takes {shape[1]} features, but the rows have {features}; "
            "give the columns that it was trained on"
        )


def n_classes_of(outputs: ArrayLike) -> int:
    """How many classes an output of shape `(rows,)`, `(rows, 1)` or `(rows, k)` tells apart.

    Raises:
        DataError: It has another shape.

    Example:
        >>> n_classes_of([[0.2], [0.7]]), n_classes_of([[0.2, 0.3, 0.5]])
        (2, 3)
    """
    shape = np.shape(outputs)
    if len(shape) not in {1, 2}:
        raise DataError(
            f"plot: got a model output of shape {shape}; one output of shape (rows, classes) or "
            "(rows, 1) is needed"
        )
    return max(2, shape[1]) if len(shape) == 2 else 2


def _call(model: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    import keras

    try:
        outputs = model(rows, training=False)
    except Exception as error:  # of whatever kind the layers or the backend raise
        reason = textwrap.shorten(str(error), 200)
        raise DataError(
            f"plot: the model cannot be called on rows of {rows.shape[1]} features: {reason}"
        ) from error
    if isinstance(outputs, dict | list | tuple):
        raise DataError(
            f"plot: got a model of {len(outputs)} outputs; one output of shape (rows, classes) or "
            "(rows, 1) is needed"
        )
    return np.asarray(keras.ops.convert_to_numpy(outputs), np.float32)
