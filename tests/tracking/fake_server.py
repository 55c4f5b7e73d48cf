"""A tracking server in this process that fails on demand.

Its answers are those of MLflow's own Flask application over an SQLite file; what goes wrong goes
wrong between the socket and the application.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from trialstack.tracking.store import Store

FAULTS = ("refuses", "hangs", "500", "500 after", "drops after")
"""No socket; no answer; an error at once; an error, or no answer, although all was done."""

FIRST_PAGE = "/api/2.0/mlflow/experiments/search?max_results=1"


class FakeServer:
    """Serves until `close`.

    Args:
        folder: Where `server.db` is, or comes to be.

    Attributes:
        fault: One of `FAULTS`, or empty.
        requests: Path -> how many came, failed ones included.
        failed: How many failed.
    """

    def __init__(self, folder: Path) -> None:
        self.database = folder / "server.db"
        self.fault = ""
        self.requests: Counter[str] = Counter()
        self.failed = 0
        self._released = threading.Event()
        self._environment = mock.patch.dict(
            os.environ,
            {
                "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.database}",
                "_MLFLOW_SERVER_ARTIFACT_ROOT": str(folder / "artifacts"),
                "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
                "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
            },
        )
        self._environment.start()
        self._app = _application()
        self._app.test_client().get(FIRST_PAGE)  # the first answer takes seconds
        self.port = 0
        self._open()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def store(self, folder: Path) -> Store:
        return Store(self.uri, None, folder, local=False)

    def fail(self, fault: str) -> None:
        """Begins an outage."""
        assert fault in FAULTS
        self._released.clear()
        self.fault = fault
        if fault == "refuses":
            self._shut()

    def recover(self) -> None:
        """Ends it."""
        was, self.fault = self.fault, ""
        self._released.set()
        if was == "refuses":
            self._open()

    def close(self) -> None:
        self._released.set()
        self._shut()
        self._environment.stop()

    def _open(self) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            def log(self, *_: Any) -> None:
                return

        self._server = make_server(
            "127.0.0.1", self.port, self._answer, threaded=True, request_handler=Silent
        )
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _shut(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.requests[environ["PATH_INFO"]] += 1
        fault = self.fault
        self.failed += bool(fault)
        if fault == "hangs":
            self._released.wait(60)
        if fault == "500":
            start("500 INTERNAL SERVER ERROR", [("Content-Length", "0")])
            return [b""]
        if not fault:
            return list(self._app(environ, start))
        answer = list(self._app(environ, lambda *_: _ignore))
        if fault == "500 after":
            start("500 INTERNAL SERVER ERROR", [("Content-Length", "0")])
            return [b""]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start("200 OK", [])
        return answer


def _ignore(_: bytes) -> None:
    return None


def _application() -> Any:
    import warnings

    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        # At the first search otherwise; what it needs is there with the extra `server` only.
        importlib.import_module("mlflow.server.auth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.server import app, handlers

    # What an earlier server of this process has opened.
    for name in ("_tracking_store", "_model_registry_store", "_artifact_repo"):
        setattr(handlers, name, None)
    return app
