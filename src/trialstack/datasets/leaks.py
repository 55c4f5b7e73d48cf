"""Columns that know too much, and rows that stand on both sides of a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Features, Targets

SCREENED_ROWS = 2000
"""Of a long table, so many rows are looked at first: few columns pass."""

ROWS_A_VALUE = 10
"""Rows that a value of a column needs on average, for it to be no chance that they agree."""


def determining_columns(X: Features, y: Targets) -> list[int]:
    """Columns from which alone the class of every row can be told.

    A column is one if each class has an interval of its values for itself, or if it has few values
    and all rows of each are of one class. A missing value counts as a value.

    Args:
        X: Shape `(rows, features)`.
        y: Shape `(rows,)`.

    Example:
        >>> X = np.array([[1.0, 1.0], [2.0, 5.0], [3.0, 2.0], [4.0, 6.0]], dtype=np.float32)
        >>> determining_columns(X, np.array([0, 0, 1, 1]))
        [0]
    """
    step = max(1, len(y) // SCREENED_ROWS)
    return [
        place
        for place in range(X.shape[1])
        if _determines(X[::step, place], y[::step]) and _determines(X[:, place], y)
    ]


def _determines(values: NDArray[np.float32], y: Targets) -> bool:
    values = np.where(np.isnan(values), -np.inf, values)
    order = np.lexsort((y, values))
    values, y = values[order], y[order]
    new_value, new_class = values[1:] != values[:-1], y[1:] != y[:-1]
    if (new_class & ~new_value).any():
        return False
    intervals, distinct = 1 + int(new_class.sum()), 1 + int(new_value.sum())
    return intervals == len(np.unique(y)) > 1 or distinct * ROWS_A_VALUE <= len(y)


def row_keys(X: Features) -> NDArray[np.uint64]:
    """A number for each row: equal rows have equal numbers, and others different ones.

    By chance two of a million different rows have the same number once in 40 million tables.

    Args:
        X: Shape `(rows, features)`; all kinds of NaN are equal, and so are 0.0 and -0.0.

    Reference:
        The mixing function of SplitMix64 (Steele, Lea and Flood, 2014), chained over the columns.

    Example:
        >>> keys = row_keys(np.array([[1, 0.0], [1, -0.0], [0, 1]], dtype=np.float32))
        >>> bool(keys[0] == keys[1]), bool(keys[0] == keys[2])
        (True, False)
    """
    keys = np.zeros(len(X), np.uint64)
    for place in range(X.shape[1]):
        column = X[:, place] + np.float32(0)
        column[np.isnan(column)] = np.nan
        keys += np.uint64(0x9E3779B97F4A7C15)
        keys ^= column.view(np.uint32)
        keys ^= keys >> np.uint64(30)
        keys *= np.uint64(0xBF58476D1CE4E5B9)
        keys ^= keys >> np.uint64(27)
        keys *= np.uint64(0x94D049BB133111EB)
        keys ^= keys >> np.uint64(31)
    return keys


def grouped(*keys: NDArray[np.generic]) -> NDArray[np.int64]:
    """Groups of rows, such that rows with an equal key of any kind are in the same group.

    Args:
        keys: Each of shape `(rows,)`.

    Returns:
        Number of each row's group, shape `(rows,)`.

    Example:
        >>> grouped(np.array(["a", "a", "b", "c"]), np.array([1, 2, 2, 3])).tolist()
        [0, 0, 0, 1]
    """
    codes: list[NDArray[np.int64]] = [
        np.unique(key, return_inverse=True)[1].astype(np.int64) for key in keys
    ]
    first, *others = codes
    if not others:
        return first
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # Each row ties a group of the first kind to one of the second.
    (second,) = others
    ties = (np.ones(len(first), np.int8), (first, second + first.max() + 1))
    size = int(first.max() + second.max() + 2)
    _, labels = connected_components(coo_array(ties, shape=(size, size)), directed=False)
    return np.asarray(labels[first], dtype=np.int64)


def rows_on_both_sides(
    keys: NDArray[np.uint64], train: NDArray[np.int64], test: NDArray[np.int64]
) -> int:
    """How many of some rows are equal to a row of others.

    Args:
        keys: As `row_keys` gives them, of all rows.
        train: Indices of the others.
        test: Indices of those that are counted.
    """
    return int(np.isin(keys[test], keys[train]).sum())
