"""Which rows are drawn on a plane, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.plots.plane import Plane, rows_at, sample_rows

MAX_POINTS = 500
MOST_PROJECTED = 50_000
"""Of more rows, a sample is brought to the plane: 500 dots are drawn of it at most."""


def drawn_rows(
    plane: Plane, X: ArrayLike, y: ArrayLike, n_classes: int, most: int = MAX_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The rows that are drawn: those that have a place on the plane, or some of them.

    Args:
        plane: Where they are drawn.
        X: Raw values, shape `(rows, features)`.
        y: Index of each row's class, shape `(rows,)` or `(rows, 1)`.
        n_classes: How many classes there are.
        most: Of more rows, so many are chosen, with a fixed seed.

    Returns:
        Plane coordinates, shape `(drawn, 2)`, and index of the class, shape `(drawn,)`.

    Raises:
        DataError: A label is no index of a class, or there is not one label a row.
    """
    X, labels = _sampled(X, np.asarray(y))
    coordinates = plane.project(X)
    if labels.shape not in {(len(coordinates),), (len(coordinates), 1)}:
        raise DataError(
            f"plot: got labels of shape {labels.shape} for {len(coordinates)} rows; give one a row"
        )
    labels = labels.reshape(-1)
    whole = np.isin(labels, np.arange(n_classes))
    if not whole.all():
        raise DataError(
            f"plot: label {labels[~whole][0]!s} is no class index; expected whole numbers "
            f"from 0 to {n_classes - 1}"
        )
    low, high = (plane.xs[0], plane.ys[0]), (plane.xs[-1], plane.ys[-1])
    inside = np.flatnonzero(((coordinates >= low) & (coordinates <= high)).all(axis=1))
    # Shuffled even when all are drawn: no class lies on top of the others.
    chosen = np.random.default_rng(0).permutation(inside)[:most]
    return coordinates[chosen], labels[chosen].astype(np.intp)


def _sampled(X: ArrayLike, labels: NDArray[Any]) -> tuple[ArrayLike, NDArray[Any]]:
    """Rows and labels, or some of them where there are very many."""
    rows = sample_rows(X, MOST_PROJECTED)
    if rows is None or len(labels) != np.shape(X)[0]:
        return X, labels
    return rows_at(X, rows), labels[rows]
