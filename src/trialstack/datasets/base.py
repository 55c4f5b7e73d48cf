"""What a data set is: the rows, their names, and the labels of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.datasets.columns import Schema, Table

Features = NDArray[np.float32]
"""Shape `(rows, features)`."""

Targets = NDArray[np.int64]
"""Index of each row's class in `Dataset.classes`, shape `(rows,)`."""


ROWS_AT_ONCE = 1 << 16
"""Of a table that is worked on in double precision, or as bytes: a copy of more takes memory."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What a person's table says of who may see which rows.

    Attributes:
        groups: Rows with the same number stay on one side of a split; None = each on its own.
        times: Rows are ordered by these before they are split; None = as they are.
        sealed: So many last rows are the test rows, from a file of their own.
    """

    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    sealed: int = 0


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of numbers with one class a row.

    Attributes:
        name: As people know it.
        source: Where it came from.
        X: Features, shape `(rows, features)`.
        y: Index of each row's class, shape `(rows,)`.
        feature_names: One a column of `X`.
        target_name: Name of the column that is predicted.
        classes: Labels as the data has them, in sorted order: row `i` is of `classes[y[i]]`.
        raw: Features as the data has them, in a number type of their own, shape
            `(rows, features)`: what a person's table has where `X` has the nearest float32.
        table: The rows of a file whose columns are not all numbers without gaps; None otherwise.
            `X` is then `table.codes()`, with NaN where a value is missing.
        layout: Of the rows of a file; of others there is nothing to say.
        positive: Of two classes, the index of the one that scores such as F1 are about.
    """

    name: str
    source: str
    X: Features
    y: Targets
    feature_names: tuple[str, ...]
    target_name: str
    classes: tuple[Any, ...]
    raw: NDArray[Any]
    table: Table | None = None
    layout: Layout = Layout()
    positive: int = 1

    @property
    def schema(self) -> Schema | None:
        """What the columns are, where they are not all numbers without gaps."""
        return self.table.schema if self.table is not None else None

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


def tabulate(
    *,
    name: str,
    source: str,
    X: ArrayLike,
    labels: Sequence[Any] | NDArray[Any],
    feature_names: Sequence[str],
    target_name: str,
) -> Dataset:
    """A `Dataset` from features and labels as a reader has them.

    Args:
        name: As people know it.
        source: Where it came from.
        X: Numbers, shape `(rows, features)`.
        labels: One a row, of one kind that can be sorted.
        feature_names: One a column of `X`.
        target_name: Name of the column that is predicted.

    >>> data = tabulate(name="pets", source="memory", X=[[4.0], [0.3]], labels=["dog", "cat"],
    ...                 feature_names=["kg"], target_name="species")
    >>> data.classes, data.y.tolist(), data.X.shape
    (('cat', 'dog'), [1, 0], (2, 1))
    >>> float(data.raw[1, 0]), float(data.X[1, 0])
    (0.3, 0.30000001192092896)
    """
    classes, y = np.unique(np.asarray(labels), return_inverse=True)
    raw = np.asarray(X)
    with np.errstate(over="ignore"):  # beyond float32: infinite, and refused by the checks
        features = np.ascontiguousarray(raw, dtype=np.float32)
    return Dataset(
        name=name,
        source=source,
        X=features,
        y=y.astype(np.int64),
        feature_names=tuple(map(str, feature_names)),
        target_name=target_name,
        classes=tuple(classes.tolist()),
        raw=raw,
    )


def moments(X: Features | ChosenRows) -> tuple[Features, Features]:
    """Mean and variance of each column, each of shape `(features,)`.

    They are summed in double precision: raw measurements reach into the thousands.

    >>> mean, variance = moments(np.array([[1.0], [3.0]], dtype=np.float32))
    >>> mean.tolist(), variance.tolist()
    ([2.0], [1.0])
    """
    places = [slice(None)]
    if len(X) > ROWS_AT_ONCE:  # all columns at once would be a copy in double precision
        places = [slice(place, place + 1) for place in range(X.shape[1])]
    mean = (
        np.concatenate([X[:, columns].mean(axis=0, dtype=np.float64) for columns in places])
        if isinstance(X, ChosenRows)
        else X.mean(axis=0, dtype=np.float64)
    )
    variance = np.concatenate([X[:, columns].var(axis=0, dtype=np.float64) for columns in places])
    return mean.astype(np.float32), variance.astype(np.float32)
