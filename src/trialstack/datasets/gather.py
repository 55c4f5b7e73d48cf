"""A column while its pieces come, as numbers or as text.

Every piece of a column is made as small as it can be kept at once: numbers as an array, text as
numbers of its distinct values. Nothing is decided here about what a column is good for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells, What

FIRST_INEXACT = 2.0**53
"""From here on, two whole numbers may be one and the same number in double precision."""


@dataclass
class Gathering:
    """A column while its pieces come.

    Attributes:
        name: Of the column.
        expected: Rows in all; 0 = not known.
        is_name: Different numbers must stay different, however long they are.
        is_single: Numbers are kept in single precision.
        type: That the file names for them.
    """

    name: str
    expected: int = 0
    is_name: bool = False
    is_single: bool = False
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
        elif is_text(piece.type):
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


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is one of text, encoded or not."""
    import pyarrow.types as of

    if of.is_dictionary(kind):
        return is_text(kind.value_type)
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
