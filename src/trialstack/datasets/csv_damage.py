"""What is wrong with a CSV file that could not be read: where it is, and what it looks like.

Arrow reads fast and says little. Once it has given up, time is no matter: the file is read once
more, slowly, for the line that a person can go to.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import IO

from trialstack.errors import DataError

BLOCK = 1 << 20
"""Bytes that are looked through at once."""

BEGINNINGS = {
    b"\xff\xfe": ("UTF-16 text", "utf-16"),
    b"\xfe\xff": ("UTF-16 text", "utf-16"),
    b"PAR1": ("a Parquet file; let its name end in .parquet", ""),
    b"PK\x03\x04": ("an Excel or zip file; save the table as CSV", ""),
    b"\x1f\x8b": ("a gzip file; let its name end in .csv.gz", ""),
}
"""How files begin that are often taken for CSV in UTF-8 -> what they are, and their encoding."""

END = "\0end of file"
"""A line after the last: what holds it has not come to its own end."""


class ScreenedFile:
    """A file as Arrow reads it, in which nothing passes that Arrow would not mind and we do.

    Arrow takes NUL for a letter, and the rest of a file for a cell whose quote is never closed.

    Args:
        file: Opened for bytes.
        start: Of the line that tells what is wrong.
        encoding: Of the text. Where a letter may be two bytes, these cannot be told from letters.

    Attributes:
        quotes: How many there were so far.
    """

    def __init__(self, file: IO[bytes], start: str, encoding: str) -> None:
        self._file = file
        self._start = start
        self._single = not encoding.startswith(("utf-16", "utf-32"))
        self._read = 0
        self.quotes = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Reads on.

        Raises:
            DataError: There is a NUL byte.
        """
        block = self._file.read(size)
        if self._single:
            if (place := block.find(b"\0")) >= 0:
                raise DataError(
                    f"{self._start}: a NUL byte came at byte {self._read + place}, which no text "
                    "has; is it UTF-16, or damaged? Save the table as UTF-8"
                )
            self.quotes += block.count(b'"')
        self._read += len(block)
        return block

    def close(self) -> None:
        """Leaves the file to who has opened it."""
        self.closed = True


def read_header(text: Iterator[str], separator: str) -> list[str] | None:
    """The first row; None if there is none.

    Raises:
        csv.Error: It has a quote that is not closed.
    """
    header = next(csv.reader(chain(text, [END]), delimiter=separator), None)
    if header and header[-1].endswith(END):
        if header == [END]:
            return None
        raise csv.Error("line 1: a quote is left open")
    return header


def misfit(file: IO[bytes], separator: str, encoding: str, width: int) -> str | None:
    """The first row that does not fit the header, or does not end; None if all do.

    Args:
        file: At its beginning.
        separator: Between cells.
        encoding: By Python's name.
        width: How many cells a row has.
    """
    text = io.TextIOWrapper(file, encoding, newline="")
    reader = csv.reader(chain(text, [END]), delimiter=separator)
    line, row = 1, -1
    try:
        for cells in reader:
            line, begun = reader.line_num + 1, line
            if cells == [END]:
                return None
            row += bool(cells)  # an empty line is no row
            if cells and cells[-1].endswith(END):
                return f"line {begun}, row {row}: a quote is left open; close or double it"
            if cells and len(cells) != width:
                return (
                    f"line {begun}, row {row}: {len(cells)} cell{'s' * (len(cells) != 1)} came; "
                    f"the header names {width}"
                )
    except csv.Error:  # a cell as long as that
        return f"line {line}, row {row + 1}: a quote is left open; close or double it"
    finally:
        text.detach()
    return None


def undecodable(file: IO[bytes], encoding: str) -> str:
    """Where a file stops to be text of its encoding, and what it looks like.

    Args:
        file: At its beginning; it can be read twice.
        encoding: By Python's name.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    before, place, block = 0, 0, b""
    for block in iter(lambda: file.read(BLOCK), b""):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            place = max(error.start - held, 0)
            before += error.start - held
            break
        before += len(block)
    file.seek(0)
    return f"not {encoding} at byte {before}: {_likeness(file.read(BLOCK), block, place)}"


def _likeness(beginning: bytes, block: bytes, place: int) -> str:
    """What a file looks like, and what to do about it."""
    for magic, (what, encoding) in BEGINNINGS.items():
        if beginning.startswith(magic):
            return f"it looks like {what}{_name_it(encoding)}"
    if beginning[1::2].count(0) > len(beginning) // 4:  # as of English text
        return f"it looks like UTF-16 text{_name_it('utf-16-le')}"
    if b"\0" in beginning:
        return "it looks like no text at all; save the table as CSV in UTF-8"
    word = _word(block, place)
    try:
        shown = word.decode("cp1252")
    except UnicodeDecodeError:
        shown = ""
    if shown.isprintable() and shown:
        return f"it looks like cp1252 ({shown!r}){_name_it('cp1252')}"
    return f"its encoding is another{_name_it('latin-1')}"


def _name_it(encoding: str) -> str:
    if not encoding:
        return ""
    return f'; name it: --encoding {encoding}, or encoding = "{encoding}" in the experiment file'


def _word(block: bytes, place: int) -> bytes:
    """The letters around a place."""

    def is_letter(byte: int) -> bool:
        return byte >= 128 or chr(byte).isalnum()

    first = last = place
    while first and is_letter(block[first - 1]):
        first -= 1
    while last < len(block) and is_letter(block[last]):
        last += 1
    return block[max(first, place - 20) : min(last, place + 20)]
