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
                    yield Chunk(rows, first, done, _as_it_is, _as_text)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.path, error) from error


def _as_it_is(column: Any) -> Any:
    return column


def _as_text(column: Any) -> Any:
    import pyarrow as pa

    return column.cast(pa.string())


def _damaged(path: Path, error: Exception) -> DataError:
    what = " ".join(str(error).split())
    return DataError(f"{path}: cannot be read as Parquet: {what:.200}; is it damaged?")
