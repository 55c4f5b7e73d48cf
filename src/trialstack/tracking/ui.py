"""The MLflow UI of a store, as a child process that is reachable from this machine only."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

from trialstack.errors import InputError
from trialstack.tracking.connection import probe
from trialstack.tracking.server import Program, bracketed, require_loopback, serve
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store

DEFAULT_PORT = 5000


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
    require_loopback(host, "the UI")
    open_client(store)  # makes the schema, and refuses in one line what the server would log
    serve(_program(store), port, host=host, on_ready=on_ready, warn=warn)


def _program(store: Store) -> Program:
    environment = {
        # Not on the command line, where everyone may read a password in it.
        "MLFLOW_BACKEND_STORE_URI": store.tracking_uri,
        "MLFLOW_REGISTRY_STORE_URI": store.tracking_uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": (store.artifact_root or store.folder).as_uri(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
    }
    return Program("the UI", _command, "/health", environment)


def _command(host: str, port: int) -> list[str]:
    names = dict.fromkeys(["localhost", "127.0.0.1", bracketed(host)])
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    # A pattern would let a web page reach the server under a name of its own (DNS rebinding).
    return [*command, "--allowed-hosts", ",".join(f"{name}:{port}" for name in names)]
