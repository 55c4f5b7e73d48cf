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
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store

DEFAULT_PORT = 5000
_PORTS_TRIED = 50
_READY_WITHIN = 180.0  # seconds; ten to twenty are usual
_STOPS_WITHIN = 5.0


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
        port: Where to listen; the next free one if it is taken.
        host: A loopback address; anyone who reaches this server may change and delete.
        on_ready: Told the address once pages are served.
        warn: Told when another port is taken.

    Raises:
        InputError: The host is no loopback address, no port is free, or the store is unusable.
        Interrupted: A signal ended it, which is the usual way.
        TrialstackError: The server ended by itself.
    """
    if store.tracking_uri.startswith("http"):
        on_ready(display_uri(store.tracking_uri))
        return
    _require_loopback(host)
    open_client(store)  # makes the schema, and refuses in one line what the server would log
    chosen = _free_port(host, port)
    if chosen != port:
        warn(f"port {port} is in use: the UI takes {chosen}")
    with _signals_raise(), _server(store, host, chosen) as (process, output):
        url = f"http://{_bracketed(host)}:{chosen}"
        _wait_until_ready(url, process, output)
        on_ready(url)
        process.wait()
        raise _ended(process, output)


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
            return port
    raise InputError(f"port {first}: it and the next {last - first - 1} are in use; choose another")


@contextmanager
def _server(
    store: Store, host: str, port: int
) -> Iterator[tuple[subprocess.Popen[str], deque[str]]]:
    """The server's process and the last lines of its output."""
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
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,  # its workers are ended with it, as one group
    )
    output: deque[str] = deque(maxlen=20)
    assert process.stdout is not None
    reader = threading.Thread(target=output.extend, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield process, output
    finally:
        _stop(process)
        reader.join(timeout=1.0)
        process.stdout.close()


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends the whole group, also what the server leaves behind when it ends by itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOPS_WITHIN)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _wait_until_ready(url: str, process: subprocess.Popen[str], output: deque[str]) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _ended(process, output)
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TrialstackError(f"the MLflow server at {url} was not ready after {_READY_WITHIN:.0f} s")


def _ended(process: subprocess.Popen[str], output: deque[str]) -> TrialstackError:
    last = next((line.strip() for line in reversed(output) if line.strip()), "it said nothing")
    return TrialstackError(
        f"the MLflow server ended with code {process.returncode}: {display_uri(last)}"
    )


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
