"""Tables of results, for terminals of any width."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST = 1000
"""Characters of a line of a table. A line that is too long for a terminal is wrapped there, which
shows more than a table that is cut to fit."""
LONGEST_HEADER = 9
"""Characters of a column's name that stand in one line."""
GAP = 2
"""Characters between two columns."""


def make_table(*columns: str) -> Table:
    """A table without frame, its columns aligned to the right."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right")
    return table


def print_heading(text: str) -> None:
    """What follows, in a line of its own, or in several of a narrow terminal."""
    console = Console(file=sys.stdout, highlight=False)
    width = console.width if console.is_terminal else WIDEST
    Console(file=sys.stdout, width=width, highlight=False).print(Text(text, style="bold"))
    print()


def print_text(text: str, hanging: int = 0) -> None:
    """Prose; a terminal gets it broken between words, elsewhere lines stay whole.

    Args:
        text: What to print.
        hanging: So many characters stand before what may be broken, and before all further lines.
    """
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        print(text)
        return
    before = text[:hanging]
    for line in Text(text[hanging:]).wrap(console, max(console.width - hanging, 1)):
        console.print(Text(before) + line)
        before = " " * hanging


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    kept: int = 1,
    left: int = 1,
    *,
    left_last: bool = False,
) -> None:
    """A table on stdout; in a terminal that is too narrow, its last columns stand below the first.

    Args:
        columns: Headers.
        rows: Cells.
        kept: So many first columns are repeated in every part.
        left: So many first columns are aligned to the left.
        left_last: Whether the last column is, too: it holds text.
    """
    console = Console(file=sys.stdout, highlight=False)
    room = console.width if console.is_terminal else WIDEST
    headers = [_folded(column) for column in columns]
    widths = [
        max(cell_len(line) for text in (header, *cells) for line in text.split("\n"))
        for header, *cells in zip(headers, *rows, strict=True)
    ]
    for number, part in enumerate(_parts(widths, room, kept)):
        table = make_table(*(headers[place] for place in part))
        for place, column in zip(part, table.columns, strict=True):
            if place < left or (left_last and place == len(columns) - 1):
                column.justify = "left"
        for row in rows:
            table.add_row(*(Text(row[place]) for place in part))
        if number:
            print()
        Console(file=sys.stdout, width=WIDEST, highlight=False).print(table)


def _folded(header: str) -> str:
    r"""A long name in two lines: what stands below it is often short.

    Example:
        >>> _folded("learning_rate"), _folded("units_1"), _folded("search.max_trials")
        ('learning_\nrate', 'units_1', 'search.\nmax_trials')
    """
    if len(header) <= LONGEST_HEADER or "\n" in header:
        return header
    table, dot, key = header.partition(".")
    head, underscore, tail = header.rpartition("_")
    if dot:
        return f"{table}.\n{key}"
    return f"{head}_\n{tail}" if underscore else header


def _parts(widths: Sequence[int], room: int, kept: int) -> list[list[int]]:
    """Which columns stand beside each other, where all of them are too many."""
    always = list(range(kept))
    parts = [always.copy()]
    for place in range(kept, len(widths)):
        taken = sum(widths[other] + GAP for other in (*parts[-1], place)) - GAP
        if taken > room and len(parts[-1]) > kept:
            parts.append(always.copy())
        parts[-1].append(place)
    return parts
