"""Parquet files, read some row groups at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from trialstack.datasets.table_file import Chunk
from trialstack.errors import DataError

ROWS_AT_ONCE = 1 << 14
BUFFER = 1 << 16
"""Bytes of each column that are read ahead."""


@dataclass(frozen=True)
class ParquetTable:
    """See `trialstack.datasets.table_file.Table`; its size is in rows."""

    path: Path
    columns: tuple[str, ...]
    size: int

    @property
    def rows(self) -> int:
        """See `trialstack.datasets.table_file.Table`."""
        return self.size

    @classmethod
    def open(cls, path: Path) -> Self:
        """Reads the schema, which stands at the file's end.

        Raises:
            DataError: It is no Parquet file, or a part of one.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                return cls(path, tuple(file.schema_arrow.names), file.metadata.num_rows)
        except pa.ArrowException as error:
            raise _damaged(path, error) from error

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """See `trialstack.datasets.table_file.Table`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        done = 0
        try:
            # Without these two, a whole row group is in memory, which may be the whole file.
            with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=BUFFER) as file:
                for rows in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
                    first, done = done + 1, done + rows.num_rows
                    yield Chunk(rows, first, done, trimmed, _as_text)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.path, error) from error


def trimmed(column: Any) -> Any:
    """A column whose text has no white space around it, and is missing where nothing is left.

    So a category is the same whether it comes from a Parquet or a CSV file. Other columns are as
    they are.

    Args:
        column: `pyarrow.Array`.

    Example:
        >>> import pyarrow
        >>> trimmed(pyarrow.array([" red", "red", " ", None])).to_pylist()
        ['red', 'red', None, None]
        >>> trimmed(pyarrow.array([1, None])).to_pylist()
        [1, None]
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as of

    kind = column.type.value_type if of.is_dictionary(column.type) else column.type
    if not (of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind)):
        return column
    text = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)


def _as_text(column: Any) -> Any:
    import pyarrow as pa

    return trimmed(column.cast(pa.large_string()))


def _damaged(path: Path, error: Exception) -> DataError:
    what = " ".join(str(error).split()).rstrip(".")
    return DataError(f"{path}: cannot be read as Parquet: {what:.200}; is it damaged?")
