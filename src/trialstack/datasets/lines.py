"""Where rows stand in the files that they come from: how every error and warning begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Lines:
    """The rows of one file, or of two that follow on each other.

    Attributes:
        files: Path of each.
        sizes: Rows of each.
        kept: Positions of the rows that are used among all rows; shape `(rows,)`.
    """

    files: tuple[str, ...]
    sizes: tuple[int, ...]
    kept: NDArray[np.int64]

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Of the rows that are used, in their files; the first row below the header is 1."""
        return self.kept + 1 - np.where(self.kept < self.sizes[0], 0, self.sizes[0])

    @property
    def sealed(self) -> int:
        """How many of the rows that are used stand in the second file."""
        return int((self.kept >= self.sizes[0]).sum())

    @property
    def learnt(self) -> int:
        """How many of the rows that are used stand in the first file: they come first."""
        return len(self.kept) - self.sealed

    def of(self, column: str) -> str:
        """A column."""
        return f"{self.files[0]}: column {column!r}"

    def at(self, column: str, row: int, more: int = 0) -> str:
        """A cell of a column.

        Args:
            column: Its name.
            row: Position among the rows that are used.
            more: How many further rows are meant.

        Example:
            >>> Lines(("a.csv", "b.csv"), (2, 5), np.arange(7)).at("x", 3, more=1)
            "b.csv: column 'x', row 2 and one more"
        """
        file = self.files[int(self.kept[row] >= self.sizes[0])]
        others = {0: "", 1: " and one more"}.get(more, f" and {more} more")
        return f"{file}: column {column!r}, row {self.numbers[row]}{others}"
