"""A child process that may die: requests and answers are lines of JSON, its death is an exception.

It ends with this process, even if that is killed: its standard input then ends.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SECONDS_TO_END = 10.0
"""For how long a process that has closed its pipe is waited for, to tell its exit status."""
LONGEST_LOG = 20_000
"""Bytes of the log's end that are kept of a death."""


class ChildDiedError(Exception):
    """The process ended without being asked to; the text says how.

    Attributes:
        log: The end of what it wrote.
    """

    def __init__(self, returncode: int | None, log: str) -> None:
        super().__init__(manner_of(returncode))
        self.log = log


def manner_of(returncode: int | None) -> str:
    """How a process died, from its return code as `subprocess` has it.

    Example:
        >>> manner_of(-11), manner_of(1)
        ('SIGSEGV', 'exit code 1')
        >>> manner_of(-9)
        'SIGKILL; out of memory?'
    """
    if returncode is None:
        return "it closed its output"
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"{name}; out of memory?" if -returncode == signal.SIGKILL else name


class Child:
    """One process. Ctrl-C does not reach it: it is for this process, which then ends that one.

    Args:
        command: Its command line.
        log: File for all that it writes beside its answers; overwritten.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                encoding="utf-8",
                start_new_session=True,
            )

    def answers(self, request: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """What it answers, line by line; the caller knows which is the last.

        Args:
            request: Sent before; None = nothing is.

        Raises:
            ChildDiedError: There is no further answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if request is not None:
            with contextlib.suppress(BrokenPipeError):  # it is dead, as its other pipe will tell
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if not line.endswith("\n"):
                break  # it died while it wrote
            yield json.loads(line)
        raise self._death()

    def close(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _death(self) -> ChildDiedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        log = self._log.read_bytes()[-LONGEST_LOG:] if self._log.exists() else b""
        return ChildDiedError(self._process.returncode, log.decode(errors="replace").strip())
