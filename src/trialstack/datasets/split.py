"""Who sees which rows: fitting, validation, and the sealed test."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Dataset, Targets
from trialstack.errors import DataError

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings

DRAWS = 20
"""Of groups of rows, of which the one that is the most even over the classes is taken."""

Rows = NDArray[np.int64]
"""Indices of rows of the data set, shape `(rows,)`."""


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of rows, each row in exactly one of the three parts.

    Attributes:
        fit: Rows that trials are trained on.
        validation: Rows that trials are judged by.
        test: Rows that nobody sees before the final evaluation.
        train: `fit` and `validation` together, in the order of the training rows: what the
            baseline's and the final fit may use.
    """

    fit: Rows
    validation: Rows
    test: Rows
    train: Rows


def split_dataset(
    dataset: Dataset,
    settings: DatasetSettings,
    place_of: Callable[[str], str] = lambda key: "experiment",
) -> Split:
    """Splits rows into training and test rows, and the training rows once more.

    Args:
        dataset: Its rows in file order.
        settings: `split`, `test_size`, `validation`, `validation_size` and `seed` are used; and
            what the data set's layout says.
        place_of: Where a key of the experiment came from, for error lines.

    Raises:
        DataError: A class has too few rows for a part, or is missing in one.

    Reference:
        The stratified split is scikit-learn's `train_test_split`, whose training rows are in
        shuffled order; `validation = "last"` is the arithmetic of Keras' `validation_split`.

    Example:
        >>> from trialstack.datasets.load import load_dataset
        >>> from trialstack.experiment import DatasetSettings
        >>> settings = DatasetSettings.model_validate({"source": "breast_cancer"})
        >>> split = split_dataset(load_dataset(settings), settings)
        >>> len(split.train), len(split.test)
        (426, 143)
    """
    try:
        split = _split(dataset, settings)
        _check_classes(dataset, split, settings)
    except _PartError as problem:
        raise DataError(f"{place_of(problem.key)}: key {problem.key!r}: {problem}") from None
    return split


class _PartError(Exception):
    """A part of the rows cannot be as a key of the experiment wants it."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = f"dataset.{key}"


def _split(dataset: Dataset, settings: DatasetSettings) -> Split:
    layout = dataset.layout
    rows = np.arange(len(dataset.y) - layout.sealed)
    if layout.times is not None:
        rows = np.argsort(layout.times[rows], kind="stable")
    if layout.sealed:
        train, test = rows, np.arange(len(rows), len(dataset.y))
    elif settings.split == "stratified":
        train, test = _drawn(rows, dataset, settings.test_size, settings.seed, "test_size")
    else:
        train, test = _last(rows, round(len(rows) * settings.test_size))
    if settings.validation_size == 0:
        fit, validation = _last(train, 0)
    elif settings.validation == "stratified":
        fit, validation = _drawn(
            train, dataset, settings.validation_size, settings.seed, "validation_size"
        )
    else:
        kept = math.floor(len(train) * (1.0 - settings.validation_size))
        fit, validation = _last(train, len(train) - kept)
    return Split(fit, validation, test, train)


def _last(rows: Rows, count: int) -> tuple[Rows, Rows]:
    return rows[: len(rows) - count], rows[len(rows) - count :]


def _drawn(rows: Rows, dataset: Dataset, size: float, seed: int, key: str) -> tuple[Rows, Rows]:
    """Some rows, evenly over the classes, and the others."""
    if dataset.layout.groups is None:
        return _stratified(rows, dataset, size, seed, key)
    return _grouped(rows, dataset, dataset.layout.groups[rows], size, seed, key)


def _grouped(
    rows: Rows, dataset: Dataset, groups: NDArray[np.int64], size: float, seed: int, key: str
) -> tuple[Rows, Rows]:
    """Whole groups, drawn several times: the draw that is the most even over the classes counts."""
    from sklearn.model_selection import GroupShuffleSplit

    y, count = dataset.y[rows], len(np.unique(groups))
    if count < 2:
        raise _PartError(
            "group", f"all {len(rows)} rows are of one group; at least two groups are needed"
        )
    wanted = np.bincount(y, minlength=dataset.n_classes) * size
    draws = GroupShuffleSplit(DRAWS, test_size=size, random_state=seed)
    try:
        kept, sealed = min(
            draws.split(rows, y, groups),
            key=lambda draw: np.abs(np.bincount(y[draw[1]], minlength=len(wanted)) - wanted).sum(),
        )
    except ValueError:
        raise _PartError(
            key,
            f"{size} of the {count} groups of {dataset.name!r} leave a part without rows; give "
            f"more groups or another {key}",
        ) from None
    return rows[kept], rows[sealed]


def _stratified(
    rows: Rows, dataset: Dataset, size: float, seed: int, key: str
) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    try:
        kept, sealed = train_test_split(
            rows, stratify=dataset.y[rows], test_size=size, random_state=seed
        )
    except ValueError as error:
        # Its words name the rows that are too few: "The least populated classes in y have ..."
        reason = str(error).split(". ")[0].rstrip(".")
        raise _PartError(
            key,
            f"{size} of the {len(rows)} rows of {dataset.name!r} cannot be drawn evenly over "
            f"{dataset.n_classes} classes: {reason}; give more rows or another {key}",
        ) from None
    return kept, sealed


def _check_classes(dataset: Dataset, split: Split, settings: DatasetSettings) -> None:
    """Every part that is wanted needs rows of every class: no score of it would mean anything."""
    if dataset.layout.sealed:
        unknown = _missing_classes(dataset.y[split.train], dataset.n_classes)
        if unknown:
            raise _PartError(
                "test_source",
                f"class {dataset.classes[unknown[0]]!r} is among its rows only; add rows of it to "
                f"{dataset.source}, or leave them out of the test rows",
            )
    parts = [("fit", split.fit, "validation_size")]
    if settings.validation_size > 0:
        parts.append(("validation", split.validation, "validation_size"))
    if dataset.layout.sealed:
        parts.append(("test", split.test, "test_source"))
    elif settings.test_size > 0:
        parts.append(("test", split.test, "test_size"))
    for part, rows, key in parts:
        missing = _missing_classes(dataset.y[rows], dataset.n_classes)
        if missing:
            label = dataset.classes[missing[0]]
            raise _PartError(
                key,
                f"the {len(rows)} {part} rows of {dataset.name!r} have none of class {label!r}; "
                f"use a stratified split or another {key}",
            )


def _missing_classes(y: Targets, n_classes: int) -> list[int]:
    return sorted(set(range(n_classes)) - set(np.unique(y).tolist()))
