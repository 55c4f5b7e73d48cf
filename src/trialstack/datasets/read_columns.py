"""Reads columns of files, one file after another, as if they were one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from trialstack.datasets.cells import Cells
from trialstack.datasets.gather import Gathering, is_text
from trialstack.datasets.table_file import Chunk, Table

MOST_EXACT_CELLS = 10_000_000
"""In a larger table numbers are kept in single precision, as a network takes them."""

CODE = r"^\s*[+-]?0\d"
"""How text begins that is a code rather than a number, such as 007."""


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
    ) -> tuple[dict[str, Gathering], tuple[int, ...]]:
        rows = sum(table.rows or 0 for table in tables)
        expected = rows if all(table.rows is not None for table in tables) else 0
        is_large = expected * len(columns) > MOST_EXACT_CELLS
        gathered = {
            name: Gathering(
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
        if name != self.spaced or not is_text(column.type):
            return piece
        # Of labels, 01 and 1 are two: a number that has other digits before it is text.
        if is_text(piece.type) or pc.any(pc.match_substring_regex(column, CODE)).as_py():
            return pc.if_else(pc.is_valid(piece), column, None)
        return piece
