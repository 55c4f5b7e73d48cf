"""A column as a file has it: all of its cells together, numbers or text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

What = Literal["empty", "number", "boolean", "date", "text", "other"]


@dataclass(frozen=True, eq=False)
class Cells:
    """All cells of a column.

    Attributes:
        name: Of the column.
        what: They are, as far as they are not missing.
        type: That the file names for them.
        rows: How many there are.
        values: Of numbers, booleans (0 and 1) and dates (microseconds since 1970), NaN where
            missing; shape `(rows,)`, or empty.
        codes: Of text, index in `texts`, -1 where missing; shape `(rows,)`, or empty.
        texts: Distinct text, sorted, shape `(distinct,)`.
        is_integer: Whether all numbers are whole.
        infinite: How many cells are infinite, or would be in single precision.
        first_infinite: Which row is the first of them, from 0, and its value.
    """

    name: str
    what: What
    type: str
    rows: int
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    codes: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    texts: NDArray[Any] = field(default_factory=lambda: np.empty(0, object))
    is_integer: bool = False
    infinite: int = 0
    first_infinite: tuple[int, float] = (0, 0.0)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which cells hold nothing, shape `(rows,)`."""
        if self.what == "text":
            return np.asarray(self.codes < 0)
        if len(self.values):
            return np.asarray(np.isnan(self.values))
        return np.full(self.rows, self.what == "empty")

    def at(self, rows: NDArray[np.int64]) -> Cells:
        """Some rows of the column, given by their positions."""
        return self._chosen(rows, len(rows))

    def first(self, count: int) -> Cells:
        """The first rows of the column, not copied."""
        return self._chosen(slice(count), count)

    def _chosen(self, rows: NDArray[np.int64] | slice, count: int) -> Cells:
        return replace(
            self,
            rows=count,
            values=self.values[rows] if len(self.values) else self.values,
            codes=self.codes[rows] if len(self.codes) else self.codes,
        )

    def text_counts(self) -> NDArray[np.int64]:
        """How many cells hold each of `texts`."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))
