"""Writes a table to a file in pieces; the file is there once it is whole, and not before."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trialstack.datasets.table_file import suffix_of
from trialstack.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Write = Callable[["pd.DataFrame"], None]
"""Appends rows; the columns of the first call are those of the table."""


def check_output(path: Path, source: Path, *, overwrite: bool) -> None:
    """Refuses, before anything is computed, a file that could not be written in the end.

    Args:
        path: To be written.
        source: That is read meanwhile.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        InputError: Its suffix is not known, its folder is not there or cannot be written to, it is
            the source, or it is there already.
    """
    suffix_of(path, "-o")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"-o {path}: there is no folder {folder}; make it first")
    if path.is_dir():
        raise InputError(f"-o {path}: a folder is there; name a file")
    if path.exists() and path.samefile(source):
        raise InputError(f"-o {path}: this is the file that is read; choose another name")
    if path.exists() and not overwrite:
        raise InputError(f"-o {path}: there already; choose another name, or give --overwrite")
    if not os.access(folder, os.W_OK):
        raise InputError(f"-o {path}: the folder {folder} cannot be written to")


@contextmanager
def table_writer(path: Path) -> Iterator[Write]:
    """Writes a file beside its place, and moves it there on the way out.

    After an exception there is no new file, and one that was there is as it was.

    Args:
        path: Its name ends in one of `trialstack.datasets.table_file.SUFFIXES`.

    Raises:
        InputError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with _KINDS[suffix_of(path, "-o")](unfinished) as write:
            yield write
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def csv_writer(file: TextIO) -> Write:
    """Appends to an open text file."""
    first = True

    def write(rows: pd.DataFrame) -> None:
        nonlocal first
        rows.to_csv(file, index=False, header=first, lineterminator="\n")
        first = False

    return write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("x", encoding="utf-8", newline="") as file:
        yield csv_writer(file)


@contextmanager
def _csv_gz(path: Path) -> Iterator[Write]:
    with gzip.open(path, "xt", encoding="utf-8", newline="") as file:
        yield csv_writer(file)


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with ExitStack() as stack:
        writer = None

        def write(rows: pd.DataFrame) -> None:
            nonlocal writer
            schema = writer.schema if writer else None
            table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
            if writer is None:
                file = stack.enter_context(path.open("xb"))
                writer = stack.enter_context(pq.ParquetWriter(file, table.schema))
            writer.write_table(table)

        yield write


_KINDS = {".csv": _csv, ".csv.gz": _csv_gz, ".parquet": _parquet}
