"""The target column: one label a row, of a few classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells
from trialstack.datasets.feature import check_finite, count_distinct
from trialstack.datasets.lines import Lines
from trialstack.errors import DataError

MOST_FRACTIONS = 10
"""Different numbers with a fraction that may still be the names of classes."""

MOST_CLASSES = 100
"""More different labels are a quantity, or texts of all kinds, and no classes."""


def rows_with_target(cells: Cells, lines: Lines, *, may_drop: bool) -> NDArray[np.int64]:
    """Positions of the rows that have a label.

    Args:
        cells: The target column.
        lines: Where its rows stand.
        may_drop: Whether others may be left out.

    Raises:
        DataError: Some have none and may not be left out, or none has one.
    """
    missing = cells.missing
    count = int(missing.sum())
    if count == cells.rows and count:
        raise DataError(f"{lines.of(cells.name)}: no row has a target; name another column")
    if count and not may_drop:
        raise DataError(
            f"{lines.at(cells.name, int(missing.argmax()), count - 1)}: no target; fill it in, or "
            "leave such rows out with --drop-missing-target (drop_missing_target = true)"
        )
    return np.flatnonzero(~missing)


def classes_of(cells: Cells, lines: Lines) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The labels as the data has them: text, integers, other numbers or truth values.

    Args:
        cells: The target column, no cell missing.
        lines: Where its rows stand.

    Returns:
        The different labels in sorted order, and the index of each row's label among them.

    Raises:
        DataError: They are no classes.
    """
    if cells.what == "text":
        return _of_text(cells, lines)
    if cells.what == "boolean":
        values = cells.values.astype(bool)
    elif cells.what == "number":
        values = _numbers(cells, lines)
    else:
        raise DataError(
            f"{lines.of(cells.name)}: {cells.type} came as target; labels are text, numbers or "
            "true and false"
        )
    classes, y = np.unique(values, return_inverse=True)
    return classes, y.astype(np.int64)


def _of_text(cells: Cells, lines: Lines) -> tuple[NDArray[Any], NDArray[np.int64]]:
    used = cells.text_counts() > 0
    classes, y = cells.texts[used], (np.cumsum(used) - 1)[cells.codes]
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{lines.of(cells.name)}: {len(classes)} different texts in {cells.rows} rows came as "
            f"target, such as {classes[0]!r:.60}; a target has a few classes: name another column"
        )
    trimmed = np.array([text.strip() for text in classes], dtype=object)
    if len(set(trimmed)) == len(trimmed):  # else the space is all that tells two of them apart
        order = np.argsort(trimmed)
        classes, y = trimmed[order], np.argsort(order)[y]
    return classes, y.astype(np.int64)


def _numbers(cells: Cells, lines: Lines) -> NDArray[Any]:
    check_finite(cells, lines)
    distinct = count_distinct(cells.values)
    if distinct > (MOST_CLASSES if cells.is_integer else MOST_FRACTIONS):
        raise DataError(
            f"{lines.of(cells.name)}: {distinct} different numbers in {cells.rows} rows came, such "
            f"as {cells.values[0]:g}, which is a quantity; a target has a few classes: name "
            "another column, or put classes such as 'low' and 'high' in its place"
        )
    floating = any(kind in cells.type for kind in ("float", "double", "decimal"))
    return cells.values.astype(np.int64 if cells.is_integer and not floating else np.float64)


def alike_labels(labels: NDArray[Any], lines: Lines, target: str) -> list[str]:
    """Warnings of labels that differ only by case or space.

    Args:
        labels: Different ones, sorted.
        lines: Where rows stand.
        target: Name of the column.
    """
    alike: dict[str, list[str]] = {}
    for label in labels.tolist():
        if isinstance(label, str):
            alike.setdefault("".join(label.split()).casefold(), []).append(label)
    return [
        f"{lines.of(target)}: labels {' and '.join(map(repr, group))} differ only by case or "
        "space, and are classes of their own; make them one if they mean the same"
        for group in alike.values()
        if len(group) > 1
    ]


def _is_meant(label: Any, named: Any) -> bool:
    """Whether a label is the one that a person names, who may have typed it without its type."""
    if isinstance(label, str):
        return label == str(named)
    if not isinstance(named, str):
        return bool(label == named)
    return named.strip().lower() in {str(label).lower(), f"{label:g}"}


def positive_class(classes: NDArray[Any], positive: Any, at: str) -> int:
    """Index of the class that a person calls the positive one.

    Args:
        classes: The different labels.
        positive: One of them; from the command line, its text.
        at: The target column, as error lines begin.

    Raises:
        DataError: It is none of them, or there are more than two.
    """
    found = [i for i, label in enumerate(classes.tolist()) if _is_meant(label, positive)]
    if len(classes) != 2:
        raise DataError(
            f"{at}: {len(classes)} classes came, and positive is of two; leave positive away"
        )
    if not found:
        raise DataError(
            f"{at}: label {positive!r}, which positive names, is not there; there are "
            f"{classes.tolist()[0]!r} and {classes.tolist()[1]!r}"
        )
    return found[0]
