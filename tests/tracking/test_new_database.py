"""A new store's file is there when it is whole, and not before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from trialstack.tracking.new_database import make_database


def fill(new: Path) -> None:
    with closing(sqlite3.connect(new)) as database, database:
        database.execute("CREATE TABLE runs (id)")
        database.execute("INSERT INTO runs VALUES (7)")


def test_it_is_put_in_place_whole(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    seen = []

    def looking(new: Path) -> None:
        fill(new)
        seen.append(file.exists())

    make_database(file, looking)
    assert seen == [False]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT id FROM runs").fetchall() == [(7,)]
        assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    for name in ("mlflow.db.new", "mlflow.db.new-wal", "mlflow.db.new-journal"):
        (tmp_path / name).write_bytes(b"half a database")
    make_database(tmp_path / "mlflow.db", fill)
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def full(new: Path) -> None:
        fill(new)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        make_database(tmp_path / "mlflow.db", full)
    assert list(tmp_path.iterdir()) == []
