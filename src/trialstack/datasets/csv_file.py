"""CSV files, plain or compressed, read strictly: every row has a cell for every column."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Self, cast

from trialstack.datasets.csv_damage import ScreenedFile, misfit, read_header, undecodable
from trialstack.datasets.table_file import Chunk
from trialstack.errors import DataError, InputError

BLOCK = 1 << 22
"""Bytes that are read at once; no row may be longer."""

# What Arrow takes for a missing value, and what else pandas does.
MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("N/A", "NA", "NULL", "NaN", "n/a", "nan", "null", "<NA>", "None"),
)


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

    rows: ClassVar[None] = None

    @classmethod
    def open(cls, path: Path, *, separator: str, encoding: str) -> Self:
        """Reads the header.

        Raises:
            InputError: The separator is not one character, or there is no such encoding.
            DataError: The header cannot be read.
        """
        separator = separator.replace("\\t", "\t")
        if len(separator) != 1 or separator in '"\r\n':
            raise InputError(
                f"{path}: separator {separator!r} came; give one character, such as ';'"
            )
        try:
            encoding = codecs.lookup(encoding).name
        except LookupError:
            raise InputError(
                f"{path}: encoding {encoding!r} came, which Python does not know; common are "
                "utf-8, utf-16, cp1252 and latin-1"
            ) from None
        with _explained(path, encoding), path.open("rb") as raw, _unpacked(raw) as file:
            text = io.TextIOWrapper(file, _without_mark(encoding))
            header = read_header(text, separator)
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
        done = 0
        with self._explained(), self.path.open("rb") as raw, _unpacked(raw) as file:
            screened = ScreenedFile(file, str(self.path), self.encoding)
            reader = arrow.open_csv(
                pa.PythonFile(screened, mode="r"),
                arrow.ReadOptions(
                    use_threads=False,  # the rows come in their order, and one block is in memory
                    block_size=BLOCK,
                    encoding=self.encoding,
                    column_names=self.columns,
                    skip_rows_after_names=1,
                ),
                arrow.ParseOptions(delimiter=self.separator, newlines_in_values=True),
                arrow.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for rows in reader:
                first, done = done + 1, done + rows.num_rows
                yield Chunk(rows, first, raw.tell(), parsed, trimmed)
            if screened.quotes % 2 and (what := self._misfit()):
                raise DataError(f"{self.path}: {what}")

    def _explained(self) -> AbstractContextManager[None]:
        return _explained(self.path, self.encoding, self._misfit)

    def _misfit(self) -> str | None:
        """What is wrong with the first row that does not fit the header."""
        with self.path.open("rb") as raw, _unpacked(raw) as file:
            encoding = _without_mark(self.encoding)
            return misfit(file, self.separator, encoding, len(self.columns))


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

    text = trimmed(column)
    for kind in (pa.float64(), pa.bool_()):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return text


def trimmed(column: Any) -> Any:
    """The text of a column without white space around it, or nothing where a value is missing.

    Args:
        column: `pyarrow.Array` of strings.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(text, value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    """The text of a file whose name says that it is compressed, or of one that is not."""
    if raw.name.lower().endswith(".gz"):
        with gzip.open(raw) as file:
            yield cast("IO[bytes]", file)
    else:
        yield raw


@contextmanager
def _explained(
    path: Path, encoding: str, misfit: Callable[[], str | None] = lambda: None
) -> Iterator[None]:
    """Turns what the libraries say of a file into one line.

    Args:
        path: Of the file.
        encoding: As which it is read.
        misfit: Tells of the first row that is not as the header is.
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
        if "invalid UTF8" in str(error):
            raise _undecodable(path, encoding) from error
        what = misfit()
        if what is None and "straddling" in str(error):
            what = f"a row is longer than {BLOCK >> 20} MiB; is a quote left open?"
        said = " ".join(str(error).split())
        raise DataError(f"{path}: {what or f'cannot be read as CSV: {said:.200}'}") from error


def _without_mark(encoding: str) -> str:
    """Excel begins its files with a mark, which is no part of the first column's name."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _undecodable(path: Path, encoding: str) -> DataError:
    with path.open("rb") as raw, _unpacked(raw) as file:
        return DataError(f"{path}: {undecodable(file, encoding)}")
