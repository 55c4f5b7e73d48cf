"""Labels as people have them, brought to class indices and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """One class a row.

    Attributes:
        indices: Of each row's class in `names`, shape `(rows,)`.
        names: Of the classes, in the order of a model's outputs.
    """

    indices: NDArray[np.intp]
    names: list[str]


def class_labels(
    y: ArrayLike, classes: Sequence[object] | None = None, n_classes: int | None = None
) -> ClassLabels:
    """Class indices and names from labels of every usual form.

    Args:
        y: Names of classes, their indices, or booleans, shape `(rows,)` or `(rows, 1)`; or
            one-hot, shape `(rows, classes)`.
        classes: The classes in the order of a model's outputs. If not given, whole numbers below
            `n_classes` are indices, and everything else is sorted.
        n_classes: How many a model tells apart; by default as many as occur.

    Raises:
        DataError: A label is missing or of no class, or the number of classes does not fit.

    Example:
        >>> found = class_labels(["yes", "no", "yes"])
        >>> found.indices.tolist(), found.names
        ([1, 0, 1], ['no', 'yes'])
        >>> class_labels([0, 2], n_classes=3).names
        ['0', '1', '2']
    """
    labels = _column(np.asarray(y), len(classes) if classes is not None else n_classes)
    _refuse_missing(labels)
    if classes is None:
        if n_classes is not None and labels.dtype != bool and _are_indices(labels, n_classes):
            classes = range(n_classes)
        else:
            classes = _sorted_classes(labels)
    if n_classes is not None and len(classes) != n_classes:
        raise DataError(
            f"plot: got {len(classes)} classes for a model that tells {n_classes} apart; "
            "give classes= in the order of its outputs"
        )
    names = [_name(each) for each in classes]
    position = {name: k for k, name in enumerate(names)}
    try:
        indices = [position[_name(label)] for label in labels.tolist()]
    except KeyError as error:
        if _are_indices(labels, len(names)):
            return ClassLabels(labels.astype(np.intp), names)
        raise DataError(
            f"plot: label {error.args[0]} is none of the classes {', '.join(names)}"
        ) from error
    return ClassLabels(np.array(indices, np.intp), names)


def _column(labels: NDArray[Any], n_classes: int | None) -> NDArray[Any]:
    """One label a row, from a column or one-hot too."""
    if labels.ndim == 2 and labels.shape[1] > 1 and n_classes in {None, labels.shape[1]}:
        labels = labels.argmax(axis=1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not len(labels):
        raise DataError(
            f"plot: got labels of shape {labels.shape}; give one a row, or one-hot of shape "
            "(rows, classes)"
        )
    return labels


def _refuse_missing(labels: NDArray[Any]) -> None:
    if labels.dtype.kind in "biu":
        return
    missing = sum(label is None or label != label for label in labels.tolist())  # noqa: PLR0124
    if missing:
        raise DataError(
            f"plot: {missing} of {len(labels)} labels are missing; leave out those rows, in X too"
        )


def _are_indices(labels: NDArray[Any], n_classes: int) -> bool:
    return bool(np.isin(labels, np.arange(n_classes)).all())


def _sorted_classes(labels: NDArray[Any]) -> list[Any]:
    try:
        return sorted(set(labels.tolist()))
    except TypeError as error:
        raise DataError(
            "plot: labels are of several kinds, such as numbers and text; give them as one"
        ) from error


def _name(label: object) -> str:
    """A class as it is written: 1 and 1.0 are the same one."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
