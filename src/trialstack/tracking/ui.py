"""The MLflow UI of a store, as a child process that is reachable from this machine only."""

from __future__ import annotations

import ipaddress
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from trialstack.errors import InputError, Interrupted, TrialstackError
from trialstack.tracking.connection import probe
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store

DEFAULT_PORT = 5000
_PORTS_TRIED = 50
_READY_WITHIN = 180.0  # seconds; ten to twenty are usual
_STOPS_WITHIN = 5.0

# A shell's script that runs a command and, beside it, what ends the whole group once this process
# is gone, even killed: the shell's input, on which nothing is ever written, then ends.
_BOUND = 'exec 3<&0 </dev/null; { cat; kill -KILL 0; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-'


def ui_command(store: Store) -> str:
    """What a user types to browse a store; empty where a server runs already."""
    if store.tracking_uri.startswith("http"):
        return ""
    try:
        default = resolve_store()
    except InputError:
        default = None
    if store == default:
        return "trialstack ui"
    return f"trialstack ui --tracking-uri {shlex.quote(display_uri(store.tracking_uri))}"


def serve_ui(
    store: Store,
    port: int = DEFAULT_PORT,
    *,
    host: str = "127.0.0.1",
    on_ready: Callable[[str], None] = lambda url: None,
    warn: Callable[[str], None] = lambda line: None,
) -> None:
    """Runs the MLflow UI until a signal or the end of the server.

    Call it from the main thread: SIGINT and SIGTERM end the server and all of its processes.

    Args:
        store: What to show. For the store of a server, that server is the UI: `on_ready` gets its
            address and nothing is started.
        port: Where to listen; the next free one if it is taken. 0 for any.
        host: A loopback address; anyone who reaches this server may change and delete.
        on_ready: Told the address once pages are served.
        warn: Told when another port is taken.

    Raises:
        InputError: The host is no loopback address, no port is free, or the store is unusable: its
            server does not answer, say.
        Interrupted: A signal ended it, which is the usual way.
        TrialstackError: The server ended by itself.
    """
    if store.tracking_uri.startswith("http"):
        probe(store)
        on_ready(display_uri(store.tracking_uri))
        return
    _require_loopback(host)
    open_client(store)  # makes the schema, and refuses in one line what the server would log
    chosen = _free_port(host, port)
    if port and chosen != port:
        warn(f"port {port} is in use: the UI takes {chosen}")
    with _signals_raise(), _running(store, host, chosen) as server:
        url = f"http://{_bracketed(host)}:{chosen}"
        _wait_until_ready(url, server)
        on_ready(url)
        server.process.wait()
        raise server.ended()


def _require_loopback(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise InputError(
            f"host {host!r}: the UI has no passwords, so it serves this machine only; "
            "use 127.0.0.1, and an SSH tunnel from elsewhere"
        )


def _free_port(host: str, first: int) -> int:
    last = min(first + _PORTS_TRIED, 65536)
    for port in range(first, last):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise InputError(f"port {first}: it and the next {last - first - 1} are in use; choose another")


class _Server:
    """A child process and the last lines that it wrote."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", _BOUND, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,  # its workers are ended with it, as one group
        )
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


@contextmanager
def _running(store: Store, host: str, port: int) -> Iterator[_Server]:
    names = dict.fromkeys(["localhost", "127.0.0.1", _bracketed(host)])
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    # A pattern would let a web page reach the server under a name of its own (DNS rebinding).
    command += ["--allowed-hosts", ",".join(f"{name}:{port}" for name in names)]
    environment = {
        **os.environ,
        # Not on the command line, where everyone may read a password in it.
        "MLFLOW_BACKEND_STORE_URI": store.tracking_uri,
        "MLFLOW_REGISTRY_STORE_URI": store.tracking_uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": (store.artifact_root or store.folder).as_uri(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
    }
    server = _Server(command, environment)
    try:
        yield server
    finally:
        server.stop()


def _wait_until_ready(url: str, server: _Server) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise server.ended()
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TrialstackError(f"the MLflow server at {url} was not ready after {_READY_WITHIN:.0f} s")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


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
