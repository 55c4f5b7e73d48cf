"""A table in a file, read some rows at a time: what a long file holds is never in memory at once.

The suffix says what kind of file it is; each kind is a module of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trialstack.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table, in their order.

    Attributes:
        rows: A `pyarrow.RecordBatch` of the columns asked for, as the file has them: the cells of
            a CSV file are text.
        first_row: Number of its first row; the first row of a table, below the header, is 1.
        done: How much of the table is read by now, in the table's units.
        values: From a column as the file has it to its values: numbers instead of their text.
        texts: From a column as the file has it to its text, missing values missing.
    """

    rows: Any
    first_row: int
    done: int
    values: Callable[[Any], Any]
    texts: Callable[[Any], Any]

    def frame(self, columns: Sequence[str], texts: Container[str] = ()) -> pd.DataFrame:
        """Values of some columns; the index holds the rows' numbers.

        Args:
            columns: Their names.
            texts: Those of them that are text, even where all cells of a chunk look like numbers.
        """
        import pandas as pd
        import pyarrow as pa

        arrays = [
            (self.texts if name in texts else self.values)(self.rows.column(name))
            for name in columns
        ]
        index = pd.RangeIndex(self.first_row, self.first_row + self.rows.num_rows)
        return pa.Table.from_arrays(arrays, list(columns)).to_pandas().set_index(index)

    def cells(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns as the file has them: an id 007 stays one, a count with gaps an integer."""
        import pandas as pd

        return self.rows.select(list(columns)).to_pandas(types_mapper=pd.ArrowDtype)


class Table(Protocol):
    """A table in a file."""

    @property
    def path(self) -> Path:
        """Of the file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in the file's order."""

    @property
    def size(self) -> int:
        """How much there is to read, in units of its own: bytes or rows."""

    @property
    def rows(self) -> int | None:
        """How many rows there are; None if that shows only when they are read."""

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The rows of some columns, in their order; none when there is only a header.

        Raises:
            DataError: The file cannot be read to its end; the line says which row.
        """


def open_table(path: Path, *, separator: str = ",", encoding: str = "utf-8") -> Table:
    """Opens a table and reads the names of its columns.

    Args:
        path: A file whose name ends in one of `SUFFIXES`, in any case.
        separator: Between the cells of a CSV file.
        encoding: Of a CSV file, by Python's name. A byte-order mark is no part of the text.

    Raises:
        DataError: No such file, one of another kind, an empty one, or two columns of one name.
    """
    suffix = suffix_of(path, "")
    try:
        if path.is_dir():
            raise DataError(f"{path}: a folder came; a file is wanted")
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if not path.stat().st_size:
            raise DataError(f"{path}: the file is empty; a header and rows are wanted")
        table = _open(path, suffix, separator, encoding)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    twice = [name for name, count in Counter(table.columns).items() if count > 1]
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} is there twice; rename one of them")
    return table


def suffix_of(path: Path, option: str) -> str:
    """Which of `SUFFIXES` a file has.

    Args:
        path: Need not be there.
        option: That the path came with, for the error's text.

    Raises:
        DataError: None of them.
    """
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    start = f"{option} {path}" if option else str(path)
    raise DataError(f"{start}: the name ends in none of {', '.join(SUFFIXES)}; rename it")


def _open(path: Path, suffix: str, separator: str, encoding: str) -> Table:
    if suffix == ".parquet":
        from trialstack.datasets.parquet_file import ParquetTable

        return ParquetTable.open(path)
    from trialstack.datasets.csv_file import CsvTable

    return CsvTable.open(path, separator=separator, encoding=encoding)
