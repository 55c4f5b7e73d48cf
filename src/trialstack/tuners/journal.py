"""A search's own record: an append-only file from which everything else can be made again.

One JSON object a line, written before anything that follows from it. The last line may
be torn by a crash and is then dropped; every line carries the CRC-32 of all text up to its end, so
that a line in the middle that was edited, taken out or put in is told from a torn end.

Lines, by their key `event`:

    opened    version, search_id, and what the search is (`header`)
    building  a trial's model is about to be built by code of the user's
    asked     one trial handed out: values, the oracle's seed state, new hyperparameters
    started   an attempt begins
    finished  history, score, best epoch, the name of the weights' file
    failed    reason, traceback
    stage     a step of the pipeline beside the trials is done (baseline, final fit, ...)
    closed    the search has come to its end, and why
"""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trialstack.errors import JournalError

VERSION = 2
_LINE_BY_LINE = 1
"""Version in which a line's CRC-32 was that of the line alone."""
FILE_NAME = "journal.jsonl"

OF_TRIALS = frozenset({"building", "asked", "started", "finished", "failed"})
SYNC_EVERY = 0.5
"""Seconds. A sync takes milliseconds, and stacked trials finish by the hundred in a second."""

_PLAIN = frozenset({str, int, bool, type(None)})

Entry = dict[str, Any]


class Journal:
    """Appends to one search's record and reads it.

    Args:
        path: The file; its folder is made when the first line is written.

    Raises:
        JournalError: A line other than the last is damaged or missing, or the version is unknown.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self._size = 0  # bytes of the file that are whole lines
        self._crc = 0  # of those, which that of the next one goes on from
        self._synced = 0.0  # when, on the monotonic clock
        if path.exists():
            self.entries, self._size, self._crc = _read(path)
        if self.entries:
            _check_version(self.entries[0], path)

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, *events: str) -> Iterator[Entry]:
        """The entries of the named events, in order."""
        return (entry for entry in self.entries if entry["event"] in events)

    @property
    def header(self) -> Mapping[str, Any]:
        """What the search was opened with; empty before that."""
        return self.entries[0]["header"] if self.entries else {}

    @property
    def search_id(self) -> str:
        """The search's own name, unique everywhere."""
        return str(self.entries[0]["search_id"])

    @property
    def closed(self) -> Entry | None:
        """The entry that closed the search, unless something was asked after it."""
        for entry in reversed(self.entries):
            if entry["event"] == "closed":
                return entry
            if entry["event"] == "asked":
                return None
        return None

    def stages(self, name: str) -> Iterator[Entry]:
        """What a step of the pipeline has recorded, oldest first."""
        return (entry for entry in self.of("stage") if entry["name"] == name)

    def open(self, search_id: str, header: Mapping[str, Any]) -> None:
        """Writes the first line."""
        self.append("opened", version=VERSION, search_id=search_id, header=dict(header))

    def append(self, event: str, **fields: Any) -> Entry:
        """Adds a line, which a kill of this process does not take away any more.

        Against a power cut it is synced too: lines that a step of the job rests on at once, lines
        of trials at most `SYNC_EVERY` seconds late. A trial that is lost so is trained again.

        Floats that JSON does not have are written as the strings `NaN`, `Infinity` and
        `-Infinity`, which `float()` reads.
        """
        entry: Entry = plain({"event": event, "time": time.time(), **fields})
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # A message may hold half a surrogate pair, from a file name; JSON escapes look the same.
        content = text.encode(errors="backslashreplace")
        with self._opened() as file:
            if file.tell() != self._size:
                # Half a line is left of a crash, or of a disk that was full at the last append; or
                # somebody else has written, whose lines come before this one.
                self.entries, self._size, self._crc = _read(self.path)
                file.truncate(self._size)
            crc = zlib.crc32(content, self._crc)
            line = b'%s,"crc":%d}\n' % (content[:-1], crc)
            file.write(line)
            file.flush()
            now = time.monotonic()
            if event not in OF_TRIALS or now - self._synced > SYNC_EVERY:
                os.fsync(file.fileno())
                self._synced = now
        self._size += len(line)
        self.entries.append(entry)
        self._crc = _carried(self.entries, crc)
        return entry

    def _opened(self) -> BinaryIO:
        try:
            return self.path.open("ab")
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("ab")


def plain(value: Any) -> Any:
    """Numbers of NumPy as Python's, tuples as lists, floats outside JSON as strings."""
    if type(value) in _PLAIN or (type(value) is float and math.isfinite(value)):
        return value  # nearly everything: curves and settings
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        if {*map(type, value)} == {float} and all(map(math.isfinite, value)):
            return list(value)  # a curve
        return [plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isfinite(number):
            return number
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return value


def write_atomically(path: Path, content: bytes) -> None:
    """Puts a whole file in place, or leaves what was there.

    One process at a time writes it. What a killed one leaves of it, the next writes over.

    Raises:
        OSError: The disk is full or may not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _carried(entries: list[Entry], crc: int) -> int:
    """What the CRC-32 of the line after some entries goes on from, the last one having `crc`."""
    return 0 if entries[0].get("version") == _LINE_BY_LINE else crc


def _read(path: Path) -> tuple[list[Entry], int, int]:
    """The entries, how many bytes of the file they take, and what the next CRC-32 goes on from."""
    try:
        *lines, _torn_end = path.read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(
            f"{path}: cannot be read: {error.strerror or error}; put the file back from a backup, "
            "or start the search anew with --fresh"
        ) from error
    entries: list[Entry] = []
    size = before = 0
    for number, line in enumerate(lines, start=1):
        entry, crc = _parse(line, before)
        if entry is None:
            if any(lines[number:]):
                raise JournalError(
                    f"{path}: line {number}: damaged, or lines before it are missing; put the file "
                    "back from a backup, or start the search anew with --fresh"
                )
            break  # its newline was written, but not all before it
        entries.append(entry)
        size += len(line) + 1
        before = _carried(entries, crc)
    return entries, size, before


def _parse(line: bytes, before: int) -> tuple[Entry | None, int]:
    """A line's entry, if it is whole and follows the lines before it, and its CRC-32."""
    try:
        entry = json.loads(line)
        crc = entry.pop("crc")
        text = line[: line.rindex(b',"crc":')] + b"}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, 0
    whole = zlib.crc32(text, before) == crc and isinstance(entry.get("event"), str)
    return entry if whole else None, crc


def _check_version(first: Entry, path: Path) -> None:
    if first["event"] != "opened":
        raise JournalError(f"{path}: the first line is missing; start anew with --fresh")
    version = first.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise JournalError(
            f"{path}: written by a newer trialstack (journal version {version}, this one "
            f"reads up to {VERSION}); update trialstack, or start anew with --fresh"
        )
