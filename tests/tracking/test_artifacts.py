from __future__ import annotations

import os
from pathlib import Path

import pytest

from trialstack.tracking.artifacts import write_files


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_made_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "artifacts"
    write_files(folder, {"trial.json": b"{}", "plots/roc.png": b"1", "plots/pr.png": b""})
    write_files(folder, {"plots/roc.png": b"22"})
    assert everything(folder) == {"trial.json": b"{}", "plots/roc.png": b"22", "plots/pr.png": b""}


def test_files_can_be_read_by_whom_the_user_lets_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b""})
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_failure_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a": b"old"})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_files(tmp_path, {"a": b"new"})
    assert everything(tmp_path) == {"a": b"old"}
