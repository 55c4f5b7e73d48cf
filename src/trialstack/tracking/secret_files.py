"""Secrets that a server needs for good: made once, kept in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

from trialstack.errors import InputError

_BYTES = 24  # of randomness: 32 characters
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(folder: Path) -> Path:
    """Makes a folder that only its owner may enter; one that is there stays as it is.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from error
    return folder


def kept_secret(file: Path) -> str:
    """The secret in a file, which is made with a random one if it is not there.

    Two processes that make it at once end up with one and the same.

    Raises:
        InputError: Others may read the file, it is empty, or it cannot be read or made.
    """
    try:
        if not file.exists():
            _make(file, secrets.token_urlsafe(_BYTES))
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text("utf-8").strip()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    if mode & _FOR_OTHERS:
        raise InputError(f"{file}: others may read it (mode {mode:o}); run: chmod 600 {file}")
    if not text:
        raise InputError(f"{file}: it is empty; delete it, and a new secret is made")
    return text


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner reads, in place of any that is there.

    Raises:
        InputError: It cannot be written.
    """
    try:
        made = _temporary(file, text)
        made.replace(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error


def _make(file: Path, text: str) -> None:
    made = _temporary(file, f"{text}\n")
    try:
        os.link(made, file)  # unlike a rename it keeps what another process was quicker to make
    except FileExistsError:
        pass
    finally:
        made.unlink()


def _temporary(file: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 600
    with os.fdopen(handle, "w", encoding="utf-8") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(handle)
    return Path(name)
