"""A server of MLflow's as a child process, reachable from this machine only, ended with this one.

MLflow's own commands start servers of several processes, which outlive a killed parent. Here all of
them are one group, bound to this process by a pipe.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from trialstack.errors import InputError, Interrupted, TrialstackError
from trialstack.tracking.store import display_uri

_PORTS_TRIED = 50
_READY_WITHIN = 180.0  # seconds; ten to twenty are usual
_STOPS_WITHIN = 5.0

# A shell's script that runs a command and, beside it, what ends the whole group once this process
# is gone, even killed: the shell's input, on which nothing is ever written, then ends.
_BOUND = 'exec 3<&0 </dev/null; { cat; kill -KILL 0; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-'


@dataclass(frozen=True)
class Program:
    """A server that can be run.

    Attributes:
        title: As messages name it, such as `"the UI"`.
        command: From host and port to the command line.
        health: Path of a page that is there once the server is ready.
        environment: Variables beside this process' own.
        folder: Where it runs; None for the current directory.
        log: Takes the lines that it writes, without line ends or passwords; None: nobody does.
    """

    title: str
    command: Callable[[str, int], list[str]]
    health: str
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    log: Callable[[str], None] | None = None


def serve(
    program: Program,
    port: int,
    *,
    host: str,
    on_ready: Callable[[str], None],
    warn: Callable[[str], None],
    any_port: bool = True,
) -> NoReturn:
    """Runs a server until a signal or its own end.

    Call it from the main thread: SIGINT and SIGTERM end the server and all of its processes.

    Args:
        program: What to run.
        port: Where to listen; the next free one if it is taken. 0 for any.
        host: A loopback address, see `require_loopback`.
        on_ready: Told the server's address once it answers.
        warn: Told when another port is taken.
        any_port: Whether another port will do.

    Raises:
        InputError: No port is free that will do.
        Interrupted: A signal ended it, which is the usual way.
        TrialstackError: The server ended by itself.
    """
    chosen = _free_port(host, port, _PORTS_TRIED if any_port else 1)
    if port and chosen != port:
        warn(f"port {port} is in use: {program.title} takes {chosen}")
    with _signals_raise(), running(program, host, chosen) as server:
        url = f"http://{bracketed(host)}:{chosen}"
        _wait_until_ready(f"{url}{program.health}", server)
        on_ready(url)
        server.process.wait()
        raise server.ended()


def require_loopback(host: str, title: str) -> None:
    """Refuses an address that other machines reach.

    Args:
        host: An IP address, or `localhost`.
        title: What would be served there.

    Raises:
        InputError: It is another host name or no loopback address.
    """
    if not is_loopback(host):
        raise InputError(
            f"host {host!r}: {title} has no passwords, so it serves this machine only; "
            "use 127.0.0.1, and an SSH tunnel from elsewhere"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only; a name is not, but `localhost`.

    >>> is_loopback("127.0.0.2"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bracketed(host: str) -> str:
    """A host as it stands in a URL.

    >>> bracketed("127.0.0.1"), bracketed("::1")
    ('127.0.0.1', '[::1]')
    """
    return f"[{host}]" if ":" in host else host


class Server:
    """A child process and the last lines that it wrote."""

    def __init__(self, program: Program, host: str, port: int) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", _BOUND, "sh", *program.command(host, port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **program.environment},
            cwd=program.folder,
            start_new_session=True,  # its workers are ended with it, as one group
        )
        self._log = program.log or (lambda line: None)
        self._lines: deque[str] = deque(maxlen=20)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ended(self) -> TrialstackError:
        """Why the process ended by itself, as far as it said."""
        self._reader.join(timeout=1.0)
        said = [line.strip() for line in self._lines.copy() if line.strip()] or ["it said nothing"]
        return TrialstackError(
            f"the MLflow server ended with code {self.process.returncode}: {display_uri(said[-1])}"
        )

    def stop(self) -> None:
        """Ends the whole group, also what a server leaves behind that ended by itself."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(_STOPS_WITHIN)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._reader.join(timeout=1.0)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                self._log(display_uri(line.rstrip("\n")))


@contextmanager
def running(program: Program, host: str, port: int) -> Iterator[Server]:
    """A server that is ended on the way out; it may not be ready yet."""
    server = Server(program, host, port)
    try:
        yield server
    finally:
        server.stop()


def _free_port(host: str, first: int, tried: int) -> int:
    last = min(first + tried, 65536)
    for port in range(first, last):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE and tried == 1:
                    raise InputError(f"host {host!r}, port {port}: {error.strerror}") from error
                continue
            return int(probe.getsockname()[1])
    others = f"it and the next {last - first - 1} are" if tried > 1 else "it is"
    raise InputError(f"port {first}: {others} in use; choose another")


def _wait_until_ready(page: str, server: Server) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise server.ended()
        try:
            with urllib.request.urlopen(page, timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TrialstackError(f"the MLflow server was not ready after {_READY_WITHIN:.0f} s: {page}")


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGINT and SIGTERM become exceptions, so that the server is ended on the way out."""

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        raise Interrupted(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
