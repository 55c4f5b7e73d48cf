"""Reads columns of files, piece by piece, as numbers or as text.

Every piece of a column is made as small as it can be kept at once: numbers as an array, text as
numbers of its distinct values. Nothing is decided here about what a column is good for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells, What
from trialstack.datasets.table_file import Chunk, Table

MOST_EXACT_CELLS = 10_000_000
"""In a larger table numbers are kept in single precision, as a network takes them."""

CODE = r"^\s*[+-]?0\d"
"""How text begins that is a code rather than a number, such as 007."""

FIRST_INEXACT = 2.0**53
"""From here on, two whole numbers may be one and the same number in double precision."""


@dataclass
class _Gathering:
    """A column while its pieces come."""

    name: str
    expected: int = 0  # rows in all; 0 = not known
    is_name: bool = False  # different numbers must stay different, however long they are
    is_single: bool = False  # numbers are kept in single precision
    type: str = ""
    whole: NDArray[Any] | None = None  # of so many rows, in place of pieces
    numbers: list[NDArray[Any]] = field(default_factory=list)
    texts: list[Any] = field(default_factory=list)
    kinds: set[What] = field(default_factory=set)
    rows: int = 0
    is_integer: bool = True
    infinite: int = 0
    first_infinite: tuple[int, float] = (0, 0.0)
    is_long: bool = False

    def add(self, piece: Any) -> None:
        """Takes the next cells.

        Args:
            piece: `pyarrow.Array`, of values or of text.
        """
        import pyarrow.compute as pc
        import pyarrow.types as of

        what: What
        if of.is_null(piece.type) or piece.null_count == len(piece):
            what = "empty"
        elif of.is_boolean(piece.type):
            what = "boolean"
        elif of.is_integer(piece.type) or of.is_floating(piece.type) or of.is_decimal(piece.type):
            what = "number"
        elif of.is_timestamp(piece.type) or of.is_date(piece.type):
            what = "date"
        elif _is_text(piece.type):
            what = "text"
        else:
            what, self.type = "other", str(piece.type)
        if what == "text":
            encoded = piece if of.is_dictionary(piece.type) else pc.dictionary_encode(piece)
            self.texts.append(_plain_dictionary(encoded))
        elif what in {"boolean", "number", "date"}:
            self._add_numbers(_as_float(piece, what), what)
        elif what == "empty":
            self._add_empty(len(piece))
        self.kinds |= {what} - {"empty"}
        self.rows += len(piece)

    def _add_empty(self, count: int) -> None:
        import pyarrow as pa

        if self.texts:
            nothing = pa.nulls(count, pa.string())
            self.texts.append(_plain_dictionary(nothing.dictionary_encode()))
        else:
            self._keep(np.full(count, np.nan, np.float32))

    def _add_numbers(self, values: NDArray[np.float64], what: What) -> None:
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
        if self.is_name:
            self.is_long |= bool((np.abs(values) >= FIRST_INEXACT).any())
        beyond = np.isinf(single)
        if beyond.any():
            place = int(beyond.argmax())
            if not self.infinite:
                self.first_infinite = self.rows + place, float(values[place])
            self.infinite += int(beyond.sum())
        else:
            self.is_integer &= bool((np.isnan(values) | (values == np.rint(values))).all())
        self._keep(single if self.is_single and what != "date" else values)

    def _keep(self, values: NDArray[Any]) -> None:
        if self.whole is None and (self.numbers or not self.expected):
            self.numbers.append(values)
            return
        if self.whole is None:
            if np.isnan(values).all():  # whether double precision is wanted shows later
                return
            self.whole = np.full(self.expected, np.nan, values.dtype)
        self.whole[self.rows : self.rows + len(values)] = values

    def shrink(self) -> None:
        """Goes over to single precision."""
        self.is_single = True
        if "date" not in self.kinds:
            with np.errstate(over="ignore"):
                self.numbers = [piece.astype(np.float32) for piece in self.numbers]

    def done(self) -> Cells | None:
        """The column; None when it is to be read as text.

        So it is when some pieces are numbers and others text, and where numbers are names of which
        double precision would make one.
        """
        if "other" in self.kinds:
            return Cells(self.name, "other", self.type, self.rows)
        if len(self.kinds) > 1 or (self.is_long and self.is_integer and not self.infinite):
            return None
        what: What = next(iter(self.kinds), "empty")
        if what == "text":
            return self._done_text()
        cells = Cells(self.name, what, self.type, self.rows)
        if what == "empty":
            return cells
        values = self.whole if self.whole is not None else np.concatenate(self.numbers)
        self.numbers = []
        return replace(
            cells,
            values=values,
            is_integer=self.is_integer and not self.infinite,
            infinite=self.infinite,
            first_infinite=self.first_infinite,
        )

    def _done_text(self) -> Cells:
        import pyarrow as pa

        before = self.rows - sum(map(len, self.texts))  # rows of pieces that held nothing
        chunks = pa.chunked_array(self.texts).unify_dictionaries().chunks
        self.texts = []
        codes = np.concatenate(
            [np.full(before, -1, np.int32)]
            + [c.indices.fill_null(-1).to_numpy().astype(np.int32) for c in chunks]
        )
        found = chunks[0].dictionary.to_numpy(zero_copy_only=False).astype(object)
        used = np.zeros(len(found), bool)
        used[codes[codes >= 0]] = True
        order = np.array([i for i in sorted(range(len(found)), key=found.__getitem__) if used[i]])
        place = np.full(len(found) + 1, -1, np.int32)  # the last for -1
        place[order] = np.arange(len(order))
        return Cells(
            self.name, "text", self.type, self.rows, codes=place[codes], texts=found[order]
        )


def read_cells(
    tables: Sequence[Table],
    columns: Sequence[str],
    show: Callable[[float], None] = lambda done: None,
    *,
    spaced: str = "",
    names: Collection[str] = (),
    exact: Collection[str] = (),
) -> tuple[dict[str, Cells], tuple[int, ...]]:
    """Reads columns of files, one file after another, as if they were one.

    Args:
        tables: All of them have the columns.
        columns: Names of those to read.
        show: Told how much is read by now, in the tables' own units.
        spaced: Name of a column whose text is kept as it is, with the white space around it and
            zeros before its numbers.
        names: Of columns whose numbers are names, as those of customers: different ones stay
            different, however long they are.
        exact: Of columns whose numbers are kept in double precision in a table of any size.

    Returns:
        Name of a column -> its cells, in the order of `columns`; and how many rows each file has.

    Raises:
        DataError: A file cannot be read to its end.
    """
    import pyarrow as pa

    reading = _Reading(spaced, names, {*names, *exact})
    gathered, sizes = reading.read(tables, columns, show)
    cells = {name: gathering.done() for name, gathering in gathered.items()}
    mixed = [name for name, found in cells.items() if found is None]
    if mixed:
        reading.as_text = True
        texts, _ = reading.read(tables, mixed, show)
        cells |= {name: gathering.done() for name, gathering in texts.items()}
    pa.default_memory_pool().release_unused()  # what it keeps would be as much as the rows
    return {name: found for name, found in cells.items() if found is not None}, sizes


@dataclass
class _Reading:
    """One pass over all files; see `read_cells`."""

    spaced: str
    names: Collection[str]
    exact: Collection[str]
    as_text: bool = False

    def read(
        self, tables: Sequence[Table], columns: Sequence[str], show: Callable[[float], None]
    ) -> tuple[dict[str, _Gathering], tuple[int, ...]]:
        rows = sum(table.rows or 0 for table in tables)
        expected = rows if all(table.rows is not None for table in tables) else 0
        is_large = expected * len(columns) > MOST_EXACT_CELLS
        gathered = {
            name: _Gathering(
                name,
                expected,
                is_name=name in self.names,
                is_single=is_large and name not in self.exact,
            )
            for name in columns
        }
        before, sizes = 0, []
        for table in tables:
            sizes.append(0)
            for chunk in table.chunks(columns):
                sizes[-1] += chunk.rows.num_rows
                for name, gathering in gathered.items():
                    gathering.type = gathering.type or str(chunk.rows.column(name).type)
                    gathering.add(self._piece(chunk, name))
                if not is_large and sum(sizes) * len(columns) > MOST_EXACT_CELLS:
                    is_large = True
                    for name in gathered.keys() - self.exact:
                        gathered[name].shrink()
                show(before + chunk.done)
            before += table.size
        return gathered, tuple(sizes)

    def _piece(self, chunk: Chunk, name: str) -> Any:
        import pyarrow.compute as pc

        column = chunk.rows.column(name)
        piece = chunk.texts(column) if self.as_text else chunk.values(column)
        if name != self.spaced or not _is_text(column.type):
            return piece
        # Of labels, 01 and 1 are two: a number that has other digits before it is text.
        if _is_text(piece.type) or pc.any(pc.match_substring_regex(column, CODE)).as_py():
            return pc.if_else(pc.is_valid(piece), column, None)
        return piece


def _is_text(kind: Any) -> bool:
    import pyarrow.types as of

    if of.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind))


def _plain_dictionary(encoded: Any) -> Any:
    """Dictionary-encoded text of one and the same type, whatever type the file has."""
    import pyarrow as pa

    return encoded.cast(pa.dictionary(pa.int32(), pa.large_string()))


def _as_float(piece: Any, what: What) -> NDArray[np.float64]:
    import pyarrow as pa

    if what == "date":
        piece = piece.cast(pa.timestamp("us")).cast(pa.int64())
    elif what == "boolean":
        piece = piece.cast(pa.int8())
    return np.asarray(piece.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
