"""CSV files, plain or compressed, read strictly: every row has a cell for every column."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

from trialstack.datasets.table_file import Chunk
from trialstack.errors import DataError, InputError

BLOCK = 1 << 22
"""Bytes that are read at once; no row may be longer."""

BEGINNINGS = {
    b"\xff\xfe": "UTF-16 text; give --encoding utf-16",
    b"\xfe\xff": "UTF-16 text; give --encoding utf-16",
    b"PAR1": "a Parquet file; let its name end in .parquet",
    b"PK\x03\x04": "an Excel or zip file; save the table as CSV",
    b"\x1f\x8b": "a gzip file; let its name end in .csv.gz",
}
"""How files begin that are often taken for CSV in UTF-8 -> what they are, and what to do."""


@dataclass(frozen=True)
class CsvTable:
    """See `trialstack.datasets.table_file.Table`; its size is that of the file, in bytes.

    Attributes:
        separator: Between cells.
        encoding: By Python's name.
        has_rows: Whether something follows the header.
    """

    path: Path
    columns: tuple[str, ...]
    size: int
    separator: str
    encoding: str
    has_rows: bool

    @classmethod
    def open(cls, path: Path, *, separator: str, encoding: str) -> Self:
        """Reads the header.

        Raises:
            InputError: The separator is not one character, or there is no such encoding.
            DataError: The header cannot be read.
        """
        separator = separator.replace("\\t", "\t")
        if len(separator) != 1 or separator in '"\r\n':
            raise InputError(f"--separator: {separator!r} came; give one character, such as ';'")
        try:
            encoding = codecs.lookup(encoding).name
        except LookupError:
            raise InputError(
                f"--encoding: {encoding!r} came, which Python does not know; common are "
                "utf-8, utf-16, cp1252 and latin-1"
            ) from None
        with _explained(path, encoding), path.open("rb") as raw, _unpacked(raw) as file:
            # Excel begins its files with a mark, which is no part of the first column's name.
            text = io.TextIOWrapper(file, "utf-8-sig" if encoding == "utf-8" else encoding)
            header = next(csv.reader(text, delimiter=separator), None)
            has_rows = any(line.strip() for line in text)
        if not header:
            raise DataError(f"{path}: the first line is empty; the columns' names are wanted")
        return cls(path, tuple(header), path.stat().st_size, separator, encoding, has_rows)

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """See `trialstack.datasets.table_file.Table`."""
        import pyarrow as pa
        from pyarrow import csv as arrow

        if not self.has_rows:  # for Arrow, that would be an error
            return
        ragged: list[Any] = []
        done = 0

        def stop_at(row: Any) -> str:
            ragged.append(row)
            return "error"

        with (
            _explained(self.path, self.encoding, ragged),
            self.path.open("rb") as raw,
            _unpacked(raw) as file,
        ):
            reader = arrow.open_csv(
                file,
                arrow.ReadOptions(
                    use_threads=False,  # with more, Arrow cannot tell a wrong row's number
                    block_size=BLOCK,
                    encoding=self.encoding,
                    column_names=self.columns,
                    skip_rows_after_names=1,
                ),
                arrow.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=True,
                    invalid_row_handler=stop_at,
                ),
                arrow.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for rows in reader:
                first, done = done + 1, done + rows.num_rows
                yield Chunk(rows, first, raw.tell(), parsed)


def parsed(column: Any) -> Any:
    """Numbers or truth values where all cells of a column are such, or are missing; else its text.

    Args:
        column: `pyarrow.Array` of strings.

    Example:
        >>> import pyarrow
        >>> parsed(pyarrow.array(["1", " 2.5", "NA", ""])).to_pylist()
        [1.0, 2.5, None, None]
        >>> parsed(pyarrow.array(["1", "two", "NA"])).to_pylist()
        ['1', 'two', None]
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow

    text = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(text, value_set=pa.array(arrow.ConvertOptions().null_values))
    text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    for kind in (pa.float64(), pa.bool_()):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return text


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    """The text of a file whose name says that it is compressed, or of one that is not."""
    if raw.name.lower().endswith(".gz"):
        with gzip.open(raw) as file:
            yield cast("IO[bytes]", file)
    else:
        yield raw


@contextmanager
def _explained(path: Path, encoding: str, ragged: Sequence[Any] = ()) -> Iterator[None]:
    """Turns what the libraries say of a file into one line.

    Args:
        path: Of the file.
        encoding: As which it is read.
        ragged: Rows that Arrow did not like, of which there is one at most.
    """
    from pyarrow import ArrowException

    try:
        yield
    except UnicodeDecodeError as error:
        raise _undecodable(path, encoding) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file: {error}") from error
    except csv.Error as error:
        raise DataError(f"{path}: header: {error}") from error
    except ArrowException as error:
        if ragged:
            raise _ragged(path, ragged[0]) from error
        if "invalid UTF8" in str(error):
            raise _undecodable(path, encoding) from error
        if "straddling" in str(error):
            raise DataError(
                f"{path}: a row is longer than {BLOCK >> 20} MiB; is a quote left open?"
            ) from error
        raise DataError(f"{path}: cannot be read as CSV: {error}") from error


def _ragged(path: Path, row: Any) -> DataError:
    cells = f"{row.actual_columns} cell{'s' * (row.actual_columns != 1)}"
    quote = "; is a quote left open there?" if row.text.count('"') % 2 else ""
    number = row.number - 1  # Arrow counts the header
    return DataError(
        f"{path}: row {number}: {cells} came; the header names {row.expected_columns}{quote}"
    )


def _undecodable(path: Path, encoding: str) -> DataError:
    """Says where a file stops to be text of its encoding, and what it looks like."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = 0
    with path.open("rb") as raw, _unpacked(raw) as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            start = before - len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                before = start + error.start
                break
            before += len(block)
        file.seek(0)
        beginning = file.read(4)
    like = next((what for magic, what in BEGINNINGS.items() if beginning.startswith(magic)), "")
    what = f"it looks like {like}" if like else "give its --encoding, such as cp1252"
    return DataError(f"{path}: not {encoding} at byte {before}: {what}")
