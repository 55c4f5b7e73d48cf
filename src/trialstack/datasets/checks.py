"""What is looked for in the rows before anything is trained on them."""

from __future__ import annotations

import numpy as np

from trialstack.datasets.base import Dataset
from trialstack.errors import DataError

MINIMUM_ROWS = 20
"""Fewer rows leave a validation and a test part that no score can be read from."""

MINIMUM_ROWS_OF_A_CLASS = 3
"""One each to fit, to validate and to test."""


def check_rows(dataset: Dataset, where: str = "") -> list[str]:
    """Looks for what would spoil a search without stopping it.

    Args:
        dataset: As it was read.
        where: Start of every line, such as the experiment file.

    Returns:
        Warnings, one line each: columns that never change. They say nothing, and standardisation
        maps them to zero.

    Raises:
        DataError: Too few rows, a cell that is no finite number, a single class, or a class that
            is too small.
    """
    start = f"{where}: " if where else ""
    _check_size(dataset, start)
    _check_cells(dataset, start)
    check_classes(dataset, start)
    return _constant_columns(dataset, start)


def _check_size(dataset: Dataset, start: str) -> None:
    rows, columns = dataset.X.shape
    if rows < MINIMUM_ROWS or columns < 1:
        raise DataError(
            f"{start}dataset {dataset.name!r}: {rows} rows and {columns} feature columns came; "
            f"at least {MINIMUM_ROWS} rows and one column are needed"
        )


def _check_cells(dataset: Dataset, start: str) -> None:
    spoiled = ~np.isfinite(dataset.X)
    if not spoiled.any():
        return
    counts = spoiled.sum(axis=0)
    column = int(np.argmax(counts > 0))
    others = int((counts > 0).sum()) - 1
    more = f" (and {others} more columns)" if others else ""
    raise DataError(
        f"{start}column {dataset.feature_names[column]!r}: {counts[column]} of {len(dataset.X)} "
        f"rows hold NaN, infinity or a number beyond float32{more}; drop or fill these cells"
    )


def check_classes(dataset: Dataset, start: str) -> None:
    """Refuses a data set with a single class, or one that is too small.

    Args:
        dataset: As it was read.
        start: Of the error's line.

    Raises:
        DataError: There is nothing to tell apart.
    """
    target = f"{start}column {dataset.target_name!r}"
    if dataset.n_classes < 2:
        only = dataset.classes[0] if dataset.classes else None
        raise DataError(
            f"{target}: every row is of class {only!r}; two classes at least are needed"
        )
    sealed = dataset.layout.sealed
    counts = np.bincount(dataset.y[: len(dataset.y) - sealed], minlength=dataset.n_classes)
    if sealed:
        least, parts = MINIMUM_ROWS_OF_A_CLASS - 1, "to fit and to validate"
        counts[counts == 0] = least  # a class of the test rows only is told with these
    else:
        least, parts = MINIMUM_ROWS_OF_A_CLASS, "to fit, to validate and to test"
    smallest = int(counts.argmin())
    fewest = int(counts[smallest])
    if fewest < least:
        rows = f"{fewest} row{'s' * (fewest != 1)}"
        raise DataError(
            f"{target}: class {dataset.classes[smallest]!r} has {rows}; at least {least} are "
            f"needed, one each {parts}: add rows or leave the class out"
        )


def _constant_columns(dataset: Dataset, start: str) -> list[str]:
    constant = np.flatnonzero(np.equal(dataset.X, dataset.X[0]).all(axis=0))
    return [
        f"{start}column {dataset.feature_names[i]!r}: every row holds {dataset.X[0, i]:g}, which "
        "tells nothing; leave the column out"
        for i in constant
    ]
