"""No space left, at every write in turn and on a real file system that is too small."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import keras_tuner.src.utils
import pytest

from tests.faults.searched import Searched, check_as_if_never_interrupted
from tests.faults.test_any_interruption import play
from trialstack.tuners import journal
from trialstack.tuners.journal import FILE_NAME, Journal

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Disk:
    """Counts writes; from the n-th on there is no space left.

    Args:
        room: So many writes succeed.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.writes = 0

    def write(self, half: Callable[[], Any] = lambda: None) -> None:
        """Counts a write; of the first that fails, half gets through."""
        self.writes += 1
        if self.writes > self.room:
            if self.writes == self.room + 1:
                half()
            raise FULL

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        opened, fsync, save = Path.open, os.fsync, keras_tuner.src.utils.save_json
        disk = self

        class File:
            def __init__(self, file: Any) -> None:
                self._file = file

            def __enter__(self) -> File:
                return self

            def __exit__(self, *_: object) -> None:
                self._file.close()

            def __getattr__(self, name: str) -> Any:
                return getattr(self._file, name)

            def write(self, content: Any) -> None:
                disk.write(lambda: self._file.write(content[: len(content) // 2]))
                self._file.write(content)

        def open_file(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not set(mode) & set("wa"):
                return opened(path, mode, *args, **kwargs)
            if not path.exists():
                self.write()
            file = opened(path, mode, *args, **kwargs)
            return file if path.name == "lock" else File(file)

        def sync(number: int) -> None:
            self.write()
            fsync(number)

        def save_json(path: str, state: Any) -> Any:
            self.write(lambda: Path(path).write_text("{"))
            return save(path, state)

        with (
            mock.patch.object(Path, "open", open_file),
            mock.patch.object(os, "fsync", sync),
            mock.patch.object(keras_tuner.src.utils, "save_json", save_json),
        ):
            yield


def test_at_every_write_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As many writes at every speed: no line of a trial is synced because the clock says so.
    monkeypatch.setattr(journal, "SYNC_EVERY", math.inf)
    roomy = Disk(10**6)
    with roomy.mounted():
        expected = play(tmp_path / "whole", 0)
    assert roomy.writes > 30
    for room in range(roomy.writes):
        folder, disk = tmp_path / str(room), Disk(room)
        with disk.mounted(), pytest.raises(Exception, match=r"No space left|cannot be written"):
            play(folder, 0)
        file = folder / "played" / FILE_NAME
        before = Journal(file).entries
        assert play(folder, 1) == expected, f"after {room} writes"
        after = Journal(file).entries
        assert after[: len(before)] == before
        assert not list(folder.rglob("*.tmp"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 megabytes; skips where none can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(file: Path) -> None:
    """Leaves no byte of a file system."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as ballast:
        for size in (2**16, 1):
            with contextlib.suppress(OSError):
                while True:
                    ballast.write(bytes(size))


@pytest.mark.faults
@pytest.mark.slow
def test_a_file_system_that_fills(
    small_disk: Path, tmp_path: Path, whole: Callable[[str], Searched]
) -> None:
    expected = whole("one-by-one")
    place = Searched(small_disk)
    with place.start(output=tmp_path) as process:
        assert process.wait_for(lambda: place.journal_size > 3000)
        fill(small_disk / "ballast")
        code = process.wait()
    assert code == 1, process.said
    *_, line = process.lines
    assert line.startswith("error: "), process.said
    assert "no space left on the disk" in line or "disk is full" in line
    assert "Traceback" not in process.said
    done = [json.loads(line) for line in place.journals[0].read_bytes().splitlines(True)[:-1]]
    (small_disk / "ballast").unlink()
    check_as_if_never_interrupted(place, place.finish(), expected, ended_itself=True)
    assert place.entries()[: len(done)] == done


@pytest.mark.faults
@pytest.mark.slow
def test_a_folder_for_files_that_refuses(tmp_path: Path, whole: Callable[[str], Searched]) -> None:
    place = Searched(tmp_path)
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "artifacts").write_text("no folder")
    with place.start() as process:
        assert process.wait() == 1, process.said
    *_, line = process.lines
    assert line.startswith(("error: ", "warning: ")), process.said
    assert "mlruns/artifacts" in process.said
    assert "Traceback" not in process.said
    (tmp_path / "mlruns" / "artifacts").unlink()
    answer = place.finish()
    check_as_if_never_interrupted(place, answer, whole("one-by-one"), ended_itself=True)
