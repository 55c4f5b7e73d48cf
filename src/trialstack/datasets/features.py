"""What becomes of each column that is no target: a kind that a model can learn from, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells, What
from trialstack.datasets.columns import Column
from trialstack.datasets.feature import (
    Feature,
    check_finite,
    constant,
    count_distinct,
    dropped,
    nothing_in,
)
from trialstack.datasets.lines import Lines
from trialstack.datasets.texts import Texts, form_of, numbers_of, truths_of
from trialstack.errors import DataError

ID_NAME = r"^(?i:|.*[^a-z])(?i:id|uuid|guid)$|.*[a-z]I[dD]$|^(?i:key|nr|no|number|index|row|)$"
"""How columns are often named that number the rows."""


def feature_of(cells: Cells, lines: Lines, *, is_categorical: bool = False) -> Feature:
    """Decides about a column.

    Args:
        cells: The column.
        lines: Where its rows stand.
        is_categorical: Whether the experiment says so.

    Raises:
        DataError: It cannot be used, and cannot be dropped without being told so.
    """
    if is_categorical and cells.what in {"number", "text"}:
        return _as_categories(cells, lines)
    return _OF_WHAT[cells.what](cells, lines)


def _of_empty(cells: Cells, lines: Lines) -> Feature:
    return dropped(cells, 0, nothing_in(lines))


def _of_other(cells: Cells, lines: Lines) -> Feature:
    raise DataError(
        f"{lines.of(cells.name)}: {cells.type} came, which is neither numbers nor text; "
        f"name it in drop"
    )


def _of_dates(cells: Cells, lines: Lines) -> Feature:
    raise _dates(lines.of(cells.name), cells.type)


def _dates(at: str, came: str) -> DataError:
    return DataError(
        f"{at}: a date came ({came}); put numbers in place of dates, such as days since an event, "
        "name the column in time to split by it, or name it in drop"
    )


def _of_booleans(cells: Cells, lines: Lines) -> Feature:
    return _of_values(cells, "boolean", lines)


def _of_numbers(cells: Cells, lines: Lines) -> Feature:
    check_finite(cells, lines)
    feature = _of_values(cells, "numeric", lines)
    if feature.column is not None and _numbers_rows(cells.first(lines.learnt), feature.distinct):
        return dropped(cells, feature.distinct, "it numbers the rows")
    return feature


def _of_values(cells: Cells, kind: Any, lines: Lines) -> Feature:
    missing, learnt = int(cells.missing.sum()), cells.first(lines.learnt)
    distinct = count_distinct(learnt.values)
    if distinct == 0:
        return dropped(cells, 0, nothing_in(lines))
    if distinct == 1 and not learnt.missing.any():
        only = f"{cells.values[0]:g}" if kind == "numeric" else str(bool(cells.values[0])).lower()
        return dropped(cells, 1, constant(only, lines))
    column = Column(cells.name, kind, (), missing > 0, cells.is_integer)
    return Feature(cells.name, column, cells.values, missing, distinct)


def _numbers_rows(cells: Cells, distinct: int) -> bool:
    import re

    if not cells.is_integer or distinct < cells.rows:
        return False
    consecutive = cells.values.max() - cells.values.min() == cells.rows - 1
    return bool(consecutive or re.search(ID_NAME, cells.name))


def _of_text(cells: Cells, lines: Lines) -> Feature:
    counts = cells.first(lines.learnt).text_counts()
    filled, distinct = int(counts.sum()), int((counts > 0).sum())
    if not filled:
        return dropped(cells, 0, nothing_in(lines))
    if distinct == 1 and filled == lines.learnt:
        return dropped(cells, 1, constant(repr(cells.texts[counts.argmax()])[:60], lines))
    texts = form_of(cells.texts, counts)
    if texts.form in {"numbers", "truths"}:
        return _of_values_with_texts(cells, texts, counts, lines)
    if texts.form in {"dates", "written numbers"}:
        row = _first(cells, texts.which & (counts > 0))
        refuse = _dates if texts.form == "dates" else _written_numbers
        raise refuse(lines.at(cells.name, row), repr(cells.texts[cells.codes[row]]))
    if texts.form == "names":
        why = f"{distinct} different texts in {filled} rows look like row ids or free text"
        return dropped(cells, distinct, why)
    if texts.form == "prose":
        return dropped(cells, distinct, f"{distinct} different texts look like free text")
    return _as_categories(cells, lines)


def _written_numbers(at: str, came: str) -> DataError:
    what = "a comma" if "," in came else "a percent or currency sign"
    return DataError(
        f"{at}: a number with {what} came ({came}); write numbers as 1234.5, name the column "
        "in categorical, or name it in drop"
    )


def _of_values_with_texts(
    cells: Cells, texts: Texts, counts: NDArray[np.int64], lines: Lines
) -> Feature:
    """A column of numbers or truth values in which a few texts stand for missing ones.

    Args:
        cells: The column.
        texts: What most of its texts are.
        counts: How many rows that are learnt from hold each of them.
        lines: Where the rows stand.
    """
    is_number = texts.form == "numbers"
    values = (numbers_of if is_number else truths_of)(cells.texts, texts.which)[cells.codes]
    stand_ins = ~texts.which & (counts > 0)
    unknown = ~texts.which & ~stand_ins
    if count := int(cells.text_counts()[unknown].sum()):
        row, wanted = _first(cells, unknown), "numbers" if is_number else "true and false"
        raise DataError(
            f"{lines.at(cells.name, row, count - 1)}: text {cells.texts[cells.codes[row]]!r:.60} "
            f"came, where the rows to learn from have {wanted}; empty such cells, or name the "
            "column in categorical"
        )
    of = _of_numbers if is_number else _of_booleans
    feature = of(_with_values(cells, "number" if is_number else "boolean", values, lines), lines)
    if not stand_ins.any() or feature.column is None:
        return feature
    first, count = _first(cells, stand_ins), int(cells.text_counts()[stand_ins].sum())
    warning = (
        f"{lines.at(cells.name, first, count - 1)}: text {cells.texts[cells.codes[first]]!r:.60} "
        f"came among {int(np.isfinite(values).sum())} numbers and counts as missing; empty such "
        "cells, or name the column in categorical"
    )
    missing_texts = tuple(cells.texts[stand_ins].tolist())
    column = replace(feature.column, missing_texts=missing_texts)
    return replace(feature, column=column, warning=warning)


def _first(cells: Cells, which: NDArray[np.bool_]) -> int:
    """The first row that holds one of some texts."""
    return int(np.append(which, False)[cells.codes].argmax())


def _with_values(cells: Cells, what: What, values: NDArray[np.float64], lines: Lines) -> Cells:
    """A column of text as what stands in it."""
    with np.errstate(over="ignore"):
        beyond = np.isinf(values.astype(np.float32))
    first = int(beyond.argmax())
    return Cells(
        cells.name,
        what,
        cells.type,
        cells.rows,
        values,
        is_integer=bool((np.isnan(values) | (values == np.rint(values))).all()),
        infinite=int(beyond.sum()),
        first_infinite=(int(lines.kept[first]), float(values[first])),
    )


def _as_categories(cells: Cells, lines: Lines) -> Feature:
    missing = cells.missing
    if cells.what == "number":
        check_finite(cells, lines)
        if not cells.is_integer:
            odd = int((cells.values != np.rint(cells.values))[~missing].argmax())
            row = int(np.flatnonzero(~missing)[odd])
            raise DataError(
                f"{lines.at(cells.name, row)}: {cells.values[row]:g} came in a column that is "
                "named in categorical; give whole numbers or text there, or leave it numeric"
            )
        codes, whole = _whole_numbers(cells.values, missing)
        texts = np.array([str(number) for number in whole], dtype=object)
    else:
        codes, texts = cells.codes.astype(np.int64), cells.texts
    learnt = codes[: lines.learnt]
    counts = np.bincount(learnt[learnt >= 0], minlength=len(texts))
    if not counts.sum():
        return dropped(cells, 0, nothing_in(lines))
    distinct = int((counts > 0).sum())
    if distinct == 1 and counts.sum() == lines.learnt:
        return dropped(cells, 1, constant(repr(texts[counts.argmax()])[:60], lines))
    used = np.unique(codes[codes >= 0])
    categories = tuple(sorted(texts[used].tolist()))
    column = Column(
        cells.name, "categorical", categories, bool(missing.any()), cells.what == "number"
    )
    named = np.empty(len(texts) + 1, dtype=object)  # the last, None, for -1
    named[:-1] = texts
    return Feature(cells.name, column, named[codes], int(missing.sum()), distinct)


def _whole_numbers(
    values: NDArray[Any], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of each value among the different ones, -1 where missing; and the different ones."""
    codes = np.full(len(values), -1, np.int64)
    whole, codes[~missing] = np.unique(values[~missing].astype(np.int64), return_inverse=True)
    return codes, whole


_OF_WHAT: dict[str, Callable[[Cells, Lines], Feature]] = {
    "empty": _of_empty,
    "number": _of_numbers,
    "boolean": _of_booleans,
    "date": _of_dates,
    "text": _of_text,
    "other": _of_other,
}
