"""What becomes of each column that is no target: a kind that a model can learn from, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells
from trialstack.datasets.columns import Column
from trialstack.datasets.lines import Lines
from trialstack.errors import DataError

MOSTLY = 0.9
"""Share of the cells that have a value from which on they are taken for what most of them are."""

MOST_DISTINCT = 0.5
"""Share of the rows from which on so many different texts say nothing that recurs."""

WORDS_OF_FREE_TEXT = 5
"""Mean number of words from which on texts are taken for sentences."""

FEWEST_TEXTS = 20
"""Different texts, below which even sentences are taken for categories."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
COMMA_NUMBER = r"^[+-]?((\d{1,3}(\.\d{3})+|\d+),\d+|\d{1,3}(,\d{3})+(\.\d+)?)$"
MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = (
    r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?|\d{1,2}([./-])\d{1,2}[./-]\d{4}( .*)?"
    rf"|\d{{1,2}}([/-]\d{{1,2}}[/-]|[ -]{MONTH}[ -])\d{{2,4}}( .*)?"
    rf"|{MONTH} \d{{1,2}},? \d{{4}}( .*)?)$"
)
ID_NAME = r"^(?i:|.*[^a-z])(?i:id|uuid|guid)$|.*[a-z]I[dD]$|^(?i:key|nr|no|number|index|row|)$"
"""How columns are often named that number the rows."""


@dataclass(frozen=True, eq=False)
class Feature:
    """What becomes of a column.

    Attributes:
        name: Of the column.
        column: What it is used as; None when it is dropped.
        values: Numbers with NaN, or text with None; of a dropped column empty.
        missing: Cells without a value.
        distinct: Different values.
        dropped: Why it is dropped.
        warning: What a person should know; one line without its beginning.
    """

    name: str
    column: Column | None
    values: NDArray[Any]
    missing: int
    distinct: int
    dropped: str = ""
    warning: str = ""


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
    return _dropped(cells, 0, "no row holds a value")


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
    if feature.column is not None and _numbers_rows(cells, feature.distinct):
        return _dropped(cells, feature.distinct, "it numbers the rows")
    return feature


def check_finite(cells: Cells, lines: Lines) -> None:
    """Refuses numbers that single precision does not hold.

    Raises:
        DataError: There is one.
    """
    if not cells.infinite:
        return
    row, value = cells.first_infinite
    row = int(np.searchsorted(lines.kept, row))
    what = "is beyond single precision (3.4e38)" if np.isfinite(value) else "is no finite number"
    raise DataError(
        f"{lines.at(cells.name, row, cells.infinite - 1)}: {value:g} came, which {what}; put "
        "another number there, or leave the cell empty"
    )


def _of_values(cells: Cells, kind: Any, lines: Lines) -> Feature:
    missing, distinct = int(cells.missing.sum()), count_distinct(cells.values)
    if distinct == 0:
        return _dropped(cells, 0, "no row holds a value")
    if distinct == 1 and not missing:
        only = f"{cells.values[0]:g}" if kind == "numeric" else str(bool(cells.values[0])).lower()
        return _dropped(cells, 1, f"every row holds {only}")
    column = Column(cells.name, kind, (), missing > 0, cells.is_integer)
    return Feature(cells.name, column, cells.values, missing, distinct)


def count_distinct(values: NDArray[Any]) -> int:
    """How many different numbers there are, not counting NaN."""
    import pandas as pd

    return int(pd.Series(values, copy=False).nunique())


def _numbers_rows(cells: Cells, distinct: int) -> bool:
    import re

    if not cells.is_integer or distinct < cells.rows:
        return False
    consecutive = cells.values.max() - cells.values.min() == cells.rows - 1
    return bool(consecutive or re.search(ID_NAME, cells.name))


def _of_text(cells: Cells, lines: Lines) -> Feature:
    counts = cells.text_counts()
    filled, distinct = int(counts.sum()), int((counts > 0).sum())
    if distinct == 1 and filled == cells.rows:
        return _dropped(cells, 1, f"every row holds {cells.texts[counts.argmax()]!r:.60}")
    numeric = matches(cells.texts, NUMBER)
    numbers = counts[numeric].sum()
    # One text among many numbers, such as "?", stands for missing ones, however many.
    stands_in = numeric.sum() == len(numeric) - 1 >= FEWEST_TEXTS and numbers >= filled / 2
    if numbers >= MOSTLY * filled or stands_in:
        return _of_numbers_with_texts(cells, numeric, lines)
    dates, commas = matches(cells.texts, DATE), matches(cells.texts, COMMA_NUMBER)
    # Whole numbers have no decimal comma, and small ones none between thousands.
    for like, alike, refuse in ((dates, dates, _dates), (commas, commas | numeric, _commas)):
        if counts[alike].sum() >= MOSTLY * filled:
            row = int(np.isin(cells.codes, np.flatnonzero(like)).argmax())
            raise refuse(lines.at(cells.name, row), repr(cells.texts[cells.codes[row]]))
    if distinct > MOST_DISTINCT * filled and distinct >= FEWEST_TEXTS:
        why = f"{distinct} different texts in {filled} rows look like row ids or free text"
        return _dropped(cells, distinct, why)
    words = np.char.count(cells.texts.astype(str), " ") + 1
    if (words * counts).sum() >= WORDS_OF_FREE_TEXT * filled and distinct >= FEWEST_TEXTS:
        return _dropped(cells, distinct, f"{distinct} different texts look like free text")
    return _as_categories(cells, lines)


def _commas(at: str, came: str) -> DataError:
    return DataError(
        f"{at}: a number with a comma came ({came}); write numbers as 1234.5, name the column "
        "in categorical, or name it in drop"
    )


def _of_numbers_with_texts(cells: Cells, numeric: NDArray[np.bool_], lines: Lines) -> Feature:
    """A column of numbers in which a few texts stand for missing values."""
    values = numbers_of(cells.texts, numeric)[cells.codes]
    odd = (cells.codes >= 0) & np.isnan(values)
    feature = _of_numbers(as_numbers(cells, values, lines), lines)
    first, count = int(odd.argmax()), int(odd.sum())
    if not count or feature.column is None:
        return feature
    warning = (
        f"{lines.at(cells.name, first, count - 1)}: text {cells.texts[cells.codes[first]]!r:.60} "
        f"came among {int(np.isfinite(values).sum())} numbers and counts as missing; empty such "
        "cells, or name the column in categorical"
    )
    return replace(feature, warning=warning)


def numbers_of(texts: NDArray[Any], numeric: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Numbers that texts stand for, NaN for others, and one more NaN for the code -1."""
    numbers = np.full(len(texts) + 1, np.nan)
    numbers[:-1][numeric] = texts[numeric].astype(np.float64)
    return numbers


def as_numbers(cells: Cells, values: NDArray[np.float64], lines: Lines) -> Cells:
    """A column of text as the numbers that stand in it."""
    with np.errstate(over="ignore"):
        beyond = np.isinf(values.astype(np.float32))
    first = int(beyond.argmax())
    return Cells(
        cells.name,
        "number",
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
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    if not counts.sum():
        return _dropped(cells, 0, "no row holds a value")
    distinct = int((counts > 0).sum())
    if distinct == 1 and not missing.any():
        return _dropped(cells, 1, f"every row holds {texts[counts.argmax()]!r:.60}")
    categories = tuple(sorted(texts[counts > 0].tolist()))
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


def matches(texts: NDArray[Any], pattern: str) -> NDArray[np.bool_]:
    """Which of some texts are of a pattern, shape as that of the texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring_regex(pa.array(texts, pa.large_string()), pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _dropped(cells: Cells, distinct: int, why: str) -> Feature:
    missing = int(cells.missing.sum())
    return Feature(cells.name, None, np.empty(0), missing, distinct, dropped=why)


_OF_WHAT: dict[str, Callable[[Cells, Lines], Feature]] = {
    "empty": _of_empty,
    "number": _of_numbers,
    "boolean": _of_booleans,
    "date": _of_dates,
    "text": _of_text,
    "other": _of_other,
}
