"""An SQLite store is there with all its tables, or not at all.

MLflow makes the tables in seconds of migrations, each committed on its own. A process that is
killed in between would leave a file that no later one can use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

BESIDE = ("", "-wal", "-shm", "-journal")
"""What the names of a database's files end in."""


def make_database(file: Path, fill: Callable[[Path], None]) -> None:
    """Makes a database under another name, and puts it in place when it is whole.

    Args:
        file: Where it is to be; what is there is replaced.
        fill: Makes the tables of the database whose path it is given, and closes it.

    Raises:
        OSError: The folder may not be written, or the disk is full.
        sqlite3.Error: Likewise.
    """
    new = file.with_name(f"{file.name}.new")
    _remove(new)  # left by a process that was killed
    try:
        _ask(new, "PRAGMA journal_mode = WAL")  # the UI reads while a search writes
        fill(new)
        _ask(new, "PRAGMA wal_checkpoint(TRUNCATE)")
        new.replace(file)
    finally:
        _remove(new)


def _ask(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, timeout=30)) as database:
        database.execute(statement)


def _remove(file: Path) -> None:
    for ending in BESIDE:
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
