"""A person's table in memory: what kind each column is of, and its values.

What consumes it finds here all that it has to know of a file:

- `Column` and `Schema` say what the columns are. They are small, hashable and fit for JSON.
- `Table` holds the rows: a frame of the feature columns, in which a kind has one type of values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["numeric", "boolean", "categorical"]


@dataclass(frozen=True)
class Column:
    """A feature column.

    Attributes:
        name: As the file has it; it may contain anything.
        kind: `"numeric"`, `"boolean"` or `"categorical"`.
        categories: Of a categorical column, the distinct values of all rows as text, sorted. What
            a model may know of them is what its training rows hold.
        has_missing: Whether a cell of any row is missing.
        is_integer: Whether all values in the file are whole numbers. A categorical column of
            these has the categories `"1"`, `"2"`, ...: a frame may bring them as 1, 1.0 or "1".
        missing_texts: Of a numeric column, texts that stand for missing values in the file, such
            as `"?"`, sorted.
    """

    name: str
    kind: Kind = "numeric"
    categories: tuple[str, ...] = ()
    has_missing: bool = False
    is_integer: bool = False
    missing_texts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A plain table; `missing_texts` is in it only where there are some."""
        plain = asdict(self)
        return plain if self.missing_texts else {k: plain[k] for k in plain if k != "missing_texts"}


@dataclass(frozen=True)
class Schema:
    """The feature columns of a table, in the file's order.

    Example:
        >>> schema = Schema((Column("age", has_missing=True), Column("sex", "categorical")))
        >>> schema.names, schema.is_plain, schema["age"].has_missing
        (('age', 'sex'), False, True)
    """

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def is_plain(self) -> bool:
        """Whether all columns are numbers without gaps, which a network takes as they are."""
        return all(c.kind == "numeric" and not c.has_missing for c in self.columns)

    def of_kind(self, kind: Kind) -> tuple[Column, ...]:
        """The columns of one kind."""
        return tuple(column for column in self.columns if column.kind == kind)

    def as_json(self) -> list[dict[str, Any]]:
        """One plain table a column."""
        return [column.as_json() for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a file that a model may learn from.

    Attributes:
        schema: What the columns of `frame` are.
        frame: The feature columns, in the order of the schema, with the index 0, 1, ...:
            numeric = float64 (float32 in a very large table), NaN where missing; boolean = the
            same with 0.0 and 1.0; categorical = objects: `str`, or None where missing.
        labels: What the target column holds, one a row, none missing.
        row_numbers: Of the rows in the file, whose first row below the header is 1. Rows without
            a target may be left out.
    """

    schema: Schema
    frame: pd.DataFrame
    labels: NDArray[Any]
    row_numbers: NDArray[np.int64]

    def rows(self, indices: NDArray[np.int64]) -> pd.DataFrame:
        """Some rows of the frame, with the index 0, 1, ..."""
        return self.frame.iloc[indices].reset_index(drop=True)

    def in_order(self, order: NDArray[np.int64]) -> Table:
        """The same rows in another order."""
        return Table(self.schema, self.rows(order), self.labels[order], self.row_numbers[order])

    def codes(self) -> NDArray[np.float32]:
        """All columns as one matrix, shape `(rows, columns)`, NaN where a value is missing.

        A category is its index in `Column.categories`: enough to tell rows apart and to draw
        them, and exact to take a column's values back from.
        """
        matrix = np.empty((len(self.frame), len(self.schema)), dtype=np.float32)
        for place, column in enumerate(self.schema):
            values = self.frame.iloc[:, place]
            if column.kind == "categorical":
                matrix[:, place] = category_codes(values.to_numpy(), column.categories)
            else:
                matrix[:, place] = values.to_numpy()
        return matrix


def category_codes(values: NDArray[Any], categories: tuple[str, ...]) -> NDArray[np.float32]:
    """Index of each value among the categories, NaN for what is missing or not among them.

    Example:
        >>> category_codes(np.array(["b", None, "a"], dtype=object), ("a", "b")).tolist()
        [1.0, nan, 0.0]
    """
    import pandas as pd

    codes = pd.Index(categories, dtype=object).get_indexer(pd.Index(values, dtype=object))
    return np.where(codes >= 0, codes, np.nan).astype(np.float32)
