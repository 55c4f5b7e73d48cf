"""Rows of a large table in another order than the table's, without a copy of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_COPIED = 16_000_000
"""Numbers (64 MB) that may stand in memory a second time; of more, rows are read in pieces."""
NUMBERS_OF_A_PIECE = 1 << 20
"""That are gathered, encoded or predicted at once, of a table that is read in pieces."""


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some rows of a table; those that are asked for are copied, the others are not.

    NumPy's functions take it for an array, and then copy all of its rows.

    Attributes:
        table: Shape `(all rows, columns)`.
        indices: Which rows, in which order, shape `(rows,)`.

    Example:
        >>> table = np.arange(8).reshape(4, 2)
        >>> rows = ChosenRows(table, np.array([3, 0, 1]))
        >>> rows.shape, rows[:2].tolist(), np.asarray(rows).tolist()
        ((3, 2), [[6, 7], [0, 1]], [[6, 7], [0, 1], [2, 3]])
    """

    table: NDArray[Any]
    indices: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self.indices), *self.table.shape[1:])

    @property
    def ndim(self) -> int:
        """As of an array."""
        return self.table.ndim

    @property
    def size(self) -> int:
        """As of an array."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """As of an array."""
        return self.table.dtype

    @property
    def nbytes(self) -> int:
        """What a copy would take."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, at: Any) -> NDArray[Any]:
        rows, *columns = at if isinstance(at, tuple) else (at,)
        return np.asarray(self.table[:, *columns][self.indices[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the rows stand apart in their table: an array of them is a copy")
        return np.asarray(self.table[self.indices], dtype)


def rows_of(table: NDArray[Any], indices: NDArray[np.int64]) -> Any:
    """Some rows: a view where they follow each other, a copy of few, `ChosenRows` of many.

    Args:
        table: Shape `(all rows, columns)`.
        indices: Which rows, shape `(rows,)`.

    Example:
        >>> table = np.arange(8).reshape(4, 2)
        >>> np.shares_memory(rows_of(table, np.array([1, 2])), table)
        True
        >>> rows_of(table, np.array([2, 1])).tolist()
        [[4, 5], [2, 3]]
    """
    rows = as_slice(indices)
    if not isinstance(rows, slice) and len(rows) * table[:1].size > MOST_COPIED:
        return ChosenRows(table, rows)
    return table[rows]


def as_slice(indices: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    """Rows that follow each other as a slice, which copies nothing."""
    if not len(indices) or indices[-1] - indices[0] != len(indices) - 1:
        return indices
    in_order = (np.diff(indices) == 1).all()
    return slice(int(indices[0]), int(indices[-1]) + 1) if in_order else indices
