"""One process at a time in a search's folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from trialstack.errors import InputError, SearchHeldError


@contextlib.contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Holds a folder, which is made if need be, for this process.

    Args:
        folder: Where the file `lock` lies, which tells who holds it.
        what: Stands at the beginning of the error.

    Raises:
        SearchHeldError: Another process holds it. A process that died holds nothing.
        InputError: It cannot be made, or may not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise unusable(folder, what, error) from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SearchHeldError(
                f"{what}: {file.read().strip() or 'another process'} is at work on it; wait "
                "for it, or stop it first"
            ) from None
        file.truncate(0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        file.write(f"process {os.getpid()} on {socket.gethostname()} (since {since})\n")
        file.flush()
        yield


def unusable(folder: Path, what: str, error: OSError) -> InputError:
    """That a folder cannot be held, and why."""
    cause = error.strerror or error
    return InputError(f"{what}: folder {folder} cannot be written: {cause}; choose another place")
