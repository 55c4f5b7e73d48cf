"""Parquet files, read some row groups at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from trialstack.datasets.table_file import Chunk
from trialstack.errors import DataError

ROWS_AT_ONCE = 65536


@dataclass(frozen=True)
class ParquetTable:
    """See `trialstack.datasets.table_file.Table`; its size is in rows."""

    path: Path
    columns: tuple[str, ...]
    size: int

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
            with pq.ParquetFile(self.path) as file:
                for rows in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
                    first, done = done + 1, done + rows.num_rows
                    yield Chunk(rows, first, done, _as_it_is)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.path, error) from error


def _as_it_is(column: Any) -> Any:
    return column


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as Parquet: {error}")
