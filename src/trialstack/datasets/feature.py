"""What becomes of a column, and what can be said of any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells
from trialstack.datasets.columns import Column
from trialstack.datasets.lines import Lines
from trialstack.errors import DataError


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


def count_distinct(values: NDArray[Any]) -> int:
    """How many different numbers there are, not counting NaN."""
    import pandas as pd

    return int(pd.Series(values, copy=False).nunique())


def nothing_in(lines: Lines) -> str:
    """Why a column is dropped that has no value."""
    return f"no {_rows(lines)} holds a value"


def constant(value: str, lines: Lines) -> str:
    """Why a column is dropped that has one value."""
    return f"every {_rows(lines)} holds {value}"


def _rows(lines: Lines) -> str:
    """Those that decide what becomes of a column: never the rows of a test file."""
    return "row to learn from" if lines.sealed else "row"


def dropped(cells: Cells, distinct: int, why: str) -> Feature:
    """What becomes of a column that tells nothing.

    Args:
        cells: The column.
        distinct: How many different values it has.
        why: Without the column's name.
    """
    missing = int(cells.missing.sum())
    return Feature(cells.name, None, np.empty(0), missing, distinct, dropped=why)
